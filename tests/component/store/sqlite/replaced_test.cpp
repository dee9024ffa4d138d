// SPDX-License-Identifier: MIT
// A file that is removed, replaced or restored while the store has it open.
#include <filesystem>
#include <fstream>
#include <optional>

#include "component/store/child.hh"
#include "component/store/sqlite/scene.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// Whether the owner has this many records, at some time within ten seconds.
asio::awaitable<bool> comes_to_have(store& s, std::size_t count) {
  const stopwatch since;
  while (since.time() < 10s) {
    const auto all = co_await s.list(sqlite_owner(), tools_wanted::no);
    if (all && (*all)->size() == count) co_return true;
    co_await aio::wait_until(aio::after(20ms));
  }
  co_return false;
}

asio::awaitable<bool> takes_a_write(store& s, std::string server) {
  const stopwatch since;
  while (since.time() < 10s) {
    const auto done = co_await put_record(s, server);
    if (done) co_return true;
    co_await aio::wait_until(aio::after(20ms));
  }
  co_return false;
}

// A file with this many records of the owner, and nothing beside it.
void make_file(const std::string& path, int records) {
  child made(std::vector<std::string>{SQLITE_WRITER, "records", path, std::to_string(records)});
  ASSERT_EQ(made.wait(), 0);
  ASSERT_FALSE(fs::exists(path + "-wal"));
}

void expect_whole(const std::string& path) {
  sqlite3* db = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  sqlite3_stmt* q = nullptr;
  EXPECT_EQ(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &q, nullptr), SQLITE_OK);
  EXPECT_EQ(sqlite3_step(q), SQLITE_ROW);
  EXPECT_STREQ(reinterpret_cast<const char*>(sqlite3_column_text(q, 0)), "ok");
  sqlite3_finalize(q);
  sqlite3_close(db);
}

// Nothing is acknowledged into a file that is not there.
asio::awaitable<void> expect_unavailable(store& s) {
  const auto written = co_await put_record(s, "lost");
  CO_ASSERT_FAILS(written, errc::storage_failed);
  EXPECT_TRUE(written.error().is(cond::unavailable));
  const auto read = co_await s.get(sqlite_owner(), sqlite_server("a"), tools_wanted::no);
  CO_ASSERT_FAILS(read, errc::storage_failed);
  const auto erased = co_await s.erase(sqlite_owner());
  EXPECT_FALSE(erased);
}

}  // namespace

TEST(SqliteReplacedFile, AcknowledgesNoWriteAfterTheFileWasRemoved) {
  temp_dir directory;
  with_sqlite(directory.file("state.db"), [](store& s, std::string path) -> asio::awaitable<void> {
    CO_ASSERT_OK(co_await put_record(s, "a"));
    fs::remove(path);
    co_await expect_unavailable(s);
    const auto read = co_await s.list(sqlite_owner(), tools_wanted::no);
    CO_ASSERT_FAILS(read, errc::storage_failed);
    EXPECT_NE(read.error().detail().find("was removed"), std::string::npos) << read.error().detail();
    EXPECT_FALSE(fs::exists(path)) << "the store makes no new file by itself";
  });
}

TEST(SqliteReplacedFile, BeginsAnewInAnEmptyFileThatIsPutThere) {
  temp_dir directory;
  with_sqlite(directory.file("state.db"), [](store& s, std::string path) -> asio::awaitable<void> {
    CO_ASSERT_OK(co_await put_record(s, "a"));
    for (const char* end : {"", "-wal", "-shm"}) fs::remove(path + end);
    co_await expect_unavailable(s);
    {
      const std::ofstream touched(path);
    }
    EXPECT_TRUE(co_await takes_a_write(s, "b"));
    EXPECT_TRUE(co_await comes_to_have(s, 1));
    expect_whole(path);
  });
}

TEST(SqliteReplacedFile, ReadsTheFileThatWasMovedOverIt) {
  temp_dir directory;
  make_file(directory.file("other.db"), 3);
  with_sqlite(directory.file("state.db"), [](store& s, std::string path) -> asio::awaitable<void> {
    for (const char* name : {"a", "b", "c", "d", "e"}) CO_ASSERT_OK(co_await put_record(s, name));
    fs::rename(fs::path(path).parent_path() / "other.db", path);
    EXPECT_TRUE(co_await comes_to_have(s, 3)) << "with nothing of the old log over it";
    EXPECT_TRUE(co_await takes_a_write(s, "new"));
    EXPECT_TRUE(co_await comes_to_have(s, 4));
    expect_whole(path);
  });
  // A process that comes later sees the same.
  with_sqlite(directory.file("state.db"),
              [](store& s, std::string) -> asio::awaitable<void> { EXPECT_TRUE(co_await comes_to_have(s, 4)); });
}

