// SPDX-License-Identifier: MIT
#include "store/watch/hub.hh"

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

struct watch_hub::seat {
  seat(const asio::any_io_executor& executor, std::optional<owner> whose) : who(std::move(whose)), wake(executor) {
    wake.expires_at(asio::steady_timer::time_point::max());
  }
  std::optional<owner> who;
  watch_feed feed;
  asio::steady_timer wake;
  std::uint64_t joined = 0;
  bool ready = false;  // has its snapshot, and gets events
  watch_hub* hub = nullptr;
};

class watch_hub::seat_watcher final : public watcher {
 public:
  explicit seat_watcher(std::shared_ptr<seat> mine) : seat_(std::move(mine)) {}
  ~seat_watcher() override {
    if (seat_->hub) seat_->hub->leave(seat_);
    seat_->feed.close();  // a next() that waits ends: it holds the seat, and not this
    seat_->wake.cancel();
  }
  task<event> next() override {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto mine = seat_;
    while (!mine->feed.has_news()) {
      auto [ec] = co_await mine->wake.async_wait(aio::use_ec);
      static_cast<void>(ec);
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() == asio::cancellation_type::none) continue;
      if (!mine->feed.has_news()) co_return error(errc::stopped, "the watch was cancelled");
    }
    // No variable for it: a frame of this size waits for each watched owner.
    co_return std::move(*mine->feed.take());
  }

 private:
  std::shared_ptr<seat> seat_;
};

watch_hub::watch_hub(asio::any_io_executor executor, source from)
    : executor_(executor),
      from_(std::move(from)),
      due_timer_(executor),
      progress_(executor),
      work_(executor, aio::end_process) {
  progress_.expires_at(asio::steady_timer::time_point::max());
}

watch_hub::~watch_hub() {
  for_each_seat([](seat& s) { s.hub = nullptr; });
}

template <class Fn>
void watch_hub::for_each_seat(Fn fn) {
  for (auto& s : all_seats_) fn(*s);
  for (auto& [who, e] : entries_) {
    for (auto& s : e.seats) fn(*s);
  }
}

std::unique_ptr<watcher> watch_hub::open(std::optional<owner> who) {
  auto mine = std::make_shared<seat>(executor_, std::move(who));
  if (work_.stopping()) {
    mine->feed.close();
    return std::make_unique<seat_watcher>(std::move(mine));
  }
  if (work_.size() == 0) work_.spawn("expiry of watched records", expire());
  mine->hub = this;
  mine->joined = ++ticks_;
  if (lost_) mine->feed.failed(as_outage(*lost_));
  if (mine->who) {
    entries_.try_emplace(*mine->who, *mine->who).first->second.seats.push_back(mine);
    ++named_seats_;
    look_at(*mine->who);
  } else {
    all_seats_.push_back(mine);
    start_walk();
  }
  return std::make_unique<seat_watcher>(std::move(mine));
}

void watch_hub::leave(const std::shared_ptr<seat>& who) {
  who->hub = nullptr;
  if (who->who) {
    std::erase(entries_.at(*who->who).seats, who);
    --named_seats_;
    forget(*who->who);
    return;
  }
  std::erase(all_seats_, who);
  if (all_watched()) return;
  progress_.cancel();
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto whose = (at++)->first;
    forget(whose);
  }
}

bool watch_hub::wanted(const owner& who) const {
  if (all_watched()) return true;
  const auto at = entries_.find(who);
  return at != entries_.end() && !at->second.seats.empty();
}

// Drops what is known of an owner that nobody watches, and of one without records that only watchers of all owners watch.
void watch_hub::forget(const owner& who) {
  const auto at = entries_.find(who);
  if (at == entries_.end() || at->second.listing || at->second.queued || !at->second.seats.empty()) return;
  if (all_watched() && !at->second.view.empty()) return;
  set_due(at, std::nullopt);
  outstanding_.erase(who);
  failing_.erase(who);
  entries_.erase(at);
}

void watch_hub::changed(const owner& who) {
  if (wanted(who)) look_at(who);
}

void watch_hub::changed_tools(const owner& who, const std::string& member) {
  if (!wanted(who)) return;
  auto& members = entries_.try_emplace(who, who).first->second.foreign;
  if (from_.with_tools && std::find(members.begin(), members.end(), member) == members.end()) members.push_back(member);
  look_at(who);
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
  for_each_seat([&told](seat& s) {
    s.feed.failed(told);
    s.wake.cancel();
  });
}

void watch_hub::restored() {
  if (work_.stopping()) return;
  lost_.reset();
  for_each_seat([](seat& s) {
    s.feed.recovered();
    if (s.ready) s.feed.mark(event::kind::resync);
    s.wake.cancel();
  });
  for (auto* timer : pauses_) timer->cancel();
  changed_all();
}

asio::awaitable<void> watch_hub::close() {
  work_.request_stop();
  for_each_seat([](seat& s) {
    s.feed.close();
    s.wake.cancel();
  });
  progress_.cancel();
  co_await work_.stop();
}

