// SPDX-License-Identifier: MIT
#include "aio/name_lookup.hh"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <netdb.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "aio/event.hh"

namespace mcpstate::aio {
namespace {

constexpr unsigned max_threads = 16;

// Threads that live as long as there are names to look up. One object for the process, never destroyed: a thread may be
// inside the system's resolver when the process ends.
class lookup_threads {
 public:
  static lookup_threads& of_process() {
    static auto& threads = *new lookup_threads;
    return threads;
  }

  // False if there is no thread to do it and none can be started.
  bool run(std::function<void()> job) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(job));
    if (running_ >= max_threads || start()) return true;
    if (running_ > 0) return true;
    waiting_.pop_back();
    return false;
  }

 private:
  bool start() {
    // Signals are for the threads that wait for them.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = true;
    try {
      std::thread([this] { work(); }).detach();
      ++running_;
    } catch (const std::system_error&) {
      started = false;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return started;
  }

  void work() {
    std::unique_lock lock(mutex_);
    while (!waiting_.empty()) {
      auto job = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      job();
      job = nullptr;
      lock.lock();
    }
    --running_;
  }

  std::mutex mutex_;
  std::deque<std::function<void()>> waiting_;
  unsigned running_ = 0;
};

class waiter;

// What a thread and the coroutine that waits for it share. While `waiting` is set its executor is alive; the mutex guards
// that.
struct shared_lookup {
  std::mutex mutex;
  waiter* waiting = nullptr;
  std::optional<result<host_addresses>> outcome;
};

// Lives in the coroutine that waits. However that ends, no thread touches its executor any more.
class waiter {
 public:
  explicit waiter(asio::any_io_executor executor)
      : executor_(std::move(executor)), state_(std::make_shared<shared_lookup>()) {
    state_->waiting = this;
  }
  ~waiter() { static_cast<void>(leave()); }
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;

  [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }
  [[nodiscard]] event& answered() noexcept { return answered_; }
  [[nodiscard]] const std::shared_ptr<shared_lookup>& state() const noexcept { return state_; }
  std::optional<result<host_addresses>> leave() {
    const std::lock_guard lock(state_->mutex);
    state_->waiting = nullptr;
    return std::move(state_->outcome);
  }

 private:
  asio::any_io_executor executor_;
  event answered_;
  std::shared_ptr<shared_lookup> state_;
};

void finish(const std::shared_ptr<shared_lookup>& state, result<host_addresses> found) {
  const std::lock_guard lock(state->mutex);
  if (!state->waiting) return;
  state->outcome = std::move(found);
  // Events belong to their own executor. By the time that it comes to this, the waiter may have gone.
  asio::post(state->waiting->executor(), [state] {
    const std::lock_guard again(state->mutex);
    if (state->waiting) state->waiting->answered().notify();
  });
}

void look(const std::shared_ptr<shared_lookup>& state, const blocking_lookup& ask, const std::string& host) {
  {
    const std::lock_guard lock(state->mutex);
    if (!state->waiting) return;  // given up before its turn
  }
  finish(state, ask(host));
}

}  // namespace

result<host_addresses> look_up_blocking(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (status != 0) {
    const std::string why = status == EAI_SYSTEM ? std::generic_category().message(errno) : gai_strerror(status);
    return error(errc::resolve_failed, "the host name " + host + " cannot be resolved: " + why);
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  host_addresses out;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    asio::ip::tcp::endpoint endpoint;
    if (one->ai_addrlen > endpoint.capacity()) continue;
    std::memcpy(endpoint.data(), one->ai_addr, one->ai_addrlen);
    if (std::find(out.begin(), out.end(), endpoint.address()) == out.end()) out.push_back(endpoint.address());
  }
  return out;
}

task<host_addresses> look_up_with(blocking_lookup ask, std::string host) {
  co_await asio::this_coro::throw_if_cancelled(false);
  boost::system::error_code ec;
  const auto literal = asio::ip::make_address(host, ec);
  if (!ec) co_return host_addresses(1, literal);
  waiter self(co_await asio::this_coro::executor);
  auto job = [state = self.state(), ask = std::move(ask), host] { look(state, ask, host); };
  if (!lookup_threads::of_process().run(std::move(job))) {
    co_return error(errc::resolve_failed, "the host name " + host + " cannot be looked up: no thread can be started");
  }
  co_await self.answered().wait();
  auto outcome = self.leave();
  if (!outcome) co_return error(errc::stopped, "looking up " + host);
  co_return std::move(*outcome);
}

task<host_addresses> look_up(std::string host) { return look_up_with(look_up_blocking, std::move(host)); }

}  // namespace mcpstate::aio
