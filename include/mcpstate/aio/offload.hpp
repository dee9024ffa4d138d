// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <mcpstate/aio/deadline.hpp>

// Blocking work off the executor.
namespace mcpstate::aio {

namespace detail {

// What a job has come to: a value, or an exception.
template <class T>
struct job_outcome {
  std::exception_ptr failure;
  std::optional<T> value;
};

template <class Fn>
job_outcome<std::invoke_result_t<Fn>> run_job(Fn& fn) noexcept {
  job_outcome<std::invoke_result_t<Fn>> out;
  try {
    out.value.emplace(fn());
  } catch (...) {
    out.failure = std::current_exception();
  }
  return out;
}

}  // namespace detail

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
      auto resume = [handler = std::move(handler), outcome = detail::run_job(fn)]() mutable {
        std::move(handler)(outcome.failure, std::move(outcome.value));
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

namespace detail {

// The caller of a job that has a deadline. Used on the caller's executor.
template <class T, class Handler>
class waiting_caller : public std::enable_shared_from_this<waiting_caller<T, Handler>> {
 public:
  waiting_caller(boost::asio::any_io_executor home, Handler handler) : timer_(home), handler_(std::move(handler)) {}
  void wait(deadline until) {
    timer_.expires_at(until);
    timer_.async_wait([self = this->shared_from_this()](const boost::system::error_code& ec) {
      if (!ec) self->answer(job_outcome<T>());
    });
  }
  // The first answer counts.
  void answer(job_outcome<T> outcome) {
    if (!handler_) return;
    Handler handler = std::move(*handler_);
    handler_.reset();
    timer_.cancel();
    std::move(handler)(outcome.failure, std::move(outcome.value));
  }

 private:
  boost::asio::steady_timer timer_;
  std::optional<Handler> handler_;
};

}  // namespace detail

// offload() until a deadline: absent where it passes first. fn then runs to its end all the same, and its value is dropped.
// Cannot be cancelled.
template <class Fn>
boost::asio::awaitable<std::optional<std::invoke_result_t<Fn>>> offload_until(boost::asio::thread_pool& pool, Fn fn,
                                                                              deadline until) {
  namespace asio = boost::asio;
  using value = std::invoke_result_t<Fn>;
  const asio::any_io_executor home = co_await asio::this_coro::executor;
  auto init = [&pool, home, until, fn = std::move(fn)](auto handler) mutable {
    auto caller = std::make_shared<detail::waiting_caller<value, decltype(handler)>>(home, std::move(handler));
    caller->wait(until);
    auto job = [fn = std::move(fn), caller = std::move(caller), home, work = asio::make_work_guard(home)]() mutable {
      // The caller goes to its executor, and ends there.
      asio::post(home, [caller = std::move(caller), outcome = detail::run_job(fn)]() mutable {
        caller->answer(std::move(outcome));
      });
    };
    asio::post(pool, std::move(job));
  };
  auto waiting = asio::async_initiate<decltype(asio::use_awaitable), void(std::exception_ptr, std::optional<value>)>(
      std::move(init), asio::use_awaitable);
  co_return co_await std::move(waiting);
}

}  // namespace mcpstate::aio
