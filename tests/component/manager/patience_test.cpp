// SPDX-License-Identifier: MIT
// How a manager treats servers that want to be left alone, that announce too much, that refuse for a moment or that crash.
#include "component/manager/scene.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

manager_options long_options() {
  manager_options out = quick_options();
  out.last_retry = 5min;
  return out;
}

struct busy_case {
  const char* name;
  int status;
  std::string body;
  std::string headers;
};

std::vector<busy_case> busy_cases() {
  const std::string rpc = R"({"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"slow down"}})";
  return {{"429", 429, "", "Retry-After: 2\r\n"},
          {"503", 503, "", "Retry-After: 2\r\n"},
          {"JSON-RPC", 429, rpc, "Retry-After: 2\r\n"},
          {"date", 503, "", "Date: Wed, 21 Oct 2026 07:28:00 GMT\r\nRetry-After: Wed, 21 Oct 2026 07:28:02 GMT\r\n"}};
}

asio::awaitable<void> waits_as_asked(scene& s, busy_case busy) {
  s.server->instead =
      busy.body.empty() ? empty_reply(busy.status, busy.headers) : json_reply(busy.status, busy.body, busy.headers);
  const auto begun = clock::now();
  auto first = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(first);
  CO_ASSERT_TRUE(first->info.error && first->info.error->retry_at);
  EXPECT_EQ(first->state, status::failed) << busy.name;
  EXPECT_GE(*first->info.error->retry_at, first->info.error->time + 1900ms) << busy.name;
  EXPECT_EQ(s.server->http().seen.size(), 1U) << busy.name;
  for (int other = 2; other < 5; ++other) {
    auto next = co_await connect_and_settle(*s.managing, user(other), by_url(s.url()));
    CO_ASSERT_OK(next);
    CO_ASSERT_TRUE(next->info.error && next->info.error->retry_at);
    EXPECT_EQ(next->info.error->code, "http_status");
  }
  auto again = co_await s.managing->retry(user(1), srv);
  CO_ASSERT_OK(again);
  auto settled = co_await s.managing->settled(user(1), srv, again->revision);
  CO_ASSERT_OK(settled);
  EXPECT_EQ(settled->state, status::failed);
  EXPECT_EQ(s.server->http().seen.size(), 1U) << busy.name << ": nobody asks before that time";
  s.server->instead.reset();
  for (int number = 1; number < 5; ++number) {
    auto up = co_await seen(*s.records, user(number), is(status::connected));
    CO_ASSERT_TRUE(up);
  }
  EXPECT_GE(clock::now() - begun, 2s) << busy.name;
}

TEST(ManagerRetryAfter, NoOwnerAsksBeforeTheServersTime) {
  for (const busy_case& busy : busy_cases()) {
    static const busy_case* current;
    current = &busy;
    play([](scene& s) { return waits_as_asked(s, *current); }, long_options());
  }
}

// A call that is refused says the same for the sessions that others want to open.
asio::awaitable<void> call_pauses(scene& s) {
  CO_ASSERT_OK(co_await connect_and_settle(*s.managing, user(1), by_url(s.url())));
  s.server->call_answer = empty_reply(429, "Retry-After: 1\r\n");
  auto called = co_await s.managing->call(user(1), srv, "plain", "{}", mcp::call_options());
  CO_ASSERT_FAILS(called, errc::http_status);
  EXPECT_EQ(called.error().retry_after(), 1s);
  const auto sessions = s.server->sessions();
  auto other = co_await connect_and_settle(*s.managing, user(2), by_url(s.url()));
  CO_ASSERT_OK(other);
  EXPECT_EQ(other->state, status::failed);
  EXPECT_EQ(s.server->sessions(), sessions);
  auto up = co_await seen(*s.records, user(2), is(status::connected));
  CO_ASSERT_TRUE(up);
  auto caller = co_await s.records->get(user(1), srv, tools_wanted::no);
  CO_ASSERT_TRUE(caller && *caller);
  EXPECT_EQ((*caller)->state, status::connected);
}
TEST(ManagerRetryAfter, OfACallHoldsForNewSessions) { play(call_pauses, long_options()); }

// Checks and lists that are refused because there were too many are no reason to open a session anew.
asio::awaitable<void> stays_up(scene& s) {
  auto up = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  const auto before = s.server->http().count("ping");
  s.server->instead = empty_reply(429, "Retry-After: 1\r\n");
  const bool asked = co_await eventually([&] { return s.server->http().count("ping") > before + 2; });
  CO_ASSERT_TRUE(asked);
  s.server->instead.reset();
  auto called = co_await s.managing->call(user(1), srv, "plain", "{}", mcp::call_options());
  CO_ASSERT_OK(called);
  auto same = co_await s.records->get(user(1), srv, tools_wanted::no);
  CO_ASSERT_TRUE(same && *same);
  EXPECT_EQ((*same)->revision, up->revision);
  EXPECT_EQ(s.server->sessions(), 1);
}
TEST(ManagerRetryAfter, NeverEndsASessionThatIsAskedTooOften) { play(stays_up, long_options()); }

// The whole wait is long here, so that only a neighbour's success can have ended it.
asio::awaitable<void> come_back_together(scene& s) {
  for (int number = 1; number <= 20; ++number)
    CO_ASSERT_OK(co_await connect_and_settle(*s.managing, user(number), by_url(s.url())));
  co_await s.server->stop();
  for (int number = 1; number <= 20; ++number) {
    auto failed = co_await seen(*s.records, user(number), is(status::failed));
    CO_ASSERT_TRUE(failed);
  }
  s.server->start();
  CO_ASSERT_OK(co_await s.managing->retry(user(7), srv));
  for (int number = 1; number <= 20; ++number) {
    auto up = co_await seen(*s.records, user(number), is(status::connected));
    CO_ASSERT_TRUE(up);
  }
}
TEST(ManagerEarlyRetry, ConnectionsOfAnOriginComeBackWithTheFirst) {
  manager_options options = quick_options();
  options.first_retry = 10min;
  options.last_retry = 20min;
  play(come_back_together, options);
}

