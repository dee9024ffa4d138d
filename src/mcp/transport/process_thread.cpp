// SPDX-License-Identifier: MIT
#include "mcp/transport/process_thread.hh"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <thread>
#include <utility>

#include "mcp/transport/process_guard.hh"

namespace mcpstate::mcp {
namespace {

using namespace std::chrono_literals;

constexpr auto first_pass_pause = 5ms;      // between two passes while something is left
constexpr auto longest_pass_pause = 500ms;  // what a kill does not end soon waits for a disk, or is another user's

constexpr auto guard_pause = 1s;   // between two starts of a guard
constexpr int guard_rounds = 300;  // of a millisecond, until it has ended

enum class child_state { none, running, ended };

child_state state_of_child(pid_t pid) noexcept {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return child_state::none;
  return info.si_pid == pid ? child_state::ended : child_state::running;
}

void reap(pid_t pid) noexcept { ::waitpid(pid, nullptr, WNOHANG); }

}  // namespace

started_child::started_child(pid_t pid, program_mark mark, aio::unique_fd pidfd) noexcept
    : pid_(pid), mark_(mark), pidfd_(std::move(pidfd)) {}

started_child::started_child(started_child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), mark_(other.mark_), pidfd_(std::move(other.pidfd_)) {}

started_child& started_child::operator=(started_child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(mark_, other.mark_);
  std::swap(pidfd_, other.pidfd_);
  return *this;
}

started_child::~started_child() {
  if (pid_ > 0) process_thread::instance().abandon(pid_, mark_);
}

process_thread& process_thread::instance() {
  static auto& thread = *new process_thread;
  return thread;
}

process_thread::process_thread() : instance_(make_instance_mark()), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

// Called with the mutex held.
bool process_thread::ensure_thread() {
  if (running_) return true;
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread([this] { work(); }).detach();
    running_ = true;
  } catch (const std::system_error&) {
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return running_;
}

bool process_thread::run(job work) {
  const std::lock_guard lock(mutex_);
  if (!ensure_thread()) return false;
  jobs_.push_back(std::move(work));
  const std::uint64_t one = 1;
  return ::write(wake_.get(), &one, sizeof one) == sizeof one || errno == EAGAIN;
}

bool process_thread::start(std::shared_ptr<const child_plan> plan, aio::thread_answer<start_outcome>::giver outcome) {
  return run([this, plan = std::move(plan), outcome = std::move(outcome)]() mutable {
    do_start(*plan, outcome);
    plan.reset();  // closes the child's ends of the pipes before the job is destroyed
  });
}

void process_thread::signal_strays(program_mark mark, int signal) {
  run([this, mark, signal] {
    const auto leads = programs_.find(mark);
    for_each_process([&](pid_t pid) {
      // Many programs take a second SIGTERM for the order to end at once: the group has had its own.
      const bool in_group = leads != programs_.end() && ::getpgid(pid) == leads->second;
      if (!in_group && mark_of(pid) == mark) signal_marked(pid, mark, signal);
    });
  });
}

void process_thread::end_program(program_mark mark, aio::thread_answer<bool>::giver gone) {
  run([this, mark, gone = std::move(gone)] {
    endings_[mark].waiting.push_back(gone);
    inspect_soon();
  });
}

void process_thread::abandon(pid_t pid, program_mark mark) noexcept {
  // At once, because the process may end before the thread comes to it. The leader is killed by its own number, too: it may
  // not have made its group yet.
  ::kill(-pid, SIGKILL);
  ::kill(pid, SIGKILL);
  try {
    run([this, pid, mark] {
      leaders_[pid].mark = mark;
      leaders_[pid].abandoned = true;
      inspect_soon();
    });
  } catch (const std::bad_alloc&) {  // it is killed, and stays a zombie
  }
}

void process_thread::contain_orphans() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::signal(SIGCHLD, SIG_DFL);  // where it is ignored, as some parents leave it, children are reaped at once
  // All threads to come inherit this; the descriptor tells of every child that ends.
  sigset_t child_ended;
  ::sigemptyset(&child_ended);
  ::sigaddset(&child_ended, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &child_ended, nullptr);
  child_signals_.reset(::signalfd(-1, &child_ended, SFD_CLOEXEC | SFD_NONBLOCK));
  contains_orphans_ = true;
  start_guard();
  const std::lock_guard lock(mutex_);
  ensure_thread();
}

void process_thread::start_guard() {
  guard_due_.reset();
  guard_started_ = clock::now();
  guard_ = fork_guard(instance_, guard_pipe_);
}

void process_thread::release_guard(aio::thread_answer<bool>::giver released) {
  run([this, released = std::move(released)] {
    guard_pipe_.reset();
    guard_due_.reset();
    const pid_t guard = std::exchange(guard_, -1);
    bool ended = guard < 0;
    for (int round = 0; !ended && round < guard_rounds; ++round) {
      ::poll(nullptr, 0, 1);
      ended = ::waitpid(guard, nullptr, WNOHANG) == guard;
    }
    released.give(ended);
  });
}

void process_thread::work() {
  ::prctl(PR_SET_NAME, "programs");
  for (;;) {
    wait_for_work();
    std::vector<job> jobs;
    {
      const std::lock_guard lock(mutex_);
      jobs.swap(jobs_);
    }
    for (job& each : jobs) each();
  }
}

