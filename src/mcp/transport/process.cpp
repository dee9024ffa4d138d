// SPDX-License-Identifier: MIT
#include "mcp/transport/process.hh"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>

namespace mcpstate::mcp {
namespace {

constexpr std::array<const char*, 9> inherited_names = {"HOME",   "PATH", "LANG",  "LC_ALL", "TERM",
                                                        "TMPDIR", "USER", "SHELL", "LOGNAME"};

// A descriptor, closed with its scope.
class unique_fd {
 public:
  unique_fd() = default;
  explicit unique_fd(int fd) noexcept : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(other.release()) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~unique_fd() { reset(); }
  [[nodiscard]] int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }
  // Above the standard streams, so that moving it onto one of them in the child cannot overwrite another.
  [[nodiscard]] bool lift() noexcept {
    if (fd_ > STDERR_FILENO) return true;
    const int higher = ::fcntl(fd_, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (higher >= 0) reset(higher);
    return higher >= 0;
  }

 private:
  int fd_ = -1;
};

struct stream_pair {
  unique_fd parent_end, child_end;
  [[nodiscard]] bool open_pipe() noexcept {  // they write, we read
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    parent_end.reset(ends[0]);
    child_end.reset(ends[1]);
    return parent_end.lift() && child_end.lift();
  }
  [[nodiscard]] bool open_socket() noexcept {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return false;
    parent_end.reset(ends[0]);
    child_end.reset(ends[1]);
    return parent_end.lift() && child_end.lift();
  }
};

}  // namespace

// Arguments may hold secrets, so that only the program is named, as it was given.
std::string program_name(const std::vector<std::string>& command) { return command.front(); }

namespace {

error cannot_start(const program& wanted, std::string reason, errc code) {
  return error(code, "cannot start '" + program_name(wanted.command) + "': " + std::move(reason));
}

// Whether starting the program again would fail again.
bool is_permanent(int code) noexcept {
  constexpr std::array<int, 7> causes{ENOENT, EACCES, EPERM, ENOEXEC, ENOTDIR, ELOOP, ENAMETOOLONG};
  return std::find(causes.begin(), causes.end(), code) != causes.end();
}

bool is_program(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

std::string search_path(const std::vector<std::string>& environment) {
  for (const std::string& entry : environment) {
    if (entry.starts_with("PATH=")) return entry.substr(5);
  }
  return "/usr/local/bin:/usr/bin:/bin";
}

result<std::string> find_program(const program& wanted) {
  const std::string& name = wanted.command.front();
  if (name.find('/') != std::string::npos) return name;
  const std::string path = search_path(wanted.environment);
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    const std::string candidate = path.substr(begin, end - begin) + "/" + name;
    if (end > begin && is_program(candidate)) return candidate;
    begin = end + 1;
  }
  return cannot_start(wanted, "there is no such command in PATH; is it installed?", errc::spawn_failed);
}

// What failed between fork and exec. The child sends it through a pipe that exec closes.
struct start_report {
  enum class step : int { directory, exec, other } failed = step::other;
  int code = 0;
};

struct child_setup {
  const char* path;
  char* const* argv;
  char* const* envp;
  const char* cwd;  // null: stay
  int in, out, err, report;
  pid_t parent;
};

[[noreturn]] void give_up(const child_setup& setup, start_report::step failed) noexcept {
  const start_report report{failed, errno};
  const ssize_t written = ::write(setup.report, &report, sizeof report);
  ::_exit(written == sizeof report ? 127 : 126);
}

// Runs in the child between fork and exec: only calls that are safe after the fork of a program with threads.
[[noreturn]] void become(const child_setup& setup) noexcept {
  using step = start_report::step;
  if (::setpgid(0, 0) != 0) give_up(setup, step::other);
  // Ends the child if this process is killed, because nothing else would then.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != setup.parent) give_up(setup, step::other);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::dup2(setup.in, STDIN_FILENO) < 0 || ::dup2(setup.out, STDOUT_FILENO) < 0 || ::dup2(setup.err, STDERR_FILENO) < 0) {
    give_up(setup, step::other);
  }
  if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0) give_up(setup, step::other);
  if (setup.cwd != nullptr && ::chdir(setup.cwd) != 0) give_up(setup, step::directory);
  ::execve(setup.path, setup.argv, setup.envp);
  give_up(setup, step::exec);
}

