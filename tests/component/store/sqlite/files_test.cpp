// SPDX-License-Identifier: MIT
// The file itself: who may read it, whose it is, and what a damaged one looks like.
#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include <mcpstate/open_store.hpp>

#include "support/co_test.hh"
#include "support/manual_clock.hh"
#include "support/state_home.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {

namespace {

namespace fs = std::filesystem;

owner user() { return owner::user("1").value(); }
server_name name(const std::string& text) { return server_name::parse(text).value(); }

// One number out of the file, read past the store; after running statements on it.
std::int64_t sql(const std::string& path, const char* statements, const char* question = "SELECT 0") {
  sqlite3* db = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  sqlite3_busy_timeout(db, 5000);
  EXPECT_EQ(sqlite3_exec(db, statements, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_stmt* q = nullptr;
  EXPECT_EQ(sqlite3_prepare_v2(db, question, -1, &q, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  EXPECT_EQ(sqlite3_step(q), SQLITE_ROW);
  const auto out = sqlite3_column_int64(q, 0);
  sqlite3_finalize(q);
  sqlite3_close(db);
  return out;
}

task<connection> put(store& s, std::string server) {
  change c(user(), name(server), status::connected);
  c.tools(tools_list::parse("[1" + std::string(2000, ' ') + "]").value());
  co_return co_await s.put(std::move(c));
}

using body = asio::awaitable<void> (*)(store&, std::string path);

asio::awaitable<void> with_store(asio::any_io_executor executor, std::string path, store_options options, body run) {
  auto opened = co_await open_sqlite_store(executor, path, options);
  CO_ASSERT_OK(opened);
  co_await run(**opened, path);
  co_await (*opened)->close();
}

void with(const std::string& path, body run, store_options options = {}) {
  run_co_test([&](asio::io_context& io) { return with_store(io.get_executor(), path, options, run); });
}

asio::awaitable<void> fill(store& s, std::string) {
  for (int i = 0; i < 50; ++i) CO_ASSERT_OK(co_await put(s, "s" + std::to_string(i)));
}

asio::awaitable<void> expect_refused(asio::any_io_executor executor, std::string path, errc code, std::string words) {
  const auto opened = co_await open_sqlite_store(executor, path, store_options());
  CO_ASSERT_FAILS(opened, code);
  EXPECT_NE(opened.error().detail().find(words), std::string::npos) << opened.error().detail();
}

void refused(const std::string& path, errc code, const char* words) {
  run_co_test([&](asio::io_context& io) { return expect_refused(io.get_executor(), path, code, words); });
}

unsigned mode_of(const fs::path& path) {
  struct stat found{};
  EXPECT_EQ(stat(path.c_str(), &found), 0) << path;
  return found.st_mode & 0777u;
}

}  // namespace

TEST(SqliteFile, IsReadableByItsOwnerOnly) {
  temp_dir directory;
  const state_home home(directory.file("a"));
  const auto path = default_sqlite_path();
  with(path, [](store& s, std::string where) -> asio::awaitable<void> {
    CO_ASSERT_OK(co_await put(s, "x"));
    for (const char* end : {"", "-wal", "-shm"}) EXPECT_EQ(mode_of(where + end), 0600u) << end;
  });
  EXPECT_EQ(mode_of(directory.file("a")), 0700u);
  EXPECT_EQ(mode_of(directory.file("a/mcpstate")), 0700u);
}

TEST(SqliteFile, CreatesNoDirectoryForAMistypedPath) {
  temp_dir directory;
  refused(directory.file("a/b/state.db"), errc::storage_failed, "mkdir -p");
  EXPECT_FALSE(fs::exists(directory.file("a")));
}

TEST(SqliteFile, IsClosedToOthersByTheDoctor) {
  temp_dir directory;
  const auto path = directory.file("state.db");
  with(path, fill);
  fs::permissions(path, fs::perms(0644));
  with(path, [](store& s, std::string where) -> asio::awaitable<void> {
    const auto before = co_await s.examine(false, nullptr);
    CO_ASSERT_OK(before);
    const auto warned = [](const finding& f) {
      return f.check == "file_permissions" && f.severity == finding::level::warning;
    };
    EXPECT_EQ(std::count_if(before->begin(), before->end(), warned), 1);
    const auto fixed = co_await s.examine(true, nullptr);
    CO_ASSERT_OK(fixed);
    const auto repaired = [](const finding& f) {
      return f.check == "file_permissions" && f.severity == finding::level::repaired;
    };
    EXPECT_EQ(std::count_if(fixed->begin(), fixed->end(), repaired), 1);
    EXPECT_EQ(mode_of(where), 0600u);
  });
}

TEST(SqliteFile, RefusesANewerFormat) {
  temp_dir directory;
  const auto path = directory.file("state.db");
  with(path, fill);
  sql(path, "PRAGMA user_version = 4");
  refused(path, errc::unsupported, "newer mcpstate");
}

TEST(SqliteFile, UpgradesAFileWithoutLeases) {
  temp_dir directory;
  const auto path = directory.file("state.db");
  with(path, fill);
  sql(path,
      "DROP TABLE leases; DROP TABLE instances; DELETE FROM meta WHERE name = 'lease_number'; PRAGMA user_version = 1");
  with(path, [](store& s, std::string where) -> asio::awaitable<void> {
    const auto all = co_await s.list(user(), tools_wanted::yes);
    CO_ASSERT_OK(all);
    EXPECT_EQ((*all)->size(), 50u);
    const managed_name what(user(), name("s1"));
    const auto mine = co_await s.leases().take_lease(what, "one", "", std::chrono::seconds(60));
    CO_ASSERT_OK(mine);
    EXPECT_TRUE(mine->has_value());
    EXPECT_EQ(sql(where, "", "PRAGMA user_version"), 3);
    EXPECT_EQ(sql(where, "", "SELECT count(*) FROM leases"), 1);
  });
  with(path, [](store& s, std::string) -> asio::awaitable<void> {
    const auto kept = co_await s.leases().lease_of(managed_name(user(), name("s1")));
    CO_ASSERT_OK(kept);
    EXPECT_TRUE(kept->has_value());
  });
}

TEST(SqliteFile, LeavesTheDatabaseOfAnotherProgramAlone) {
  temp_dir directory;
  const auto path = directory.file("other.db");
  sql(path, "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (42)");
  refused(path, errc::storage_failed, "another program");
  EXPECT_EQ(sql(path, "", "SELECT x FROM theirs"), 42);
  EXPECT_EQ(sql(path, "", "SELECT count(*) FROM sqlite_master"), 1);
}

TEST(SqliteFile, RefusesWhatIsNoDatabase) {
  temp_dir directory;
  const auto path = directory.file("text.db");
  std::ofstream(path) << std::string(10'000, 'x');
  refused(path, errc::storage_failed, "no SQLite database");
  refused("/dev/null/state.db", errc::storage_failed, "Not a directory");
}

TEST(SqliteFile, ReportsDamageInsteadOfServingIt) {
  temp_dir directory;
  const auto path = directory.file("state.db");
  with(path, fill);
  sql(path, "PRAGMA wal_checkpoint(TRUNCATE)");
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    // The second half: what the store needs to open is in the first pages.
    const auto half = static_cast<std::streamoff>(fs::file_size(path) / 2);
    file.seekp(half);
    file << std::string(static_cast<std::size_t>(half), 'z');
  }
  with(path, [](store& s, std::string) -> asio::awaitable<void> {
    const auto all = co_await s.list(user(), tools_wanted::yes);
    EXPECT_TRUE(!all && all.error().code() == errc::storage_failed);
    if (!all) {
      EXPECT_NE(all.error().detail().find("restore a backup"), std::string::npos) << all.error().detail();
    }
    const auto found = co_await s.examine(false, nullptr);
    EXPECT_TRUE(!found || found->front().severity == finding::level::problem);
  });
}

TEST(SqliteFile, ReportsALockHeldTooLong) {
  temp_dir directory;
  const auto path = directory.file("state.db");
  with(path, fill);
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  store_options options;
  options.timeout = std::chrono::milliseconds(100);
  with(
      path,
      [](store& s, std::string) -> asio::awaitable<void> {
        const auto written = co_await put(s, "new");
        EXPECT_TRUE(!written && written.error().code() == errc::storage_failed);
        if (!written) {
          EXPECT_NE(written.error().detail().find("locked by another process"), std::string::npos);
        }
        const auto all = co_await s.list(user(), tools_wanted::no);
        EXPECT_TRUE(all && (*all)->size() == 50) << "readers do not wait for a writer";
      },
      options);
  sqlite3_close(other);
}

TEST(SqliteFile, RemovesExpiredRecordsAFewAtATime) {
  temp_dir directory;
  const auto path = directory.file("state.db");
  static manual_clock clock;
  store_options options;
  options.clock = &clock;
  with(path, fill, options);
  EXPECT_EQ(sql(path, "", "SELECT count(*) FROM tools"), 50);
  clock.advance(std::chrono::hours(25));
  with(
      path,
      [](store& s, std::string where) -> asio::awaitable<void> {
        std::int64_t left = 50;
        while (left > 1) {
          CO_ASSERT_OK(co_await put(s, "new"));
          const auto now = sql(where, "", "SELECT count(*) FROM records");
          CO_ASSERT_TRUE(now < left);
          left = now;
        }
        EXPECT_EQ(sql(where, "", "SELECT count(*) FROM tools"), 1) << "tools went with their records";
      },
      options);
}

}  // namespace mcpstate::test
