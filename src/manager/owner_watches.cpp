// SPDX-License-Identifier: MIT
#include "manager/owner_watches.hh"

#include <utility>

namespace mcpstate {

namespace {

using namespace std::chrono_literals;

constexpr auto pause_after_failure = 1s;

}  // namespace

owner_watches::owner_watches(store& from, listener tell) : from_(from), tell_(std::move(tell)), ending_(from.executor()) {}

void owner_watches::add(const owner& who) {
  entry& mine = owners_[who];
  if (mine.users++ > 0) return;
  mine.watching = std::make_unique<aio::task_group>(from_.executor());
  mine.watching->spawn("watch an owner", follow(who));
}

void owner_watches::remove(const owner& who) {
  const auto found = owners_.find(who);
  if (found == owners_.end() || --found->second.users > 0) return;
  auto watching = std::move(found->second.watching);
  owners_.erase(found);
  ending_.spawn("end a watch", end(std::move(watching)));
}

asio::awaitable<void> owner_watches::end(std::unique_ptr<aio::task_group> what) { co_await what->stop(); }

asio::awaitable<void> owner_watches::follow(owner who) {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    std::optional<owner> of = who;
    auto watching = from_.watch(std::move(of));
    auto opened = co_await std::move(watching);
    if (!opened && opened.error().is(cond::cancelled)) co_return;
    if (opened && !co_await read(**opened, who)) co_return;
    if (!co_await aio::wait_until(aio::after(pause_after_failure))) co_return;
  }
}

// Until the watch breaks: true; or is ended: false.
asio::awaitable<bool> owner_watches::read(watcher& from, owner who) {
  for (;;) {
    auto got = co_await from.next();
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return false;
    if (got) {
      const bool about_one = got->record.has_value();
      tell_(who, about_one ? got->record->server : std::string(), &*got);
    } else if (got.error().is(cond::cancelled)) {
      co_return false;
    } else if (!got.error().is(cond::unavailable)) {
      co_return true;
    }
  }
}

asio::awaitable<void> owner_watches::stop() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  for (auto& [who, mine] : owners_) co_await mine.watching->stop();
  owners_.clear();
  co_await ending_.join();
}

}  // namespace mcpstate
