// SPDX-License-Identifier: MIT
#include "mcp/transport/process.hh"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/read.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>

namespace mcpstate::mcp {
namespace {

constexpr std::array<const char*, 9> inherited_names = {"HOME",   "PATH", "LANG",  "LC_ALL", "TERM",
                                                        "TMPDIR", "USER", "SHELL", "LOGNAME"};

// This process' ends of the streams of a child, and of the pipe that tells whether it was started.
struct parent_ends {
  aio::unique_fd in, out, err, report;
};

bool take_ends(std::array<int, 2> ends, aio::unique_fd& first, aio::unique_fd& second) noexcept {
  first.reset(ends[0]);
  second.reset(ends[1]);
  return first.lift() && second.lift();
}

// The child writes, this process reads.
bool open_pipe(aio::unique_fd& read_end, aio::unique_fd& write_end) noexcept {
  std::array<int, 2> ends{};
  return ::pipe2(ends.data(), O_CLOEXEC) == 0 && take_ends(ends, read_end, write_end);
}

bool open_socket(aio::unique_fd& own, aio::unique_fd& other) noexcept {
  std::array<int, 2> ends{};
  return ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0 && take_ends(ends, own, other);
}

error cannot_start(const program& wanted, std::string reason, errc code) {
  return error(code, "cannot start '" + program_name(wanted.command) + "': " + std::move(reason));
}

// Whether starting the program again would fail again.
bool is_permanent(int code) noexcept {
  constexpr std::array<int, 7> causes{ENOENT, EACCES, EPERM, ENOEXEC, ENOTDIR, ELOOP, ENAMETOOLONG};
  return std::find(causes.begin(), causes.end(), code) != causes.end();
}

error explain(const program& wanted, const start_report& report) {
  using step = start_report::step;
  if (report.failed == step::search)
    return cannot_start(wanted, "there is no such command in PATH; is it installed?", errc::spawn_failed);
  std::string reason = std::strerror(report.code);
  if (report.failed == step::directory) reason = "its working directory '" + wanted.cwd + "': " + reason;
  if (report.failed == step::exec && report.code == ENOENT) reason = "there is no such file; is it installed?";
  const bool permanent = report.failed != step::other && is_permanent(report.code);
  return cannot_start(wanted, std::move(reason), permanent ? errc::spawn_failed : errc::spawn_refused);
}

// Waits for exec, which closes the pipe, or for the child's report of what prevented it.
task<void> await_exec(const program& wanted, aio::unique_fd pipe) {
  asio::readable_pipe in(co_await asio::this_coro::executor, pipe.release());
  start_report report;
  auto [ec, size] = co_await asio::async_read(in, asio::buffer(&report, sizeof report), aio::use_ec);
  if (size == sizeof report) co_return explain(wanted, report);
  if (ec != asio::error::eof) co_return error(errc::stopped, "starting '" + program_name(wanted.command) + "'");
  co_return result<void>();
}

std::optional<siginfo_t> end_of(pid_t pid) noexcept {
  siginfo_t info{};
  const bool ended = ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
  return ended ? std::optional<siginfo_t>(info) : std::nullopt;
}

}  // namespace

// Arguments may hold secrets, so that only the program is named, as it was given.
std::string program_name(const std::vector<std::string>& command) { return command.front(); }

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

task<std::unique_ptr<process>> process::start(asio::any_io_executor executor, program wanted) {
  co_await asio::this_coro::throw_if_cancelled(false);
  parent_ends ends;
  auto plan = std::make_shared<child_plan>();
  plan->paths = paths_of(wanted.command.front(), wanted.environment);
  plan->command = wanted.command;
  plan->environment = wanted.environment;
  plan->cwd = wanted.cwd;
  if (!open_socket(ends.in, plan->in) || !open_pipe(ends.out, plan->out) || !open_pipe(ends.err, plan->err) ||
      !open_pipe(ends.report, plan->report)) {
    co_return cannot_start(wanted, std::strerror(errno), errc::spawn_refused);
  }
  aio::thread_answer<start_outcome> starting(co_await asio::this_coro::executor);
  if (!process_thread::instance().start(std::move(plan), starting.make_giver()))
    co_return cannot_start(wanted, "no thread can be started", errc::spawn_refused);
  auto started = co_await starting.wait();
  if (!started) co_return error(errc::stopped, "starting '" + program_name(wanted.command) + "'");
  if (started->code != 0) co_return cannot_start(wanted, std::strerror(started->code), errc::spawn_refused);
  MCPSTATE_CO_CHECK(co_await await_exec(wanted, std::move(ends.report)));
  aio::unique_fd pidfd = started->child.take_pidfd();
  if (pidfd.get() < 0) co_return cannot_start(wanted, "the kernel gives no pidfd", errc::spawn_refused);
  co_return std::unique_ptr<process>(new process(std::move(executor), std::move(started->child), pidfd.release(),
                                                 ends.in.release(), ends.out.release(), ends.err.release()));
}

process::process(asio::any_io_executor executor, started_child child, int pidfd, int in, int out, int err)
    : child_(std::move(child)),
      exit_(executor, pidfd),
      in_(executor, asio::local::stream_protocol(), in),
      out_(executor, out),
      err_(executor, err) {}

bool process::has_read_input() {
  int unread = 0;
  return !in_.is_open() || ::ioctl(in_.native_handle(), SIOCOUTQ, &unread) != 0 || unread == 0;
}

void process::signal_group(int signal) noexcept { ::kill(-child_.pid(), signal); }

void process::signal_all(int signal) {
  signal_group(signal);
  process_thread::instance().signal_strays(child_.mark(), signal);
}

asio::awaitable<bool> process::kill_all(aio::deadline until) {
  co_await asio::this_coro::throw_if_cancelled(false);
  signal_group(SIGKILL);
  aio::thread_answer<bool> ending(co_await asio::this_coro::executor);
  process_thread::instance().end_program(child_.mark(), ending.make_giver());
  const auto gone = co_await ending.wait(until);
  co_return gone.has_value();
}

asio::awaitable<bool> process::reap(std::unique_ptr<process> ended, aio::deadline until) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const program_mark mark = ended->child_.mark();
  ended.reset();
  aio::thread_answer<bool> reaping(co_await asio::this_coro::executor);
  process_thread::instance().end_program(mark, reaping.make_giver());
  const auto reaped = co_await reaping.wait(until);
  co_return reaped.has_value();
}

