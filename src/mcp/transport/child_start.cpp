// SPDX-License-Identifier: MIT
#include "mcp/transport/child_start.hh"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace mcpstate::mcp {
namespace {

struct child_setup {
  char* const* paths;  // null at the end
  char* const* argv;
  char* const* envp;
  const char* cwd;  // null: stay
  int in, out, err, report;
  pid_t parent;
  program_mark mark;
  bool searched;  // the paths are those of PATH
};

[[noreturn]] void give_up(const child_setup& setup, start_report::step failed) noexcept {
  const start_report report{failed, errno};
  const ssize_t written = ::write(setup.report, &report, sizeof report);
  ::_exit(written == sizeof report ? 127 : 126);
}

// As execvp, which is not safe here: what cannot be run in one folder of PATH may be in the next.
[[noreturn]] void run_program(const child_setup& setup) noexcept {
  for (char* const* path = setup.paths; *path != nullptr; ++path) {
    if (setup.searched && ::access(*path, X_OK) != 0) continue;
    ::execve(*path, setup.argv, setup.envp);
    const bool folder = errno == EACCES;
    if (!setup.searched || !folder) give_up(setup, start_report::step::exec);
  }
  errno = 0;
  give_up(setup, start_report::step::search);
}

// Runs in the child between fork and exec: only calls that are safe after the fork of a program with threads.
[[noreturn]] void become(child_setup& setup) noexcept {
  using step = start_report::step;
  if (::setpgid(0, 0) != 0) give_up(setup, step::other);
  // Ends the child if this process is killed, because nothing else might then.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != setup.parent) give_up(setup, step::other);
  mark_this_process(setup.mark);  // where it is refused the group has to do
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::dup2(setup.in, STDIN_FILENO) < 0 || ::dup2(setup.out, STDOUT_FILENO) < 0 || ::dup2(setup.err, STDERR_FILENO) < 0) {
    give_up(setup, step::other);
  }
  // Nothing of this process stays open: to hold an end of a pipe of another child would keep its start from being noticed.
  constexpr int report = STDERR_FILENO + 1;
  if (setup.report != report && ::dup3(setup.report, report, O_CLOEXEC) < 0) give_up(setup, step::other);
  setup.report = report;
  if (::syscall(SYS_close_range, report + 1U, ~0U, 0U) != 0) give_up(setup, step::other);
  if (setup.cwd != nullptr && ::chdir(setup.cwd) != 0) give_up(setup, step::directory);
  run_program(setup);
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

std::string search_path(const std::vector<std::string>& environment) {
  for (const std::string& entry : environment) {
    if (entry.starts_with("PATH=")) return entry.substr(5);
  }
  return "/usr/local/bin:/usr/bin:/bin";
}

}  // namespace

pid_t fork_child(const child_plan& plan, program_mark mark) {
  const auto paths = pointers_to(plan.paths);
  const auto argv = pointers_to(plan.command);
  const auto envp = pointers_to(plan.environment);
  child_setup setup{paths.data(),
                    argv.data(),
                    envp.data(),
                    plan.cwd.empty() ? nullptr : plan.cwd.c_str(),
                    plan.in.get(),
                    plan.out.get(),
                    plan.err.get(),
                    plan.report.get(),
                    ::getpid(),
                    mark,
                    plan.command.front().find('/') == std::string::npos};
  // All signals are blocked, so that no handler of this process runs in the child before it has reset them.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) become(setup);
  const int code = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = code;
  return pid;
}

std::vector<std::string> paths_of(const std::string& program, const std::vector<std::string>& environment) {
  if (program.find('/') != std::string::npos) return {program};
  std::vector<std::string> out;
  const std::string path = search_path(environment);
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    if (end > begin) out.push_back(path.substr(begin, end - begin) + "/" + program);
    begin = end + 1;
  }
  return out;
}

}  // namespace mcpstate::mcp
