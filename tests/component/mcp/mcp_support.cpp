// SPDX-License-Identifier: MIT
#include "component/mcp/mcp_support.hh"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_future.hpp>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>

#include "support/turns/outside_turns.hh"

namespace mcpstate::test {
namespace {

const std::string source_dir = MCPSTATE_TEST_DIR;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// State and process group of /proc/PID/stat; they stand behind the name, which may hold anything but a ')' at its end.
bool read_stat(const std::string& stat, char& state, int& group) {
  const std::size_t end = stat.rfind(')');
  if (end == std::string::npos) return false;
  std::istringstream rest(stat.substr(end + 1));
  int parent = 0;
  return static_cast<bool>(rest >> state >> parent >> group);
}

std::string quoted(const std::string& argument) {
  std::string out = "'";
  for (const char c : argument) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

marked_target marked(std::vector<std::string> command) {
  static int counter = 0;
  marked_target out;
  out.mark = "MCPSTATE_TEST_MARK=" + std::to_string(::getpid()) + "-" + std::to_string(++counter) + ".";
  const std::size_t equals = out.mark.find('=');
  out.where.command = std::move(command);
  out.where.env.emplace_back(out.mark.substr(0, equals), out.mark.substr(equals + 1));
  return out;
}

marked_target npm_server(const std::string& command, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), source_dir + "/interop/npm/node_modules/.bin/" + command);
  return marked(std::move(arguments));
}

marked_target odd_server(const std::string& mode) {
  return marked({"python3", source_dir + "/component/mcp/odd_server.py", mode});
}

marked_target greedy_server(const std::string& mode) {
  return marked({"python3", source_dir + "/component/mcp/greedy_server.py", mode});
}

marked_target stray_server(const std::string& mode, const std::string& pids) {
  return marked({"python3", "-B", source_dir + "/component/mcp/stray_server.py", mode, pids});
}

marked_target timed_server(const std::string& mode, double seconds, const std::string& starts) {
  return marked({"python3", "-B", source_dir + "/component/mcp/timed_server.py", mode, std::to_string(seconds), starts});
}

bool is_running(int pid) {
  char state = 'X';
  int group = 0;
  const bool there = read_stat(read_file("/proc/" + std::to_string(pid) + "/stat"), state, group);
  return there && state != 'Z' && state != 'X';
}

std::vector<seen_process> processes_of(const std::string& mark) {
  std::vector<seen_process> out;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (read_file(entry.path() / "environ").find(mark) == std::string::npos) continue;
    seen_process seen;
    char state = '?';
    seen.pid = std::stoi(name);
    if (!read_stat(read_file(entry.path() / "stat"), state, seen.group) || state == 'Z' || state == 'X') continue;
    seen.command = read_file(entry.path() / "cmdline");
    out.push_back(seen);
  }
  return out;
}

std::string describe(const std::vector<seen_process>& seen) {
  std::string out;
  for (const seen_process& one : seen) {
    out += std::to_string(one.pid) + " (group " + std::to_string(one.group) + "): " + one.command + "\n";
  }
  return out;
}

std::string capture(const std::vector<std::string>& arguments) {
  const outside_turns own;
  std::string line = "python3 " + quoted(source_dir + "/component/mcp/capture.py");
  for (const std::string& argument : arguments) line += " " + quoted(argument);
  const std::unique_ptr<FILE, int (*)(FILE*)> out(::popen(line.c_str(), "r"), ::pclose);
  std::string text;
  std::array<char, 4096> chunk{};
  for (std::size_t got = 0; (got = std::fread(chunk.data(), 1, chunk.size(), out.get())) > 0;)
    text.append(chunk.data(), got);
  return text;
}

result<std::unique_ptr<mcp::process>> start_now(asio::any_io_executor executor, const mcp::program& wanted) {
  asio::io_context waiting;
  auto starting = asio::co_spawn(waiting, mcp::process::start(std::move(executor), wanted), asio::use_future);
  waiting.run();
  return starting.get();
}

mcp::client_options test_options() {
  mcp::client_options out;
  out.stop_timeout = std::chrono::seconds(2);
  return out;
}

}  // namespace mcpstate::test
