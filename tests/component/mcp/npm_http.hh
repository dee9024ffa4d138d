// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "component/mcp/mcp_support.hh"
#include "mcp/transport/process.hh"

// MCP servers from npm that listen on a port.
namespace mcpstate::test {

// A command line for a port that nobody listens on.
using command_for_port = std::function<std::vector<std::string>(const std::string& port)>;

// One of them, running; it ends with this object, and whatever it has started with it.
class npm_http_server {
 public:
  // Starts it and waits until it listens. Takes another port when somebody else was faster; null, with a failure of the
  // test, if that does not help. The port is also in its PORT.
  static asio::awaitable<std::unique_ptr<npm_http_server>> start(command_for_port command);
  // Starts our own server of revision 2026-07-28 (tests/interop/npm/servers); mode is "http" or "http-modern".
  static asio::awaitable<std::unique_ptr<npm_http_server>> start_modern(std::string mode);

  [[nodiscard]] std::string url(const std::string& path) const { return origin_ + path; }
  // Its processes: one, unless it starts others for those who are connected.
  [[nodiscard]] std::vector<seen_process> processes() const { return processes_of(mark_); }
  // SIGTERM, and that it ends soon.
  asio::awaitable<void> stop();

 private:
  npm_http_server(std::unique_ptr<mcp::process> child, std::string mark)
      : child_(std::move(child)), mark_(std::move(mark)) {}
  asio::awaitable<bool> listens(std::uint16_t port);

  std::unique_ptr<mcp::process> child_;
  std::string mark_, origin_;
};

// The command of a server in tests/interop/npm/servers, with node.
std::vector<std::string> own_server(const std::string& file, const std::string& mode);
// The path of the command of an npm package.
std::string npm_command(const std::string& command);

}  // namespace mcpstate::test
