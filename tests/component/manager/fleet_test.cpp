// SPDX-License-Identifier: MIT
// Several managers on one store: each connection has one keeper, whatever happens to them.
#include <boost/asio/read_until.hpp>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "component/manager/manager_fixture.hh"
#include "mcp/transport/process.hh"
#include "support/heap.hh"
#include "support/manual_clock.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

std::size_t kept(const std::unique_ptr<manager>& by) { return by->counts().managed_here; }

asio::awaitable<void> connect_users(manager& with, std::string url, int count) {
  for (int i = 0; i < count; ++i) {
    auto up = co_await connect_and_settle(with, user(i), by_url(url));
    CO_ASSERT_OK(up);
    CO_ASSERT_EQ(up->state, status::connected);
  }
}

// What is so once everything is quiet: each is CONNECTED, and kept by one of them.
asio::awaitable<void> expect_all_kept(store& records, int count, std::vector<std::string> by) {
  for (int i = 0; i < count; ++i) {
    auto up = co_await seen(records, user(i), is(status::connected));
    CO_ASSERT_TRUE(up);
    const std::string holder = co_await holder_of(records, user(i));
    EXPECT_TRUE(std::find(by.begin(), by.end(), holder) != by.end()) << i << " is kept by '" << holder << "'";
  }
}

asio::awaitable<void> two_share(std::unique_ptr<store> first_store, std::unique_ptr<store> second_store) {
  constexpr int count = 12;
  announcing_server server(co_await asio::this_coro::executor);
  auto first = make_manager(*first_store, quick_options());
  co_await connect_users(*first, server.url(), count);
  EXPECT_EQ(kept(first), 12U);
  auto second = make_manager(second_store ? *second_store : *first_store, quick_options());
  const bool even = co_await eventually([&] { return kept(first) + kept(second) == 12 && kept(second) >= 5; });
  EXPECT_TRUE(even) << kept(first) << " and " << kept(second);
  EXPECT_LE(kept(second), 6U);
  const std::vector<std::string> both = {first->options().instance, second->options().instance};
  co_await expect_all_kept(*first_store, count, both);
  // One session for each, and one more for each that was handed over; none is left behind.
  const bool none_twice = co_await eventually([&] { return server.sessions() - server.ended() == count; });
  EXPECT_TRUE(none_twice) << server.sessions() << " opened, " << server.ended() << " ended";
  // An order given to the one is carried out by whichever keeps it.
  for (int i = 0; i < count; ++i) {
    auto again = co_await second->retry(user(i), srv);
    CO_ASSERT_OK(again);
    auto up = co_await second->settled(user(i), srv, again->revision);
    CO_ASSERT_OK(up);
    EXPECT_EQ(up->state, status::connected);
  }
  EXPECT_EQ(kept(first) + kept(second), 12U);
  // A clean stop hands everything over, at once.
  const auto begun = steady::now();
  co_await first->close();
  EXPECT_LT(steady::now() - begun, 1500ms);
  const bool taken = co_await eventually([&] { return second->counts().connected == 12; });
  EXPECT_TRUE(taken);
  EXPECT_LT(steady::now() - begun, 3s);  // not only when the leases had run out
  store& left = second_store ? *second_store : *first_store;
  const std::vector<std::string> one = {second->options().instance};
  co_await expect_all_kept(left, count, one);
  co_await second->close();
  const bool all_ended = co_await eventually([&] { return server.sessions() == server.ended(); });
  EXPECT_TRUE(all_ended);
  if (second_store) co_await second_store->close();
  co_await first_store->close();
  co_await server.stop();
}

CO_TEST_WITHIN(Fleet, SharesAStoreInMemory, 60s) {
  auto records = make_memory_store(co_await asio::this_coro::executor, store_options());
  co_await two_share(std::move(records), nullptr);
}

asio::awaitable<std::unique_ptr<store>> sqlite(std::string path) {
  auto opening = open_sqlite_store(co_await asio::this_coro::executor, std::move(path), store_options());
  auto opened = co_await std::move(opening);
  co_return std::move(opened.value());
}

CO_TEST_WITHIN(Fleet, SharesAnSqliteStore, 60s) {
  const temp_dir dir;
  const std::string path = dir.file("state.db");
  auto first = co_await sqlite(path);
  auto second = co_await sqlite(path);
  co_await two_share(std::move(first), std::move(second));
}

