// SPDX-License-Identifier: MIT
// Real child processes, most of which misbehave; after each test nothing of them may be left.
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include <mcpstate/aio/task_group.hpp>

#include "component/mcp/mcp_support.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

const std::string odd_tool = R"([{"name":"odd", "x":1.50e+2,"\u0061":"\/\u00e9"}])";

// A SIGKILL has been sent, but a process may take a moment to go.
asio::awaitable<void> expect_gone(std::string mark) {
  const bool gone = co_await eventually([&mark] { return processes_of(mark).empty(); }, 5s);
  EXPECT_TRUE(gone) << describe(processes_of(mark));
}

asio::awaitable<void> connect_fails(marked_target server, mcp::client_options options, errc expected, std::string detail,
                                    std::string peer_text) {
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.where, options);
  co_await expect_gone(server.mark);
  CO_ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(name_of(opened.error().code()), name_of(expected)) << opened.error().full_text();
  EXPECT_NE(opened.error().detail().find(detail), std::string::npos) << opened.error().detail();
  EXPECT_NE(opened.error().peer_text().find(peer_text), std::string::npos) << opened.error().peer_text();
}

void expect_failure(marked_target server, errc code, std::string detail, std::string peer_text,
                    mcp::client_options options = test_options()) {
  run_co_test([&](asio::io_context&) { return connect_fails(server, options, code, detail, peer_text); }, 60s);
}

TEST(ChildHandshake, ReportsAnUnknownCommand) {
  expect_failure(marked({"no-such-mcp-server"}), errc::spawn_failed,
                 "'no-such-mcp-server': there is no such command in PATH", "");
}

TEST(ChildHandshake, ReportsAMissingFile) {
  expect_failure(marked({"/nowhere/server"}), errc::spawn_failed, "there is no such file", "");
}

TEST(ChildHandshake, ReportsAMissingPermission) {
  const temp_dir dir;
  expect_failure(marked({dir.path().string()}), errc::spawn_failed, "Permission denied", "");
}

TEST(ChildHandshake, ReportsAMissingWorkingDirectory) {
  auto server = odd_server("plain");
  server.where.cwd = "/nowhere/at/all";
  expect_failure(server, errc::spawn_failed, "its working directory '/nowhere/at/all': No such file", "");
}

TEST(ChildHandshake, RefusesAnEmptyCommand) { expect_failure(marked({}), errc::bad_argument, "needs a command", ""); }

TEST(ChildHandshake, RefusesABadEnvironmentVariable) {
  auto server = odd_server("plain");
  server.where.env.emplace_back("A=B", "c");
  expect_failure(server, errc::bad_argument, "environment variable", "");
}

TEST(ChildHandshake, ReportsAProgramThatDies) {
  expect_failure(odd_server("dies"), errc::child_exited, "exited with code 3", "no token given");
}

TEST(ChildHandshake, ReportsARefusedInitialize) {
  expect_failure(odd_server("refuses"), errc::rpc_error, "-32603", "out of order");
}

TEST(ChildHandshake, RefusesAnUnknownVersion) {
  expect_failure(odd_server("old"), errc::unsupported, "protocol version", "1999-01-01");
}

TEST(ChildHandshake, TimesOutOnASilentProgram) {
  auto options = test_options();
  options.connect_timeout = 3s;
  expect_failure(odd_server("silent"), errc::deadline, "did not answer initialize within 3 s", "still thinking", options);
}

TEST(ChildHandshake, ShowsTheJunkOfAProgramThatPrintsNothingElse) {
  auto options = test_options();
  options.connect_timeout = 3s;
  expect_failure(odd_server("only_junk"), errc::deadline, "initialize", "(on standard output: login:)", options);
}

TEST(ChildHandshake, RefusesALineOverTheLimit) {
  auto options = test_options();
  options.max_message_bytes = 1'000'000;
  expect_failure(odd_server("long_line"), errc::too_large, "more than 1000000 bytes", "", options);
}

