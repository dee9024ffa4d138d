// SPDX-License-Identifier: MIT
#include <mcpstate/aio/task_group.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cassert>
#include <exception>

namespace mcpstate::aio {

namespace net = boost::asio;

task_group::task_group(net::any_io_executor executor, failure_handler on_failure)
    : executor_(executor), on_failure_(std::move(on_failure)), idle_(executor) {
  idle_.expires_at(net::steady_timer::time_point::max());
}

task_group::~task_group() { assert(running_.empty() && "await task_group::stop() before destroying it"); }

void task_group::spawn(std::string name, net::awaitable<void> work) {
  if (stopping_) return;
  auto place = running_.emplace(running_.end());
  place->name = std::move(name);
  auto done = [this, place](std::exception_ptr failure) {
    std::string who = std::move(place->name);
    running_.erase(place);
    if (running_.empty()) idle_.cancel();
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      if (!on_failure_) std::terminate();
      on_failure_(who, e.what());
    }
  };
  net::co_spawn(executor_, std::move(work), net::bind_cancellation_slot(place->cancel.slot(), std::move(done)));
}

void task_group::request_stop() {
  stopping_ = true;
  // Emitting may end a coroutine and erase its entry at once: step before emitting.
  for (auto it = running_.begin(); it != running_.end();) {
    auto current = it++;
    current->cancel.emit(net::cancellation_type::terminal);
  }
}

net::awaitable<void> task_group::stop() {
  request_stop();
  co_await join();
}

net::awaitable<void> task_group::join() {
  co_await net::this_coro::reset_cancellation_state(net::disable_cancellation());
  while (!running_.empty()) {
    auto [ec] = co_await idle_.async_wait(net::as_tuple(net::use_awaitable));
    static_cast<void>(ec);
  }
}

}  // namespace mcpstate::aio
