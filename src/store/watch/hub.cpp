// SPDX-License-Identifier: MIT
#include "store/watch/hub.hh"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace mcpstate {

using std::chrono::milliseconds;

namespace {

constexpr std::size_t max_listings = 16;
constexpr std::size_t due_per_turn = 256;
constexpr milliseconds due_check{200};  // clocks may jump: never sleep longer than this towards an expiry
// Where the store's clock is behind ours, a record that is due is there still. Each time that it is, the next look is later.
constexpr milliseconds first_overdue_pause{50}, longest_overdue_pause{5000};

// Whatever keeps the store from answering, to a watcher it is an outage.
error as_outage(const error& why) {
  if (why.is(cond::unavailable)) return why;
  return error(errc::connection_lost, "the store cannot be watched now: " + why.detail(), why.peer_text());
}

}  // namespace

// What a watcher and its next() that waits share.
class watch_hub::subscription : public change_log::reader {
 public:
  subscription(watched_log* watched, const watch_options& options) : change_log::reader(options), source_(watched) {}
  // The next thing to tell; absent: nothing now.
  [[nodiscard]] std::optional<result<event>> read() {
    if (source_ == nullptr) return error(errc::stopped, "the store was closed");
    return source_->log.read(*this);
  }
  // Leaves the hub; read() says "stopped" from now on. May be called again.
  void end() {
    if (auto* const from = std::exchange(source_, nullptr)) from->hub.remove(*this, *from);
    wake();
  }
  void wake() {
    if (waiting_ != nullptr) waiting_->cancel();
  }
  // The timer that wake() ends, for as long as a next() waits.
  struct wait {
    wait(subscription& waits, const asio::any_io_executor& executor)
        : timer(executor, asio::steady_timer::time_point::max()), waiting(waits.waiting_) {
      waiting = &timer;
    }
    ~wait() { waiting = nullptr; }
    wait(const wait&) = delete;
    wait& operator=(const wait&) = delete;
    asio::steady_timer timer;
    asio::steady_timer*& waiting;
  };

 private:
  watched_log* source_;  // null: ended
  asio::steady_timer* waiting_ = nullptr;
};

class watch_hub::subscription_watcher final : public watcher {
 public:
  explicit subscription_watcher(std::shared_ptr<subscription> watched) : subscription_(std::move(watched)) {}
  ~subscription_watcher() override { subscription_->end(); }
  task<event> next() override { return read(subscription_); }
  std::optional<result<event>> try_next() override { return subscription_->read(); }

 private:
  // Does not use the watcher, which may be destroyed meanwhile.
  static task<event> read(std::shared_ptr<subscription> from) {
    co_await asio::this_coro::throw_if_cancelled(false);
    for (;;) {
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none) co_return error(errc::stopped, "the watch was cancelled");
      if (auto got = from->read()) co_return std::move(*got);
      subscription::wait woken(*from, co_await asio::this_coro::executor);
      auto [ec] = co_await woken.timer.async_wait(aio::use_ec);
      static_cast<void>(ec);
    }
  }

  std::shared_ptr<subscription> subscription_;
};

watch_hub::watch_hub(asio::any_io_executor executor, source from)
    : executor_(executor),
      from_(std::move(from)),
      due_timer_(executor),
      progress_(executor),
      work_(executor, aio::end_process) {
  progress_.expires_at(asio::steady_timer::time_point::max());
}

watch_hub::~watch_hub() { end_subscriptions(); }

template <class Fn>
void watch_hub::for_each_log(Fn fn) {
  for (auto& [account, e] : entries_) fn(e.log);
  fn(all_.log);
}

void watch_hub::end_subscriptions() {
  std::vector<change_log::reader*> open;
  for_each_log([&open](const change_log& log) { open.insert(open.end(), log.readers().begin(), log.readers().end()); });
  for (auto* one : open) static_cast<subscription*>(one)->end();
}

watch_hub::entries::iterator watch_hub::entry_of(const owner& account) {
  return entries_.try_emplace(account, *this, account).first;
}

void watch_hub::wake_readers(const change_log& changed) {
  for (auto* reader : changed.readers()) {
    if (changed.has_news(*reader)) static_cast<subscription*>(reader)->wake();
  }
}

std::unique_ptr<watcher> watch_hub::open(std::optional<owner> account, const watch_options& options) {
  if (work_.stopping()) return std::make_unique<subscription_watcher>(std::make_shared<subscription>(nullptr, options));
  if (work_.size() == 0) work_.spawn("expiry of watched records", expire());
  watched_log& watched = account ? entry_of(*account)->second : all_;
  auto joins = std::make_shared<subscription>(&watched, options);
  watched.log.add(*joins, ++ticks_);
  if (lost_) watched.log.failed(as_outage(*lost_));
  if (account) {
    ++owner_watchers_;
    look_at(*account);
  } else {
    start_walk();
  }
  return std::make_unique<subscription_watcher>(std::move(joins));
}