CO_TEST(ChildHandshake, LeavesNoProcessWhenCancelled) {
  const marked_target server = odd_server("silent");
  auto work = mcp::connect(co_await asio::this_coro::executor, server.where, test_options());
  auto opened = co_await aio::with_deadline(std::move(work), aio::after(300ms), "the test");
  EXPECT_FALSE(opened.has_value());
  co_await expect_gone(server.mark);
}

asio::awaitable<void> lists(std::string mode, std::string expected) {
  const auto server = odd_server(mode);
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.where, test_options());
  CO_ASSERT_OK(opened);
  auto listed = co_await (*opened)->list_tools();
  EXPECT_TRUE(listed.has_value()) << listed.error().full_text();
  if (listed) {
    EXPECT_EQ(listed->tools.bytes(), expected);
  }
  auto pinged = co_await (*opened)->ping();
  EXPECT_TRUE(pinged.has_value()) << pinged.error().full_text();
  EXPECT_EQ((*opened)->facts().title, "odd");
  EXPECT_EQ((*opened)->facts().instructions, "be odd");
  EXPECT_TRUE((*opened)->facts().tools_list_changed);
  const auto running = processes_of(server.mark);
  EXPECT_EQ(running.size(), mode.ends_with("family") ? 2U : 1U) << describe(running);
  for (const seen_process& seen : running) EXPECT_EQ(seen.group, running.front().group) << describe(running);
  co_await (*opened)->close();
  co_await expect_gone(server.mark);
}

class ChildSession : public ::testing::TestWithParam<const char*> {};

TEST_P(ChildSession, ListsToolsAndLeavesNoProcess) {
  run_co_test([](asio::io_context&) { return lists(GetParam(), odd_tool); }, 60s);
}

INSTANTIATE_TEST_SUITE_P(Modes, ChildSession,
                         ::testing::Values("plain", "junk", "flood", "asks", "asks_first", "chatty", "batch", "crlf",
                                           "no_ping", "stubborn", "family", "stubborn_family", "shy_family"),
                         [](const auto& mode) { return std::string(mode.param); });

CO_TEST_WITHIN(ChildLife, ReadsAHugeList, 60s) {
  const auto server = odd_server("huge");
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.where, test_options());
  CO_ASSERT_OK(opened);
  auto listed = co_await (*opened)->list_tools();
  EXPECT_TRUE(listed.has_value()) << listed.error().full_text();
  if (listed) {
    EXPECT_EQ(listed->tools.count(), 4900U);
    EXPECT_GT(listed->tools.bytes().size(), 4'900'000U);
  }
  co_await (*opened)->close();
  co_await expect_gone(server.mark);
}

asio::awaitable<void> dies_in_list(std::string mode, std::string detail, std::string peer_text) {
  const auto server = odd_server(mode);
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.where, test_options());
  CO_ASSERT_OK(opened);
  for (int round = 0; round < 2; ++round) {  // the second finds it dead
    auto listed = co_await (*opened)->list_tools();
    EXPECT_FALSE(listed.has_value());
    if (listed) break;
    EXPECT_EQ(name_of(listed.error().code()), "child_exited") << listed.error().full_text();
    EXPECT_NE(listed.error().detail().find(detail), std::string::npos) << listed.error().detail();
    EXPECT_EQ(listed.error().peer_text(), peer_text);
  }
  co_await (*opened)->close();
  co_await expect_gone(server.mark);
}

TEST(ChildLife, ReportsAnExitDuringARequest) {
  run_co_test([](asio::io_context&) { return dies_in_list("dies_later", "exited with code 5", "out of memory, sorry"); });
}

TEST(ChildLife, ReportsASignalDuringARequest) {
  run_co_test([](asio::io_context&) { return dies_in_list("killed", "was killed by signal 9", ""); });
}

void kill_all(const std::string& mark) {
  for (const seen_process& seen : processes_of(mark)) ::kill(seen.pid, SIGKILL);
}

