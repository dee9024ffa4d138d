// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <optional>
#include <utility>

#include "aio/caller_settings.hh"

namespace mcpstate {

// What a store says to callers who use it as it cannot be used: after close(), in the child of a fork(), and, with the end of
// the process, when it is destroyed under a call. On the store's executor.
class call_guard {
 public:
  call_guard();
  // Ends the process with a sentence if calls are under way: their coroutines would go on in memory that is gone.
  ~call_guard();
  call_guard(const call_guard&) = delete;
  call_guard& operator=(const call_guard&) = delete;

  // Runs one call.
  template <class T>
  task<T> run(task<T> work) {
    auto refused = refusal();
    if (refused) co_return std::move(*refused);
    const pending_call counted(pending_);
    co_return co_await aio::keep_settings(std::move(work));
  }

  void close() noexcept { closed_ = true; }
  // Whether this process is a child that has got the store by fork(): neither its threads nor its connections are the child's.
  [[nodiscard]] bool forked() const noexcept;
  // Why a call cannot be made; absent: it can.
  [[nodiscard]] std::optional<error> refusal() const;

 private:
  class pending_call {
   public:
    explicit pending_call(std::size_t& count) : count_(count) { ++count_; }
    ~pending_call() { --count_; }
    pending_call(const pending_call&) = delete;
    pending_call& operator=(const pending_call&) = delete;

   private:
    std::size_t& count_;
  };

  std::size_t pending_ = 0;
  unsigned forks_;  // of this process, when the store was opened
  bool closed_ = false;
};

}  // namespace mcpstate