void watch_hub::look_at(const owner& who) {
  auto at = entries_.try_emplace(who, who).first;
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
    const owner who = std::move(queue_.front());
    queue_.pop_front();
    auto& e = entries_.at(who);
    e.queued = false;
    e.listing = true;
    ++listings_;
    work_.spawn("list " + who.text() + " for watchers", relist(who));
  }
}

// Tells watchers what one listing of an owner shows. started: when the listing began.
void watch_hub::finish(const owner& who, std::uint64_t started, std::vector<connection> listed) {
  const auto at = entries_.find(who);
  auto& e = at->second;
  const auto events = e.view.replace(std::move(listed));
  auto tell = [&events](seat& s) {
    if (!s.ready || events.empty()) return;
    for (const auto& one : events) s.feed.add(one);
    s.wake.cancel();
  };
  for (auto& s : e.seats) tell(*s);
  for (auto& s : all_seats_) tell(*s);
  seat_owner(e, started);
  auto due = e.view.next_expiry();
  if (due) due = std::max(*due, from_.now() + due_again);
  set_due(at, due);
  succeeded(&who);
  if (started > walk_started_ && outstanding_.erase(who) > 0) progress_.cancel();
}

// Watchers of this owner that came before the listing began get it as their snapshot.
void watch_hub::seat_owner(entry& e, std::uint64_t started) {
  for (auto& s : e.seats) {
    if (s->ready || s->joined >= started) continue;
    for (auto& one : e.view.snapshot()) s->feed.add(std::move(one));
    s->feed.mark(event::kind::ready);
    s->ready = true;
    s->wake.cancel();
  }
}

void watch_hub::seat_all(std::uint64_t started) {
  for (auto& s : all_seats_) {
    if (s->ready || s->joined >= started) continue;
    for (const auto& [who, e] : entries_) {
      for (auto& one : e.view.snapshot()) s->feed.add(std::move(one));
    }
    s->feed.mark(event::kind::ready);
    s->ready = true;
    s->wake.cancel();
  }
}

// who: the owner whose listing failed; null: the walk over all.
void watch_hub::failed(const owner* who, const error& why) {
  failing_.insert(who ? std::optional<owner>(*who) : std::nullopt);
  const auto told = as_outage(why);
  auto tell = [&told](seat& s) {
    s.feed.failed(told);
    s.wake.cancel();
  };
  for (auto& s : all_seats_) tell(*s);
  if (!who) return;
  for (auto& s : entries_.at(*who).seats) tell(*s);
}

void watch_hub::succeeded(const owner* who) {
  if (failing_.erase(who ? std::optional<owner>(*who) : std::nullopt) == 0 || !failing_.empty() || lost_) return;
  for_each_seat([](seat& s) { s.feed.recovered(); });
}

void watch_hub::set_due(entries::iterator at, std::optional<timestamp> when) {
  if (at->second.due) due_.erase(std::pair(*at->second.due, at->first));
  at->second.due = when;
  if (!when) return;
  const auto place = due_.emplace(*when, at->first).first;
  if (place == due_.begin()) due_timer_.cancel();
}

asio::awaitable<void> watch_hub::relist(owner who) {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto wait = first_pause;
  while (!work_.stopping() && wanted(who)) {
    entries_.at(who).dirty = false;
    const auto started = ++ticks_;
    auto listing = from_.list(who);
    auto listed = co_await std::move(listing);
    if (work_.stopping()) break;
    if (listed && !entries_.at(who).foreign.empty()) {
      auto reading = read_foreign_tools(who, &*listed);
      auto done = co_await std::move(reading);
      if (work_.stopping()) break;
      if (!done) listed = done.error();
    }
    if (listed) {
      finish(who, started, std::move(*listed));
      break;
    }
    failed(&who, listed.error());
    if (!co_await pause(wait)) break;
    wait = std::min(wait * 2, longest_pause);
  }
  --listings_;
  auto at = entries_.find(who);
  at->second.listing = false;
  if (!wanted(who)) outstanding_.erase(who);
  if (at->second.dirty && wanted(who)) mark_dirty(at);
  forget(who);
  pump();
}

// Puts the facts about the tools that are really there into the records whose tools another program wrote.
task<void> watch_hub::read_foreign_tools(owner who, std::vector<connection>* listed) {
  const std::vector<std::string> members = entries_.at(who).foreign;
  for (const auto& member : members) {
    const auto of_member = [&member](const connection& c) { return c.member == member; };
    const auto place = std::find_if(listed->begin(), listed->end(), of_member);
    bool same = true;
    if (place != listed->end()) {
      auto reading = from_.with_tools(who, member);
      auto got = co_await std::move(reading);
      if (!got) co_return got.error();
      if (*got) {
        same = (*got)->info.tool_count == place->info.tool_count && (*got)->info.tools_hash == place->info.tools_hash;
        *place = std::move(**got);
        place->tools.reset();
      }
    }
    if (same) std::erase(entries_.at(who).foreign, member);
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
