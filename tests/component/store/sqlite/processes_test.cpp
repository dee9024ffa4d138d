// SPDX-License-Identifier: MIT
// Several processes on one file, and processes that die.
#include <memory>

#include <mcpstate/open_store.hpp>

#include "component/store/child.hh"
#include "support/co_test.hh"
#include "support/state_home.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {

namespace {

using words = std::vector<std::string>;

const std::string writer = SQLITE_WRITER;

asio::awaitable<void> check_count(asio::any_io_executor executor, std::string path, std::uint32_t expected) {
  auto opened = co_await open_sqlite_store(executor, path, store_options());
  CO_ASSERT_OK(opened);
  const auto got =
      co_await (*opened)->get(owner::user("1").value(), server_name::parse("counter").value(), tools_wanted::no);
  EXPECT_TRUE(got && *got && (*got)->info.error && (*got)->info.error->attempt == expected)
      << (got && *got && (*got)->info.error ? (*got)->info.error->attempt : 0);
  co_await (*opened)->close();
}

// The record is one that was written whole, and doctor finds nothing.
asio::awaitable<void> check_whole(asio::any_io_executor executor, std::string path) {
  auto opened = co_await open_sqlite_store(executor, path, store_options());
  CO_ASSERT_OK(opened);
  const auto got = co_await (*opened)->get(owner::user("1").value(), server_name::parse("torn").value(), tools_wanted::yes);
  EXPECT_TRUE(got && *got);
  if (got && *got) {
    const connection& c = **got;
    EXPECT_TRUE(c.problems.empty());
    EXPECT_EQ(c.connected(), c.connected_at.has_value());
    EXPECT_EQ(c.state == status::disconnected, c.tools == nullptr);
    if (c.tools) {
      EXPECT_EQ(c.tools->find(to_text(c.state)), 2u);
      EXPECT_EQ(sha256_tag(*c.tools), c.info.tools_hash);
    }
  }
  const auto found = co_await (*opened)->examine(false, nullptr);
  EXPECT_TRUE(found);
  if (found) {
    for (const auto& f : *found) EXPECT_NE(f.severity, finding::level::problem) << f.check << ": " << f.text;
  }
  co_await (*opened)->close();
}

}  // namespace

TEST(SqliteProcesses, LoseNoUpdate) {
  temp_dir directory;
  const state_home home(directory.file("new"));
  const auto path = default_sqlite_path();
  std::vector<std::unique_ptr<child>> writers;
  for (int i = 0; i < 4; ++i) writers.push_back(std::make_unique<child>(words{writer, "count", path, "50"}));
  for (auto& w : writers) EXPECT_EQ(w->wait(), 0) << w->line();
  run_co_test([&](asio::io_context& io) { return check_count(io.get_executor(), path, 200); });
}

TEST(SqliteProcesses, LeaveNoHalfOfAChangeWhenKilled) {
  temp_dir directory;
  const auto path = directory.file("state.db");
  for (int round = 0; round < 8; ++round) {
    child w(words{writer, "states", path});
    for (int i = 0; i <= round; ++i) EXPECT_EQ(w.line(), "round");
    w.kill_now();
    EXPECT_EQ(w.wait(), -1);
    run_co_test([&](asio::io_context& io) { return check_whole(io.get_executor(), path); });
  }
}

TEST(SqliteProcesses, ReportAFullDisk) {
  temp_dir directory;
  child w(words{writer, "fill", directory.file("state.db")});
  const auto said = w.line();
  EXPECT_EQ(said.substr(0, 9), "disk_full") << said;
  EXPECT_EQ(w.wait(), 0);
}

TEST(SqliteProcesses, ReportAReadOnlyFileAtOpening) {
  namespace fs = std::filesystem;
  temp_dir directory;
  const auto path = directory.file("state.db");
  child first(words{writer, "count", path, "1"});
  ASSERT_EQ(first.wait(), 0);
  fs::permissions(path, fs::perms(0444));
  fs::permissions(directory.path(), fs::perms(0555));
  child file(words{writer, "open", path});
  EXPECT_EQ(file.line().substr(0, 9), "read_only");
  const state_home home(directory.file("other"));
  for (const auto& missing : {default_sqlite_path(), directory.file("other.db")}) {
    child create(words{writer, "open", missing});
    const auto said = create.line();
    EXPECT_EQ(said.substr(0, 14), "storage_failed") << said;
    EXPECT_NE(said.find("Permission denied"), std::string::npos) << said;
  }
}

}  // namespace mcpstate::test