// Returns when there are jobs. Makes the passes that are due meanwhile.
void process_thread::wait_for_work() {
  std::array<pollfd, 2> sources{pollfd{wake_.get(), POLLIN, 0}, pollfd{child_signals_.get(), POLLIN, 0}};
  for (bool woken = false; !woken;) {
    int timeout = -1;
    if (next_pass_) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next_pass_ - clock::now());
      timeout = static_cast<int>(std::max(left, 0ms).count());
    }
    if (::poll(sources.data(), sources.size(), timeout) < 0) continue;
    if ((sources[1].revents & POLLIN) != 0) {
      signalfd_siginfo ignored{};
      while (::read(child_signals_.get(), &ignored, sizeof ignored) > 0) {
      }
      inspect_soon();
    }
    std::uint64_t count = 0;
    woken = (sources[0].revents & POLLIN) != 0 && ::read(wake_.get(), &count, sizeof count) > 0;
    if (next_pass_ && clock::now() >= *next_pass_) inspect();
  }
}

// Those who ask at about the same time share a pass.
void process_thread::inspect_soon() {
  pause_ = first_pass_pause;
  const auto at = clock::now() + first_pass_pause;
  if (!next_pass_ || *next_pass_ > at) next_pass_ = at;
}

void process_thread::do_start(const child_plan& plan, const aio::thread_answer<start_outcome>::giver& outcome) {
  start_outcome out;
  const program_mark mark = make_mark(instance_, ++started_);
  const pid_t pid = fork_child(plan, mark);
  if (pid < 0) {
    out.code = errno;
    return outcome.give(std::move(out));
  }
  leaders_[pid].mark = mark;
  programs_[mark] = pid;
  aio::unique_fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  out.child = started_child(pid, mark, std::move(pidfd));
  outcome.give(std::move(out));
}

// One pass over all processes of the system: ends what is to end, and reaps what nobody needs any more.
void process_thread::inspect() {
  for (auto& [pid, leads] : leaders_) leads.alive = false;
  for (auto& [mark, wanted] : endings_) wanted.alive = false;
  for_each_process([this](pid_t pid) { look_at(pid); });
  finish_pass();
}

void process_thread::look_at(pid_t pid) {
  if (pid == ::getpid()) return;
  const child_state state = state_of_child(pid);
  if (state == child_state::running || (state == child_state::none && !is_zombie(pid))) return look_at_running(pid);
  if (state == child_state::none || leaders_.contains(pid)) return;  // a leader is reaped when its group is gone
  if (!contains_orphans_) return;                                    // it is a child of the program that uses this library
  reap(pid);
  if (pid != guard_) return;
  guard_ = -1;
  guard_due_ = std::max(clock::now(), guard_started_ + guard_pause);
}

process_thread::leader* process_thread::find_leader(pid_t group, program_mark mark) {
  auto found = leaders_.find(group);
  const auto program = programs_.find(mark);
  if (found == leaders_.end() && program != programs_.end()) found = leaders_.find(program->second);
  return found == leaders_.end() ? nullptr : &found->second;
}

void process_thread::look_at_running(pid_t pid) {
  const program_mark mark = mark_of(pid);
  const bool marked = same_instance(mark, instance_);
  const pid_t group = ::getpgid(pid);
  leader* const leads = find_leader(group, marked ? mark : 0);
  if (leads == nullptr && !marked) return;
  const auto wanted = endings_.find(leads != nullptr ? leads->mark : mark);
  if (leads != nullptr) leads->alive = true;
  if (wanted != endings_.end()) wanted->second.alive = true;
  // What belongs to no program any more ends, too.
  const bool over = leads == nullptr || leads->abandoned || wanted != endings_.end();
  if (!over) return;
  if (leaders_.contains(group)) ::kill(-group, SIGKILL);
  if (marked) signal_marked(pid, mark, SIGKILL);
}

void process_thread::finish_pass() {
  for (auto each = leaders_.begin(); each != leaders_.end();) {
    const leader& leads = each->second;
    const bool finished = leads.abandoned && !leads.alive && state_of_child(each->first) != child_state::running;
    if (finished) {
      reap(each->first);
      programs_.erase(leads.mark);
    }
    each = finished ? leaders_.erase(each) : std::next(each);
  }
  // After the leaders: whoever has abandoned one and waits for the end of its program finds it reaped.
  for (auto each = endings_.begin(); each != endings_.end();) {
    const bool finished = !each->second.alive;
    if (finished) {
      for (const auto& waiting : each->second.waiting) waiting.give(true);
    }
    each = finished ? endings_.erase(each) : std::next(each);
  }
  if (guard_due_ && clock::now() >= *guard_due_) start_guard();
  next_pass_ = guard_due_;
  if (!unfinished()) return;
  next_pass_ = clock::now() + pause_;
  pause_ = std::min<std::chrono::milliseconds>(pause_ * 2, longest_pass_pause);
}

bool process_thread::unfinished() const {
  return !endings_.empty() ||
         std::any_of(leaders_.begin(), leaders_.end(), [](const auto& each) { return each.second.abandoned; });
}

}  // namespace mcpstate::mcp
