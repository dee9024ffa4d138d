// SPDX-License-Identifier: MIT
// Child processes that are started again: while the protocol is found out, and after they have died.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "component/mcp/mcp_support.hh"
#include "component/mcp/recording_host.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

// A server that leaves a byte in a file each time that it is started.
struct counted_server {
  explicit counted_server(const std::string& mode) : target(odd_server(mode)), file(dir.file("starts")) {
    target.where.env.emplace_back("MCPSTATE_TEST_STARTS", file);
  }
  [[nodiscard]] std::uintmax_t starts() const {
    std::error_code none;
    const auto size = std::filesystem::file_size(file, none);
    return none ? 0 : size;
  }
  temp_dir dir;
  marked_target target;
  std::string file;
};

asio::awaitable<void> expect_all_gone(std::string mark) {
  const bool gone = co_await eventually([&mark] { return processes_of(mark).empty(); }, 5s);
  EXPECT_TRUE(gone) << describe(processes_of(mark));
}

std::vector<std::string> names_of(const std::vector<mcp::connect_step>& steps) {
  std::vector<std::string> out;
  for (const mcp::connect_step& step : steps) out.push_back(step.name + (step.ok ? "" : " (failed)"));
  return out;
}

// Connects twice; the second time it is known what the server speaks.
asio::awaitable<void> is_found_out(counted_server& server, mcp::client_options options, std::uintmax_t starts,
                                   std::vector<std::string> expected) {
  std::vector<mcp::connect_step> steps;
  options.eras = std::make_shared<mcp::era_memory>();
  options.on_step = [&steps](const mcp::connect_step& step) { steps.push_back(step); };
  for (const bool known : {false, true}) {
    steps.clear();
    const auto before = server.starts();
    auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.target.where, options);
    CO_ASSERT_OK(opened);
    EXPECT_EQ((*opened)->facts().protocol_version, "2025-11-25");
    EXPECT_EQ(processes_of(server.target.mark).size(), 1U) << describe(processes_of(server.target.mark));
    auto listed = co_await (*opened)->list_tools();
    CO_ASSERT_OK(listed);
    co_await (*opened)->close();
    co_await expect_all_gone(server.target.mark);
    const std::vector<std::string> at_once = {"start the program", "initialize"};
    EXPECT_EQ(names_of(steps), known ? at_once : expected);
    EXPECT_EQ(server.starts() - before, known ? 1U : starts);
  }
}

TEST(ChildProbe, RestartsAProgramThatDiesOfTheProbe) {
  counted_server server("dies_when_probed");
  run_co_test(
      [&](asio::io_context&) {
        return is_found_out(server, test_options(), 2,
                            {"start the program", "server/discover (failed)", "start it again", "initialize"});
      },
      60s);
}

TEST(ChildProbe, AsksAProgramThatIgnoresTheProbeAgainOnTheSamePipe) {
  counted_server server("silent_when_probed");
  auto options = test_options();
  options.probe_timeout = 500ms;
  run_co_test(
      [&](asio::io_context&) {
        return is_found_out(server, options, 1, {"start the program", "server/discover (failed)", "initialize"});
      },
      60s);
}

TEST(ChildProbe, RestartsAProgramThatRefusesTheProbeAndDies) {
  counted_server server("refuses_and_dies_when_probed");
  run_co_test(
      [&](asio::io_context&) {
        return is_found_out(
            server, test_options(), 2,
            {"start the program", "server/discover (failed)", "initialize (failed)", "start it again", "initialize"});
      },
      60s);
}

TEST(ChildProbe, ContinuesWithAProgramThatRefusesTheProbe) {
  for (const char* const mode : {"plain", "refuses_when_probed"}) {
    counted_server server(mode);
    run_co_test(
        [&](asio::io_context&) {
          return is_found_out(server, test_options(), 1, {"start the program", "server/discover (failed)", "initialize"});
        },
        60s);
  }
}

CO_TEST_WITHIN(ChildProbe, DoesNotRestartWhenOnlyTheModernEraIsWanted, 60s) {
  counted_server server("dies_when_probed");
  auto options = test_options();
  options.protocol = mcp::era_choice::modern;
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.target.where, options);
  co_await expect_all_gone(server.target.mark);
  EXPECT_EQ(server.starts(), 1U);
  CO_ASSERT_FAILS(opened, errc::child_exited);
  EXPECT_NE(opened.error().peer_text().find("unknown method"), std::string::npos) << opened.error().peer_text();
}

CO_TEST_WITHIN(ChildRestart, HappensAtMostFiveTimesAMinute, 60s) {
  counted_server server("dies_later");
  const auto user = std::make_shared<recording_host>();
  auto options = test_options();
  options.user = user;
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.target.where, options);
  CO_ASSERT_OK(opened);
  std::optional<error> last;
  for (int round = 0; round < 10; ++round) {
    auto listed = co_await (*opened)->list_tools();
    CO_ASSERT_FALSE(listed.has_value());
    last = listed.error();
    EXPECT_EQ(name_of(last->code()), "child_exited") << last->full_text();
    EXPECT_EQ(last->peer_text(), "out of memory, sorry");
  }
  EXPECT_NE(last->detail().find("again and again"), std::string::npos) << last->detail();
  EXPECT_EQ(server.starts(), 6U);
  EXPECT_EQ(user->lost.size(), 6U);
  co_await (*opened)->close();
  co_await expect_all_gone(server.target.mark);
}

CO_TEST_WITHIN(ChildRestart, NeverRepeatsACall, 60s) {
  counted_server server("dies_in_calls");
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.target.where, test_options());
  CO_ASSERT_OK(opened);
  auto called = co_await (*opened)->call_tool("odd", "{}", mcp::call_options());
  CO_ASSERT_FAILS(called, errc::outcome_unknown);
  EXPECT_NE(called.error().detail().find("exited with code 6"), std::string::npos) << called.error().detail();
  EXPECT_EQ(server.starts(), 1U);  // not repeated
  auto listed = co_await (*opened)->list_tools();
  CO_ASSERT_OK(listed);
  EXPECT_EQ(server.starts(), 2U);
  co_await (*opened)->close();
  co_await expect_all_gone(server.target.mark);
}

CO_TEST_WITHIN(ChildRestart, IsOmittedWhenUnwanted, 60s) {
  counted_server server("dies_later");
  auto options = test_options();
  options.reopen = false;
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.target.where, options);
  CO_ASSERT_OK(opened);
  for (int round = 0; round < 2; ++round) {
    auto listed = co_await (*opened)->list_tools();
    CO_ASSERT_FAILS(listed, errc::child_exited);
  }
  EXPECT_EQ(server.starts(), 1U);
  co_await (*opened)->close();
  co_await expect_all_gone(server.target.mark);
}

}  // namespace
}  // namespace mcpstate::test
