// SPDX-License-Identifier: MIT
// One manager with servers that others have written, and with programs.
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "component/manager/manager_fixture.hh"
#include "component/mcp/npm_http.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

std::string as_registered(const marked_target& program) {
  std::string out = R"({"prog":{"command":")" + program.where.command.front() + R"(","args":[)";
  for (std::size_t i = 1; i < program.where.command.size(); ++i)
    out += (i > 1 ? ",\"" : "\"") + program.where.command[i] + "\"";
  out += R"(],"env":{)";
  for (std::size_t i = 0; i < program.where.env.size(); ++i)
    out += (i > 0 ? ",\"" : "\"") + program.where.env[i].first + "\":\"" + program.where.env[i].second + "\"";
  return out + "}}}";
}

CO_TEST_WITHIN(Manager, RunsAProgram, 60s) {
  const marked_target program = odd_server("plain");
  auto records = make_memory_store(co_await asio::this_coro::executor, store_options());
  manager_options options = quick_options();
  options.servers = registry(as_registered(program));
  options.address = "http://here:1";
  auto managing = make_manager(*records, options);
  manager_options others = quick_options();
  others.servers = options.servers;
  auto elsewhere = make_manager(*records, others);
  auto up = co_await connect_and_settle(*managing, user(1), by_registration("prog"));
  CO_ASSERT_OK(up);
  EXPECT_EQ(up->state, status::connected);
  EXPECT_EQ(up->info.transport, "stdio");
  EXPECT_TRUE(up->info.url.empty());
  CO_ASSERT_EQ(processes_of(program.mark).size(), 1U);
  const int first = processes_of(program.mark).front().pid;
  auto called = co_await managing->call(user(1), srv, "odd", "{}", mcp::call_options());
  CO_ASSERT_OK(called);
  const bool known = co_await eventually([&elsewhere] { return elsewhere->counts().instances == 2; });
  CO_ASSERT_TRUE(known);
  auto refused = co_await elsewhere->call(user(1), srv, "odd", "{}", mcp::call_options());
  CO_ASSERT_FAILS(refused, errc::kept_elsewhere);
  EXPECT_NE(refused.error().detail().find("http://here:1"), std::string::npos);
  ::kill(first, SIGKILL);
  const auto is_new = [&program, first] {
    const auto now = processes_of(program.mark);
    return now.size() == 1 && now.front().pid != first;
  };
  const bool again = co_await eventually(is_new);
  EXPECT_TRUE(again);
  auto back = co_await seen(*records, user(1), is(status::connected));
  CO_ASSERT_TRUE(back);
  co_await elsewhere->close();
  co_await managing->close();
  EXPECT_EQ(describe(processes_of(program.mark)), "");
  co_await records->close();
}

// The start takes longer than connecting may. Only the program can answer the call, which has time of its own.
CO_TEST_WITHIN(ManagerCalls, WaitForAProgramThatIsBeingStarted, 60s) {
  const temp_dir dir;
  const marked_target program = timed_server("slow", 2, dir.file("starts"));
  auto records = make_memory_store(co_await asio::this_coro::executor, store_options());
  manager_options options = quick_options();
  options.servers = registry(as_registered(program));
  options.client.connect_timeout = 300ms;
  auto managing = make_manager(*records, options);
  auto ordered = co_await managing->connect(user(1), srv, by_registration("prog"), std::nullopt);
  CO_ASSERT_OK(ordered);
  mcp::call_options brief;
  brief.timeout = 400ms;
  const auto begun = std::chrono::steady_clock::now();
  auto early = co_await managing->call(user(1), srv, "tool1", "{}", brief);
  CO_ASSERT_FAILS(early, errc::deadline);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1900ms) << "no longer than the call may take";
  EXPECT_EQ(early.error().detail().find("kept"), std::string::npos);
  auto called = co_await managing->call(user(1), srv, "tool1", "{}", mcp::call_options());
  CO_ASSERT_OK(called);
  EXPECT_EQ(processes_of(program.mark).size(), 1U);
  co_await managing->close();
  co_await records->close();
}

