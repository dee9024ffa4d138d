// SPDX-License-Identifier: MIT
// What a manager does where a process or an owner has as much as it may have.
#include "component/manager/scene.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

// N orders at a time count against the limit of this process before any of them is managed.
asio::awaitable<void> order_one(scene& s, int number, int& ordered, int& refused) {
  const std::optional<basis> whatever;
  auto done = co_await s.managing->connect(user(number), srv, by_url(s.url()), whatever);
  if (done) ++ordered;
  if (!done && done.error().code() == errc::queue_full) ++refused;
}

asio::awaitable<void> orders_in_a_crowd(scene& s) {
  int ordered = 0, refused = 0;
  aio::task_group crowd(co_await asio::this_coro::executor, aio::end_process);
  for (int n = 0; n < 20; ++n) crowd.spawn("order", order_one(s, n, ordered, refused));
  co_await crowd.join();
  EXPECT_EQ(ordered, 1);
  EXPECT_EQ(refused, 19);
  EXPECT_EQ(s.managing->counts().managed_here, 1U);
}

TEST(ManagerOrders, NeverPassTheLimitInParallel) {
  auto options = quick_options();
  options.max_connections = 1;
  play(orders_in_a_crowd, options);
}

// Twenty orders of one owner, each for another server, through two managers on one store.
asio::awaitable<void> order_of_owner(manager& by, scene& s, int number, int& ordered, int& refused) {
  const std::optional<basis> whatever;
  auto name = server_name::parse("s" + std::to_string(number)).value();
  auto done = co_await by.connect(user(1), std::move(name), by_url(s.url()), whatever, 1);
  if (done) ++ordered;
  if (!done && done.error().code() == errc::too_many_connections) ++refused;
}

MANAGER_TEST(ManagerOrders, NeverPassTheLimitOfAnOwnerThroughTwoManagers) {
  auto other = make_manager(*s.records, quick_options());
  int ordered = 0, refused = 0;
  aio::task_group crowd(co_await asio::this_coro::executor, aio::end_process);
  for (int n = 0; n < 20; ++n) crowd.spawn("order", order_of_owner(n % 2 ? *other : *s.managing, s, n, ordered, refused));
  co_await crowd.join();
  EXPECT_EQ(ordered, 1);
  EXPECT_EQ(refused, 19);
  const auto all = co_await s.records->list(user(1), tools_wanted::no);
  CO_ASSERT_OK(all);
  EXPECT_EQ((*all)->size(), 1U);
  co_await other->close();
}

// The connection is up; only its longer list is not stored.
asio::awaitable<void> keeps_tools_of_a_full_owner(scene& s) {
  auto up = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  EXPECT_EQ(up->info.tool_count, 1U);
  EXPECT_FALSE(up->info.error);
  s.server->set_tools("[" + plain_tool + R"(,{"name":"long","description":")" + std::string(1000, 'x') + "\"}]");
  const auto is_told = [](const connection& record) {
    return record.info.error && record.info.error->code == "tools_too_large";
  };
  auto full = co_await seen(*s.records, user(1), is_told);
  CO_ASSERT_TRUE(full);
  EXPECT_EQ(full->state, status::connected);
  EXPECT_EQ(full->info.tool_count, 1U);
  CO_ASSERT_TRUE(full->tools);
  EXPECT_EQ(full->connected_at, up->connected_at);
  auto called = co_await s.managing->call(user(1), srv, "plain", "{}", mcp::call_options());
  CO_ASSERT_OK(called);
  s.server->set_tools("[" + plain_tool + R"(,{"name":"short"}])");
  auto fits = co_await seen(*s.records, user(1), has_tools(2));
  CO_ASSERT_TRUE(fits);
  EXPECT_FALSE(fits->info.error);
}

TEST(ManagerOrders, KeepTheToolsOfAnOwnerWhoIsFull) {
  store_options limited;
  limited.owner_bytes = 500;
  play(keeps_tools_of_a_full_owner, quick_options(), limited);
}

asio::awaitable<void> connects_without_tools(scene& s) {
  auto up = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  EXPECT_EQ(up->state, status::connected);
  EXPECT_FALSE(up->info.tool_count);
  CO_ASSERT_TRUE(up->info.error);
  EXPECT_EQ(up->info.error->code, "tools_too_large");
}

TEST(ManagerOrders, ConnectWithoutToolsWhereTheFirstAreTooLarge) {
  store_options limited;
  limited.owner_bytes = 10;
  play(connects_without_tools, quick_options(), limited);
}

asio::awaitable<void> calls_nothing_without_room(scene& s) {
  CO_ASSERT_OK(co_await connect_and_settle(*s.managing, user(1), by_url(s.url())));
  auto called = co_await s.managing->call(user(1), srv, "plain", "{}", mcp::call_options());
  CO_ASSERT_FAILS(called, errc::busy);
  EXPECT_EQ(s.server->http().count("tools/call"), 0);
}

TEST(ManagerCalls, AreRefusedBeforeTheyAreMadeWhereNoResultCouldArrive) {
  auto options = quick_options();
  options.message_bytes = 0;
  play(calls_nothing_without_room, options);
}

}  // namespace
}  // namespace mcpstate::test
