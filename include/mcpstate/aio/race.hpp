// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

// Two coroutines of which the first to end decides. Asio's own || takes an exception for a loss, and waits for the other
// side: what has failed then looks like what never ends.
namespace mcpstate::aio {

namespace detail {

template <class T>
using race_value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

// Asio wants values that can be made of nothing.
template <class T>
boost::asio::awaitable<std::optional<race_value<T>>> as_optional(boost::asio::awaitable<T> work) {
  if constexpr (std::is_void_v<T>) {
    co_await std::move(work);
    co_return std::monostate();
  } else {
    co_return co_await std::move(work);
  }
}

// Whether it is only how a coroutine that was cancelled has ended.
inline bool is_cancellation(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& e) {
    return e.code() == boost::asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace detail

// The result of whichever ends first: index 0 or 1 of the variant; std::monostate for void. The other is cancelled
// (terminal) and awaited to its end. What either throws is rethrown when both have ended. Cancelling the caller cancels both.
template <class A, class B>
boost::asio::awaitable<std::variant<detail::race_value<A>, detail::race_value<B>>> race(boost::asio::awaitable<A> first,
                                                                                        boost::asio::awaitable<B> second) {
  namespace asio = boost::asio;
  using out = std::variant<detail::race_value<A>, detail::race_value<B>>;
  const auto executor = co_await asio::this_coro::executor;
  auto one = asio::co_spawn(executor, detail::as_optional(std::move(first)), asio::deferred);
  auto other = asio::co_spawn(executor, detail::as_optional(std::move(second)), asio::deferred);
  auto group = asio::experimental::make_parallel_group(std::move(one), std::move(other));
  auto both = group.async_wait(asio::experimental::wait_for_one(), asio::deferred);
  auto [order, failure_a, a, failure_b, b] = co_await std::move(both);
  const auto state = co_await asio::this_coro::cancellation_state;
  const bool stopped = state.cancelled() != asio::cancellation_type::none;
  bool first_wins = order[0] == 0;
  const std::exception_ptr& early = first_wins ? failure_a : failure_b;
  const std::exception_ptr& late = first_wins ? failure_b : failure_a;
  if (late && !detail::is_cancellation(late)) std::rethrow_exception(late);
  if (early && (late || !stopped || !detail::is_cancellation(early))) std::rethrow_exception(early);
  if (early) first_wins = !first_wins;
  if (first_wins) co_return out(std::in_place_index<0>, std::move(*a));
  co_return out(std::in_place_index<1>, std::move(*b));
}

}  // namespace mcpstate::aio