// What a program prints is shown to the owner of the record, who is not whom the secrets belong to.
CO_TEST_WITHIN(Manager, HidesSecretsOfAProgram, 60s) {
  auto records = make_memory_store(co_await asio::this_coro::executor, store_options());
  manager_options options = quick_options();
  options.servers = registry(R"({"prog":{"command":"/bin/sh","args":["-c",)"
                             R"("echo key $KEY, Bearer s3cret1, https://u:s3cret1@h/?k=s3cret1 was refused >&2; exit 3"],)"
                             R"("env":{"KEY":"s3cret-in-env"}}})");
  auto managing = make_manager(*records, options);
  auto failed = co_await connect_and_settle(*managing, user(1), by_registration("prog"));
  CO_ASSERT_OK(failed);
  EXPECT_EQ(failed->state, status::failed);
  CO_ASSERT_TRUE(failed->info.error);
  const std::string& said = failed->info.error->message;
  EXPECT_EQ(said.find("s3cret"), std::string::npos) << said;
  EXPECT_NE(said.find("key [hidden], Bearer [hidden], https://[hidden]@h/?[hidden] was refused"), std::string::npos) << said;
  co_await managing->close();
  co_await records->close();
}

std::shared_ptr<const server_registry> at_path(const std::string& command, std::string argument) {
  return registry(R"({"prog":{"command":")" + command + R"(","args":[")" + argument + R"("]}})");
}

// A command that does not exist is not tried again and again, but when somebody says so, or the file names another one.
CO_TEST_WITHIN(Manager, DoesNotRepeatAWrongCommand, 60s) {
  temp_dir dir;
  auto records = make_memory_store(co_await asio::this_coro::executor, store_options());
  recording_observer told;
  manager_options options = quick_options();
  const std::string command = (dir.path() / "server").string();
  options.servers = at_path(command, "a");
  options.observer = &told;
  auto managing = make_manager(*records, options);
  auto failed = co_await connect_and_settle(*managing, user(1), by_registration("prog"));
  CO_ASSERT_OK(failed);
  EXPECT_EQ(failed->state, status::failed);
  CO_ASSERT_TRUE(failed->info.error);
  EXPECT_EQ(failed->info.error->code, "spawn_failed");
  EXPECT_FALSE(failed->info.error->retry_at);
  EXPECT_EQ(managing->counts().waiting, 0U);
  EXPECT_EQ(told.attempts_failed, 1);

  std::filesystem::create_directory(command);  // which is no program: permission is denied
  auto again = co_await managing->retry(user(1), srv);
  CO_ASSERT_OK(again);
  auto still = co_await managing->settled(user(1), srv, again->revision);
  CO_ASSERT_OK(still);
  CO_ASSERT_TRUE(still->info.error);
  EXPECT_EQ(still->info.error->code, "spawn_failed");
  EXPECT_FALSE(still->info.error->retry_at);
  EXPECT_EQ(told.attempts_failed, 2);

  std::filesystem::remove(command);
  std::ofstream(command) << "#!/bin/sh\necho 'now it runs' >&2\nexit 1\n";
  std::filesystem::permissions(command, std::filesystem::perms::owner_all);
  managing->set_servers(at_path(command, "b"));
  record_check runs = [](const connection& c) { return c.info.error && c.info.error->code == "child_exited"; };
  auto changed = co_await seen(*records, user(1), runs);
  CO_ASSERT_TRUE(changed);
  EXPECT_TRUE(changed->info.error->retry_at);
  co_await managing->close();
  co_await records->close();
}

// Whatever a session is doing just then.
CO_TEST_WITHIN(Manager, ClosesWhileAProgramStarts, 60s) {
  const marked_target program = odd_server("plain");
  for (auto moment = 0ms; moment < 120ms; moment += 6ms) {
    auto records = make_memory_store(co_await asio::this_coro::executor, store_options());
    manager_options options = quick_options();
    options.servers = registry(as_registered(program));
    auto managing = make_manager(*records, options);
    auto ordered = co_await managing->connect(user(1), srv, by_registration("prog"), std::nullopt);
    CO_ASSERT_OK(ordered);
    co_await aio::wait_until(aio::after(moment));
    co_await managing->close();
    EXPECT_EQ(describe(processes_of(program.mark)), "") << moment.count();
    co_await records->close();
  }
}

