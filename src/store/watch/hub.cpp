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
constexpr milliseconds due_check{200};  // clocks may jump: never sleep longer than this towards an expiry
constexpr milliseconds due_again{50};   // the store's clock is behind ours: the record is still there

// Whatever keeps the store from answering, to a watcher it is an outage.
error as_outage(const error& why) {
  if (why.is(cond::unavailable)) return why;
  return error(errc::connection_lost, "the store cannot be watched now: " + why.detail(), why.peer_text());
}

}  // namespace

// What a watcher and its next() that waits share.
class watch_hub::subscription {
 public:
  virtual ~subscription() = default;
  // The next thing to tell; absent: nothing now. "stopped" after end().
  [[nodiscard]] virtual std::optional<result<event>> read() = 0;
  // Leaves the hub. May be called again.
  virtual void end() = 0;
  void wake() {
    if (waiting_ != nullptr) waiting_->cancel();
  }

 protected:
  [[nodiscard]] static result<event> stopped() { return error(errc::stopped, "the store was closed"); }

 private:
  friend struct waiting_timer;
  asio::steady_timer* waiting_ = nullptr;
};

// What wake() ends, while a next() waits.
struct watch_hub::waiting_timer {
  waiting_timer(subscription& waits, const asio::any_io_executor& executor)
      : timer(executor, asio::steady_timer::time_point::max()), waiting(waits) {
    waiting.waiting_ = &timer;
  }
  ~waiting_timer() { waiting.waiting_ = nullptr; }
  waiting_timer(const waiting_timer&) = delete;
  waiting_timer& operator=(const waiting_timer&) = delete;
  asio::steady_timer timer;
  subscription& waiting;
};

class watch_hub::owner_subscription final : public subscription, public owner_log::reader {
 public:
  owner_subscription(entry* watched, const watch_options& options) : owner_log::reader(options), entry_(watched) {}
  std::optional<result<event>> read() override { return entry_ != nullptr ? entry_->log.read(*this) : stopped(); }
  void end() override {
    if (auto* const from = std::exchange(entry_, nullptr)) from->hub.remove(*this, *from);
    wake();
  }

 private:
  entry* entry_;  // null: ended
};

class watch_hub::all_subscription final : public subscription {
 public:
  all_subscription(watch_hub* owning_hub, std::uint64_t now) : joined(now), hub_(owning_hub) {}
  std::optional<result<event>> read() override { return hub_ != nullptr ? feed.take() : stopped(); }
  void end() override {
    if (auto* const from = std::exchange(hub_, nullptr)) from->remove(*this);
    wake();
  }
  watch_feed feed;
  std::uint64_t joined;
  bool ready = false;  // has its snapshot, and gets events

 private:
  watch_hub* hub_;  // null: ended
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
      waiting_timer wait(*from, co_await asio::this_coro::executor);
      auto [ec] = co_await wait.timer.async_wait(aio::use_ec);
      static_cast<void>(ec);
    }
  }

  std::shared_ptr<subscription> subscription_;
};

watch_hub::watch_hub(asio::any_io_executor executor, source from)
    : executor_(executor), from_(std::move(from)), due_timer_(executor), progress_(executor), work_(executor) {
  progress_.expires_at(asio::steady_timer::time_point::max());
}

watch_hub::~watch_hub() { end_subscriptions(); }

void watch_hub::end_subscriptions() {
  std::vector<subscription*> open(all_.begin(), all_.end());
  for (auto& [account, e] : entries_) {
    for (auto* reader : e.log.readers()) open.push_back(static_cast<owner_subscription*>(reader));
  }
  for (auto* one : open) one->end();
}

watch_hub::entries::iterator watch_hub::entry_of(const owner& account) {
  return entries_.try_emplace(account, *this, account).first;
}

void watch_hub::wake_readers(const entry& changed) {
  for (auto* reader : changed.log.readers()) {
    if (changed.log.has_news(*reader)) static_cast<owner_subscription*>(reader)->wake();
  }
}

