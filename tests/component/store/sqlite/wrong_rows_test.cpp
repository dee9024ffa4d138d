// SPDX-License-Identifier: MIT
// Rows of the file that another program has broken: each costs itself only.
#include <sqlite3.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <mcpstate/core/record_info.hpp>
#include <mcpstate/open_store.hpp>

#include "support/co_test.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {

namespace {

owner account(const std::string& id) { return owner::user(id).value(); }
server_name service() { return server_name::parse("s").value(); }

void sql(const std::string& path, const std::string& statements) {
  sqlite3* db = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  sqlite3_busy_timeout(db, 5000);
  EXPECT_EQ(sqlite3_exec(db, statements.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
}

using body = asio::awaitable<void> (*)(store& at, std::string path);

asio::awaitable<void> with_store(asio::any_io_executor executor, std::string path, body run) {
  const store_options options;
  auto opened = co_await open_sqlite_store(executor, path, options);
  CO_ASSERT_OK(opened);
  co_await run(**opened, path);
  co_await (*opened)->close();
}

void with(body run) {
  const temp_dir dir;
  const std::string path = (dir.path() / "state.db").string();
  run_co_test([&](asio::io_context& io) { return with_store(io.get_executor(), path, run); });
}

task<connection> put(store& at, std::string id, status state) {
  change update(account(id), service(), state);
  co_return co_await at.put(std::move(update));
}

std::uint64_t found(const std::vector<finding>& all, std::string_view check, finding::level how) {
  std::uint64_t n = 0;
  for (const auto& f : all) n += f.check == check && f.severity == how ? f.count : 0;
  return n;
}

asio::awaitable<void> offers_the_others(store& at, std::string path) {
  for (const char* id : {"1", "2", "3"}) {
    const managed_name name(account(id), service());
    auto taken = co_await at.leases().take_lease(name, "one", "registered", std::chrono::seconds(60));
    CO_ASSERT_OK(taken);
    lease mine = **taken;
    CO_ASSERT_OK(co_await at.leases().end_lease(std::move(mine), lease_end::hand_over));
  }
  sql(path,
      "UPDATE leases SET server = '', until = -5 WHERE id = '2';"
      "INSERT INTO leases SELECT kind, '', server, holder, number, -9, registered, forget_at FROM leases WHERE id = '1';"
      "INSERT INTO leases SELECT kind, x'ff', server, holder, number, until, registered, forget_at FROM leases WHERE id = '1'");
  instance_report me;
  me.name = "one";
  const auto all = co_await at.leases().beat(me, std::chrono::seconds(60));
  CO_ASSERT_OK(all);
  CO_ASSERT_EQ(all->unheld.size(), 2u);
  EXPECT_EQ(all->faults.size(), 3u);
  EXPECT_EQ(all->faults.front().code(), errc::junk_record);
  const std::string start;
  const auto page = co_await at.leases().managed_of("registered", start);
  CO_ASSERT_OK(page);
  EXPECT_EQ(page->names.size(), 2u);
}

asio::awaitable<void> passes_over_a_nameless_owner(store& at, std::string path) {
  for (const char* id : {"1", "2", "3"}) CO_ASSERT_OK(co_await put(at, id, status::connected));
  sql(path, "UPDATE records SET id = '' WHERE id = '2'");
  const std::string start;
  const auto page = co_await at.scan(start);
  CO_ASSERT_OK(page);
  EXPECT_EQ(page->owners.size(), 2u);
  const auto examined = co_await at.examine(false, nullptr);
  CO_ASSERT_OK(examined);
  EXPECT_EQ(found(*examined, "owners_readable", finding::level::problem), 1u);
}

constexpr const char* unreadable[] = {"9007199254740992", "9223372036854775807", "-5", "1e300", "'up'"};

asio::awaitable<void> writes_over_unreadable_revisions(store& at, std::string path) {
  for (const std::string text : unreadable) {
    CO_ASSERT_OK(co_await put(at, "1", status::connected));
    sql(path, "UPDATE records SET revision = " + text);
    const auto written = co_await put(at, "1", status::failed);
    CO_ASSERT_OK(written);
    EXPECT_LE(written->revision, max_revision) << text;
    const auto read = co_await at.get(account("1"), service(), tools_wanted::no);
    CO_ASSERT_OK(read);
    EXPECT_EQ((*read)->revision, written->revision) << text;
    EXPECT_TRUE((*read)->problems.empty()) << text;
  }
}

asio::awaitable<void> mends_unreadable_revisions(store& at, std::string path) {
  int count = 0;
  for (const std::string text : unreadable) {
    const auto id = std::to_string(++count);
    CO_ASSERT_OK(co_await put(at, id, status::connected));
    sql(path, "UPDATE records SET revision = " + text + " WHERE id = '" + id + "'");
  }
  const auto fixed = co_await at.examine(true, nullptr);
  CO_ASSERT_OK(fixed);
  EXPECT_EQ(found(*fixed, "revisions", finding::level::repaired), 5u);
  EXPECT_EQ(found(*fixed, "revisions", finding::level::problem), 0u);
  for (int i = 1; i <= count; ++i) {
    const auto id = std::to_string(i);
    const auto read = co_await at.get(account(id), service(), tools_wanted::no);
    CO_ASSERT_OK(read);
    EXPECT_GT((*read)->revision, 0u);
    EXPECT_TRUE((*read)->connected());
    EXPECT_TRUE((*read)->problems.empty());
  }
}

asio::awaitable<void> shows_unknown_statuses(store& at, std::string path) {
  CO_ASSERT_OK(co_await put(at, "1", status::connected));
  sql(path, "UPDATE records SET status = 'up'");
  const auto all = co_await at.list(account("1"), tools_wanted::no);
  CO_ASSERT_OK(all);
  CO_ASSERT_EQ((*all)->size(), 1u);
  EXPECT_FALSE((*all)->front().state.has_value());
  EXPECT_EQ((*all)->front().info.error->code, "junk_record");
  CO_ASSERT_OK(co_await put(at, "1", status::failed));
  const auto read = co_await at.get(account("1"), service(), tools_wanted::no);
  CO_ASSERT_OK(read);
  EXPECT_EQ((*read)->state, status::failed);
}

}  // namespace

TEST(SqliteWrongRows, OfferTheConnectionsOfTheOthers) { with(offers_the_others); }
TEST(SqliteWrongRows, KeepNoOtherOwnerFromBeingListed) { with(passes_over_a_nameless_owner); }
TEST(SqliteWrongRows, BeginARevisionThatCannotBeReadAnew) { with(writes_over_unreadable_revisions); }
TEST(SqliteWrongRows, AreMendedByTheDoctorWhereTheirRevisionCannotBeRead) { with(mends_unreadable_revisions); }
TEST(SqliteWrongRows, ShowAStatusThatIsNoneAsUnknown) { with(shows_unknown_statuses); }

}  // namespace mcpstate::test