asio::awaitable<void> killed_when_idle(bool reopen) {
  const auto server = npm_server("mcp-server-everything", {"stdio"});
  auto options = test_options();
  options.reopen = reopen;
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.where, options);
  CO_ASSERT_OK(opened);
  kill_all(server.mark);
  if (reopen) {
    // The first request may still find the dead one; it is repeated on a new process.
    auto listed = co_await (*opened)->list_tools();
    EXPECT_TRUE(listed.has_value()) << listed.error().full_text();
    EXPECT_EQ(processes_of(server.mark).size(), 1U);
  } else {
    auto pinged = co_await (*opened)->ping();
    CO_ASSERT_FALSE(pinged.has_value());
    EXPECT_EQ(name_of(pinged.error().code()), "child_exited") << pinged.error().full_text();
  }
  co_await (*opened)->close();
  co_await expect_gone(server.mark);
}

TEST(ChildLife, RestartsAProgramKilledWhileIdle) {
  run_co_test([](asio::io_context&) { return killed_when_idle(true); });
}

TEST(ChildLife, ReportsAProgramKilledWhileIdle) {
  run_co_test([](asio::io_context&) { return killed_when_idle(false); });
}

CO_TEST(ChildLife, StaysUsableAfterARequestTimedOut) {
  const auto server = odd_server("stuck");
  auto options = test_options();
  options.request_timeout = 300ms;
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.where, options);
  CO_ASSERT_OK(opened);
  auto listed = co_await (*opened)->list_tools();
  CO_ASSERT_FALSE(listed.has_value());
  EXPECT_EQ(name_of(listed.error().code()), "deadline");
  EXPECT_NE(listed.error().detail().find("tools/list within 300 ms"), std::string::npos) << listed.error().detail();
  auto pinged = co_await (*opened)->ping();  // the session itself goes on
  EXPECT_TRUE(pinged.has_value()) << pinged.error().full_text();
  co_await (*opened)->close();
  co_await expect_gone(server.mark);
}

asio::awaitable<void> list_into(mcp::client& client, std::optional<error>& out, bool& done) {
  auto listed = co_await client.list_tools();
  if (!listed) out = listed.error();
  done = true;
}

CO_TEST(ChildLife, EndsARequestOnClose) {
  const auto server = odd_server("stuck");
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.where, test_options());
  CO_ASSERT_OK(opened);
  std::optional<error> failed;
  bool done = false;
  aio::task_group group(co_await asio::this_coro::executor);
  group.spawn("list", list_into(**opened, failed, done));
  co_await asio::post(asio::use_awaitable);
  co_await (*opened)->close();
  EXPECT_TRUE(done);
  EXPECT_TRUE(failed && failed->code() == errc::stopped) << (failed ? failed->full_text() : "no error");
  co_await (*opened)->close();  // again: nothing happens
  co_await group.join();
  co_await expect_gone(server.mark);
}

asio::awaitable<void> surroundings(std::string cwd) {
  auto server = odd_server("surroundings");
  server.where.cwd = cwd;
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.where, test_options());
  CO_ASSERT_OK(opened);
  EXPECT_EQ((*opened)->facts().instructions, "MCPSTATE_TEST_MARK,PATH|0,1,2|" + cwd + "|1");
  co_await (*opened)->close();
}

TEST(ChildLife, InheritsNoSecretsAndNoDescriptors) {
  const temp_dir dir;
  ::setenv("MCPSTATE_SECRET", "hunter2", 1);
  const int leaky = ::open("/dev/null", O_RDONLY);  // on purpose without O_CLOEXEC
  ASSERT_GE(leaky, 0);
  run_co_test([&](asio::io_context&) { return surroundings(std::filesystem::canonical(dir.path())); });
  ::close(leaky);
  ::unsetenv("MCPSTATE_SECRET");
}

}  // namespace
}  // namespace mcpstate::test
