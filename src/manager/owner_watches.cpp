// SPDX-License-Identifier: MIT
#include "manager/owner_watches.hh"

#include <utility>

namespace mcpstate {

namespace {

using namespace std::chrono_literals;

constexpr auto pause_after_failure = 1s;

}  // namespace

owner_watches::owner_watches(store& records, listener on_event, resync_listener on_resync)
    : records_(records),
      on_event_(std::move(on_event)),
      on_resync_(std::move(on_resync)),
      following_(records.executor(), aio::end_process) {}

void owner_watches::add(const owner& who) {
  auto& watched = owners_[who];
  if (!watched) watched = std::make_shared<entry>();
  if (watched->count++ == 0) following_.spawn("watch an owner", follow(who, watched));
}

void owner_watches::remove(const owner& who) {
  const auto found = owners_.find(who);
  if (found == owners_.end() || --found->second->count > 0) return;
  found->second->source.reset();  // ends the next() that waits
  owners_.erase(found);
}

asio::awaitable<void> owner_watches::follow(owner who, entry_ptr watched) {
  co_await asio::this_coro::throw_if_cancelled(false);
  bool again = true;
  while (again) {
    std::optional<owner> account = who;
    auto opening = records_.watch(std::move(account));
    auto opened = co_await std::move(opening);
    bool ended = watched->count == 0 || (!opened && opened.error().is(cond::cancelled));
    if (opened && !ended) {
      watched->source = std::move(*opened);
      ended = co_await read(who, watched);
    }
    again = !ended;
    if (again) again = co_await aio::wait_until(aio::after(pause_after_failure));
  }
}

// Reads until the watch ends (true) or breaks (false).
asio::awaitable<bool> owner_watches::read(owner who, entry_ptr watched) {
  co_await asio::this_coro::throw_if_cancelled(false);
  while (watched->count > 0) {
    auto reading = watched->source->next();
    const auto got = co_await std::move(reading);
    // What follows any event without a record brings the difference.
    if (got && got->record) on_event_(*got);
    if (got && got->what == event::kind::resync && on_resync_) on_resync_(who);
    if (got || got.error().is(cond::unavailable)) continue;
    co_return got.error().is(cond::cancelled);
  }
  co_return true;
}

asio::awaitable<void> owner_watches::stop() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  co_await following_.stop();
  owners_.clear();
}

}  // namespace mcpstate