asio::awaitable<bool> process::wait_exit(aio::deadline until) {
  co_await asio::this_coro::throw_if_cancelled(false);
  // Asio may hand an event of a descriptor that was closed just before to the wait of this one, so the process is asked.
  for (bool waiting = true; waiting && !has_exited();) {
    auto exiting = exit_.async_wait(asio::posix::descriptor_base::wait_read, aio::use_ec);
    auto either = aio::race(std::move(exiting), aio::wait_until(until));
    const auto first = co_await std::move(either);
    const bool cancelled = co_await aio::is_cancelled();
    waiting = first.index() == 0 && !std::get<0>(std::get<0>(first)) && !cancelled;
  }
  co_return has_exited();
}

bool process::has_exited() const noexcept {
  siginfo_t info{};
  const int known = ::waitid(P_PID, static_cast<id_t>(child_.pid()), &info, WEXITED | WNOHANG | WNOWAIT);
  return known != 0 ? errno == ECHILD : info.si_pid == child_.pid();
}

std::string process::state_text() const {
  const auto ended = end_of(child_.pid());
  if (!ended) return "is running";
  const std::string number = std::to_string(ended->si_status);
  if (ended->si_code == CLD_EXITED) return "exited with code " + number;
  return "was killed by signal " + number + " (" + ::strsignal(ended->si_status) + ")";
}

}  // namespace mcpstate::mcp
