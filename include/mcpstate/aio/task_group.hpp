// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <concepts>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

// Owns background coroutines. The only way to start work that outlives the expression that starts it.
//
// Ownership: a member of the object whose work it runs, and its last one, so that the work is gone before what it uses.
// Executor: all members on the given executor (one thread at a time). Lifetime: await stop() before destroying; in all builds
// the destructor ends the process, with a sentence, if something runs. Cancellation: stop() sends terminal cancellation and
// waits for every coroutine to end. Failure: an exception that leaves a coroutine is a bug, not a result; the group's
// failure_rule says what happens. operation_aborted after request_stop() is none: so ends a coroutine with Asio's own
// settings of cancellation.
namespace mcpstate::aio {

class event;

// std::terminate. For work on which everything else in the process depends.
struct end_process_t {};
inline constexpr end_process_t end_process{};

// What a group does about an exception that leaves one of its coroutines. There is no default: whoever makes a group knows
// whose bytes its coroutines read, and what may not go on after a bug.
class failure_rule {
 public:
  // name: of the coroutine. what: of the exception. Called when the coroutine has ended; ends what the group works for, and
  // must not throw.
  using handler = std::function<void(const std::string& name, const std::string& what)>;

  failure_rule(end_process_t) {}  // NOLINT(google-explicit-constructor)
  template <std::invocable<const std::string&, const std::string&> Handler>
  failure_rule(Handler handle) : handle_(std::move(handle)) {}  // NOLINT(google-explicit-constructor)

 private:
  friend class task_group;
  handler handle_;  // empty: end the process
};

class task_group {
 public:
  task_group(boost::asio::any_io_executor executor, failure_rule rule);
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
  void fail(const std::string& name, const std::exception_ptr& failure) const;

  boost::asio::any_io_executor executor_;
  failure_rule rule_;
  std::list<entry> running_;
  bool stopping_ = false;
  std::unique_ptr<event> idle_;  // told when the last one has ended
};

}  // namespace mcpstate::aio
