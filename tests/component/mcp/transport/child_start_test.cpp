// SPDX-License-Identifier: MIT
// Programs are started by a thread that lives as long as the process, which also reaps them.
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "component/mcp/mcp_support.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

mcp::program program_of(std::vector<std::string> command) {
  mcp::program out;
  out.command = std::move(command);
  out.environment = mcp::child_environment({});
  return out;
}

asio::awaitable<std::string> first_line(mcp::process& child) {
  std::string line;
  auto [ec, size] = co_await asio::async_read_until(child.output(), asio::dynamic_buffer(line), '\n', aio::use_ec);
  co_return ec ? "(" + ec.message() + ")" : line.substr(0, size - 1);
}

asio::awaitable<void> repeats_what_it_is_told(mcp::process& child) {
  for (int round = 0; round < 100; ++round) {
    const std::string said = std::to_string(round) + "\n";
    auto [ec, size] = co_await asio::async_write(child.input(), asio::buffer(said), aio::use_ec);
    CO_ASSERT_FALSE(ec);
    const std::string heard = co_await first_line(child);
    CO_ASSERT_TRUE(heard + "\n" == said);
  }
  EXPECT_FALSE(child.has_exited()) << child.state_text();
}

asio::awaitable<void> outlives_a_thread(asio::io_context& io) {
  std::unique_ptr<mcp::process> child;
  std::thread([&] {
    auto started = start_now(io.get_executor(), program_of({"cat"}));
    if (started) child = std::move(*started);
  }).join();
  CO_ASSERT_TRUE(child != nullptr);
  co_await repeats_what_it_is_told(*child);
}

TEST(ChildStart, AProgramOutlivesTheThreadThatAskedForIt) {
  run_co_test([](asio::io_context& io) { return outlives_a_thread(io); });
}

bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

asio::awaitable<void> starts_and_reaps_many(asio::io_context& io) {
  std::vector<std::unique_ptr<mcp::process>> children;
  for (int number = 0; number < 60; ++number) {
    auto starting =
        mcp::process::start(io.get_executor(), program_of({"sh", "-c", number % 2 == 0 ? "exit 4" : "read line"}));
    auto started = co_await std::move(starting);
    CO_ASSERT_OK(started);
    children.push_back(std::move(*started));
  }
  for (std::size_t number = 0; number < children.size(); number += 2) {
    const bool ended = co_await children[number]->wait_exit(aio::after(10s));
    EXPECT_TRUE(ended);
    EXPECT_EQ(children[number]->state_text(), "exited with code 4");  // nobody has reaped it
  }
  children.clear();
  const bool reaped = co_await eventually([] { return !has_children(); }, 10s);
  EXPECT_TRUE(reaped);
}

TEST(ChildStart, ReapsAProgramOnlyWhenNobodyAsksForItAnyMore) {
  run_co_test([](asio::io_context& io) { return starts_and_reaps_many(io); }, 60s);
}

asio::awaitable<void> starts_and_ends_one(asio::io_context& io) {
  auto started = start_now(io.get_executor(), program_of({"true"}));
  CO_ASSERT_OK(started);
  const bool gone = co_await (*started)->kill_all(aio::after(5s));
  EXPECT_TRUE(gone);
}

TEST(ChildStart, LeavesOtherChildrenOfTheProcessAlone) {
  const pid_t stranger = ::fork();
  if (stranger == 0) ::_exit(9);
  run_co_test([](asio::io_context& io) { return starts_and_ends_one(io); });
  int status = 0;
  EXPECT_EQ(::waitpid(stranger, &status, 0), stranger);
  EXPECT_EQ(WEXITSTATUS(status), 9);
}

asio::awaitable<void> cancelled_start(asio::io_context& io) {
  for (int round = 0; round < 20; ++round) {
    auto starting = mcp::process::start(io.get_executor(), program_of({"sleep", "1000"}));
    auto bounded = aio::with_deadline(std::move(starting), aio::after(round * 200us), "the test");
    const auto started = co_await std::move(bounded);
    static_cast<void>(started);  // some are quicker than that
  }
  const bool reaped = co_await eventually([] { return !has_children(); }, 10s);
  EXPECT_TRUE(reaped);
}

TEST(ChildStart, LeavesNothingWhenItIsCancelled) {
  run_co_test([](asio::io_context& io) { return cancelled_start(io); }, 60s);
}

void write_script(const std::filesystem::path& path, const std::string& text, bool executable) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
  if (executable) std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

asio::awaitable<void> says(asio::io_context& io, mcp::program wanted, std::string expected) {
  auto started = start_now(io.get_executor(), wanted);
  CO_ASSERT_OK(started);
  const std::string line = co_await first_line(**started);
  EXPECT_EQ(line, expected) << wanted.environment.front();
}

TEST(ChildStart, PassesOverWhatCannotBeRunInPath) {
  const temp_dir dir;
  const auto root = std::filesystem::path(dir.path());
  std::filesystem::create_directories(root / "folder" / "tool");
  write_script(root / "plain" / "tool", "#!/bin/sh\necho plain\n", false);
  write_script(root / "file", "no folder", false);
  write_script(root / "right" / "tool", "#!/bin/sh\necho right\n", true);
  write_script(root / "later" / "tool", "#!/bin/sh\necho later\n", true);
  for (const char* const first : {"folder", "plain", "file", "nowhere"}) {
    auto wanted = program_of({"tool"});
    wanted.environment = {"PATH=" + (root / first).string() + "::" + (root / "right").string() + ":" +
                          (root / "later").string()};
    run_co_test([&](asio::io_context& io) { return says(io, wanted, "right"); });
  }
}

}  // namespace
}  // namespace mcpstate::test
