// SPDX-License-Identifier: MIT
// Connections that nobody manages: those that the store names are adopted without holding up the beat, and those that it has
// lost are found.
#include <sqlite3.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>

#include "component/manager/manager_fixture.hh"
#include "component/manager/slow_store.hh"
#include "support/redis_server.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

// A managed record that waits long for its next attempt, so that whoever adopts it has nothing else to do.
change waiting_record(int number, timestamp now) {
  change out(user(number), srv, status::failed);
  details info;
  info.managed = true;
  info.url = "http://127.0.0.1:9/mcp";
  info.transport = "http";
  failure reason;
  reason.code = "connect_failed";
  reason.message = "refused";
  reason.attempt = 20;
  reason.retry_at = now + 1h;
  out.set_details(std::move(info));
  out.fail(std::move(reason));
  return out;
}

asio::awaitable<void> leave_unheld(store& records, int count) {
  for (int number = 0; number < count; ++number) {
    const timestamp now = wall_clock().now();
    change wanted = waiting_record(number, now);
    CO_ASSERT_OK(co_await records.put(std::move(wanted)));
    managed_name name(user(number), srv);
    auto taken = co_await records.leases().take_lease(std::move(name), "gone", "", 10s);
    CO_ASSERT_TRUE(taken && *taken);
    lease granted = **taken;
    CO_ASSERT_OK(co_await records.leases().end_lease(std::move(granted), lease_end::hand_over));
  }
}

CO_TEST_WITHIN(FleetBeat, NeverWaitsForAdoptions, 60s) {
  constexpr int count = 256;
  auto times = std::make_shared<store_times>();
  auto inner = make_memory_backend(co_await asio::this_coro::executor, store_options());
  store records(make_slow_backend(std::move(inner), times));
  co_await leave_unheld(records, count);
  times->delay = 30ms;
  auto options = quick_options();
  options.beat_every = 100ms;
  options.lease_time = 60s;
  options.last_retry = 2h;
  auto managing = make_manager(records, options);
  const bool all = co_await eventually([&] { return managing->counts().managed_here == count; }, 30s);
  CO_ASSERT_TRUE(all);
  steady::duration longest{0};
  for (std::size_t i = 1; i < times->beats.size(); ++i) longest = std::max(longest, times->beats[i] - times->beats[i - 1]);
  EXPECT_LT(longest, 1s) << "one after the other they take " << (count * 3 * 30ms).count() << " ms";
  EXPECT_GE(times->beats.size(), 5U);
  co_await managing->close();
  co_await records.close();
}

CO_TEST_WITHIN(FleetBeat, NeverTakesMoreThanItMay, 60s) {
  auto times = std::make_shared<store_times>();
  auto inner = make_memory_backend(co_await asio::this_coro::executor, store_options());
  store records(make_slow_backend(std::move(inner), times));
  co_await leave_unheld(records, 60);
  times->delay = 5ms;
  auto options = quick_options();
  options.max_connections = 37;
  options.last_retry = 2h;
  auto managing = make_manager(records, options);
  const bool full = co_await eventually([&] { return managing->counts().managed_here == 37; }, 30s);
  EXPECT_TRUE(full);
  const std::size_t beats = times->beats.size();
  const bool more = co_await eventually([&] { return times->beats.size() > beats + 10; });
  EXPECT_TRUE(more);
  EXPECT_EQ(managing->counts().managed_here, 37U);
  co_await managing->close();
  co_await records.close();
}

// A store of each kind, and what takes its leases and indexes away behind mcpstate's back.
struct robbed_store {
  std::string url;
  std::function<void()> rob;
};

void run_sql(const std::string& path, const char* text) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  sqlite3_busy_timeout(db, 5000);
  EXPECT_EQ(sqlite3_exec(db, text, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
}

void run_redis(std::uint16_t port, const std::string& line) {
  asio::io_context context;
  asio::ip::tcp::socket socket(context);
  socket.connect({asio::ip::address_v4::loopback(), port});
  asio::write(socket, asio::buffer(line + "\r\n"));
  std::string answer;
  asio::read_until(socket, asio::dynamic_buffer(answer), "\r\n");
  EXPECT_NE(answer.front(), '-') << answer;
}

asio::awaitable<void> finds_what_was_lost(robbed_store with) {
  const auto executor = co_await asio::this_coro::executor;
  auto opening = open_store(executor, with.url, store_options());
  auto opened = co_await std::move(opening);
  CO_ASSERT_OK(opened);
  store& records = **opened;
  announcing_server server(executor);
  auto options = quick_options();
  options.lease_time = 1500ms;
  auto first = make_manager(records, options);
  auto second = make_manager(records, options);
  constexpr int count = 6;
  for (int i = 0; i < count; ++i) CO_ASSERT_OK(co_await connect_and_settle(*first, user(i), by_url(server.url())));
  auto down = co_await connect_and_settle(*first, user(count), by_url(server.url()));
  CO_ASSERT_OK(down);
  std::optional<server_name> one = srv;
  std::optional<basis> any;
  CO_ASSERT_OK(co_await records.disconnect(user(count), one, any));
  const bool over = co_await is_let_go(records, user(count));
  EXPECT_TRUE(over);
  with.rob();
  for (int i = 0; i < count; ++i) {
    const auto until = aio::after(40s);
    std::string holder;
    while (holder.empty() && steady::now() < until) {
      holder = co_await holder_of(records, user(i));
      co_await aio::wait_until(aio::after(5ms));
    }
    EXPECT_FALSE(holder.empty()) << i;
  }
  const auto managed = [&] { return first->counts().connected + second->counts().connected == count; };
  const bool all = co_await eventually(managed, 40s);
  EXPECT_TRUE(all) << first->counts().connected << " and " << second->counts().connected;
  const std::string nobody = co_await holder_of(records, user(count));
  EXPECT_EQ(nobody, "") << "DISCONNECTED is nobody's";
  co_await first->close();
  co_await second->close();
  co_await records.close();
  co_await server.stop();
}

TEST(RecordSweep, FindsConnectionsWhoseKeysWereDeletedInRedis) {
  const redis_server server;
  robbed_store with;
  with.url = "redis://127.0.0.1:" + std::to_string(server.port()) + "/0";
  with.rob = [&server] {
    run_redis(
        server.port(),
        R"(EVAL "for _,p in ipairs({'*:lease','mcp:managed:*','mcp:server:*'}) do for _,k in ipairs(redis.call('KEYS',p)) do )"
        R"(redis.call('DEL',k) end end return 1" 0)");
  };
  run_co_test([&with](asio::io_context&) { return finds_what_was_lost(with); }, 120s);
}

