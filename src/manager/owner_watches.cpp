// SPDX-License-Identifier: MIT
#include "manager/owner_watches.hh"

#include <utility>

#include "core/bug.hh"

namespace mcpstate {

namespace {

using namespace std::chrono_literals;

constexpr auto pause_after_failure = 1s;

}  // namespace

owner_watches::owner_watches(store& records, listener on_event, resync_listener on_resync, bug_listener on_bug)
    : records_(records),
      on_event_(std::move(on_event)),
      on_resync_(std::move(on_resync)),
      on_bug_(std::move(on_bug)),
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
    bool ended = false;
    std::string bug;
    try {
      ended = co_await open_and_read(who, watched);
    } catch (...) {
      bug = caught_text();
    }
    if (!bug.empty()) on_bug_(bug);
    again = !ended && watched->count > 0;
    if (again) again = co_await aio::wait_until(aio::after(pause_after_failure));
  }
}

// True: the watch is over. False: it has broken.
asio::awaitable<bool> owner_watches::open_and_read(owner who, entry_ptr watched) {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::optional<owner> account = who;
  auto opening = records_.watch(std::move(account));
  auto opened = co_await std::move(opening);
  if (watched->count == 0) co_return true;
  if (!opened) co_return opened.error().is(cond::cancelled);
  watched->source = std::move(*opened);
  co_return co_await read(std::move(who), watched);
}

// Reads until the watch ends (true) or breaks (false).
asio::awaitable<bool> owner_watches::read(owner who, entry_ptr watched) {
  co_await asio::this_coro::throw_if_cancelled(false);
  while (watched->count > 0) {
    auto reading = watched->source->next();
    const auto got = co_await std::move(reading);
    // What follows any event without a record brings the difference.
    if (got && got->record) on_event_(*got);
    if (got && got->what == event::kind::resync) on_resync_(who);
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
