// SPDX-License-Identifier: MIT
#include "mcp/transport/process_guard.hh"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace mcpstate::mcp {
namespace {

constexpr int pass_pause_ms = 5;
constexpr int max_passes = 2000;  // what cannot be killed in ten seconds never will be

// Kills once; answers whether there was something to kill.
bool kill_marked(program_mark instance) noexcept {
  bool found = false;
  for_each_process([&](pid_t pid) {
    const program_mark mark = mark_of(pid);
    if (!same_instance(mark, instance) || is_zombie(pid)) return;
    found = true;
    signal_marked(pid, mark, SIGKILL);
  });
  return found;
}

// Runs in the guard: only calls that are safe after the fork of a process with threads.
[[noreturn]] void guard_programs(program_mark instance, int alive) noexcept {
  ::setsid();
  ::prctl(PR_SET_NAME, "mcpstate-guard");
  ::dup2(alive, STDIN_FILENO);
  const int moved = ::chdir("/");  // so that it keeps no file system busy
  static_cast<void>(moved);
  // Whoever reads what this process writes must see its end.
  ::syscall(SYS_close_range, 1U, ~0U, 0U);
  char none = 0;
  while (::read(STDIN_FILENO, &none, 1) < 0 && errno == EINTR) {
  }
  // A process that is just being forked is seen in the next pass.
  for (int pass = 0; pass < max_passes && kill_marked(instance); ++pass) ::poll(nullptr, 0, pass_pause_ms);
  ::_exit(0);
}

}  // namespace

pid_t fork_guard(program_mark instance, aio::unique_fd& alive) noexcept {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return -1;
  aio::unique_fd read_end(ends[0]);
  alive.reset(ends[1]);
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(alive.get());
    guard_programs(instance, read_end.get());
  }
  const int code = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = code;
  return pid;
}

}  // namespace mcpstate::mcp