TEST(RecordSweep, FindsConnectionsWhoseRowsWereDeletedInSqlite) {
  const temp_dir dir;
  robbed_store with;
  with.url = "sqlite:" + dir.file("state.db");
  with.rob = [path = dir.file("state.db")] { run_sql(path, "DELETE FROM leases"); };
  run_co_test([&with](asio::io_context&) { return finds_what_was_lost(with); }, 120s);
}

// Whoever wrote them died before anybody could have taken a lease.
asio::awaitable<void> finds_orders(std::string url) {
  const auto executor = co_await asio::this_coro::executor;
  auto opening = open_store(executor, std::move(url), store_options());
  auto opened = co_await std::move(opening);
  CO_ASSERT_OK(opened);
  store& records = **opened;
  announcing_server server(executor);
  auto options = quick_options();
  options.lease_time = 1500ms;
  auto managing = make_manager(records, options);
  const status states[] = {status::connecting, status::connected, status::failed, status::auth_required};
  for (int i = 0; i < 5; ++i) {
    change order(user(i), srv, states[i % 4]);
    details info;
    info.managed = i < 4;
    info.url = server.url();
    order.set_details(std::move(info));
    CO_ASSERT_OK(co_await records.put(std::move(order)));
  }
  const bool all = co_await eventually([&] { return managing->counts().connected == 4; }, 40s);
  EXPECT_TRUE(all) << managing->counts().connected;
  const std::string nobody = co_await holder_of(records, user(4));
  EXPECT_EQ(nobody, "") << "what a host only records is left alone";
  co_await managing->close();
  co_await records.close();
  co_await server.stop();
}

TEST(RecordSweep, FindsOrdersThatAreNobodys) {
  const temp_dir dir;
  const redis_server server;
  for (const std::string& url : {std::string("memory:"), "sqlite:" + dir.file("state.db"),
                                 "redis://127.0.0.1:" + std::to_string(server.port()) + "/0"}) {
    run_co_test([&url](asio::io_context&) { return finds_orders(url); }, 120s);
  }
}

// Every tenth of many records has a lease key that nobody can use. It costs the others nothing, on whatever page they are.
asio::awaitable<void> reads_past_wrong_keys(const redis_server& on_server) {
  const auto executor = co_await asio::this_coro::executor;
  const std::string url = "redis://127.0.0.1:" + std::to_string(on_server.port()) + "/0";
  auto opening = open_store(executor, url, store_options());
  auto opened = co_await std::move(opening);
  CO_ASSERT_OK(opened);
  store& records = **opened;
  announcing_server server(executor);
  constexpr int count = 400, managed_every = 40;
  for (int i = 0; i < count; ++i) {
    change order(user(i), srv, status::connecting);
    details info;
    info.managed = i % 10 == 0 || i % managed_every == 1;
    info.url = server.url();
    order.set_details(std::move(info));
    CO_ASSERT_OK(co_await records.put(std::move(order)));
    if (i % 10 == 0) run_redis(on_server.port(), "RPUSH mcp:user:" + user(i).id() + ":server:" + srv.text() + ":lease x");
  }
  auto options = quick_options();
  options.lease_time = 1500ms;
  auto managing = make_manager(records, options);
  const bool all = co_await eventually([&] { return managing->counts().connected == count / managed_every; }, 60s);
  EXPECT_TRUE(all) << managing->counts().connected;
  co_await managing->close();
  co_await records.close();
  co_await server.stop();
}

TEST(RecordSweep, ReadsPastKeysOfAWrongType) {
  const redis_server server;
  run_co_test([&server](asio::io_context&) { return reads_past_wrong_keys(server); }, 120s);
}

}  // namespace
}  // namespace mcpstate::test
