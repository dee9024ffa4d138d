// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <tuple>
#include <vector>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/aio/task.hpp>

// Wakes the coroutines that wait for something to change: a condition variable for coroutines of one executor.
//
//     while (queue.empty() && !closing) {
//       if (!co_await changed.wait()) co_return;  // cancelled
//     }
//
// A waiter looks at its condition again whenever it is woken. No notification is lost between the look and the wait, because
// nothing else runs on the executor in between.
namespace mcpstate::aio {

// Executor: notify() and wait() on one executor, one thread at a time. Lifetime: outlives its waiters.
class event {
 public:
  event() = default;
  event(const event&) = delete;
  event& operator=(const event&) = delete;

  // Wakes every coroutine that waits now.
  void notify() {
    for (asio::steady_timer* timer : waiting_) timer->cancel();
  }

  // Waits for the next notify(). False when the time is over or the caller is cancelled.
  asio::awaitable<bool> wait(aio::deadline until = aio::deadline::max()) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const bool too_late = co_await is_cancelled();
    if (too_late) co_return false;
    asio::steady_timer timer(co_await asio::this_coro::executor, until);
    waiting_.push_back(&timer);
    boost::system::error_code ec;
    try {
      std::tie(ec) = co_await timer.async_wait(use_ec);
    } catch (...) {  // no memory
      forget(timer);
      throw;
    }
    forget(timer);
    const bool cancelled = co_await is_cancelled();
    co_return ec == asio::error::operation_aborted && !cancelled;  // a timer that was not cancelled has run out
  }

 private:
  void forget(const asio::steady_timer& timer) { waiting_.erase(std::find(waiting_.begin(), waiting_.end(), &timer)); }

  std::vector<asio::steady_timer*> waiting_;
};

}  // namespace mcpstate::aio
