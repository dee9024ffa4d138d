// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <mcpstate/mcp/client.hpp>

#include "mcp/transport/process.hh"
#include "support/co_test.hh"

// Servers to run the client against, and what they leave behind.
namespace mcpstate::test {

// A stdio server whose whole process tree can be found again by a variable in its environment.
struct marked_target {
  mcp::stdio_target where;
  std::string mark;
};
marked_target marked(std::vector<std::string> command);
// One of the npm packages under tests/interop/npm, by the name of its command.
marked_target npm_server(const std::string& command, std::vector<std::string> arguments);
// odd_server.py in one of its modes.
marked_target odd_server(const std::string& mode);
// greedy_server.py in one of its modes.
marked_target greedy_server(const std::string& mode);

// stray_server.py in one of its modes; the file gets the numbers of its processes.
marked_target stray_server(const std::string& mode, const std::string& pids);
// timed_server.py in one of its modes; the file gets a byte with each start.
marked_target timed_server(const std::string& mode, double seconds, const std::string& starts);

struct seen_process {
  int pid = 0;
  int group = 0;
  std::string command;
};
// The running processes that carry the mark; not those that have ended and wait to be reaped.
std::vector<seen_process> processes_of(const std::string& mark);
// Whether there is such a process, and it has not ended.
bool is_running(int pid);
std::string describe(const std::vector<seen_process>& seen);

// The raw answer of a server to tools/list, captured by a program that shares nothing with the client.
std::string capture(const std::vector<std::string>& arguments);

// Starts a program without waiting on this executor, for functions that are no coroutines.
result<std::unique_ptr<mcp::process>> start_now(asio::any_io_executor executor, const mcp::program& wanted);

// A port of 127.0.0.1 that was free a moment ago.
std::uint16_t free_port();

// Options with limits that fit tests: long enough for a busy machine, short where a test waits for them to pass.
mcp::client_options test_options();

}  // namespace mcpstate::test