TEST(SqliteReplacedFile, ReadsABackupThatWasCopiedAndMovedOverIt) {
  temp_dir directory;
  make_file(directory.file("backup.db"), 7);
  with_sqlite(directory.file("state.db"), [](store& s, std::string path) -> asio::awaitable<void> {
    CO_ASSERT_OK(co_await put_record(s, "a"));
    const auto folder = fs::path(path).parent_path();
    fs::copy_file(folder / "backup.db", folder / "state.new");
    fs::rename(folder / "state.new", path);
    EXPECT_TRUE(co_await comes_to_have(s, 7));
    EXPECT_TRUE(co_await takes_a_write(s, "new"));
    expect_whole(path);
    expect_whole((folder / "backup.db").string());
  });
}

TEST(SqliteReplacedFile, KeepsWhatWasWrittenInAFileThatIsMovedAwayAndBack) {
  temp_dir directory;
  with_sqlite(directory.file("state.db"), [](store& s, std::string path) -> asio::awaitable<void> {
    for (const char* name : {"a", "b", "c"}) CO_ASSERT_OK(co_await put_record(s, name));
    fs::rename(path, path + ".away");
    co_await expect_unavailable(s);
    fs::rename(path + ".away", path);
    EXPECT_TRUE(co_await comes_to_have(s, 3));
    EXPECT_TRUE(co_await takes_a_write(s, "d"));
    EXPECT_TRUE(co_await comes_to_have(s, 4));
    expect_whole(path);
  });
}

TEST(SqliteReplacedFile, KeepsWhatWasWrittenWhenTheLogIsRemoved) {
  temp_dir directory;
  with_sqlite(directory.file("state.db"), [](store& s, std::string path) -> asio::awaitable<void> {
    for (const char* name : {"a", "b", "c"}) CO_ASSERT_OK(co_await put_record(s, name));
    fs::remove(path + "-wal");
    EXPECT_TRUE(co_await takes_a_write(s, "d"));
    EXPECT_TRUE(co_await comes_to_have(s, 4));
    expect_whole(path);
  });
  with_sqlite(directory.file("state.db"),
              [](store& s, std::string) -> asio::awaitable<void> { EXPECT_TRUE(co_await comes_to_have(s, 4)); });
}

TEST(SqliteReplacedFile, OpensNoFileThatIsNoDatabase) {
  temp_dir directory;
  with_sqlite(directory.file("state.db"), [](store& s, std::string path) -> asio::awaitable<void> {
    CO_ASSERT_OK(co_await put_record(s, "a"));
    const auto old = fs::last_write_time(path) - 1h;
    {
      std::ofstream other(path + ".new");
      other << std::string(10'000, 'x');
    }
    fs::last_write_time(path + ".new", old);
    fs::rename(path + ".new", path);
    const auto read = co_await s.list(sqlite_owner(), tools_wanted::no);
    CO_ASSERT_FAILS(read, errc::storage_failed);
    EXPECT_NE(read.error().detail().find("no SQLite database"), std::string::npos) << read.error().detail();
    EXPECT_EQ(fs::file_size(path), 10'000u);
  });
}

TEST(SqliteReplacedFile, TellsWatchersOfTheOutageAndOfTheRecordsOfTheNextFile) {
  temp_dir directory;
  make_file(directory.file("other.db"), 2);
  with_sqlite(directory.file("state.db"), [](store& s, std::string path) -> asio::awaitable<void> {
    CO_ASSERT_OK(co_await put_record(s, "gone"));
    auto opened = co_await s.watch(sqlite_owner());
    CO_ASSERT_OK(opened);
    auto& watch = **opened;
    for (int i = 0; i < 2; ++i) CO_ASSERT_OK(co_await watch.next());  // the record, ready
    fs::rename(path, path + ".away");
    bool outage = false, removed = false;
    int added = 0;
    while (!outage) {
      const auto got = co_await watch.next();
      outage = !got;
      CO_ASSERT_TRUE(got || got.error().is(cond::unavailable));
    }
    fs::rename(fs::path(path).parent_path() / "other.db", path);
    while (added < 2 || !removed) {
      const auto got = co_await watch.next();
      CO_ASSERT_OK(got);
      removed = removed || got->what == event::kind::removed;
      if (got->what == event::kind::present) ++added;
    }
  });
}

}  // namespace mcpstate::test
