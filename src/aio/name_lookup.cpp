// SPDX-License-Identifier: MIT
#include "aio/name_lookup.hh"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
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

namespace mcpstate::aio {
namespace {

constexpr unsigned max_threads = 16;

// Threads that live as long as there is something to look up. One object for the process, never destroyed: a thread may be
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

// What a thread and the coroutine that waits for it share. Under the mutex: while `waiter` is set, its executor is alive.
struct shared_lookup {
  std::mutex mutex;
  asio::steady_timer* waiter = nullptr;
  std::optional<result<host_addresses>> outcome;
};

void finish(const std::shared_ptr<shared_lookup>& state, result<host_addresses> found) {
  const std::lock_guard lock(state->mutex);
  if (!state->waiter) return;
  state->outcome = std::move(found);
  // Timers are for their own executor; by then the waiter may have gone, and its timer with it.
  asio::post(state->waiter->get_executor(), [state] {
    const std::lock_guard again(state->mutex);
    if (state->waiter) state->waiter->cancel();
  });
}

void look(const std::shared_ptr<shared_lookup>& state, const blocking_lookup& how, const std::string& host) {
  {
    const std::lock_guard lock(state->mutex);
    if (!state->waiter) return;  // gone before its turn came
  }
  finish(state, how(host));
}

// Lives in the waiting coroutine: however that ends, nobody touches its timer any more.
class waiting {
 public:
  explicit waiting(const asio::any_io_executor& executor) : timer_(executor), state_(std::make_shared<shared_lookup>()) {
    timer_.expires_at(asio::steady_timer::time_point::max());
    state_->waiter = &timer_;
  }
  ~waiting() { static_cast<void>(leave()); }
  waiting(const waiting&) = delete;
  waiting& operator=(const waiting&) = delete;

  [[nodiscard]] asio::steady_timer& timer() noexcept { return timer_; }
  [[nodiscard]] const std::shared_ptr<shared_lookup>& state() const noexcept { return state_; }
  std::optional<result<host_addresses>> leave() {
    const std::lock_guard lock(state_->mutex);
    state_->waiter = nullptr;
    return std::move(state_->outcome);
  }

 private:
  asio::steady_timer timer_;
  std::shared_ptr<shared_lookup> state_;
};

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

task<host_addresses> look_up_with(blocking_lookup how, std::string host) {
  co_await asio::this_coro::throw_if_cancelled(false);
  boost::system::error_code ec;
  const auto literal = asio::ip::make_address(host, ec);
  if (!ec) co_return host_addresses(1, literal);
  waiting here(co_await asio::this_coro::executor);
  auto job = [state = here.state(), how = std::move(how), host] { look(state, how, host); };
  if (!lookup_threads::of_process().run(std::move(job))) {
    co_return error(errc::resolve_failed, "the host name " + host + " cannot be looked up: no thread can be started");
  }
  auto [woken] = co_await here.timer().async_wait(use_ec);
  static_cast<void>(woken);
  auto outcome = here.leave();
  if (!outcome) co_return error(errc::stopped, "looking up " + host);
  co_return std::move(*outcome);
}

task<host_addresses> look_up(std::string host) { return look_up_with(look_up_blocking, std::move(host)); }

}  // namespace mcpstate::aio
