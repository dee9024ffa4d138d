// SPDX-License-Identifier: MIT
#include "manager/owner_watches.hh"

#include <utility>

namespace mcpstate {

namespace {

using namespace std::chrono_literals;

constexpr auto pause_after_failure = 1s;

}  // namespace

owner_watches::owner_watches(store& records, listener on_event)
    : records_(records), on_event_(std::move(on_event)), ending_(records.executor(), aio::end_process) {}

void owner_watches::add(const owner& who) {
  entry& watched = owners_[who];
  if (watched.count++ > 0) return;
  watched.task = std::make_unique<aio::task_group>(records_.executor(), aio::end_process);
  watched.task->spawn("watch an owner", follow(who));
}

void owner_watches::remove(const owner& who) {
  const auto found = owners_.find(who);
  if (found == owners_.end() || --found->second.count > 0) return;
  auto task = std::move(found->second.task);
  owners_.erase(found);
  ending_.spawn("end a watch", end(std::move(task)));
}

asio::awaitable<void> owner_watches::end(std::unique_ptr<aio::task_group> task) { co_await task->stop(); }

asio::awaitable<void> owner_watches::follow(owner who) {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    std::optional<owner> watched = who;
    auto opening = records_.watch(std::move(watched));
    auto opened = co_await std::move(opening);
    if (!opened && opened.error().is(cond::cancelled)) co_return;
    if (opened && !co_await read(**opened, who)) co_return;
    if (!co_await aio::wait_until(aio::after(pause_after_failure))) co_return;
  }
}

// Reads until the watch breaks (true: open it again) or ends (false).
asio::awaitable<bool> owner_watches::read(watcher& source, owner who) {
  for (;;) {
    auto got = co_await source.next();
    const bool cancelled = co_await aio::is_cancelled();
    if (cancelled) co_return false;
    if (got) {
      on_event_(who, got->record ? got->record->server : std::string(), *got);
    } else if (got.error().is(cond::cancelled)) {
      co_return false;
    } else if (!got.error().is(cond::unavailable)) {
      co_return true;
    }
  }
}

asio::awaitable<void> owner_watches::stop() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  for (auto& [who, watched] : owners_) co_await watched.task->stop();
  owners_.clear();
  co_await ending_.join();
}

}  // namespace mcpstate
