// SPDX-License-Identifier: MIT
// A store that does not answer: a manager stops acting when its leases have run out, and goes on afterwards.
#include <sqlite3.h>

#include "component/manager/manager_fixture.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

// Somebody who has the file to himself.
class file_lock {
 public:
  explicit file_lock(const std::string& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &db_), SQLITE_OK);
    sqlite3_busy_timeout(db_, 5000);
    EXPECT_EQ(sqlite3_exec(db_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db_);
  }
  ~file_lock() { sqlite3_close(db_); }
  file_lock(const file_lock&) = delete;
  file_lock& operator=(const file_lock&) = delete;

 private:
  sqlite3* db_ = nullptr;
};

CO_TEST_WITHIN(ManagerOutage, ClosesSessionsWhoseLeasesRanOut, 60s) {
  const temp_dir dir;
  const std::string path = dir.file("state.db");
  const auto executor = co_await asio::this_coro::executor;
  store_options how;
  how.timeout = 300ms;
  auto opening = open_sqlite_store(executor, path, how);
  auto records = co_await std::move(opening);
  CO_ASSERT_OK(records);
  announcing_server server(executor);
  recording_observer told;
  auto options = quick_options();
  options.lease_time = 1s;
  options.observer = &told;
  auto managing = make_manager(**records, options);
  auto up = co_await connect_and_settle(*managing, user(1), by_url(server.url()));
  CO_ASSERT_OK(up);
  {
    const file_lock outage(path);
    const bool stopped = co_await eventually([&server] { return server.ended() == 1; });
    EXPECT_TRUE(stopped);
    EXPECT_EQ(managing->counts().managed_here, 0U);
    EXPECT_EQ(told.leases, (std::vector<std::string>{"user:1 taken", "user:1 lost"}));
  }
  const bool again = co_await eventually([&managing] { return managing->counts().connected == 1; });
  EXPECT_TRUE(again);
  auto still = co_await (*records)->get(user(1), srv, tools_wanted::no);
  CO_ASSERT_TRUE(still && *still);
  EXPECT_EQ((*still)->state, status::connected);
  EXPECT_EQ((*still)->connected_at, up->connected_at);
  EXPECT_EQ(server.sessions(), 2);
  co_await managing->close();
  co_await (*records)->close();
  co_await server.stop();
}

}  // namespace
}  // namespace mcpstate::test