// One that was paused: by the store's clock its lease is over, and another one has taken it. By its own clock it is not, so
// what it writes next must be refused: that is how it learns of it.
CO_TEST_WITHIN(Fleet, RefusesWritesOfAPausedInstance, 60s) {
  manual_clock clock;
  store_options kept_by;
  kept_by.clock = &clock;
  auto records = make_memory_store(co_await asio::this_coro::executor, kept_by);
  announcing_server server(co_await asio::this_coro::executor);
  recording_observer told;
  auto options = quick_options();
  options.lease_time = 60s;  // it does not renew while the test runs
  options.check_every = 1h;
  options.observer = &told;
  auto paused = make_manager(*records, options);
  auto up = co_await connect_and_settle(*paused, user(1), by_url(server.url()));
  CO_ASSERT_OK(up);
  clock.advance(61s);
  auto next = make_manager(*records, quick_options());
  const bool taken = co_await eventually([&next] { return next->counts().connected == 1; });
  CO_ASSERT_TRUE(taken);
  auto theirs = co_await seen(*records, user(1), is(status::connected));
  CO_ASSERT_TRUE(theirs);
  EXPECT_EQ(server.sessions(), 2);
  server.set_tools("[" + plain_tool + R"(,{"name":"new","inputSchema":{"type":"object"}}])");
  const bool stopped = co_await eventually([&paused] { return kept(paused) == 0; });
  EXPECT_TRUE(stopped);
  EXPECT_EQ(told.leases, (std::vector<std::string>{"user:1 taken", "user:1 lost"}));
  auto record = co_await seen(*records, user(1), has_tools(2));
  CO_ASSERT_TRUE(record);
  const std::string holder = co_await holder_of(*records, user(1));
  EXPECT_EQ(holder, next->options().instance);
  const bool closed = co_await eventually([&server] { return server.ended() == 1; });
  EXPECT_TRUE(closed);
  co_await paused->close();
  co_await next->close();
  co_await records->close();
  co_await server.stop();
}

// Processes.

class kept_by_process {
 public:
  kept_by_process(asio::any_io_executor executor, const std::string& store_url, const std::string& url, int first, int count,
                  std::vector<std::string> more = {}) {
    const auto marks = marked({});
    mark_ = marks.mark;
    mcp::program what;
    what.command = {MANAGER_PROCESS, store_url, url, std::to_string(first), std::to_string(count)};
    what.command.insert(what.command.end(), more.begin(), more.end());
    what.environment = mcp::child_environment(marks.where.env);
    auto started = mcp::process::start(std::move(executor), what);
    if (started) child_ = std::move(*started);
  }
  asio::awaitable<bool> is_ready() {
    std::string line;
    auto [ec, size] = co_await asio::async_read_until(child_->output(), asio::dynamic_buffer(line), '\n', aio::use_ec);
    EXPECT_EQ(line, "ready\n");
    co_return !ec && line == "ready\n";
  }
  void signal(int number) { child_->signal_group(number); }
  asio::awaitable<bool> ends() { co_return co_await child_->wait_exit(aio::after(10s)); }
  [[nodiscard]] long resident_kb() const {
    const auto running = processes_of(mark_);
    if (running.empty()) return 0;
    std::ifstream in("/proc/" + std::to_string(running.front().pid) + "/status");
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("VmRSS:")) return std::atol(line.c_str() + 6);
    }
    return 0;
  }

 private:
  std::string mark_;
  std::unique_ptr<mcp::process> child_;
};

asio::awaitable<void> takes_over(std::string path, int how) {
  constexpr int count = 6;
  const auto executor = co_await asio::this_coro::executor;
  announcing_server server(executor);
  kept_by_process other(executor, "sqlite:" + path, server.url(), 0, count);
  const bool ready = co_await other.is_ready();
  CO_ASSERT_TRUE(ready);
  auto records = co_await sqlite(path);
  other.signal(how);
  const auto begun = steady::now();
  auto mine = make_manager(*records, quick_options());
  const bool taken = co_await eventually([&mine] { return mine->counts().connected == 6; });
  EXPECT_TRUE(taken) << kept(mine);
  EXPECT_LT(steady::now() - begun, quick_options().lease_time + 1500ms);
  const std::vector<std::string> me = {mine->options().instance};
  co_await expect_all_kept(*records, count, me);
  if (how == SIGSTOP) {
    // It comes back, with sessions and old ideas; gives them up, and gets its share again.
    other.signal(SIGCONT);
    const bool even = co_await eventually([&mine] { return kept(mine) <= 4 && kept(mine) >= 3; });
    EXPECT_TRUE(even) << kept(mine);
    const bool none_twice = co_await eventually([&server] { return server.sessions() - server.ended() == count; });
    EXPECT_TRUE(none_twice) << server.sessions() << " opened, " << server.ended() << " ended";
    for (int i = 0; i < count; ++i) {
      auto up = co_await seen(*records, user(i), is(status::connected));
      CO_ASSERT_TRUE(up);
    }
    other.signal(SIGTERM);
    const bool back = co_await eventually([&mine] { return mine->counts().connected == 6; });
    EXPECT_TRUE(back);
  }
  const bool ended = co_await other.ends();
  EXPECT_TRUE(ended);
  co_await mine->close();
  co_await records->close();
  co_await server.stop();
}