// A log that nobody reads is not kept.
void watch_hub::remove(subscription& leaves, watched_log& from) {
  from.log.remove(leaves);
  const auto account = from.account;
  if (account) --owner_watchers_;
  if (!from.log.readers().empty()) return;
  from.log = change_log();
  if (account) return forget(*account);
  progress_.cancel();
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto next = (at++)->first;
    forget(next);
  }
}

bool watch_hub::wanted(const owner& account) const {
  if (all_watched()) return true;
  const auto at = entries_.find(account);
  return at != entries_.end() && !at->second.log.readers().empty();
}

// Drops what is known of an owner that nobody watches, and of one without records that only watchers of all owners watch.
void watch_hub::forget(const owner& account) {
  const auto at = entries_.find(account);
  if (at == entries_.end() || at->second.listing || at->second.queued || !at->second.log.readers().empty()) return;
  if (all_watched() && !at->second.empty) return;
  set_due(at, std::nullopt);
  outstanding_.erase(account);
  succeeded(&account);
  entries_.erase(at);
}

void watch_hub::changed(const owner& account) {
  if (wanted(account)) look_at(account);
}

void watch_hub::changed_tools(const owner& account, const std::string& member) {
  if (!wanted(account)) return;
  auto& members = entry_of(account)->second.foreign;
  if (from_.with_tools && std::find(members.begin(), members.end(), member) == members.end()) members.push_back(member);
  look_at(account);
}

void watch_hub::changed_all() {
  for (auto at = entries_.begin(); at != entries_.end(); ++at) mark_dirty(at);
  if (all_watched()) start_walk();
  pump();
}

void watch_hub::lost(const error& why) {
  if (work_.stopping()) return;
  lost_ = why;
  for_each_log([told = as_outage(why)](change_log& log) {
    log.failed(told);
    wake_readers(log);
  });
}

void watch_hub::restored(std::string_view remark) {
  if (work_.stopping()) return;
  lost_.reset();
  for_each_log([now = ++ticks_, remark](change_log& log) {
    log.restored(now, remark);
    wake_readers(log);
  });
  for (auto* timer : pauses_) timer->cancel();
  changed_all();
}

void watch_hub::lost_data(std::string_view remark) {
  if (work_.stopping()) return;
  for_each_log([now = ++ticks_, remark](change_log& log) { log.lost_data(now, remark); });
  for_each_log(wake_readers);
  changed_all();
}

asio::awaitable<void> watch_hub::close() {
  work_.request_stop();
  end_subscriptions();
  progress_.cancel();
  co_await work_.stop();
}

void watch_hub::look_at(const owner& account) {
  auto at = entry_of(account);
  mark_dirty(at);
  pump();
}

void watch_hub::mark_dirty(entries::iterator at) {
  at->second.dirty = true;
  if (at->second.queued || at->second.listing) return;
  at->second.queued = true;
  queue_.push_back(at->first);
}

void watch_hub::pump() {
  while (listings_ < max_listings && !queue_.empty() && !work_.stopping()) {
    const owner account = std::move(queue_.front());
    queue_.pop_front();
    auto& e = entries_.at(account);
    e.queued = false;
    e.listing = true;
    ++listings_;
    work_.spawn("list " + account.text() + " for watchers", relist(account));
  }
}

// Takes one listing of an owner. started: when it began.
void watch_hub::finish(const owner& account, std::uint64_t started, std::vector<connection> listed) {
  const auto at = entries_.find(account);
  auto& e = at->second;
  e.empty = listed.empty();
  set_due(at, next_look(e, listed));
  if (all_watched()) {
    all_.log.replace(account, listed);
    wake_readers(all_.log);
  }
  if (!e.log.readers().empty()) e.log.replace(account, std::move(listed));
  e.log.complete(started);
  if (!lost_) e.log.recovered();
  wake_readers(e.log);
  succeeded(&account);
  if (started > walk_started_ && outstanding_.erase(account) > 0) progress_.cancel();
}

// account: the owner whose listing failed; null: the walk over all.
void watch_hub::failed(const owner* account, const error& why) {
  failing_.insert(account ? std::optional<owner>(*account) : std::nullopt);
  const auto tell = [told = as_outage(why)](change_log& log) {
    log.failed(told);
    wake_readers(log);
  };
  tell(all_.log);
  if (account) tell(entries_.at(*account).log);
}

