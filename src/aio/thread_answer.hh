// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/post.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <mcpstate/aio/deadline.hpp>

#include "aio/event.hh"

// The answer that a thread gives to a coroutine. However the coroutine ends, the thread touches its executor no more; an
// answer that nobody waits for any more is destroyed by the thread.
namespace mcpstate::aio {

template <class T>
class thread_answer {
  // While `waiting` is set its executor is alive; the mutex guards that.
  struct shared {
    std::mutex mutex;
    thread_answer* waiting = nullptr;
    std::optional<T> value;
  };

 public:
  // For the thread. A value; may outlive the coroutine.
  class giver {
   public:
    explicit giver(std::shared_ptr<shared> state) : state_(std::move(state)) {}
    void give(T value) const {
      const std::lock_guard lock(state_->mutex);
      if (state_->waiting == nullptr) return;
      state_->value = std::move(value);
      // Events belong to their own executor. By the time that it comes to this, the waiter may have gone.
      asio::post(state_->waiting->executor_, [state = state_] {
        const std::lock_guard again(state->mutex);
        if (state->waiting != nullptr) state->waiting->given_.notify();
      });
    }

   private:
    std::shared_ptr<shared> state_;
  };

  // Lives in the coroutine that waits.
  explicit thread_answer(asio::any_io_executor executor)
      : executor_(std::move(executor)), state_(std::make_shared<shared>()) {
    state_->waiting = this;
  }
  ~thread_answer() { static_cast<void>(leave()); }
  thread_answer(const thread_answer&) = delete;
  thread_answer& operator=(const thread_answer&) = delete;

  [[nodiscard]] giver make_giver() const { return giver(state_); }
  // Absent: the time was over, or the caller was cancelled. To be awaited once.
  asio::awaitable<std::optional<T>> wait(deadline until = deadline::max()) {
    const bool there = has_value();
    if (!there) co_await given_.wait(until);
    co_return leave();
  }

 private:
  [[nodiscard]] bool has_value() const {
    const std::lock_guard lock(state_->mutex);
    return state_->value.has_value();
  }
  std::optional<T> leave() {
    const std::lock_guard lock(state_->mutex);
    state_->waiting = nullptr;
    return std::exchange(state_->value, std::nullopt);
  }

  asio::any_io_executor executor_;
  event given_;
  std::shared_ptr<shared> state_;
};

}  // namespace mcpstate::aio
