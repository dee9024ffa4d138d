// SPDX-License-Identifier: MIT
// One manager: what it makes of servers that come and go, and of what others write.
#include "component/manager/scene.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

const std::string two_tools = "[" + plain_tool + R"(,{"name":"second","inputSchema":{"type":"object"}}])";
const std::string one_tool = "[" + plain_tool + "]";

MANAGER_TEST(Manager, ConnectsToAServer) {
  std::optional<basis> whatever;
  auto ordered = co_await s.managing->connect(user(1), srv, by_url(s.url()), whatever);
  CO_ASSERT_OK(ordered);
  EXPECT_EQ(ordered->state, status::connecting);
  EXPECT_TRUE(ordered->info.managed);
  auto settled = co_await s.managing->settled(user(1), srv, ordered->revision);
  CO_ASSERT_OK(settled);
  EXPECT_EQ(settled->state, status::connected);
  EXPECT_EQ(settled->info.url, s.url());
  EXPECT_EQ(settled->info.transport, "http");
  EXPECT_EQ(settled->info.server_title, "announcing");
  EXPECT_EQ(settled->info.tool_count, 1U);
  EXPECT_TRUE(settled->info.managed);
  auto with_tools = co_await seen(*s.records, user(1), is(status::connected));
  CO_ASSERT_TRUE(with_tools && with_tools->tools);
  EXPECT_EQ(*with_tools->tools, one_tool);
  EXPECT_EQ(s.managing->counts().managed_here, 1U);
  EXPECT_EQ(s.managing->counts().connected, 1U);
  // Once more changes nothing.
  auto again = co_await s.managing->connect(user(1), srv, by_url(s.url()), whatever);
  CO_ASSERT_OK(again);
  EXPECT_EQ(again->revision, settled->revision);
  EXPECT_EQ(s.server->sessions(), 1);
  EXPECT_EQ(s.told.transitions, std::vector<std::string>{"CONNECTING CONNECTED"});
}

MANAGER_TEST(Manager, FollowsAServerThatDiesAndReturns) {
  auto up = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  co_await s.server->stop();
  auto failed = co_await seen(*s.records, user(1), is(status::failed));
  CO_ASSERT_TRUE(failed && failed->info.error && failed->tools);
  EXPECT_EQ(failed->info.error->code, "connect_failed");
  EXPECT_FALSE(failed->info.error->message.empty());
  EXPECT_GE(failed->info.error->attempt, 1U);
  EXPECT_TRUE(failed->info.error->retry_at);
  EXPECT_EQ(*failed->tools, one_tool);  // the last good ones
  EXPECT_EQ(failed->expires_at, up->expires_at);
  auto third =
      co_await seen(*s.records, user(1), [](const connection& c) { return c.info.error && c.info.error->attempt >= 3; });
  CO_ASSERT_TRUE(third);
  s.server->tools = two_tools;
  s.server->start();
  auto back = co_await seen(*s.records, user(1), is(status::connected));
  CO_ASSERT_TRUE(back && back->tools);
  EXPECT_EQ(*back->tools, two_tools);
  EXPECT_FALSE(back->info.error);
  EXPECT_EQ(back->expires_at, up->expires_at);  // nothing of all this was use
}

MANAGER_TEST(Manager, FollowsChangesOfTheTools) {
  auto up = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  const long listed = s.server->http().count("tools/list");
  s.server->tools = two_tools;
  for (int i = 0; i < 20; ++i) s.server->announce();
  auto grown = co_await seen(*s.records, user(1), has_tools(2));
  CO_ASSERT_TRUE(grown && grown->tools);
  EXPECT_EQ(*grown->tools, two_tools);
  EXPECT_EQ(grown->connected_at, up->connected_at);
  EXPECT_LE(s.server->http().count("tools/list"), listed + 3);  // not twenty
  // An announcement of nothing new writes nothing.
  const int refreshes = s.told.refreshes;
  s.server->announce();
  const auto has_looked = [&s, refreshes] { return s.told.refreshes > refreshes; };
  const bool looked = co_await eventually(has_looked);
  CO_ASSERT_TRUE(looked);
  auto same = co_await s.records->get(user(1), srv, tools_wanted::no);
  CO_ASSERT_TRUE(same && *same);
  EXPECT_EQ((*same)->revision, grown->revision);
}

MANAGER_TEST(Manager, WritesNothingForChecks) {
  auto up = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  const bool checked = co_await eventually([&s] { return s.server->http().count("ping") >= 3; });
  CO_ASSERT_TRUE(checked);
  auto same = co_await s.records->get(user(1), srv, tools_wanted::no);
  CO_ASSERT_TRUE(same && *same);
  EXPECT_EQ((*same)->revision, up->revision);
  EXPECT_EQ((*same)->expires_at, up->expires_at);
}

