// SPDX-License-Identifier: MIT
// How often an order goes to the store before the server is asked: a trip costs as much as a handshake on a fast network.
#include "component/manager/manager_fixture.hh"
#include "support/intercepting_backend.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

// Counts what somebody waits for: records and leases. Beats, renewals and watches go on by themselves.
task<void> count_trip(std::shared_ptr<int> trips, std::string step) {
  if (step != "beat" && step != "renew_leases" && step != "watch" && step != "managed_of" && step != "scan") ++*trips;
  co_return result<void>();
}

std::unique_ptr<store_backend> make_counting_backend(std::unique_ptr<store_backend> target, std::shared_ptr<int> trips) {
  step_interceptor before = [trips = std::move(trips)](std::string step, std::optional<owner>) {
    return count_trip(trips, std::move(step));
  };
  return std::make_unique<intercepting_backend>(std::move(target), std::move(before));
}

// The trips before the first request of the handshake came to the server.
asio::awaitable<void> count_trips(owner who, std::size_t owner_limit, bool again) {
  const auto executor = co_await asio::this_coro::executor;
  const auto trips = std::make_shared<int>(0);
  store records(make_counting_backend(make_memory_backend(executor, store_options()), trips));
  int before_handshake = -1;
  scripted_server server(executor, [&](const http_seen& request) {
    if (before_handshake < 0) before_handshake = *trips;
    return usual_reply(request);
  });
  manager_options options = quick_options();
  options.servers = registry(R"({"web":{"url":")" + server.url() + "\"}}");
  auto managing = make_manager(records, std::move(options));
  if (again) {  // a record is there
    change known(who, srv, status::failed);
    CO_ASSERT_OK(co_await records.put(std::move(known)));
  }
  *trips = 0;
  const std::optional<basis> whatever;
  auto ordered = co_await managing->connect(who, srv, by_registration("web"), whatever, owner_limit);
  CO_ASSERT_OK(ordered);
  EXPECT_LE(*trips, 2);
  const bool asked = co_await eventually([&] { return before_handshake >= 0; });
  EXPECT_TRUE(asked);
  EXPECT_LE(before_handshake, 2);
  co_await managing->close();
  co_await records.close();
  co_await server.close();
}

CO_TEST_WITHIN(ManagerOrders, AskTheStoreTwiceBeforeTheHandshake, 60s) { co_await count_trips(user(1), 0, false); }
CO_TEST_WITHIN(ManagerOrders, AskTheStoreTwiceUnderALimit, 60s) { co_await count_trips(user(1), 100, false); }
CO_TEST_WITHIN(ManagerOrders, AskTheStoreTwiceWhereARecordIs, 60s) {
  co_await count_trips(owner::session("s").value(), 100, true);
}

}  // namespace
}  // namespace mcpstate::test
