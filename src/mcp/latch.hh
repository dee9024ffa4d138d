// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <vector>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/aio/task.hpp>

// Something that happens once, and coroutines of one executor that wait for it. Outlives its waiters.
namespace mcpstate::mcp {

class latch {
 public:
  latch() = default;
  latch(const latch&) = delete;
  latch& operator=(const latch&) = delete;

  void open() {
    open_ = true;
    for (asio::steady_timer* timer : waiting_) timer->cancel();
  }
  [[nodiscard]] bool is_open() const noexcept { return open_; }

  // Waits until it is open, the time is over, or the caller is cancelled; answers whether it is open.
  asio::awaitable<bool> wait(aio::deadline when = aio::deadline::max()) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (open_) co_return true;
    asio::steady_timer timer(co_await asio::this_coro::executor, when);
    waiting_.push_back(&timer);
    auto [ec] = co_await timer.async_wait(aio::use_ec);
    static_cast<void>(ec);  // whatever ended the wait, open_ says what is so
    waiting_.erase(std::find(waiting_.begin(), waiting_.end(), &timer));
    co_return open_;
  }

 private:
  bool open_ = false;
  std::vector<asio::steady_timer*> waiting_;
};

}  // namespace mcpstate::mcp
