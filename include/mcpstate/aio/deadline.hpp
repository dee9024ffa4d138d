// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <optional>
#include <utility>

#include <mcpstate/aio/race.hpp>
#include <mcpstate/aio/task.hpp>

// Deadlines are absolute, so that nested calls inherit what is left.
namespace mcpstate::aio {

using deadline = std::chrono::steady_clock::time_point;

[[nodiscard]] inline deadline after(std::chrono::steady_clock::duration d) { return std::chrono::steady_clock::now() + d; }

// Whether somebody asked this coroutine to end. A request that comes while no operation is under way ends none: whoever
// waits in a loop has to ask.
inline asio::awaitable<bool> is_cancelled() {
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

// Waits; false when cancelled, also when that had happened before. The caller's settings stay as they are.
inline asio::awaitable<bool> wait_until(deadline when) {
  const bool throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  bool waited = false;
  const bool too_late = co_await is_cancelled();
  if (!too_late) {
    asio::steady_timer timer(co_await asio::this_coro::executor, when);
    auto [ec] = co_await timer.async_wait(use_ec);
    const bool meanwhile = co_await is_cancelled();
    waited = !ec && !meanwhile;
  }
  co_await asio::this_coro::throw_if_cancelled(throws);
  co_return waited;
}

// The work's result, or errc::deadline with this detail once the time is over; the work is then cancelled (terminal) and
// awaited to its end. What the work throws is rethrown. For work without effects: what has effects states its own outcome at
// its own deadline.
template <class T>
task<T> with_deadline(task<T> work, deadline when, std::string what) {
  auto both = race(std::move(work), wait_until(when));
  auto either = co_await std::move(both);
  if (either.index() == 0) co_return std::get<0>(std::move(either));
  const bool cancelled = co_await is_cancelled();
  if (cancelled) co_return error(errc::stopped, std::move(what));
  co_return error(errc::deadline, std::move(what));
}

}  // namespace mcpstate::aio