std::unique_ptr<watcher> watch_hub::open(std::optional<owner> account, const watch_options& options) {
  if (work_.stopping())
    return std::make_unique<subscription_watcher>(std::make_shared<owner_subscription>(nullptr, options));
  if (work_.size() == 0) work_.spawn("expiry of watched records", expire());
  const auto now = ++ticks_;
  if (!account) {
    auto joins = std::make_shared<all_subscription>(this, now);
    if (lost_) joins->feed.failed(as_outage(*lost_));
    all_.push_back(joins.get());
    start_walk();
    return std::make_unique<subscription_watcher>(std::move(joins));
  }
  auto& watched = entry_of(*account)->second;
  auto joins = std::make_shared<owner_subscription>(&watched, options);
  watched.log.add(*joins, now);
  if (lost_) watched.log.failed(as_outage(*lost_));
  ++owner_watchers_;
  look_at(*account);
  return std::make_unique<subscription_watcher>(std::move(joins));
}

void watch_hub::remove(owner_subscription& leaves, entry& from) {
  from.log.remove(leaves);
  --owner_watchers_;
  const owner account = from.log.account();
  forget(account);
}

void watch_hub::remove(all_subscription& leaves) {
  std::erase(all_, &leaves);
  if (all_watched()) return;
  progress_.cancel();
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto account = (at++)->first;
    forget(account);
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
  if (all_watched() && !at->second.log.empty()) return;
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
  const auto told = as_outage(why);
  for (auto& [account, e] : entries_) {
    e.log.failed(told);
    wake_readers(e);
  }
  for (auto* one : all_) {
    one->feed.failed(told);
    one->wake();
  }
}

void watch_hub::restored() {
  if (work_.stopping()) return;
  lost_.reset();
  const auto now = ++ticks_;
  for (auto& [account, e] : entries_) {
    e.log.restored(now);
    wake_readers(e);
  }
  for (auto* one : all_) {
    one->feed.recovered();
    if (one->ready) one->feed.mark(event::kind::resync);
    one->wake();
  }
  for (auto* timer : pauses_) timer->cancel();
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
  auto& log = at->second.log;
  const auto changes = log.replace(std::move(listed), started);
  if (!lost_) log.recovered();
  wake_readers(at->second);
  for (auto* one : all_) {
    if (!one->ready || changes.empty()) continue;
    for (const auto& change : changes) one->feed.add(change);
    one->wake();
  }
  auto due = log.next_expiry();
  if (due) due = std::max(*due, from_.now() + due_again);
  set_due(at, due);
  succeeded(&account);
  if (started > walk_started_ && outstanding_.erase(account) > 0) progress_.cancel();
}

// Watchers of all owners that came before the walk began get what is known as their snapshot.
void watch_hub::finish_walk(std::uint64_t started) {
  for (auto* one : all_) {
    if (one->ready || one->joined >= started) continue;
    for (const auto& [account, e] : entries_) {
      for (auto& record : e.log.snapshot()) one->feed.add(std::move(record));
    }
    one->feed.mark(event::kind::ready);
    one->ready = true;
    one->wake();
  }
}

// account: the owner whose listing failed; null: the walk over all.
void watch_hub::failed(const owner* account, const error& why) {
  failing_.insert(account ? std::optional<owner>(*account) : std::nullopt);
  const auto told = as_outage(why);
  for (auto* one : all_) {
    one->feed.failed(told);
    one->wake();
  }
  if (!account) return;
  auto& e = entries_.at(*account);
  e.log.failed(told);
  wake_readers(e);
}

// To watchers of all owners the outage lasts as long as one owner's.
void watch_hub::succeeded(const owner* account) {
  if (failing_.erase(account ? std::optional<owner>(*account) : std::nullopt) == 0 || !failing_.empty() || lost_) return;
  for (auto* one : all_) one->feed.recovered();
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
    const auto now = from_.now();
    while (!due_.empty() && due_.begin()->first <= now) {
      const auto at = entries_.find(due_.begin()->second);
      set_due(at, std::nullopt);
      mark_dirty(at);
    }
    pump();
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
