// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/readable_pipe.hpp>

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/aio/task.hpp>

// A child process in a process group of its own, with its three standard streams in our hands (ADR 5).
namespace mcpstate::mcp {

// What a child sees: the variables of ours that are on the list in client.hpp, then `extra`, which wins. Sorted
// "NAME=value".
[[nodiscard]] std::vector<std::string> child_environment(const std::vector<std::pair<std::string, std::string>>& extra);

// How a program is named in errors and logs.
[[nodiscard]] std::string program_name(const std::vector<std::string>& command);

struct program {
  program() {}
  std::vector<std::string> command;      // looked up in the PATH of the child's environment; no shell
  std::vector<std::string> environment;  // all of it
  std::string cwd;                       // empty: ours
};

// Executor: all members on the given one. Ownership: owns the process and everything in its group; the destructor kills the
// group and reaps, whatever went before. The group id stays reserved until then (the leader is not reaped before), so no
// signal can reach a stranger.
class process {
 public:
  // Returns when the program runs: spawn_failed, with what is wrong, if it cannot be started;
  // spawn_refused if it may be started another time.
  static result<std::unique_ptr<process>> start(asio::any_io_executor executor, const program& what);
  ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  // Its standard input is a socket, as with Node: writing to a dead child is then an error and not a SIGPIPE.
  asio::local::stream_protocol::socket& input() noexcept { return in_; }
  asio::readable_pipe& output() noexcept { return out_; }
  asio::readable_pipe& errors() noexcept { return err_; }

  // Waits until the process itself (not its group) has ended; false when the time is over first.
  asio::awaitable<bool> wait_exit(aio::deadline when);
  [[nodiscard]] bool has_exited() const noexcept;
  // "exited with code 3", "was killed by signal 9 (Killed)"; "is running".
  [[nodiscard]] std::string state_text() const;
  // To every process of the group.
  void signal_group(int signal) noexcept;

 private:
  process(asio::any_io_executor executor, pid_t pid, int pidfd, int in, int out, int err);

  pid_t pid_;
  asio::posix::stream_descriptor exit_;  // readable once the process has ended
  asio::local::stream_protocol::socket in_;
  asio::readable_pipe out_, err_;
};

}  // namespace mcpstate::mcp