// To watchers of all owners an outage lasts as long as that of any owner.
void watch_hub::succeeded(const owner* account) {
  failing_.erase(account ? std::optional<owner>(*account) : std::nullopt);
  if (!failing_.empty() || lost_) return;
  all_.log.recovered();
  wake_readers(all_.log);
}

// When to look at an owner again because a record expires; absent without records, or if none expires.
std::optional<timestamp> watch_hub::next_look(entry& listed_entry, const std::vector<connection>& listed) const {
  std::optional<timestamp> first;
  for (const auto& one : listed) {
    if (one.expires_at && (!first || *one.expires_at < *first)) first = one.expires_at;
  }
  const auto now = from_.now();
  auto& pause = listed_entry.overdue_pause;
  if (!first || *first > now) {
    pause = milliseconds(0);
    return first;
  }
  pause = std::clamp(2 * pause, first_overdue_pause, longest_overdue_pause);
  if (from_.overdue) from_.overdue();
  return now + pause;
}

void watch_hub::set_due(entries::iterator at, std::optional<timestamp> when) {
  if (at->second.due) due_.erase(std::pair(*at->second.due, at->first));
  at->second.due = when;
  if (!when) return;
  const auto added = due_.emplace(*when, at->first).first;
  if (added == due_.begin()) due_timer_.cancel();
}

asio::awaitable<void> watch_hub::relist(owner account) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await asio::post(executor_, asio::use_awaitable);  // who joins in the same turn is served by this listing
  auto wait = first_pause;
  while (!work_.stopping() && wanted(account)) {
    entries_.at(account).dirty = false;
    const auto started = ++ticks_;
    auto listing = from_.list(account);
    auto listed = co_await std::move(listing);
    if (work_.stopping()) break;
    if (listed && !entries_.at(account).foreign.empty()) {
      auto reading = read_foreign_tools(account, &*listed);
      auto done = co_await std::move(reading);
      if (work_.stopping()) break;
      if (!done) listed = done.error();
    }
    if (listed) {
      finish(account, started, std::move(*listed));
      break;
    }
    failed(&account, listed.error());
    if (!co_await pause(wait)) break;
    wait = std::min(wait * 2, longest_pause);
  }
  --listings_;
  auto at = entries_.find(account);
  at->second.listing = false;
  if (!wanted(account)) outstanding_.erase(account);
  if (at->second.dirty && wanted(account)) mark_dirty(at);
  forget(account);
  pump();
}

// Puts the facts about the tools that are really there into the records whose tools another program wrote.
task<void> watch_hub::read_foreign_tools(owner account, std::vector<connection>* listed) {
  const std::vector<std::string> members = entries_.at(account).foreign;
  for (const auto& member : members) {
    const auto of_member = [&member](const connection& c) { return c.member == member; };
    const auto place = std::find_if(listed->begin(), listed->end(), of_member);
    bool same = true;
    if (place != listed->end()) {
      auto reading = from_.with_tools(account, member);
      auto got = co_await std::move(reading);
      if (!got) co_return got.error();
      if (*got) {
        same = (*got)->info.tool_count == place->info.tool_count && (*got)->info.tools_hash == place->info.tools_hash;
        *place = std::move(**got);
        place->tools.reset();
      }
    }
    if (same) std::erase(entries_.at(account).foreign, member);
  }
  co_return result<void>();
}

asio::awaitable<void> watch_hub::expire() {
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!work_.stopping()) {
    if (due_.empty()) {
      due_timer_.expires_at(asio::steady_timer::time_point::max());
    } else {
      const auto left = std::chrono::ceil<milliseconds>(due_.begin()->first - from_.now());
      due_timer_.expires_after(std::clamp(left, milliseconds(1), due_check));
    }
    auto [ec] = co_await due_timer_.async_wait(aio::use_ec);
    static_cast<void>(ec);  // cancelled also means that there is an earlier one
    take_due();
    pump();
  }
}

// What is due beyond the bound is taken in the next turn: others use this executor, too.
void watch_hub::take_due() {
  const auto now = from_.now();
  for (std::size_t taken = 0; taken < due_per_turn && !due_.empty() && due_.begin()->first <= now; ++taken) {
    const auto at = entries_.find(due_.begin()->second);
    set_due(at, std::nullopt);
    mark_dirty(at);
  }
}

// False when the hub is closing. restored() ends a pause early.
asio::awaitable<bool> watch_hub::pause(milliseconds how_long) {
  co_await asio::this_coro::throw_if_cancelled(false);
  asio::steady_timer timer(executor_, how_long);
  pauses_.insert(&timer);
  auto [ec] = co_await timer.async_wait(aio::use_ec);
  static_cast<void>(ec);
  pauses_.erase(&timer);
  co_return !work_.stopping();
}

}  // namespace mcpstate
