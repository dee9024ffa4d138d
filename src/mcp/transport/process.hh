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

#include "mcp/transport/process_thread.hh"

// A child process in a process group of its own, with pipes to its three standard streams (ADR 5).
namespace mcpstate::mcp {

// The environment of a child: the variables of this process that target.hpp names, and `extra`, which goes before them.
// Sorted "NAME=value".
[[nodiscard]] std::vector<std::string> child_environment(const std::vector<std::pair<std::string, std::string>>& extra);

// The name of a program in errors and logs.
[[nodiscard]] std::string program_name(const std::vector<std::string>& command);

struct program {
  program() {}
  std::vector<std::string> command;      // looked up in the PATH of the child's environment; no shell
  std::vector<std::string> environment;  // "NAME=value"; nothing is added
  std::string cwd;                       // empty: that of this process
};

// Executor: all members on the given one. Nothing blocks it: what may take time is done by process_thread. Ownership: owns
// the process and everything that it has started; the destructor kills all of that, and process_thread reaps the process
// when nothing is left. The id of the group stays reserved until then; so no signal can reach another process.
class process {
 public:
  // Returns when the program runs. Failure: spawn_failed if it cannot be started, and the detail says why; spawn_refused if
  // it might start at another time. Cancellation: nothing of it is left.
  static task<std::unique_ptr<process>> start(asio::any_io_executor executor, program wanted);
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  // Its standard input is a socket, as with Node: writing to a dead child is then an error and not a SIGPIPE.
  asio::local::stream_protocol::socket& input() noexcept { return in_; }
  asio::readable_pipe& output() noexcept { return out_; }
  asio::readable_pipe& errors() noexcept { return err_; }
  // Whether somebody has read all that was written to its standard input.
  [[nodiscard]] bool has_read_input();

  // Waits until the process itself, not its group, has ended; false if the time is over before.
  asio::awaitable<bool> wait_exit(aio::deadline until);
  [[nodiscard]] bool has_exited() const noexcept;
  // "exited with code 3", "was killed by signal 9 (Killed)"; "is running".
  [[nodiscard]] std::string state_text() const;
  // Sends a signal to every process of the group.
  void signal_group(int signal) noexcept;
  // Sends it to every process that the program has started, also in other groups.
  void signal_all(int signal);
  // Kills all of these, and waits until nothing is left; false if the time is over before.
  asio::awaitable<bool> kill_all(aio::deadline until);
  // Kills what is left, destroys the process and waits until it is reaped. False: not in this time.
  static asio::awaitable<bool> reap(std::unique_ptr<process> ended, aio::deadline until);

 private:
  process(asio::any_io_executor executor, started_child child, int pidfd, int in, int out, int err);

  started_child child_;
  asio::posix::stream_descriptor exit_;  // readable once the process has ended
  asio::local::stream_protocol::socket in_;
  asio::readable_pipe out_, err_;
};

}  // namespace mcpstate::mcp
