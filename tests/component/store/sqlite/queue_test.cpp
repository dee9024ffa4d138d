// SPDX-License-Identifier: MIT
// Operations that stand in a queue: who waits for whom, and for how long.
#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include "aio/event.hh"
#include "component/store/sqlite/scene.hh"
#include "store/sqlite/thread.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {

namespace {

using namespace std::chrono_literals;

// How operations that were started together have ended.
struct endings {
  std::vector<std::optional<errc>> codes;
  std::vector<std::chrono::milliseconds> times;
  aio::event changed;
};

void rethrow(const std::exception_ptr& failure) {
  if (failure) std::rethrow_exception(failure);
}

void note(endings& all, std::optional<errc> code, const stopwatch& since) {
  all.codes.push_back(code);
  all.times.push_back(since.time());
  all.changed.notify();
}

asio::awaitable<void> put_and_note(store& s, std::string server, endings& all) {
  const stopwatch since;
  const auto done = co_await put_record(s, std::move(server));
  note(all, done ? std::nullopt : std::optional(done.error().code()), since);
}

asio::awaitable<void> touch_and_note(store& s, endings& all) {
  const stopwatch since;
  const std::optional<server_name> every;
  const auto done = co_await s.touch(sqlite_owner(), every);
  note(all, done ? std::nullopt : std::optional(done.error().code()), since);
}

asio::awaitable<bool> wait_for(endings& all, std::size_t count) {
  const auto until = aio::after(30s);
  while (all.codes.size() < count) {
    const bool woken = co_await all.changed.wait(until);
    if (!woken) co_return false;
  }
  co_return true;
}

asio::awaitable<void> start_writes(store& s, endings& all, std::size_t count) {
  const auto executor = co_await asio::this_coro::executor;
  for (std::size_t i = 0; i < count; ++i)
    asio::co_spawn(executor, put_and_note(s, "w" + std::to_string(i), all), rethrow);
}

store_options with_timeout(std::chrono::milliseconds time) {
  store_options out;
  out.timeout = time;
  return out;
}

}  // namespace

TEST(SqliteQueue, LetsReadersPassAWriterThatWaits) {
  temp_dir directory;
  with_sqlite(
      directory.file("state.db"),
      [](store& s, std::string path) -> asio::awaitable<void> {
        CO_ASSERT_OK(co_await put_record(s, "there"));
        auto lock = std::make_unique<write_lock>(path);
        endings writes;
        co_await start_writes(s, writes, 2);
        const stopwatch since;
        const auto all = co_await s.list(sqlite_owner(), tools_wanted::yes);
        const auto one = co_await s.get(sqlite_owner(), sqlite_server("there"), tools_wanted::yes);
        const auto page = co_await s.scan("");
        const auto counted = co_await s.stats(nullptr);
        EXPECT_TRUE(all && one && page && counted);
        EXPECT_TRUE(writes.codes.empty()) << "the reads were first";
        EXPECT_LT(since.time(), 3s);
        CO_ASSERT_TRUE(co_await wait_for(writes, 2));
      },
      with_timeout(4s));
}

TEST(SqliteQueue, EndsEachWriteByItsOwnTimeoutHoweverManyWait) {
  temp_dir directory;
  with_sqlite(
      directory.file("state.db"),
      [](store& s, std::string path) -> asio::awaitable<void> {
        CO_ASSERT_OK(co_await put_record(s, "there"));
        const write_lock lock(path);
        endings writes;
        co_await start_writes(s, writes, 4);
        const auto executor = co_await asio::this_coro::executor;
        asio::co_spawn(executor, touch_and_note(s, writes), rethrow);
        CO_ASSERT_TRUE(co_await wait_for(writes, 5));
        for (const auto& code : writes.codes) EXPECT_EQ(code, std::optional(errc::storage_failed));
        for (const auto time : writes.times) {
          EXPECT_GE(time, 900ms);
          EXPECT_LT(time, 1900ms) << "not the sum of the waits before";
        }
      },
      with_timeout(1s));
}

TEST(SqliteQueue, WritesNothingOfWhatWasAnsweredTooLate) {
  temp_dir directory;
  with_sqlite(
      directory.file("state.db"),
      [](store& s, std::string path) -> asio::awaitable<void> {
        CO_ASSERT_OK(co_await put_record(s, "there"));
        auto lock = std::make_unique<write_lock>(path);
        endings writes;
        co_await start_writes(s, writes, 3);
        CO_ASSERT_TRUE(co_await wait_for(writes, 3));
        lock.reset();
        CO_ASSERT_OK(co_await put_record(s, "after"));
        const auto all = co_await s.list(sqlite_owner(), tools_wanted::no);
        CO_ASSERT_OK(all);
        EXPECT_EQ((*all)->size(), 2u) << "there and after";
      },
      with_timeout(200ms));
}

TEST(SqliteQueue, TakesAWriteAgainAsSoonAsTheLockIsGone) {
  temp_dir directory;
  with_sqlite(directory.file("state.db"), [](store& s, std::string path) -> asio::awaitable<void> {
    auto lock = std::make_unique<write_lock>(path);
    endings writes;
    co_await start_writes(s, writes, 3);
    const auto seen = co_await s.list(sqlite_owner(), tools_wanted::no);
    EXPECT_TRUE(seen && (*seen)->size() == 0);
    lock.reset();
    CO_ASSERT_TRUE(co_await wait_for(writes, 3));
    for (const auto& code : writes.codes) EXPECT_EQ(code, std::nullopt);
  });
}

TEST(SqliteQueue, RefusesMoreThanItsBoundAtOnce) {
  temp_dir directory;
  with_sqlite(
      directory.file("state.db"),
      [](store& s, std::string path) -> asio::awaitable<void> {
        const write_lock lock(path);
        endings writes;
        const auto executor = co_await asio::this_coro::executor;
        constexpr std::size_t more = 5;
        for (std::size_t i = 0; i < sqlite_thread::max_waiting + more; ++i)
          asio::co_spawn(executor, touch_and_note(s, writes), rethrow);
        CO_ASSERT_TRUE(co_await wait_for(writes, more));
        for (std::size_t i = 0; i < more; ++i) EXPECT_EQ(writes.codes[i], std::optional(errc::queue_full));
        CO_ASSERT_TRUE(co_await wait_for(writes, sqlite_thread::max_waiting + more));
        const auto later = co_await s.list(sqlite_owner(), tools_wanted::no);
        EXPECT_TRUE(later);
      },
      with_timeout(1s));
}

TEST(SqliteQueue, HoldsAStoreOpenForWhatWaitsWhenItIsClosed) {
  temp_dir directory;
  const auto path = directory.file("state.db");
  with_sqlite(path, [](store& s, std::string) -> asio::awaitable<void> {
    endings writes;
    co_await start_writes(s, writes, 20);
    co_await s.close();
    CO_ASSERT_TRUE(co_await wait_for(writes, 20));
    for (const auto& code : writes.codes) EXPECT_TRUE(!code || *code == errc::stopped);
  });
}

}  // namespace mcpstate::test
