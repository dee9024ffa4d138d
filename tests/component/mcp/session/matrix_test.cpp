// SPDX-License-Identifier: MIT
// The client against real servers over every transport that each offers: connect, list, call a tool, hear of a change of the
// list where there is one, close; and nothing is left. The versions and the transports that were found are looked at, too.
#include <boost/json/parse.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "component/mcp/npm_http.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

// What a server should turn out to be.
struct expected_server {
  expected_server() {}
  std::string transport = "stdio";
  mcp::era protocol_era = mcp::era::legacy;
  std::string version = "2025-11-25";
  std::string title;  // a part of it
  std::size_t tools = 0;
  std::string tool, arguments, says;  // a call, and a part of what comes back
  bool announces = false;             // it says of its own that its tools have changed
  bool grows = false;                 // it has a tool "grow" that adds one, and announces that
  mcp::era_choice asked = mcp::era_choice::automatic;
  std::size_t processes = 1;  // that it consists of while nobody is connected; it listens before all of them are there
};

class attentive_host final : public mcp::host {
 public:
  void told_list_changed(std::string_view what) override { ++changes_[std::string(what)]; }
  [[nodiscard]] int changes(const std::string& what) const {
    const auto found = changes_.find(what);
    return found == changes_.end() ? 0 : found->second;
  }

 private:
  std::map<std::string, int> changes_;
};

asio::awaitable<void> expect_tools(mcp::client& client, std::size_t count) {
  const auto listed = co_await client.list_tools();
  CO_ASSERT_OK(listed);
  EXPECT_EQ(listed->tools.count(), count) << listed->tools.bytes();
  EXPECT_EQ(listed->dropped, std::vector<std::string>());
}

asio::awaitable<void> expect_call(mcp::client& client, std::string tool, std::string arguments, std::string says) {
  auto calling = client.call_tool(tool, arguments, mcp::call_options());
  const auto called = co_await std::move(calling);
  CO_ASSERT_OK(called);
  EXPECT_FALSE(called->is_error) << called->body;
  EXPECT_NE(called->body.find(says), std::string::npos) << called->body;
}

void expect_facts(const mcp::server_facts& found, const expected_server& expected) {
  EXPECT_EQ(found.transport, expected.transport);
  EXPECT_EQ(name_of(found.protocol_era), name_of(expected.protocol_era));
  EXPECT_EQ(found.protocol_version, expected.version);
  EXPECT_NE(found.title.find(expected.title), std::string::npos) << found.title;
  EXPECT_FALSE(found.version.empty());
  EXPECT_TRUE(found.has_tools);
  EXPECT_TRUE(found.tools_list_changed);
}

asio::awaitable<void> use(mcp::client& client, const attentive_host& host, expected_server expected) {
  expect_facts(client.facts(), expected);
  const auto pinged = co_await client.ping();
  EXPECT_TRUE(pinged.has_value()) << pinged.error().full_text();
  co_await expect_tools(client, expected.tools);
  co_await expect_call(client, expected.tool, expected.arguments, expected.says);
  if (expected.announces) {
    const auto heard = [&host] { return host.changes("tools") > 0; };
    const bool told = co_await eventually(heard);
    EXPECT_TRUE(told) << "no change of the tools was announced";
  }
  if (!expected.grows) co_return;
  const int before = host.changes("tools");
  co_await expect_call(client, "grow", R"({"name":"sprout"})", "there is sprout now");
  const auto heard_again = [&host, before] { return host.changes("tools") > before; };
  const bool told = co_await eventually(heard_again);
  EXPECT_TRUE(told) << "the new tool was not announced";
  co_await expect_tools(client, expected.tools + 1);
  co_await expect_call(client, "sprout", "{}", "sprout");
}

asio::awaitable<void> connect_and_use(mcp::target where, expected_server expected) {
  const auto host = std::make_shared<attentive_host>();
  auto options = test_options();
  options.user = host;
  options.follow = true;
  options.protocol = expected.asked;
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, std::move(where), options);
  CO_ASSERT_OK(opened);
  co_await use(**opened, *host, expected);
  co_await (*opened)->close();
}

asio::awaitable<void> use_stdio(marked_target server, expected_server expected) {
  co_await connect_and_use(server.where, expected);
  EXPECT_EQ(describe(processes_of(server.mark)), "");
}

void over_stdio(const marked_target& server, const expected_server& expected) {
  run_co_test([&](asio::io_context&) { return use_stdio(server, expected); }, 60s);
}

asio::awaitable<void> use_http(std::unique_ptr<npm_http_server> server, std::string path, expected_server expected) {
  const bool complete = co_await eventually([&] { return server->processes().size() >= expected.processes; });
  EXPECT_TRUE(complete) << describe(server->processes());
  const std::size_t alone = server->processes().size();
  mcp::http_target where;
  where.url = server->url(path);
  co_await connect_and_use(where, expected);
  // What it started for us goes when we say, or show, that we are gone.
  const bool alone_again = co_await eventually([&] { return server->processes().size() <= alone; });
  EXPECT_TRUE(alone_again) << describe(server->processes());
  co_await server->stop();
}

asio::awaitable<void> start_and_use(command_for_port command, std::string path, expected_server expected) {
  auto server = co_await npm_http_server::start(command);
  if (server) co_await use_http(std::move(server), path, expected);
}

void over_http(const command_for_port& command, const std::string& path, const expected_server& expected) {
  run_co_test([&](asio::io_context&) { return start_and_use(command, path, expected); }, 90s);
}