asio::awaitable<void> lists_rarely(scene& s) {
  s.server->announces_each_list = true;
  CO_ASSERT_OK(co_await connect_and_settle(*s.managing, user(1), by_url(s.url())));
  const auto begun = clock::now();
  const bool six = co_await eventually([&] { return s.server->http().count("tools/list") >= 6; }, 30s);
  CO_ASSERT_TRUE(six);
  EXPECT_GE(clock::now() - begun, 2900ms) << "100 ms, and twice as long each time";
  // The last announcement counts, however long the pause.
  s.server->announces_each_list = false;
  s.server->set_tools("[" + plain_tool + R"(,{"name":"second","inputSchema":{"type":"object"}}])");
  auto both = co_await seen(*s.records, user(1), has_tools(2));
  CO_ASSERT_TRUE(both);
}
TEST(ManagerAnnouncements, WithoutAChangeNeverFeedThemselves) {
  manager_options options = quick_options();
  options.check_every = 4s;
  play(lists_rarely, options);
}

asio::awaitable<void> survives_a_refusal(scene& s) {
  for (const int refusal : {401, 403}) {
    CO_ASSERT_OK(co_await connect_and_settle(*s.managing, user(refusal), by_url(s.url())));
    s.told.transitions.clear();
    s.server->instead = empty_reply(refusal);
    auto failed = co_await seen(*s.records, user(refusal), is(status::failed));
    CO_ASSERT_TRUE(failed && failed->info.error && failed->info.error->retry_at);
    EXPECT_EQ(failed->info.error->code, "auth_failed");
    s.server->instead.reset();
    auto up = co_await seen(*s.records, user(refusal), is(status::connected));
    CO_ASSERT_TRUE(up);
    for (const std::string& each : s.told.transitions) EXPECT_EQ(each.find("AUTH_REQUIRED"), std::string::npos) << each;
    std::optional<server_name> one = srv;
    std::optional<basis> any;
    CO_ASSERT_OK(co_await s.records->disconnect(user(refusal), one, any));
  }
}
TEST(ManagerRefusal, OfAProxyForAMomentIsNotFinal) { play(survives_a_refusal); }

asio::awaitable<void> ends_in_auth_required(scene& s) {
  CO_ASSERT_OK(co_await connect_and_settle(*s.managing, user(1), by_url(s.url())));
  s.server->instead = empty_reply(401);
  auto refused = co_await seen(*s.records, user(1), is(status::auth_required), 20s);
  CO_ASSERT_TRUE(refused && refused->info.error);
  EXPECT_FALSE(refused->info.error->retry_at);
  EXPECT_EQ(refused->info.error->attempt, 4U);
  auto first = co_await connect_and_settle(*s.managing, user(2), by_url(s.url()));
  CO_ASSERT_OK(first);
  EXPECT_EQ(first->state, status::auth_required) << "a first connect is refused at once";
}
TEST(ManagerRefusal, ThatStaysIsFinal) { play(ends_in_auth_required); }

asio::awaitable<void> tells_restarts(scene& s) {
  auto up = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  EXPECT_EQ(up->info.restarts, 0U);
  std::optional<owner> watched = user(1);
  auto opening = s.records->watch(std::move(watched));
  auto watching = co_await std::move(opening);
  CO_ASSERT_OK(watching);
  s.server->forget_sessions();
  auto again = co_await seen(*s.records, user(1), [](const connection& c) { return c.info.restarts == 1; });
  CO_ASSERT_TRUE(again);
  EXPECT_EQ(again->state, status::connected);
  EXPECT_EQ(again->connected_at, up->connected_at);
  EXPECT_GT(again->revision, up->revision);
  for (bool told = false; !told;) {
    auto reading = aio::with_deadline((*watching)->next(), aio::after(10s), "an event");
    auto got = co_await std::move(reading);
    CO_ASSERT_OK(got);
    told = got->record && got->record->info.restarts == 1;
  }
  const bool counted = co_await eventually([&s] { return !s.told.restarts.empty(); });
  CO_ASSERT_TRUE(counted);
  EXPECT_EQ(s.told.restarts, std::vector<std::string>{"connection_lost 1"});
  EXPECT_EQ(s.told.transitions, std::vector<std::string>{"CONNECTING CONNECTED"}) << "the status has not changed";
  auto ordered = co_await s.managing->retry(user(1), srv);
  CO_ASSERT_OK(ordered);
  EXPECT_EQ(ordered->info.restarts, 0U);
}
TEST(ManagerRestart, OfALostSessionIsTold) { play(tells_restarts); }

// The call finds out that the session is gone. One new session serves the call and the connection.
asio::awaitable<void> shares_the_session(scene& s) {
  CO_ASSERT_OK(co_await connect_and_settle(*s.managing, user(1), by_url(s.url())));
  s.server->forget_sessions();
  auto called = co_await s.managing->call(user(1), srv, "plain", "{}", mcp::call_options());
  CO_ASSERT_OK(called);
  auto up = co_await seen(*s.records, user(1), [](const connection& c) { return c.info.restarts == 1; });
  CO_ASSERT_TRUE(up);
  EXPECT_EQ(s.server->sessions(), 2);
}
TEST(ManagerCalls, ShareTheSessionThatReplacesALostOne) {
  manager_options options = quick_options();
  options.check_every = 1h;
  play(shares_the_session, options);
}

}  // namespace
}  // namespace mcpstate::test