// fork with all signals blocked, so that no handler of this process runs in the child before it has reset them.
pid_t fork_quietly(const child_setup& setup) noexcept {
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

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

void reap(pid_t pid) noexcept {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// Waits for exec (the pipe closes) or for the child's report of what prevented it.
std::optional<start_report> read_report(int fd) noexcept {
  start_report report;
  ssize_t got = 0;
  do {
    got = ::read(fd, &report, sizeof report);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof report) return std::nullopt;
  return report;
}

std::string explain(const program& wanted, const start_report& report) {
  const std::string reason = std::strerror(report.code);
  if (report.failed == start_report::step::directory) return "its working directory '" + wanted.cwd + "': " + reason;
  if (report.failed == start_report::step::exec && report.code == ENOENT) return "there is no such file; is it installed?";
  return reason;
}

}  // namespace

std::vector<std::string> child_environment(const std::vector<std::pair<std::string, std::string>>& extra) {
  std::map<std::string, std::string> chosen;
  for (const char* const name : inherited_names) {
    if (const char* const value = std::getenv(name)) chosen[name] = value;
  }
  for (const auto& [name, value] : extra) chosen[name] = value;
  std::vector<std::string> out;
  for (const auto& [name, value] : chosen) out.push_back(name + "=" + value);
  return out;
}

result<std::unique_ptr<process>> process::start(asio::any_io_executor executor, const program& wanted) {
  MCPSTATE_TRY(path, find_program(wanted));
  stream_pair in, out, err, report;
  if (!in.open_socket() || !out.open_pipe() || !err.open_pipe() || !report.open_pipe()) {
    return cannot_start(wanted, std::strerror(errno), errc::spawn_refused);
  }
  const auto argv = pointers_to(wanted.command);
  const auto envp = pointers_to(wanted.environment);
  const char* const cwd = wanted.cwd.empty() ? nullptr : wanted.cwd.c_str();
  const child_setup setup{path.c_str(),       argv.data(),         envp.data(),         cwd,
                          in.child_end.get(), out.child_end.get(), err.child_end.get(), report.child_end.get(),
                          ::getpid()};
  const pid_t pid = fork_quietly(setup);
  if (pid < 0) return cannot_start(wanted, std::strerror(errno), errc::spawn_refused);
  report.child_end.reset();
  if (const auto wrong = read_report(report.parent_end.get())) {
    reap(pid);
    const bool permanent = wrong->failed != start_report::step::other && is_permanent(wrong->code);
    return cannot_start(wanted, explain(wanted, *wrong), permanent ? errc::spawn_failed : errc::spawn_refused);
  }
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) {
    const std::string reason = std::strerror(errno);
    ::kill(-pid, SIGKILL);
    reap(pid);
    return cannot_start(wanted, "the kernel gives no pidfd: " + reason, errc::spawn_refused);
  }
  return std::unique_ptr<process>(
      new process(executor, pid, pidfd, in.parent_end.release(), out.parent_end.release(), err.parent_end.release()));
}

process::process(asio::any_io_executor executor, pid_t pid, int pidfd, int in, int out, int err)
    : pid_(pid),
      exit_(executor, pidfd),
      in_(executor, asio::local::stream_protocol(), in),
      out_(executor, out),
      err_(executor, err) {}

process::~process() {
  signal_group(SIGKILL);
  reap(pid_);
}

void process::signal_group(int signal) noexcept { ::kill(-pid_, signal); }

asio::awaitable<bool> process::wait_exit(aio::deadline until) {
  using namespace asio::experimental::awaitable_operators;
  co_await asio::this_coro::throw_if_cancelled(false);
  if (has_exited()) co_return true;
  auto either = exit_.async_wait(asio::posix::descriptor_base::wait_read, aio::use_ec) || aio::wait_until(until);
  auto ended = co_await std::move(either);
  static_cast<void>(ended);  // whichever came first, the process is asked
  co_return has_exited();
}

bool process::has_exited() const noexcept {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_;
}

std::string process::state_text() const {
  siginfo_t info{};
  const bool ended =
      ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_;
  if (!ended) return "is running";
  const std::string number = std::to_string(info.si_status);
  if (info.si_code == CLD_EXITED) return "exited with code " + number;
  return "was killed by signal " + number + " (" + ::strsignal(info.si_status) + ")";
}

}  // namespace mcpstate::mcp
