// SPDX-License-Identifier: MIT
#include "component/mcp/npm_http.hh"

#include <boost/asio/ip/tcp.hpp>

#include <boost/asio/connect.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/json/parse.hpp>

#include <csignal>

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

// The command with its output thrown away: a pipe that nobody reads would stop it.
std::vector<std::string> quietly(std::vector<std::string> command) {
  std::vector<std::string> out = {"/bin/sh", "-c", "exec \"$@\" >/dev/null 2>&1", "sh"};
  out.insert(out.end(), command.begin(), command.end());
  return out;
}

std::unique_ptr<mcp::process> launch(asio::any_io_executor executor,
                                     const std::vector<std::pair<std::string, std::string>>& environment,
                                     std::vector<std::string> command) {
  mcp::program what;
  what.command = std::move(command);
  what.environment = mcp::child_environment(environment);
  auto started = start_now(std::move(executor), what);
  if (started) return std::move(*started);
  ADD_FAILURE() << started.error().full_text();
  return nullptr;
}

}  // namespace

asio::awaitable<bool> npm_http_server::listens(std::uint16_t port) {
  const aio::deadline until = aio::after(30s);
  while (std::chrono::steady_clock::now() < until && !child_->has_exited()) {
    asio::ip::tcp::socket probe(co_await asio::this_coro::executor);
    const asio::ip::tcp::endpoint there(asio::ip::address_v4::loopback(), port);
    auto [ec] = co_await probe.async_connect(there, aio::use_ec);
    if (!ec) co_return !child_->has_exited();
    co_await aio::wait_until(aio::after(20ms));
  }
  co_return false;
}

asio::awaitable<std::unique_ptr<npm_http_server>> npm_http_server::start(command_for_port command) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    const std::uint16_t port = free_port();
    auto marks = marked({});
    marks.where.env.emplace_back("PORT", std::to_string(port));
    const auto executor = co_await asio::this_coro::executor;
    auto child = launch(executor, marks.where.env, quietly(command(std::to_string(port))));
    if (!child) co_return nullptr;
    std::unique_ptr<npm_http_server> out(new npm_http_server(std::move(child), marks.mark));
    out->origin_ = "http://127.0.0.1:" + std::to_string(port);
    if (co_await out->listens(port)) co_return out;
  }
  ADD_FAILURE() << "the server does not listen";
  co_return nullptr;
}

asio::awaitable<std::unique_ptr<npm_http_server>> npm_http_server::start_modern(std::string mode) {
  const auto marks = marked({});
  const auto executor = co_await asio::this_coro::executor;
  auto child = launch(executor, marks.where.env, own_server("modern_server.mjs", mode));
  if (!child) co_return nullptr;
  std::string line;
  auto [ec, size] = co_await asio::async_read_until(child->output(), asio::dynamic_buffer(line), '\n', aio::use_ec);
  if (ec) {
    ADD_FAILURE() << "the server did not start: " << child->state_text();
    co_return nullptr;
  }
  const auto said = boost::json::parse(line.substr(0, size));
  std::unique_ptr<npm_http_server> out(new npm_http_server(std::move(child), marks.mark));
  const std::string url(said.at("url").as_string());
  out->origin_ = url.substr(0, url.rfind('/'));
  co_return out;
}

asio::awaitable<void> npm_http_server::stop() {
  child_->signal_group(SIGTERM);
  EXPECT_TRUE(co_await child_->wait_exit(aio::after(10s)));
  const bool gone = co_await eventually([this] { return processes().empty(); }, 10s);
  EXPECT_TRUE(gone) << describe(processes());
}

std::vector<std::string> own_server(const std::string& file, const std::string& mode) {
  return {"node", std::string(MCPSTATE_TEST_DIR) + "/interop/npm/servers/" + file, mode};
}

std::string npm_command(const std::string& command) {
  return std::string(MCPSTATE_TEST_DIR) + "/interop/npm/node_modules/.bin/" + command;
}

}  // namespace mcpstate::test