asio::awaitable<void> start_and_use_modern(std::string mode, expected_server expected) {
  auto server = co_await npm_http_server::start_modern(mode);
  if (server) co_await use_http(std::move(server), "/mcp", expected);
}

void over_modern_http(const std::string& mode, const expected_server& expected) {
  run_co_test([&](asio::io_context&) { return start_and_use_modern(mode, expected); }, 60s);
}

expected_server everything() {
  expected_server out;
  out.title = "everything";
  out.tools = 13;
  out.tool = "echo";
  out.arguments = R"({"message":"Größe"})";
  out.says = "Echo: Größe";
  return out;
}

TEST(ServerMatrix, ServesEverythingOverStdio) {
  auto expected = everything();
  expected.announces = true;
  over_stdio(npm_server("mcp-server-everything", {"stdio"}), expected);
}

TEST(ServerMatrix, ServesEverythingOverStreamableHttp) {
  auto expected = everything();
  expected.transport = "http";
  const auto command = [](const std::string&) {
    return std::vector{npm_command("mcp-server-everything"), std::string("streamableHttp")};
  };
  over_http(command, "/mcp", expected);
}

TEST(ServerMatrix, ServesEverythingOverHttpSse) {
  auto expected = everything();
  expected.transport = "sse";
  expected.protocol_era = mcp::era::sse;
  expected.announces = true;
  const auto command = [](const std::string&) {
    return std::vector{npm_command("mcp-server-everything"), std::string("sse")};
  };
  over_http(command, "/sse", expected);
}

TEST(ServerMatrix, ServesFilesystem) {
  const temp_dir dir;
  expected_server expected;
  expected.title = "filesystem";
  expected.tools = 14;
  expected.tool = "list_allowed_directories";
  expected.arguments = "{}";
  expected.says = dir.path().string();
  over_stdio(npm_server("mcp-server-filesystem", {dir.path().string()}), expected);
}

expected_server memory() {
  expected_server out;
  out.title = "memory";
  out.tools = 9;
  out.tool = "create_entities";
  out.arguments = R"({"entities":[{"name":"Ada","entityType":"person","observations":["writes programs"]}]})";
  out.says = "writes programs";
  return out;
}

TEST(ServerMatrix, ServesMemory) {
  const temp_dir dir;
  auto server = npm_server("mcp-server-memory", {});
  server.where.env.emplace_back("MEMORY_FILE_PATH", dir.file("memory.json"));
  over_stdio(server, memory());
}

TEST(ServerMatrix, ServesSequentialThinking) {
  expected_server expected;
  expected.title = "sequential-thinking";
  expected.tools = 1;
  expected.tool = "sequentialthinking";
  expected.arguments = R"({"thought":"so far","thoughtNumber":1,"totalThoughts":2,"nextThoughtNeeded":true})";
  expected.says = "thoughtHistoryLength";
  over_stdio(npm_server("mcp-server-sequential-thinking", {}), expected);
}

// supergateway puts a stdio server behind HTTP, one process for each session.
command_for_port gateway(const std::string& memory_file, std::vector<std::string> options) {
  return [=](const std::string& port) {
    const std::string inner = "env MEMORY_FILE_PATH=" + memory_file + " " + npm_command("mcp-server-memory");
    std::vector<std::string> out = {npm_command("supergateway"), "--stdio", inner, "--port", port};
    out.insert(out.end(), options.begin(), options.end());
    return out;
  };
}

TEST(ServerMatrix, ServesMemoryThroughAGatewayOverHttpSse) {
  const temp_dir dir;
  auto expected = memory();
  expected.transport = "sse";
  expected.protocol_era = mcp::era::sse;
  expected.processes = 3;  // the gateway, a shell, and the server
  over_http(gateway(dir.file("memory.json"), {}), "/sse", expected);
}

TEST(ServerMatrix, ServesMemoryThroughAGatewayOverStreamableHttp) {
  const temp_dir dir;
  auto expected = memory();
  expected.transport = "http";
  over_http(gateway(dir.file("memory.json"), {"--outputTransport", "streamableHttp", "--stateful"}), "/mcp", expected);
}

expected_server modern() {
  expected_server out;
  out.protocol_era = mcp::era::modern;
  out.version = "2026-07-28";
  out.title = "modern";
  out.tools = 9;
  out.tool = "echo";
  out.arguments = R"({"text":"Größe"})";
  out.says = R"("structuredContent":{"text":"Größe"})";
  out.grows = true;
  return out;
}

TEST(ServerMatrix, ServesModernOverStdio) {
  over_stdio(marked(own_server("modern_server.mjs", "stdio")), modern());
  over_stdio(marked(own_server("modern_server.mjs", "stdio-modern")), modern());
}

TEST(ServerMatrix, ServesModernOverHttp) {
  auto expected = modern();
  expected.transport = "http";
  over_modern_http("http", expected);
  over_modern_http("http-modern", expected);
}

// The same servers for somebody who insists on the older protocol.
TEST(ServerMatrix, ServesModernServersOverTheOldProtocol) {
  auto expected = modern();
  expected.asked = mcp::era_choice::legacy;
  expected.protocol_era = mcp::era::legacy;
  expected.version = "2025-11-25";
  over_stdio(marked(own_server("modern_server.mjs", "stdio")), expected);
  expected.transport = "http";
  expected.grows = false;  // without a session there is no stream for news
  over_modern_http("http", expected);
}

}  // namespace
}  // namespace mcpstate::test