// A server that is well, and ends its streams: it is asked, but not each time, and nothing else comes of it.
asio::awaitable<void> checks_when_streams_end(scene& s) {
  auto up = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  const auto begun = std::chrono::steady_clock::now();
  for (std::size_t stream = 0; stream < 3; ++stream) {
    const auto is_there = [&s, stream] { return s.server->http().nth("GET", stream).connection > 0; };
    const bool stands = co_await eventually(is_there, 20s);
    CO_ASSERT_TRUE(stands);
    s.server->end_streams();
    const bool asked = co_await eventually([&s] { return s.server->http().count("ping") > 0; });
    CO_ASSERT_TRUE(asked);
  }
  const bool again = co_await eventually([&s] { return s.server->http().nth("GET", 3).connection > 0; }, 20s);
  CO_ASSERT_TRUE(again);
  const auto took = std::chrono::steady_clock::now() - begun;
  EXPECT_LE(s.server->http().count("ping"), 1 + took / 5s);
  EXPECT_EQ(s.server->sessions(), 1);
  auto same = co_await s.records->get(user(1), srv, tools_wanted::no);
  CO_ASSERT_TRUE(same && *same);
  EXPECT_EQ((*same)->revision, up->revision);
}

TEST(Manager, ChecksWhenAStreamEnds) {
  manager_options options = quick_options();
  options.check_every = 1h;
  play(checks_when_streams_end, options);
}

MANAGER_TEST(Manager, EndsADisconnectedConnection) {
  auto up = co_await connect_and_settle(*s.managing, user(1), by_registration("web"));
  CO_ASSERT_OK(up);
  EXPECT_EQ(up->info.registered, "web");
  std::optional<server_name> one = srv;
  auto down = co_await s.records->disconnect(user(1), one, std::nullopt);
  CO_ASSERT_OK(down);
  const bool let_go = co_await is_let_go(*s.records, user(1));
  EXPECT_TRUE(let_go);
  const bool ended = co_await eventually([&s] { return s.server->ended() == 1 && s.managing->counts().managed_here == 0; });
  EXPECT_TRUE(ended);
  EXPECT_EQ(s.told.leases, (std::vector<std::string>{"user:1 taken", "user:1 over"}));
  auto record = co_await s.records->get(user(1), srv, tools_wanted::no);
  CO_ASSERT_TRUE(record && *record);
  EXPECT_EQ((*record)->state, status::disconnected);
  // And may be ordered again.
  auto again = co_await connect_and_settle(*s.managing, user(1), by_registration("web"));
  CO_ASSERT_OK(again);
  EXPECT_EQ(again->state, status::connected);
}

// Orders and disconnects that follow each other as fast as they can: the last word counts.
MANAGER_TEST(Manager, ObeysTheLastOrder) {
  std::optional<basis> whatever;
  std::optional<server_name> one = srv;
  for (int round = 0; round < 30; ++round) {
    auto ordered = co_await s.managing->connect(user(1), srv, by_url(s.url()), whatever);
    CO_ASSERT_OK(ordered);
    for (int i = 0; i < round; ++i) co_await asio::post(asio::use_awaitable);
    auto down = co_await s.records->disconnect(user(1), one, std::nullopt);
    CO_ASSERT_OK(down);
    for (int i = 0; i < 30 - round; ++i) co_await asio::post(asio::use_awaitable);
  }
  auto up = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  EXPECT_EQ(up->state, status::connected);
  auto down = co_await s.records->disconnect(user(1), one, std::nullopt);
  CO_ASSERT_OK(down);
  const bool gone = co_await eventually([&s] { return s.managing->counts().managed_here == 0; });
  EXPECT_TRUE(gone);
}

MANAGER_TEST(Manager, CorrectsAForeignStatus) {
  auto up = co_await connect_and_settle(*s.managing, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  change wrong(user(1), srv, status::failed);
  auto written = co_await s.records->put(std::move(wrong));
  CO_ASSERT_OK(written);
  auto right = co_await seen(*s.records, user(1), is(status::connected));
  CO_ASSERT_TRUE(right);
  EXPECT_GT(right->revision, written->revision);
  EXPECT_EQ(s.server->sessions(), 1);
}

MANAGER_TEST(Manager, LeavesUnmanagedConnectionsAlone) {
  change mine(user(1), srv, status::connected);
  auto written = co_await s.records->put(std::move(mine));
  CO_ASSERT_OK(written);
  auto refused = co_await s.managing->retry(user(1), srv);
  CO_ASSERT_FAILS(refused, errc::bad_argument);
  auto called = co_await s.managing->call(user(1), srv, "plain", "{}", mcp::call_options());
  CO_ASSERT_FAILS(called, errc::bad_argument);
  EXPECT_EQ(s.managing->counts().managed_here, 0U);
}

}  // namespace
}  // namespace mcpstate::test
