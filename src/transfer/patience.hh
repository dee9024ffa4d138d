// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/core/error.hpp>

namespace mcpstate::transfer {

// How often a step is tried again that may be repeated, where the store is away or busy: a failover or a restart lasts seconds.
class patience {
 public:
  // Waits before the next attempt. False: there is none; the error counts, or the caller was cancelled.
  asio::awaitable<bool> wait_after(error why) {
    const bool passing = why.is(cond::unavailable) || why.is(cond::timeout) || why.is(cond::outcome_unknown) ||
                         why.code() == errc::queue_full;
    const bool for_good =
        why.code() == errc::unsupported || why.code() == errc::storage_failed || why.code() == errc::read_only;
    if (!passing || for_good || tried_ == most_) co_return false;
    ++tried_;
    co_return co_await aio::wait_until(aio::after(std::min(tried_ * std::chrono::milliseconds(250), longest_)));
  }

 private:
  static constexpr int most_ = 12;
  static constexpr std::chrono::milliseconds longest_{1000};
  int tried_ = 0;
};

}  // namespace mcpstate::transfer