TEST(Fleet, TakesOverFromAKilledInstance) {
  const temp_dir dir;
  run_co_test([&dir](asio::io_context&) { return takes_over(dir.file("state.db"), SIGKILL); }, 60s);
}

TEST(Fleet, TakesOverFromAStoppedInstanceThatComesBack) {
  const temp_dir dir;
  run_co_test([&dir](asio::io_context&) { return takes_over(dir.file("state.db"), SIGSTOP); }, 60s);
}

// Hundreds, in a file that others wait for: all are handed over by a clean stop, within its second.
CO_TEST_WITHIN(Fleet, HandsOverHundredsInAnSqliteStore, 120s) {
  const temp_dir dir;
  const std::string path = dir.file("state.db");
  constexpr int count = 300;
  announcing_server server(co_await asio::this_coro::executor);
  auto records = co_await sqlite(path);
  auto others = co_await sqlite(path);
  auto options = quick_options();
  options.lease_time = 60s;  // nothing comes of waiting for it
  options.check_every = 1h;
  options.attempts_per_origin = 16;
  auto first = make_manager(*records, options);
  for (int i = 0; i < count; ++i) {
    auto ordered = co_await first->connect(user(i), srv, by_url(server.url()), std::nullopt);
    CO_ASSERT_OK(ordered);
  }
  const bool all_up = co_await eventually([&first] { return first->counts().connected == count; }, 30s);
  CO_ASSERT_TRUE(all_up);
  const auto begun = steady::now();
  co_await first->close();
  const auto took = steady::now() - begun;
  std::cout << count << " handed over in " << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms\n";
  EXPECT_LT(took, 2s);
  int held = 0;
  for (int i = 0; i < count; ++i) {
    const std::string holder = co_await holder_of(*others, user(i));
    held += holder.empty() ? 0 : 1;
  }
  EXPECT_EQ(held, 0);
  auto second = make_manager(*others, options);
  const bool taken = co_await eventually([&second] { return second->counts().connected == count; }, 30s);
  EXPECT_TRUE(taken) << second->counts().connected;
  co_await second->close();
  co_await others->close();
  co_await records->close();
  co_await server.stop();
}

// Resident memory means nothing under a sanitizer: there it is only tested that they come and go.
#ifdef MCPSTATE_SANITIZER_HEAP
constexpr int many = 100;
constexpr long most_resident_kb = 4L * 1024 * 1024;
#else
constexpr int many = 1000;
constexpr long most_resident_kb = 64L * 1024;
#endif

CO_TEST_WITHIN(Fleet, KeepsAThousandConnectionsInLittleMemory, 120s) {
  const auto executor = co_await asio::this_coro::executor;
  announcing_server server(executor);
  const std::vector<std::string> as_usual = {"30000"};  // how often it checks
  kept_by_process all(executor, "memory:", server.url(), 0, many, as_usual);
  const bool ready = co_await all.is_ready();
  CO_ASSERT_TRUE(ready);
  EXPECT_EQ(server.sessions(), many);
  const long resident = all.resident_kb();
  EXPECT_GT(resident, 0);
  EXPECT_LT(resident, most_resident_kb);
  testing::Test::RecordProperty("resident_kb", std::to_string(resident));
  std::cout << many << " connections: " << resident << " kB\n";
  all.signal(SIGTERM);
  const bool ended = co_await all.ends();
  EXPECT_TRUE(ended);
  const bool clean = co_await eventually([&server] { return server.ended() == many; });
  EXPECT_TRUE(clean) << server.ended();
  co_await server.stop();
}

}  // namespace
}  // namespace mcpstate::test
