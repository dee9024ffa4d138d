// SPDX-License-Identifier: MIT
// The part of the hub that finds all owners, for watches on all of them.
#include <boost/asio/this_coro.hpp>

#include <algorithm>

#include "store/watch/hub.hh"

namespace mcpstate {

using std::chrono::milliseconds;

namespace {

constexpr std::size_t walk_ahead = 64;  // owners of a page that may wait for their listing while the next page is read

}  // namespace

void watch_hub::start_walk() {
  walk_again_ = true;
  if (walking_ || work_.stopping()) return;
  walking_ = true;
  work_.spawn("find all owners for watchers", walk());
}

asio::awaitable<void> watch_hub::walk() {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto wait = first_pause;
  while (walk_again_ && all_watched() && !work_.stopping()) {
    walk_again_ = false;
    const auto started = walk_started_ = ++ticks_;
    // What is known is looked at again too: an owner that is gone is in no page.
    for (auto at = entries_.begin(); at != entries_.end(); ++at) {
      outstanding_.insert(at->first);
      mark_dirty(at);
    }
    pump();
    if (co_await walk_pages()) {
      all_.log.complete(started);
      wake_readers(all_.log);
      wait = first_pause;
      continue;
    }
    walk_again_ = true;
    if (!co_await pause(wait)) break;
    wait = std::min(wait * 2, longest_pause);
  }
  walking_ = false;
}

// One walk over all pages; true once every owner found has been listed since it began.
asio::awaitable<bool> watch_hub::walk_pages() {
  std::string cursor;
  do {
    auto scanning = from_.scan(cursor);
    auto page = co_await std::move(scanning);
    if (work_.stopping()) co_return false;
    if (!page) {
      failed(nullptr, page.error());
      co_return false;
    }
    for (const auto& found : page->owners) {
      outstanding_.insert(found.owner);
      look_at(found.owner);
    }
    cursor = std::move(page->cursor);
    co_await outstanding_at_most(walk_ahead);
  } while (!cursor.empty() && all_watched() && !work_.stopping());
  succeeded(nullptr);
  co_await outstanding_at_most(0);
  co_return all_watched() && !work_.stopping();
}

asio::awaitable<void> watch_hub::outstanding_at_most(std::size_t limit) {
  while (outstanding_.size() > limit && all_watched() && !work_.stopping()) {
    auto [ec] = co_await progress_.async_wait(aio::use_ec);
    static_cast<void>(ec);
  }
}

}  // namespace mcpstate
