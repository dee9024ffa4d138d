// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <functional>
#include <list>
#include <memory>
#include <string>

// Owns background coroutines. The only way to start work that outlives the expression that starts it.
//
// Ownership: a member of the object whose work it runs, and its last one, so that the work is gone before what it uses.
// Executor: all members on the given executor (one thread at a time). Lifetime: await stop() before destroying; in all builds
// the destructor ends the process, with a sentence, if something runs. Cancellation: stop() sends terminal cancellation and
// waits for every coroutine to end. Failure: an exception that leaves a coroutine is handed to on_failure (default: std::terminate); it is a bug, not a
// result. But for operation_aborted after request_stop(): so ends a coroutine with Asio's own settings of cancellation.
namespace mcpstate::aio {

class event;

class task_group {
 public:
  using failure_handler = std::function<void(const std::string& name, const std::string& what)>;

  explicit task_group(boost::asio::any_io_executor executor, failure_handler on_failure = {});
  ~task_group();
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;

  // Starts a coroutine under a name for diagnostics. After stop() has begun it is not started at all.
  void spawn(std::string name, boost::asio::awaitable<void> work);
  // Asks every coroutine to end, and returns at once.
  void request_stop();
  // request_stop(), then waits until all have ended. May be awaited more than once. Not cancellable itself.
  boost::asio::awaitable<void> stop();
  // Waits until all have ended of themselves.
  boost::asio::awaitable<void> join();

  [[nodiscard]] std::size_t size() const noexcept { return running_.size(); }
  [[nodiscard]] bool stopping() const noexcept { return stopping_; }
  [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }

 private:
  boost::asio::awaitable<void> wait_for_all();
  struct entry {
    std::string name;
    boost::asio::cancellation_signal cancel;
  };
  boost::asio::any_io_executor executor_;
  failure_handler on_failure_;
  std::list<entry> running_;
  bool stopping_ = false;
  std::unique_ptr<event> idle_;  // told when the last one has ended
};

}  // namespace mcpstate::aio
