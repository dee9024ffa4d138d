// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include <exception>
#include <optional>
#include <utility>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/aio/task.hpp>

// How a public operation treats the coroutine that awaits it. What is awaited shares the cancellation of its caller: settings
// that it changes stay changed, so that a request to end which comes later would be lost.
namespace mcpstate::aio {

// Awaits work that does not throw when it is cancelled, and puts the caller's setting back.
template <class T>
asio::awaitable<T> keep_settings(asio::awaitable<T> work) {
  const bool throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  std::optional<T> out;
  std::exception_ptr bug;
  try {
    auto done = co_await std::move(work);
    out.emplace(std::move(done));
  } catch (...) {
    bug = std::current_exception();
  }
  co_await asio::this_coro::throw_if_cancelled(throws);
  if (bug) std::rethrow_exception(bug);
  co_return std::move(*out);
}

// The same for work that may wait long. A caller who was asked to end before waits for nothing: errc::stopped.
template <class T>
task<T> keep_settings_unless_cancelled(task<T> work, std::string what) {
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return error(errc::stopped, std::move(what));
  co_return co_await keep_settings(std::move(work));
}

// Awaits work that cannot be cancelled, on the same executor. The caller's requests to end are kept.
inline asio::awaitable<void> shield(asio::any_io_executor executor, asio::awaitable<void> work) {
  const bool throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  // A chain of its own, which no request to end reaches: what it does to its settings is no business of the caller's.
  auto token = asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable);
  co_await asio::co_spawn(executor, std::move(work), token);
  co_await asio::this_coro::throw_if_cancelled(throws);
}

}  // namespace mcpstate::aio
