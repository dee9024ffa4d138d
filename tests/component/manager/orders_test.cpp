// SPDX-License-Identifier: MIT
// One manager: what it does when it is asked.
#include "component/manager/scene.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

MANAGER_TEST(ManagerOrders, DoNotRetryPermanentFailures) {
  s.server->instead = empty_reply(401, "WWW-Authenticate: Bearer\r\n");
  auto refused = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(refused);
  EXPECT_EQ(refused->state, status::auth_required);
  CO_ASSERT_TRUE(refused->info.error);
  EXPECT_EQ(refused->info.error->code, "auth_failed");
  EXPECT_FALSE(refused->info.error->retry_at);
  EXPECT_EQ(s.managing->counts().waiting, 0U);
  EXPECT_EQ(s.managing->counts().managed_here, 1U);
  EXPECT_EQ(s.told.attempts_failed, 1);
  s.server->instead.reset();
  auto again = co_await s.managing->retry(user(1), srv);
  CO_ASSERT_OK(again);
  EXPECT_EQ(again->state, status::connecting);
  auto up = co_await s.managing->settled(user(1), srv, again->revision);
  CO_ASSERT_OK(up);
  EXPECT_EQ(up->state, status::connected);
  EXPECT_EQ(s.told.attempts_failed, 1);
}

asio::awaitable<void> retries_when_told(scene& s) {
  co_await s.server->stop();
  auto failed = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(failed);
  EXPECT_EQ(failed->state, status::failed);
  s.server->start();
  auto again = co_await s.managing->retry(user(1), srv);
  CO_ASSERT_OK(again);
  auto up = co_await s.managing->settled(user(1), srv, again->revision);
  CO_ASSERT_OK(up);
  EXPECT_EQ(up->state, status::connected);
}

TEST(ManagerOrders, RetryOnRequest) {
  auto options = quick_options();
  options.first_retry = options.last_retry = 1h;  // never by itself, or almost
  play(retries_when_told, options);
}

asio::awaitable<void> refuses_places(scene& s) {
  const std::optional<basis> whatever;
  const std::vector<endpoint> wrong = {by_registration("nobody"),
                                       by_registration("off"),
                                       by_url("http://u:p@127.0.0.1:1/mcp"),
                                       by_url("http://127.0.0.1:1/mcp?key=1"),
                                       by_url("ftp://h/"),
                                       by_url("")};
  for (const endpoint& each : wrong) {
    endpoint target = each;
    auto refused = co_await s.managing->connect(user(1), srv, std::move(target), whatever);
    EXPECT_TRUE(!refused && refused.error().is(cond::invalid)) << each.url << each.registered;
  }
  auto nothing = co_await s.records->get(user(1), srv, tools_wanted::no);
  CO_ASSERT_TRUE(nothing);
  EXPECT_FALSE(*nothing);
  auto none = co_await s.managing->settled(user(1), srv, 0);
  CO_ASSERT_FAILS(none, errc::no_record);
  auto not_there = co_await s.managing->retry(user(1), srv);
  CO_ASSERT_FAILS(not_there, errc::no_record);
  auto not_called = co_await s.managing->call(user(1), srv, "t", "{}", mcp::call_options());
  CO_ASSERT_FAILS(not_called, errc::no_record);
}