CO_TEST_WITHIN(Manager, ClosesWhileAProgramIsLost, 60s) {
  const marked_target program = odd_server("plain");
  for (auto moment = 0ms; moment < 120ms; moment += 6ms) {
    auto records = make_memory_store(co_await asio::this_coro::executor, store_options());
    manager_options options = quick_options();
    options.servers = registry(as_registered(program));
    auto managing = make_manager(*records, options);
    auto up = co_await connect_and_settle(*managing, user(1), by_registration("prog"));
    CO_ASSERT_OK(up);
    CO_ASSERT_EQ(processes_of(program.mark).size(), 1U);
    ::kill(processes_of(program.mark).front().pid, SIGKILL);
    co_await aio::wait_until(aio::after(moment));
    co_await managing->close();
    EXPECT_EQ(describe(processes_of(program.mark)), "") << moment.count();
    co_await records->close();
  }
}

CO_TEST_WITHIN(Manager, ManagesAModernServer, 60s) {
  auto server = co_await npm_http_server::start_modern("http-modern");
  CO_ASSERT_TRUE(server);
  auto records = make_memory_store(co_await asio::this_coro::executor, store_options());
  auto managing = make_manager(*records, quick_options());
  auto up = co_await connect_and_settle(*managing, user(1), by_url(server->url("/mcp")));
  CO_ASSERT_OK(up);
  CO_ASSERT_EQ(up->state, status::connected);
  EXPECT_EQ(up->info.protocol_version, "2026-07-28");
  const auto before = up->info.tool_count.value_or(0);
  EXPECT_GT(before, 5U);
  auto grown = co_await managing->call(user(1), srv, "grow", R"({"name":"sprout"})", mcp::call_options());
  CO_ASSERT_OK(grown);
  auto more = co_await seen(*records, user(1), has_tools(before + 1));
  CO_ASSERT_TRUE(more && more->tools);
  EXPECT_NE(more->tools->find("sprout"), std::string::npos);
  co_await server->stop();
  auto failed = co_await seen(*records, user(1), is(status::failed));
  CO_ASSERT_TRUE(failed && failed->tools);
  EXPECT_NE(failed->tools->find("sprout"), std::string::npos);
  co_await managing->close();
  co_await records->close();
}

// Nothing is asked of it for an hour: that its stream ends is all there is to notice.
asio::awaitable<void> notices_that_it_is_killed(std::unique_ptr<npm_http_server> server, std::string path) {
  CO_ASSERT_TRUE(server);
  auto records = make_memory_store(co_await asio::this_coro::executor, store_options());
  manager_options options = quick_options();
  options.check_every = 1h;
  auto managing = make_manager(*records, options);
  auto up = co_await connect_and_settle(*managing, user(1), by_url(server->url(path)));
  CO_ASSERT_OK(up);
  CO_ASSERT_EQ(up->state, status::connected);
  const auto begun = std::chrono::steady_clock::now();
  for (const auto& each : server->processes()) ::kill(each.pid, SIGKILL);
  auto failed = co_await seen(*records, user(1), is(status::failed));
  CO_ASSERT_TRUE(failed);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
  co_await server->stop();
  co_await managing->close();
  co_await records->close();
}

asio::awaitable<void> notices_that_everything_is_killed(std::string mode, std::string path) {
  auto command = [mode](const std::string&) { return std::vector<std::string>{npm_command("mcp-server-everything"), mode}; };
  auto server = co_await npm_http_server::start(command);
  co_await notices_that_it_is_killed(std::move(server), std::move(path));
}

CO_TEST_WITHIN(Manager, NoticesThatAModernServerIsKilled, 60s) {
  auto server = co_await npm_http_server::start_modern("http-modern");
  co_await notices_that_it_is_killed(std::move(server), "/mcp");
}

TEST(Manager, NoticesThatAStreamableHttpServerIsKilled) {
  run_co_test([](asio::io_context&) { return notices_that_everything_is_killed("streamableHttp", "/mcp"); }, 60s);
}

TEST(Manager, NoticesThatAnSseServerIsKilled) {
  run_co_test([](asio::io_context&) { return notices_that_everything_is_killed("sse", "/sse"); }, 60s);
}

}  // namespace
}  // namespace mcpstate::test
