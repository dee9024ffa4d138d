// SPDX-License-Identifier: MIT
// One thread that looks at those that run handlers, every few milliseconds: how long a turn has computed, and whether it sleeps.
// It asks the thread for its stack with a signal, once one that computes has used half of what is allowed.
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/turns/executor_thread.hh"
#include "support/turns/turns.hh"

namespace mcpstate::test {

namespace {

constexpr std::chrono::milliseconds look_every{5};
constexpr std::int64_t bound_ns = std::chrono::nanoseconds(turn_bound).count();

int stack_signal() { return SIGRTMIN + 5; }

// In the thread that runs the turn.
void take_stack(int) {
  const int before = errno;
  executor_thread& thread = this_thread();
  if (thread.number == thread.stack_wanted) thread.frames = ::backtrace(thread.stack.data(), static_cast<int>(thread.stack.size()));
  errno = before;
}

// What one file of /proc/self/task/ID says; empty when it cannot be read.
std::string_view read_task(pid_t id, const char* name, std::array<char, 512>& room) {
  const std::string path = "/proc/self/task/" + std::to_string(id) + "/" + name;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  const ssize_t size = ::read(file, room.data(), room.size());
  ::close(file);
  return {room.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

// Sleeps or waits for a disk, in a system call. A page that is read in is not the handler's doing, nor is waiting for a processor.
bool is_asleep(pid_t id) {
  std::array<char, 512> room{};
  const auto stat = read_task(id, "stat", room);
  const auto name_end = stat.rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 >= stat.size()) return false;
  const char state = stat[name_end + 2];
  if (state != 'S' && state != 'D') return false;
  const auto call = read_task(id, "syscall", room);
  return !call.starts_with("running") && !call.starts_with("-1");
}

struct watched {
  executor_thread* thread;
  std::uint64_t number = 0;     // of the turn that was seen last
  std::int64_t slept = 0;       // ns, of this turn
  std::int64_t stack_at = 0;    // how long it had computed when its stack was asked for
  std::chrono::steady_clock::time_point looked;
};

class watchdog {
 public:
  watchdog() {
    void* warm[2];
    ::backtrace(warm, 2);  // it loads a library the first time, which a signal handler may not
    struct sigaction action {};
    action.sa_handler = take_stack;
    action.sa_flags = SA_RESTART;
    ::sigaction(stack_signal(), &action, nullptr);
    // Signals of the process are for the threads that were there before.
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread([this] { look_for_ever(); }).detach();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void add(executor_thread& thread) {
    const std::lock_guard lock(mutex_);
    watched each{};
    each.thread = &thread;
    threads_.push_back(each);
  }

  void remove(executor_thread& thread) {
    const std::lock_guard lock(mutex_);
    std::erase_if(threads_, [&](const watched& each) { return each.thread == &thread; });
  }

 private:
  [[noreturn]] void look_for_ever() {
    std::unique_lock lock(mutex_);
    for (;;) {
      never_.wait_for(lock, look_every);
      for (watched& each : threads_) look(each);
    }
  }

  static void look(watched& each) {
    executor_thread& thread = *each.thread;
    const auto now = std::chrono::steady_clock::now();
    const std::uint64_t number = thread.number;
    if (number != each.number || number % 2 == 0 || thread.outside) {
      each = {&thread, number, 0, 0, now};
      return;
    }
    if (is_asleep(thread.id)) each.slept += std::chrono::nanoseconds(now - each.looked).count();
    each.looked = now;
    const std::int64_t computed = processor_time(thread.clock) - thread.begun;
    if (thread.number != number) return;
    note_sleep(each);
    // A signal ends many a system call, so that one that sleeps is only asked when it has slept for too long.
    const bool too_long = each.slept > bound_ns && each.stack_at == 0;
    if (!too_long && computed < each.stack_at + bound_ns / 2) return;
    each.stack_at = std::max(computed, std::int64_t{1});
    thread.stack_wanted = number;
    ::syscall(SYS_tgkill, ::getpid(), thread.id, stack_signal());
  }

  static void note_sleep(const watched& each) {
    if (each.slept <= bound_ns || each.thread->slept > 0) {
      if (each.thread->slept > 0) each.thread->slept = each.slept;
      return;
    }
    std::array<char, 512> room{};
    const auto where = read_task(each.thread->id, "wchan", room);
    auto& out = each.thread->waited_in;
    out.fill('\0');
    where.copy(out.data(), out.size() - 1);
    each.thread->slept = each.slept;
  }

  std::mutex mutex_;
  std::condition_variable never_;
  std::vector<watched> threads_;
};

// Never destroyed: threads may end after main does.
watchdog& the_watchdog() {
  static auto* const one = new watchdog;
  return *one;
}

}  // namespace

executor_thread::executor_thread() : id(static_cast<pid_t>(::syscall(SYS_gettid))) {
  ::pthread_getcpuclockid(::pthread_self(), &clock);
  the_watchdog().add(*this);
}

executor_thread::~executor_thread() { the_watchdog().remove(*this); }

executor_thread& this_thread() {
  thread_local executor_thread one;
  return one;
}

std::int64_t processor_time(clockid_t clock) noexcept {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

}  // namespace mcpstate::test
