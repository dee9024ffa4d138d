// SPDX-License-Identifier: MIT
// What programs leave behind in groups, sessions and environments of their own ends with them.
#include <csignal>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "component/mcp/mcp_support.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

// A program with the numbers of all its processes, which are ended with the test.
struct stray_program {
  explicit stray_program(const std::string& mode) : pids(dir.file("pids")), target(stray_server(mode, pids)) {}
  ~stray_program() {
    for (const int pid : running()) ::kill(pid, SIGKILL);
  }
  [[nodiscard]] std::vector<int> noted() const {
    std::vector<int> out;
    std::ifstream in(pids);
    for (int pid = 0; in >> pid;) out.push_back(pid);
    return out;
  }
  [[nodiscard]] std::vector<int> running() const {
    std::vector<int> out;
    for (const int pid : noted()) {
      if (is_running(pid)) out.push_back(pid);
    }
    return out;
  }
  temp_dir dir;
  std::string pids;
  marked_target target;
};

struct stray_mode {
  const char* name;
  std::size_t processes;  // with the program itself
};

asio::awaitable<void> ends_with_its_program(stray_mode mode) {
  stray_program strays(mode.name);
  auto options = test_options();
  options.stop_timeout = 200ms;
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, strays.target.where, options);
  CO_ASSERT_OK(opened);
  const bool noted = co_await eventually([&] { return strays.noted().size() == mode.processes; }, 10s);
  EXPECT_TRUE(noted) << mode.name << ": " << strays.noted().size();
  EXPECT_EQ(strays.running().size(), mode.processes) << mode.name;
  co_await (*opened)->close();
  EXPECT_EQ(strays.running().size(), 0U) << mode.name;  // close() has waited for it
}

TEST(ChildStrays, EndWithTheirProgram) {
  const stray_mode modes[] = {{"daemon", 2}, {"no_environment", 2}, {"family", 5}, {"launcher", 2}};
  for (const stray_mode& mode : modes) {
    run_co_test([&](asio::io_context&) { return ends_with_its_program(mode); }, 60s);
  }
}

result<std::unique_ptr<mcp::process>> start_bare(asio::io_context& io, const stray_program& strays) {
  mcp::program wanted;
  wanted.command = strays.target.where.command;
  wanted.environment = mcp::child_environment(strays.target.where.env);
  return start_now(io.get_executor(), wanted);
}

asio::awaitable<void> ends_without_being_closed(asio::io_context& io, stray_mode mode) {
  stray_program strays(mode.name);
  auto started = start_bare(io, strays);
  CO_ASSERT_OK(started);
  const bool noted = co_await eventually([&] { return strays.noted().size() == mode.processes; }, 10s);
  EXPECT_TRUE(noted) << mode.name;
  started->reset();
  const bool gone = co_await eventually([&] { return strays.running().empty(); }, 5s);
  EXPECT_TRUE(gone) << mode.name;
}

TEST(ChildStrays, EndWhenTheirProgramIsOnlyDestroyed) {
  const stray_mode modes[] = {{"daemon", 2}, {"family", 5}, {"launcher", 2}};
  for (const stray_mode& mode : modes) {
    run_co_test([&](asio::io_context& io) { return ends_without_being_closed(io, mode); }, 60s);
  }
}

asio::awaitable<void> leaves_others_alone(asio::io_context& io) {
  stray_program ended("daemon"), other("daemon");
  auto first = start_bare(io, ended), second = start_bare(io, other);
  CO_ASSERT_OK(first);
  CO_ASSERT_OK(second);
  const bool noted = co_await eventually([&] { return ended.noted().size() == 2 && other.noted().size() == 2; }, 10s);
  EXPECT_TRUE(noted);
  const bool gone = co_await (*first)->kill_all(aio::after(5s));
  EXPECT_TRUE(gone);
  EXPECT_EQ(ended.running().size(), 0U);
  EXPECT_EQ(other.running().size(), 2U);
}

TEST(ChildStrays, OfAnotherProgramAreLeftAlone) {
  run_co_test([](asio::io_context& io) { return leaves_others_alone(io); }, 60s);
}

}  // namespace
}  // namespace mcpstate::test
