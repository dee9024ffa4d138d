// SPDX-License-Identifier: MIT
#include <mcpstate/aio/task_group.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "aio/caller_settings.hh"
#include "aio/event.hh"
#include "core/bug.hh"

namespace mcpstate::aio {

namespace {

// How a coroutine ends that was asked to, and whose settings are Asio's own: its next co_await throws.
bool is_cancellation(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& e) {
    return e.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

task_group::task_group(asio::any_io_executor executor, failure_rule rule)
    : executor_(executor), rule_(std::move(rule)), idle_(std::make_unique<event>()) {}

// In all builds: what runs would go on in memory that is gone.
task_group::~task_group() {
  if (running_.empty()) return;
  std::fprintf(stderr,
               "mcpstate: \"%s\" still runs; await close() or task_group::stop() before what it works for is destroyed\n",
               running_.front().name.c_str());
  std::abort();
}

void task_group::spawn(std::string name, asio::awaitable<void> work) {
  if (stopping_) return;
  auto running = running_.emplace(running_.end());
  running->name = std::move(name);
  auto done = [this, running](const std::exception_ptr& failure) {
    const std::string ended = std::move(running->name);
    running_.erase(running);
    if (running_.empty()) idle_->notify();
    if (failure && !(stopping_ && is_cancellation(failure))) fail(ended, failure);
  };
  try {
    asio::co_spawn(executor_, std::move(work), asio::bind_cancellation_slot(running->cancel.slot(), std::move(done)));
  } catch (...) {  // no memory: it has not begun
    running_.erase(running);
    throw;
  }
}

// The handler may end what owns the group, so that nothing of the group is used after it. One that throws ends the process.
void task_group::fail(const std::string& name, const std::exception_ptr& failure) const {
  const failure_rule::handler handle = rule_.handle_;
  const auto call = [&](const std::string& what) noexcept {
    if (!handle) std::terminate();
    handle(name, what);
  };
  try {
    std::rethrow_exception(failure);
  } catch (...) {
    call(caught_text());
  }
}

void task_group::request_stop() {
  stopping_ = true;
  // Emitting may end a coroutine and erase its entry at once: step before emitting.
  for (auto it = running_.begin(); it != running_.end();) {
    auto current = it++;
    current->cancel.emit(asio::cancellation_type::terminal);
  }
}

asio::awaitable<void> task_group::stop() {
  request_stop();
  co_await join();
}

asio::awaitable<void> task_group::join() { return shield(executor_, wait_for_all()); }

asio::awaitable<void> task_group::wait_for_all() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  while (!running_.empty()) co_await idle_->wait();
}

}  // namespace mcpstate::aio
