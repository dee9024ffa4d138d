// SPDX-License-Identifier: MIT
// Programs that are silent for a while when they are started: installing, loading, or stuck after a question.
#include <filesystem>
#include <string>
#include <vector>

#include "component/mcp/mcp_support.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using names = std::vector<std::string>;

struct slow_program {
  slow_program(const std::string& mode, double seconds)
      : starts_file(dir.file("starts")), target(timed_server(mode, seconds, starts_file)) {}
  [[nodiscard]] std::uintmax_t starts() const {
    std::error_code none;
    const auto size = std::filesystem::file_size(starts_file, none);
    return none ? 0 : size;
  }
  temp_dir dir;
  std::string starts_file;
  marked_target target;
};

mcp::client_options recording(names& steps) {
  mcp::client_options out = test_options();
  out.on_step = [&steps](const mcp::connect_step& step) { steps.push_back(step.name + (step.ok ? "" : " (failed)")); };
  return out;
}

asio::awaitable<void> connects(slow_program& program, mcp::client_options options, std::uintmax_t starts) {
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, program.target.where, options);
  CO_ASSERT_OK(opened);
  auto listed = co_await (*opened)->list_tools();
  EXPECT_TRUE(listed.has_value()) << listed.error().full_text();
  EXPECT_EQ(program.starts(), starts);
  co_await (*opened)->close();
}

void expect_connected(const std::string& mode, mcp::client_options options, const names& steps, const names& expected,
                      double seconds, std::uintmax_t starts = 1) {
  slow_program program(mode, seconds);
  run_co_test([&](asio::io_context&) { return connects(program, options, starts); }, 60s);
  EXPECT_EQ(steps, expected) << mode;
}

// Over a third of the time, in which a server that is there answers.
TEST(SlowStart, ASilentProgramIsAskedAgainOnTheSamePipeAndNotStartedAgain) {
  for (const char* const mode : {"slow", "reads"}) {
    names steps;
    auto options = recording(steps);
    options.connect_timeout = 9s;
    options.probe_timeout = 1s;
    expect_connected(mode, options, steps, {"start the program", "server/discover (failed)", "initialize"}, 2);
  }
}

TEST(SlowStart, AServerOfTheModernEraAloneIsFoundOutAllTheSame) {
  names steps;
  auto options = recording(steps);
  options.connect_timeout = 12s;
  options.probe_timeout = 1s;
  expect_connected("modern", options, steps,
                   {"start the program", "server/discover (failed)", "initialize (failed)", "server/discover"}, 2);
}

TEST(SlowStart, TimeToStartGoesBeforeTheTimeToConnect) {
  for (const char* const mode : {"slow", "reads", "modern"}) {
    slow_program program(mode, 3);
    auto options = test_options();
    options.connect_timeout = 1500ms;
    options.startup_timeout = 20s;
    options.probe_timeout = 500ms;
    run_co_test([&](asio::io_context&) { return connects(program, options, 1); }, 60s);
  }
}

asio::awaitable<void> is_ended(slow_program& program, mcp::client_options options, std::chrono::milliseconds at_least) {
  const auto began = std::chrono::steady_clock::now();
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, program.target.where, options);
  CO_ASSERT_FAILS(opened, errc::deadline);
  EXPECT_GE(std::chrono::steady_clock::now() - began, at_least);
  EXPECT_EQ(program.starts(), 1U);
  const bool gone = co_await eventually([&] { return processes_of(program.target.mark).empty(); }, 5s);
  EXPECT_TRUE(gone);
}

TEST(SlowStart, AProgramThatReadsNothingIsEndedWhenItsTimeIsOverAndNotBefore) {
  slow_program program("slow", 1000);
  auto options = test_options();
  options.connect_timeout = 500ms;
  options.startup_timeout = 3s;
  run_co_test([&](asio::io_context&) { return is_ended(program, options, 3s); }, 60s);
}

TEST(SlowStart, AProgramThatTheProbeHasStuckIsStartedAgain) {
  for (const auto own_time : {0s, 4s}) {
    names steps;
    auto options = recording(steps);
    options.connect_timeout = own_time == 0s ? 9s : 1s;
    options.startup_timeout = own_time;
    options.probe_timeout = 1s;
    expect_connected(
        "stuck", options, steps,
        {"start the program", "server/discover (failed)", "initialize (failed)", "start it again", "initialize"}, 0, 2);
  }
}

}  // namespace
}  // namespace mcpstate::test
