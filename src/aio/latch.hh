// SPDX-License-Identifier: MIT
#pragma once
#include <mcpstate/aio/deadline.hpp>

#include "aio/event.hh"

// Something that happens once, and coroutines of one executor that wait for it. Outlives its waiters.
namespace mcpstate::aio {

class latch {
 public:
  void open() {
    open_ = true;
    opened_.notify();
  }
  [[nodiscard]] bool is_open() const noexcept { return open_; }

  // Waits until it is open, the time is over, or the caller is cancelled; answers whether it is open.
  asio::awaitable<bool> wait(aio::deadline until = aio::deadline::max()) {
    if (!open_) co_await opened_.wait(until);
    co_return open_;
  }

 private:
  bool open_ = false;
  event opened_;
};

}  // namespace mcpstate::aio
