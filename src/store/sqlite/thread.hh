// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/aio/offload.hpp>

#include "store/sqlite/access.hh"

namespace mcpstate {

// What an operation leaves behind when its caller has stopped waiting.
enum class sqlite_effect {
  read,    // nothing
  write,   // perhaps a change
  survey,  // nothing; goes over the whole file and takes as long as that takes
};

namespace detail {

template <class T>
struct result_of {
  using type = result<T>;
};
template <class T>
struct result_of<result<T>> {
  using type = result<T>;
};

}  // namespace detail

// A thread with one connection to the file, and the queue of the operations for it. An operation that its turn comes too late
// for is not run; the queue has a bound.
//
// Executor: run() and close() on any, also on several; the rest on this thread. Lifetime: await close() before destroying; the
// destructor waits for the operation under way. Failure: storage_failed (the time was over before the turn came; the file is
// locked, or is not at its path), queue_full, stopped after close(); deadline or outcome_unknown where an operation under way
// hangs in the system.
class sqlite_thread {
 public:
  static constexpr unsigned max_waiting = 4096;

  sqlite_thread(std::shared_ptr<shared_file> file, store_options options, sqlite_role role);
  ~sqlite_thread();
  sqlite_thread(const sqlite_thread&) = delete;
  sqlite_thread& operator=(const sqlite_thread&) = delete;

  task<void> open();
  // Runs fn(sqlite_engine&), which answers a value or a result. fn owns what it uses.
  template <class Fn, class Out = typename detail::result_of<std::invoke_result_t<Fn, sqlite_engine&>>::type>
  asio::awaitable<Out> run(Fn fn, sqlite_effect effect) {
    if (closed_) co_return error(errc::stopped, "the store was closed");
    if (*waiting_ >= max_waiting) co_return full();
    const auto until = aio::after(timeout_);
    auto turn = std::make_shared<operation>(waiting_);
    auto job = [this, turn, until, effect, fn = std::move(fn)]() mutable -> Out {
      if (!turn->begin()) return late();
      MCPSTATE_TRY(engine, engine_until(until));
      Out out = fn(*engine);
      if (effect == sqlite_effect::write && !access_.in_place()) return misplaced();
      return out;
    };
    const auto limit = effect == sqlite_effect::survey ? aio::deadline::max() : until + extra_time;
    auto got = co_await aio::offload_until(pool_, std::move(job), limit);
    if (got) co_return std::move(*got);
    if (turn->give_up()) co_return late();
    co_return hanging(effect);
  }
  // Has the thread look whether its connection has to be closed. On any thread.
  void look_again();
  // Runs what waits, and closes the connection.
  asio::awaitable<void> close();
  // Waits, on the caller's thread, until nothing runs any more.
  void join() { pool_.join(); }

 private:
  // The turn of an operation: it comes, or the caller gives up before.
  class operation {
   public:
    explicit operation(std::shared_ptr<std::atomic<unsigned>> waiting) : waiting_(std::move(waiting)) { ++*waiting_; }
    ~operation() { --*waiting_; }
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;
    [[nodiscard]] bool begin() noexcept { return !taken_.exchange(true); }
    [[nodiscard]] bool give_up() noexcept { return !taken_.exchange(true); }

   private:
    std::shared_ptr<std::atomic<unsigned>> waiting_;
    std::atomic<bool> taken_{false};
  };

  // An operation under way ends by its time, if it waits for others. It may end a little later.
  static constexpr std::chrono::milliseconds extra_time{500};

  result<sqlite_engine*> engine_until(aio::deadline until);
  [[nodiscard]] error full() const;
  [[nodiscard]] error late() const;
  [[nodiscard]] error misplaced() const;
  [[nodiscard]] error hanging(sqlite_effect effect) const;

  std::string path_;
  std::chrono::milliseconds timeout_;
  sqlite_access access_;
  std::atomic<bool> closed_{false};
  std::shared_ptr<std::atomic<unsigned>> waiting_ = std::make_shared<std::atomic<unsigned>>(0);
  asio::thread_pool pool_{1};
};

// The threads of a process on one file. Whoever reads never waits for the writer, nor for a survey, whose connection is opened
// by the first one.
class sqlite_threads {
 public:
  sqlite_threads(const std::string& path, const store_options& options);
  ~sqlite_threads();
  sqlite_threads(const sqlite_threads&) = delete;
  sqlite_threads& operator=(const sqlite_threads&) = delete;

  task<void> open();
  asio::awaitable<void> close();
  [[nodiscard]] const std::string& path() const noexcept { return file_->path(); }

 private:
  std::shared_ptr<shared_file> file_;

 public:
  sqlite_thread writer, reader, surveyor;
};

}  // namespace mcpstate
