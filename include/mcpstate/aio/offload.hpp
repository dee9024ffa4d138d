// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

// Blocking work off the executor.
namespace mcpstate::aio {

// Runs fn() on the pool and resumes the caller on its own executor with the value (or the exception). fn runs to its end
// whatever happens to the caller: it must own everything it touches, or be joined through the pool before that goes away.
template <class Fn>
boost::asio::awaitable<std::invoke_result_t<Fn>> offload(boost::asio::thread_pool& pool, Fn fn) {
  namespace asio = boost::asio;
  using value = std::invoke_result_t<Fn>;
  auto home = co_await asio::this_coro::executor;
  auto init = [&pool, home, fn = std::move(fn)](auto handler) mutable {
    auto work = asio::make_work_guard(home);
    auto job = [fn = std::move(fn), handler = std::move(handler), home, work = std::move(work)]() mutable {
      std::exception_ptr failure;
      std::optional<value> out;
      try {
        out.emplace(fn());
      } catch (...) {
        failure = std::current_exception();
      }
      auto resume = [handler = std::move(handler), failure, out = std::move(out)]() mutable {
        std::move(handler)(failure, std::move(out));
      };
      asio::post(home, std::move(resume));
    };
    asio::post(pool, std::move(job));
  };
  auto waiting = asio::async_initiate<decltype(asio::use_awaitable), void(std::exception_ptr, std::optional<value>)>(
      std::move(init), asio::use_awaitable);
  std::optional<value> out = co_await std::move(waiting);
  co_return std::move(*out);
}

}  // namespace mcpstate::aio