TEST(ManagerOrders, RefuseUnusableEndpoints) {
  auto options = quick_options();
  options.servers = registry(R"({"off":{"url":"http://127.0.0.1:1/","disabled":true}})");
  play(refuses_places, options);
}

asio::awaitable<void> refuses_a_forbidden_url(scene& s) {
  const std::optional<basis> whatever;
  auto refused = co_await s.managing->connect(user(1), srv, by_url(s.url()), whatever);
  CO_ASSERT_FAILS(refused, errc::forbidden_target);
  auto registered = co_await connect_and_settle(*s.managing, user(1), by_registration("web"));
  CO_ASSERT_OK(registered);
  EXPECT_EQ(registered->state, status::connected);
}

TEST(ManagerOrders, RefuseAForbiddenUrl) {
  auto options = quick_options();
  options.egress_for_urls = mcp::egress_policy::strict();
  play(refuses_a_forbidden_url, options);
}

MANAGER_TEST(ManagerOrders, HonourTheBasis) {
  auto up = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  std::optional<basis> nothing = basis();
  auto refused = co_await s.managing->connect(user(1), srv, by_registration("web"), nothing);
  CO_ASSERT_FAILS(refused, errc::stale_basis);
  std::optional<basis> right = up->seen;
  auto moved = co_await s.managing->connect(user(1), srv, by_registration("web"), right);
  CO_ASSERT_OK(moved);
  EXPECT_EQ(moved->info.registered, "web");
  auto there = co_await s.managing->settled(user(1), srv, moved->revision);
  CO_ASSERT_OK(there);
  EXPECT_EQ(there->state, status::connected);
  EXPECT_EQ(s.server->sessions(), 2);
  const bool ended = co_await eventually([&s] { return s.server->ended() == 1; });
  EXPECT_TRUE(ended);
}

asio::awaitable<void> keeps_so_many(scene& s) {
  auto first = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(first);
  const std::optional<basis> whatever;
  auto second = co_await s.managing->connect(user(2), srv, by_url(s.url()), whatever);
  EXPECT_TRUE(!second && second.error().is(cond::exhausted));
  auto again = co_await s.managing->connect(user(1), srv, by_registration("web"), whatever);
  CO_ASSERT_OK(again);
}

TEST(ManagerOrders, RefuseMoreConnectionsThanTheLimit) {
  auto options = quick_options();
  options.max_connections = 1;
  play(keeps_so_many, options);
}

asio::awaitable<void> lets_go_of_what_nobody_uses(scene& s) {
  auto up = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  const bool ended = co_await eventually([&s] { return s.server->ended() == 1; });
  EXPECT_TRUE(ended);
  const bool let_go = co_await is_let_go(*s.records, user(1));
  EXPECT_TRUE(let_go);
  EXPECT_GE(s.server->http().count("ping"), 2);  // it was checked, and that was no use
}

TEST(ManagerOrders, EndConnectionsThatNobodyUses) {
  store_options kept;
  kept.ttl = 1s;
  play(lets_go_of_what_nobody_uses, quick_options(), kept);
}

MANAGER_TEST(ManagerOrders, RenewARecordWithACall) {
  auto up = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  co_await aio::wait_until(aio::after(2ms));  // so that the times differ
  auto called = co_await s.managing->call(user(1), srv, "plain", "{}", mcp::call_options());
  CO_ASSERT_OK(called);
  EXPECT_EQ(called->body, R"({"content":[]})");
  auto used = co_await s.records->get(user(1), srv, tools_wanted::no);
  CO_ASSERT_TRUE(used && *used);
  EXPECT_GT((*used)->expires_at, up->expires_at);
  EXPECT_EQ(s.server->sessions(), 1);
  // With no session here one is opened for the call.
  co_await s.server->stop();
  auto failed = co_await seen(*s.records, user(1), is(status::failed));
  CO_ASSERT_TRUE(failed);
  auto unreachable = co_await s.managing->call(user(1), srv, "plain", "{}", mcp::call_options());
  CO_ASSERT_FAILS(unreachable, errc::connect_failed);
  std::optional<server_name> one = srv;
  auto down = co_await s.records->disconnect(user(1), one, std::nullopt);
  CO_ASSERT_OK(down);
  auto refused = co_await s.managing->call(user(1), srv, "plain", "{}", mcp::call_options());
  CO_ASSERT_FAILS(refused, errc::no_record);
}

asio::awaitable<void> call_and_note(scene& s, std::string& came_of_it) {
  auto called = co_await s.managing->call(user(1), srv, "plain", "{}", mcp::call_options());
  came_of_it = called ? "answered" : std::string(name_of(called.error().code()));
}

// The first has the only seat at the server, and hangs; the second waits for its turn, and a call for the second.
asio::awaitable<void> call_while_one_waits(scene& s, std::string& came_of_it, aio::task_group& calling) {
  http_reply hangs("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
  hangs.after = http_reply::then::hang;
  s.server->instead = hangs;
  auto first = co_await s.managing->connect(user(2), srv, by_url(s.url()), std::nullopt);
  CO_ASSERT_OK(first);
  const bool sits = co_await eventually([&s] { return !s.server->http().seen.empty(); });
  CO_ASSERT_TRUE(sits);
  s.server->instead.reset();
  auto ordered = co_await s.managing->connect(user(1), srv, by_url(s.url()), std::nullopt);
  CO_ASSERT_OK(ordered);
  const bool kept = co_await eventually([&s] { return s.managing->counts().managed_here == 2; });
  CO_ASSERT_TRUE(kept);
  calling.spawn("call", call_and_note(s, came_of_it));
}

asio::awaitable<void> ends_one(scene& s, int number) {
  std::optional<server_name> one = srv;
  auto down = co_await s.records->disconnect(user(number), one, std::nullopt);
  CO_ASSERT_OK(down);
  const bool let_go = co_await is_let_go(*s.records, user(number));
  EXPECT_TRUE(let_go);
}

manager_options one_seat() {
  manager_options options = quick_options();
  options.attempts_per_origin = 1;
  return options;
}

MANAGER_TEST(ManagerOrders, MakeACallWaitForTheSession, one_seat()) {
  std::string came_of_it;
  aio::task_group calling(co_await asio::this_coro::executor, aio::end_process);
  co_await call_while_one_waits(s, came_of_it, calling);
  EXPECT_EQ(came_of_it, "");
  co_await ends_one(s, 2);
  co_await calling.join();
  EXPECT_EQ(came_of_it, "answered");
  EXPECT_EQ(s.server->sessions(), 1) << "it was made on the session of the keeper";
}

MANAGER_TEST(ManagerOrders, ContinueACallWhenTheSupervisorEnds, one_seat()) {
  std::string came_of_it;
  aio::task_group calling(co_await asio::this_coro::executor, aio::end_process);
  co_await call_while_one_waits(s, came_of_it, calling);
  co_await ends_one(s, 1);
  co_await ends_one(s, 2);
  co_await calling.join();
  EXPECT_EQ(came_of_it, "answered");
  const bool ended = co_await eventually([&s] { return s.server->ended() == 1; });
  EXPECT_TRUE(ended) << "it had a session of its own";
}

// A call is never made twice: one that was under way may have been carried out.
MANAGER_TEST(ManagerOrders, NeverRepeatACall) {
  auto up = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  http_reply hangs("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
  hangs.after = http_reply::then::hang;
  s.server->call_answer = hangs;
  std::string came_of_it;
  aio::task_group calling(co_await asio::this_coro::executor, aio::end_process);
  calling.spawn("call", call_and_note(s, came_of_it));
  const bool sent = co_await eventually([&s] { return s.server->http().count("tools/call") == 1; });
  CO_ASSERT_TRUE(sent);
  auto again = co_await s.managing->retry(user(1), srv);
  CO_ASSERT_OK(again);
  co_await calling.join();
  EXPECT_EQ(came_of_it, "outcome_unknown");
  EXPECT_EQ(s.server->http().count("tools/call"), 1);
}

MANAGER_TEST(ManagerOrders, DisconnectAServerForEverybody) {
  for (int i = 0; i < 5; ++i) {
    auto up = co_await connect_and_settle(*s.managing, user(i), by_registration("web"));
    CO_ASSERT_OK(up);
  }
  auto other = co_await connect_and_settle(*s.managing, user(9), by_url(s.url()));
  CO_ASSERT_OK(other);
  std::uint64_t progress = 0;
  progress_handler note = [&progress](std::uint64_t done, std::string_view) { progress = done; };
  auto count = co_await s.managing->disconnect_everywhere("web", note);
  CO_ASSERT_OK(count);
  EXPECT_EQ(*count, 5U);
  EXPECT_EQ(progress, 5U);
  const bool ended = co_await eventually([&s] { return s.server->ended() == 5 && s.managing->counts().managed_here == 1; });
  EXPECT_TRUE(ended);
  auto still = co_await s.records->get(user(9), srv, tools_wanted::no);
  CO_ASSERT_TRUE(still && *still);
  EXPECT_EQ((*still)->state, status::connected);
}

MANAGER_TEST(ManagerOrders, FollowTheRegistry) {
  auto up = co_await connect_and_settle(*s.managing, user(1), by_registration("web"));
  CO_ASSERT_OK(up);
  auto other = co_await connect_and_settle(*s.managing, user(2), by_url(s.url()));
  CO_ASSERT_OK(other);
  announcing_server second(co_await asio::this_coro::executor);
  s.managing->set_servers(registry(R"({"web":{"url":")" + second.url() + "\"}}"));
  const record_check is_there = [&second](const connection& c) { return c.info.url == second.url(); };
  auto moved = co_await seen(*s.records, user(1), is_there);
  CO_ASSERT_TRUE(moved);
  EXPECT_EQ(moved->state, status::connected);
  EXPECT_EQ(second.sessions(), 1);
  s.managing->set_servers(registry("{}"));
  auto gone = co_await seen(*s.records, user(1), is(status::failed));
  CO_ASSERT_TRUE(gone && gone->info.error && gone->tools);
  EXPECT_EQ(gone->info.error->code, "bad_argument");
  EXPECT_FALSE(gone->info.error->retry_at);
  EXPECT_EQ(s.server->sessions(), 2);  // the other one stayed
  co_await second.stop();
}

// Whoever keeps a connection has read that nobody wants it; then it is ordered; then its lease is ended, and it dies.
MANAGER_TEST(ManagerOrders, SurviveAnInstanceThatEndsItsLease) {
  managed_name of(user(1), srv);
  auto theirs = co_await s.records->leases().take_lease(of, "other", "", 60s);
  CO_ASSERT_TRUE(theirs && *theirs);
  auto ordered = co_await s.managing->connect(user(1), srv, by_url(s.url()), std::nullopt);
  CO_ASSERT_OK(ordered);
  EXPECT_EQ(ordered->state, status::connecting);
  CO_ASSERT_OK(co_await s.records->leases().end_lease(**theirs, lease_end::over, 0));
  auto up = co_await seen(*s.records, user(1), is(status::connected));
  CO_ASSERT_TRUE(up);
  const std::string holder = co_await holder_of(*s.records, user(1));
  EXPECT_EQ(holder, s.managing->options().instance);
}

// It was cleared behind our back: who orders now must not leave it to a keeper that has lost its lease.
MANAGER_TEST(ManagerOrders, SurviveALostLease) {
  auto up = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  managed_name of(user(1), srv);
  auto mine = co_await s.records->leases().lease_of(of);
  CO_ASSERT_TRUE(mine && *mine);
  CO_ASSERT_OK(co_await s.records->leases().end_lease(**mine, lease_end::over));
  auto again = co_await s.managing->retry(user(1), srv);
  CO_ASSERT_OK(again);
  auto back = co_await s.managing->settled(user(1), srv, again->revision);
  CO_ASSERT_OK(back);
  EXPECT_EQ(back->state, status::connected);
  const std::string holder = co_await holder_of(*s.records, user(1));
  EXPECT_EQ(holder, s.managing->options().instance);
  EXPECT_EQ(s.told.leases, (std::vector<std::string>{"user:1 taken", "user:1 lost", "user:1 taken"}));
}

MANAGER_TEST(ManagerOrders, ContinueAfterAClaim) {
  const owner anonymous = owner::session("abc").value();
  auto up = co_await connect_and_settle(*s.managing, anonymous, by_url(s.url()));
  CO_ASSERT_OK(up);
  auto claimed = co_await s.records->claim(anonymous, user(1));
  CO_ASSERT_OK(claimed);
  EXPECT_EQ(claimed->moved, std::vector<std::string>{"srv"});
  const std::string holder = co_await holder_of(*s.records, user(1));
  EXPECT_EQ(holder, s.managing->options().instance);
  const bool let_go = co_await is_let_go(*s.records, anonymous);
  EXPECT_TRUE(let_go);
  auto called = co_await s.managing->call(user(1), srv, "plain", "{}", mcp::call_options());
  CO_ASSERT_OK(called);
  EXPECT_EQ(s.server->sessions(), 1) << "it goes on with the session that it has";
  EXPECT_EQ(s.server->ended(), 0);
}

}  // namespace
}  // namespace mcpstate::test
