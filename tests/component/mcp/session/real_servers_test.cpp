// SPDX-License-Identifier: MIT
// The client against the reference servers of the protocol, over both transports.
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <string>

#include "component/mcp/mcp_support.hh"
#include "mcp/transport/process.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

struct expectation {
  expectation() {}
  std::string server_name;
  std::size_t tools = 0;
  std::string captured;
};

asio::awaitable<void> use_client(mcp::target where, expectation expected) {
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, std::move(where), test_options());
  CO_ASSERT_OK(opened);
  mcp::client& client = **opened;
  EXPECT_EQ(client.facts().protocol_version, "2025-11-25");
  EXPECT_NE(client.facts().title.find(expected.server_name), std::string::npos) << client.facts().title;
  EXPECT_FALSE(client.facts().version.empty());
  EXPECT_TRUE(client.facts().has_tools);
  EXPECT_EQ(client.facts().capabilities.front(), '{');
  auto pinged = co_await client.ping();
  EXPECT_TRUE(pinged) << pinged.error().full_text();
  for (int round = 0; round < 2; ++round) {
    auto listed = co_await client.list_tools();
    EXPECT_TRUE(listed) << listed.error().full_text();
    if (!listed) break;
    EXPECT_EQ(listed->tools.count(), expected.tools);
    EXPECT_TRUE(listed->dropped.empty());
    EXPECT_EQ(listed->pages, 1U);
    EXPECT_NE(expected.captured.find("\"tools\":" + listed->tools.bytes()), std::string::npos) << expected.captured;
  }
  co_await client.close();
}

void use_stdio(marked_target server, expectation expected) {
  std::vector<std::string> arguments = server.where.command;
  arguments.insert(arguments.begin(), "stdio");
  expected.captured = capture(arguments);
  ASSERT_FALSE(expected.captured.empty()) << "run npm ci in tests/interop/npm";
  run_co_test([&](asio::io_context&) { return use_client(server.where, expected); }, std::chrono::seconds(60));
  EXPECT_EQ(describe(processes_of(server.mark)), "");
}

TEST(RealServers, RunEverythingOverStdio) {
  expectation expected;
  expected.server_name = "everything";
  expected.tools = 13;
  use_stdio(npm_server("mcp-server-everything", {"stdio"}), expected);
}

TEST(RealServers, RunFilesystemOverStdio) {
  const temp_dir dir;
  expectation expected;
  expected.server_name = "filesystem";
  expected.tools = 14;
  use_stdio(npm_server("mcp-server-filesystem", {dir.path().string()}), expected);
}

TEST(RealServers, RunMemoryOverStdio) {
  const temp_dir dir;
  expectation expected;
  expected.server_name = "memory";
  expected.tools = 9;
  auto server = npm_server("mcp-server-memory", {});
  server.where.env.emplace_back("MEMORY_FILE_PATH", dir.file("memory.json"));
  use_stdio(std::move(server), expected);
}

asio::awaitable<bool> answers_on(std::uint16_t port) {
  const aio::deadline until = aio::after(std::chrono::seconds(20));
  while (std::chrono::steady_clock::now() < until) {
    asio::ip::tcp::socket probe(co_await asio::this_coro::executor);
    const asio::ip::tcp::endpoint there(asio::ip::address_v4::loopback(), port);
    auto [ec] = co_await probe.async_connect(there, aio::use_ec);
    if (!ec) co_return true;
    co_await aio::wait_until(aio::after(std::chrono::milliseconds(20)));
  }
  co_return false;
}

CO_TEST_WITHIN(RealServers, RunEverythingOverStreamableHttp, std::chrono::seconds(60)) {
  const std::uint16_t port = free_port();
  auto server = npm_server("mcp-server-everything", {"streamableHttp"});
  server.where.env.emplace_back("PORT", std::to_string(port));
  expectation expected;
  expected.server_name = "everything";
  expected.tools = 13;
  mcp::program what;
  what.command = server.where.command;
  what.environment = mcp::child_environment(server.where.env);
  const auto running = mcp::process::start(context.get_executor(), what);
  CO_ASSERT_OK(running);
  CO_ASSERT_TRUE(co_await answers_on(port));
  expected.captured = capture({"http", std::to_string(port)});
  mcp::http_target where;
  where.url = "http://127.0.0.1:" + std::to_string(port) + "/mcp";
  co_await use_client(where, expected);
}

}  // namespace
}  // namespace mcpstate::test
