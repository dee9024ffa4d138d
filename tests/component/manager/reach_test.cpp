// SPDX-License-Identifier: MIT
// Managers that know different servers.
#include "component/manager/manager_fixture.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

// One process does not know a server that another has registered: it leaves it alone, takes it on when there is nobody else
// (who could keep it now?), and gives it back.
CO_TEST_WITHIN(FleetReach, PrefersInstancesThatKnowTheServer, 60s) {
  constexpr int count = 6;
  auto records = make_memory_store(co_await asio::this_coro::executor, store_options());
  announcing_server server(co_await asio::this_coro::executor);
  auto knowing = quick_options();
  knowing.servers = registry(R"({"web":{"url":")" + server.url() + "\"}}");
  auto first = make_manager(*records, knowing);
  for (int i = 0; i < count; ++i) {
    auto up = co_await connect_and_settle(*first, user(i), by_registration("web"));
    CO_ASSERT_OK(up);
    CO_ASSERT_EQ(up->state, status::connected);
  }
  auto ignorant = quick_options();
  auto second = make_manager(*records, ignorant);
  // An even share would be handed over at the next beats.
  const bool met = co_await eventually([&] { return first->counts().instances == 2 && second->counts().instances == 2; });
  CO_ASSERT_TRUE(met);
  const auto until = steady::now() + ignorant.lease_time * 2;
  const bool moved = co_await eventually([&] { return second->counts().managed_here > 0 || steady::now() > until; });
  CO_ASSERT_TRUE(moved);
  EXPECT_EQ(first->counts().managed_here, static_cast<std::size_t>(count));
  EXPECT_EQ(second->counts().managed_here, 0U);
  EXPECT_EQ(server.sessions(), count);
  co_await first->close();
  for (int i = 0; i < count; ++i) {
    auto down = co_await seen(*records, user(i), is(status::failed));
    CO_ASSERT_TRUE(down);
    EXPECT_EQ(down->info.error->code, "bad_argument");
  }
  // Somebody who knows it comes again: it has them, at once, without anybody having to ask.
  auto third = make_manager(*records, knowing);
  const bool back = co_await eventually([&] { return third->counts().connected == count; });
  EXPECT_TRUE(back) << third->counts().connected;
  EXPECT_EQ(second->counts().managed_here, 0U);
  for (int i = 0; i < count; ++i) {
    auto up = co_await seen(*records, user(i), is(status::connected));
    EXPECT_TRUE(up);
  }
  // The other one learns of it too, and they share.
  second->set_servers(knowing.servers);
  const bool shared = co_await eventually([&] { return second->counts().connected > 0; });
  EXPECT_TRUE(shared);
  // And forgets it again: nobody fails, as the other one takes them.
  second->set_servers(registry("{}"));
  const bool returned = co_await eventually([&] { return third->counts().connected == count; });
  EXPECT_TRUE(returned);
  for (int i = 0; i < count; ++i) {
    auto up = co_await seen(*records, user(i), is(status::connected));
    EXPECT_TRUE(up);
  }
  co_await second->close();
  co_await third->close();
  co_await records->close();
  co_await server.stop();
}

// An order that reaches a process which knows the server, while one that does not has the lease, and may not have heard of
// it.
CO_TEST_WITHIN(FleetReach, MovesAnOrderToAnInstanceThatKnowsTheServer, 60s) {
  auto records = make_memory_store(co_await asio::this_coro::executor, store_options());
  announcing_server server(co_await asio::this_coro::executor);
  auto knowing = quick_options();
  knowing.servers = registry(R"({"web":{"url":")" + server.url() + "\"}}");
  auto first = make_manager(*records, knowing);
  auto up = co_await connect_and_settle(*first, user(1), by_registration("web"));
  CO_ASSERT_OK(up);
  co_await first->close();
  auto ignorant = make_manager(*records, quick_options());
  auto down = co_await seen(*records, user(1), is(status::failed));
  CO_ASSERT_TRUE(down);
  auto second = make_manager(*records, knowing);
  endpoint web = by_registration("web");
  std::optional<basis> whatever;
  auto again = co_await second->connect(user(1), srv, std::move(web), std::move(whatever));
  CO_ASSERT_OK(again);
  auto back = co_await seen(*records, user(1), is(status::connected));
  CO_ASSERT_TRUE(back);
  const std::string holder = co_await holder_of(*records, user(1));
  EXPECT_EQ(holder, second->options().instance);
  co_await ignorant->close();
  co_await second->close();
  co_await records->close();
  co_await server.stop();
}

// A restart with other credentials, or another server under the name, is what cures such failures.
CO_TEST_WITHIN(FleetReach, RetriesPermanentFailuresAfterARestart, 60s) {
  auto records = make_memory_store(co_await asio::this_coro::executor, store_options());
  announcing_server server(co_await asio::this_coro::executor);
  server.instead = empty_reply(401, "WWW-Authenticate: Bearer\r\n");
  auto first = make_manager(*records, quick_options());
  auto refused = co_await connect_and_settle(*first, user(1), by_url(server.url()));
  CO_ASSERT_OK(refused);
  EXPECT_EQ(refused->state, status::auth_required);
  co_await first->close();
  server.instead.reset();
  auto second = make_manager(*records, quick_options());
  auto up = co_await seen(*records, user(1), is(status::connected));
  EXPECT_TRUE(up);
  co_await second->close();
  co_await records->close();
  co_await server.stop();
}

}  // namespace
}  // namespace mcpstate::test
