// SPDX-License-Identifier: MIT
// One manager: what it makes of servers that come and go, and of what others write.
#include <signal.h>

#include "component/manager/manager_fixture.hh"
#include "component/mcp/npm_http.hh"
#include "support/manual_clock.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

const std::string two_tools = "[" + plain_tool + R"(,{"name":"second","inputSchema":{"type":"object"}}])";
const std::string one_tool = "[" + plain_tool + "]";

// A memory store, a server and a manager.
struct scene {
  scene() {}
  std::unique_ptr<store> records;
  std::unique_ptr<announcing_server> server;
  recording_observer told;
  std::unique_ptr<manager> keeping;

  [[nodiscard]] std::string url() const { return server->url(); }
  asio::awaitable<void> close() {
    co_await keeping->close();
    co_await records->close();
    co_await server->stop();
  }
};
using scene_body = asio::awaitable<void> (*)(scene& s);

asio::awaitable<void> play_scene(scene_body body, manager_options options, store_options kept) {
  scene s;
  const auto executor = co_await asio::this_coro::executor;
  s.records = make_memory_store(executor, kept);
  s.server = std::make_unique<announcing_server>(executor);
  if (!options.servers) options.servers = registry(R"({"web":{"url":")" + s.server->url() + "\"}}");
  options.observer = &s.told;
  s.keeping = make_manager(*s.records, std::move(options));
  co_await body(s);
  co_await s.close();
}

void play(scene_body body, const manager_options& options = quick_options(), const store_options& kept = store_options()) {
  run_co_test([&](asio::io_context&) { return play_scene(body, options, kept); }, 60s);
}

asio::awaitable<void> connects(scene& s) {
  std::optional<basis> whatever;
  auto ordered = co_await s.keeping->connect(user(1), srv, by_url(s.url()), whatever);
  CO_ASSERT_OK(ordered);
  EXPECT_EQ(ordered->state, status::connecting);
  EXPECT_TRUE(ordered->info.managed);
  auto settled = co_await s.keeping->settled(user(1), srv, ordered->revision);
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
  EXPECT_EQ(s.keeping->counts().kept, 1U);
  EXPECT_EQ(s.keeping->counts().connected, 1U);
  // Once more changes nothing.
  auto again = co_await s.keeping->connect(user(1), srv, by_url(s.url()), whatever);
  CO_ASSERT_OK(again);
  EXPECT_EQ(again->revision, settled->revision);
  EXPECT_EQ(s.server->sessions(), 1);
  EXPECT_EQ(s.told.transitions, std::vector<std::string>{"CONNECTING CONNECTED"});
}

TEST(Keeping, Connects) { play(connects); }

asio::awaitable<void> follows_a_server_that_dies_and_returns(scene& s) {
  auto up = co_await connect_and_settle(*s.keeping, user(1), by_url(s.url()));
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
  auto third = co_await seen(*s.records, user(1), [](const connection& c) { return c.info.error && c.info.error->attempt >= 3; });
  CO_ASSERT_TRUE(third);
  s.server->tools = two_tools;
  s.server->start();
  auto back = co_await seen(*s.records, user(1), is(status::connected));
  CO_ASSERT_TRUE(back && back->tools);
  EXPECT_EQ(*back->tools, two_tools);
  EXPECT_FALSE(back->info.error);
  EXPECT_EQ(back->expires_at, up->expires_at);  // nothing of all this was use
}

TEST(Keeping, FollowsAServerThatDiesAndReturns) { play(follows_a_server_that_dies_and_returns); }

asio::awaitable<void> follows_the_tool_list(scene& s) {
  auto up = co_await connect_and_settle(*s.keeping, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  const long listed = s.server->http().count("tools/list");
  s.server->tools = two_tools;
  for (int i = 0; i < 20; ++i) s.server->announce();
  auto grown = co_await seen(*s.records, user(1), [](const connection& c) { return c.info.tool_count == 2U; });
  CO_ASSERT_TRUE(grown && grown->tools);
  EXPECT_EQ(*grown->tools, two_tools);
  EXPECT_EQ(grown->connected_at, up->connected_at);
  EXPECT_LE(s.server->http().count("tools/list"), listed + 3);  // not twenty
  // An announcement of nothing new writes nothing.
  const int refreshes = s.told.refreshes;
  s.server->announce();
  const bool looked = co_await eventually([&s, refreshes] { return s.told.refreshes > refreshes; });
  CO_ASSERT_TRUE(looked);
  auto same = co_await s.records->get(user(1), srv, tools_wanted::no);
  CO_ASSERT_TRUE(same && *same);
  EXPECT_EQ((*same)->revision, grown->revision);
}

TEST(Keeping, FollowsTheToolList) { play(follows_the_tool_list); }

asio::awaitable<void> checks_without_writing(scene& s) {
  auto up = co_await connect_and_settle(*s.keeping, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  const bool checked = co_await eventually([&s] { return s.server->http().count("ping") >= 3; });
  CO_ASSERT_TRUE(checked);
  auto same = co_await s.records->get(user(1), srv, tools_wanted::no);
  CO_ASSERT_TRUE(same && *same);
  EXPECT_EQ((*same)->revision, up->revision);
  EXPECT_EQ((*same)->expires_at, up->expires_at);
}

TEST(Keeping, ChecksWithoutWriting) { play(checks_without_writing); }

asio::awaitable<void> lets_go_of_what_is_disconnected(scene& s) {
  auto up = co_await connect_and_settle(*s.keeping, user(1), by_registration("web"));
  CO_ASSERT_OK(up);
  EXPECT_EQ(up->info.registered, "web");
  std::optional<server_name> one = srv;
  auto down = co_await s.records->disconnect(user(1), one, std::nullopt);
  CO_ASSERT_OK(down);
  const bool let_go = co_await is_let_go(*s.records, user(1));
  EXPECT_TRUE(let_go);
  const bool ended = co_await eventually([&s] { return s.server->ended() == 1 && s.keeping->counts().kept == 0; });
  EXPECT_TRUE(ended);
  EXPECT_EQ(s.told.leases, (std::vector<std::string>{"user:1 taken", "user:1 over"}));
  auto record = co_await s.records->get(user(1), srv, tools_wanted::no);
  CO_ASSERT_TRUE(record && *record);
  EXPECT_EQ((*record)->state, status::disconnected);
  // And may be ordered again.
  auto again = co_await connect_and_settle(*s.keeping, user(1), by_registration("web"));
  CO_ASSERT_OK(again);
  EXPECT_EQ(again->state, status::connected);
}

TEST(Keeping, LetsGoOfWhatIsDisconnected) { play(lets_go_of_what_is_disconnected); }

// Orders and disconnects that follow each other as fast as they can: the last word counts.
asio::awaitable<void> obeys_the_last_word(scene& s) {
  std::optional<basis> whatever;
  std::optional<server_name> one = srv;
  for (int round = 0; round < 30; ++round) {
    auto ordered = co_await s.keeping->connect(user(1), srv, by_url(s.url()), whatever);
    CO_ASSERT_OK(ordered);
    for (int i = 0; i < round; ++i) co_await asio::post(asio::use_awaitable);
    auto down = co_await s.records->disconnect(user(1), one, std::nullopt);
    CO_ASSERT_OK(down);
    for (int i = 0; i < 30 - round; ++i) co_await asio::post(asio::use_awaitable);
  }
  auto up = co_await connect_and_settle(*s.keeping, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  EXPECT_EQ(up->state, status::connected);
  auto down = co_await s.records->disconnect(user(1), one, std::nullopt);
  CO_ASSERT_OK(down);
  const bool gone = co_await eventually([&s] { return s.keeping->counts().kept == 0; });
  EXPECT_TRUE(gone);
}

TEST(Keeping, ObeysTheLastWord) { play(obeys_the_last_word); }

asio::awaitable<void> puts_a_foreign_word_right(scene& s) {
  auto up = co_await connect_and_settle(*s.keeping, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  change wrong(user(1), srv, status::failed);
  auto written = co_await s.records->put(std::move(wrong));
  CO_ASSERT_OK(written);
  auto right = co_await seen(*s.records, user(1), is(status::connected));
  CO_ASSERT_TRUE(right);
  EXPECT_GT(right->revision, written->revision);
  EXPECT_EQ(s.server->sessions(), 1);
}

TEST(Keeping, PutsAForeignWordRight) { play(puts_a_foreign_word_right); }

asio::awaitable<void> leaves_alone_what_is_only_recorded(scene& s) {
  change mine(user(1), srv, status::connected);
  auto written = co_await s.records->put(std::move(mine));
  CO_ASSERT_OK(written);
  auto refused = co_await s.keeping->retry(user(1), srv);
  CO_ASSERT_FAILS(refused, errc::bad_argument);
  auto called = co_await s.keeping->call(user(1), srv, "plain", "{}", mcp::call_options());
  CO_ASSERT_FAILS(called, errc::bad_argument);
  EXPECT_EQ(s.keeping->counts().kept, 0U);
}

TEST(Keeping, LeavesAloneWhatIsOnlyRecorded) { play(leaves_alone_what_is_only_recorded); }

asio::awaitable<void> does_not_retry_what_cannot_help(scene& s) {
  s.server->instead = empty_reply(401, "WWW-Authenticate: Bearer\r\n");
  auto refused = co_await connect_and_settle(*s.keeping, user(1), by_url(s.url()));
  CO_ASSERT_OK(refused);
  EXPECT_EQ(refused->state, status::auth_required);
  CO_ASSERT_TRUE(refused->info.error);
  EXPECT_EQ(refused->info.error->code, "auth_failed");
  EXPECT_FALSE(refused->info.error->retry_at);
  EXPECT_EQ(s.keeping->counts().waiting, 0U);
  EXPECT_EQ(s.keeping->counts().kept, 1U);
  EXPECT_EQ(s.told.attempts_failed, 1);
  s.server->instead.reset();
  auto again = co_await s.keeping->retry(user(1), srv);
  CO_ASSERT_OK(again);
  EXPECT_EQ(again->state, status::connecting);
  auto up = co_await s.keeping->settled(user(1), srv, again->revision);
  CO_ASSERT_OK(up);
  EXPECT_EQ(up->state, status::connected);
  EXPECT_EQ(s.told.attempts_failed, 1);
}

TEST(Keeping, DoesNotRetryWhatCannotHelp) { play(does_not_retry_what_cannot_help); }

asio::awaitable<void> retries_when_told(scene& s) {
  co_await s.server->stop();
  auto failed = co_await connect_and_settle(*s.keeping, user(1), by_url(s.url()));
  CO_ASSERT_OK(failed);
  EXPECT_EQ(failed->state, status::failed);
  s.server->start();
  auto again = co_await s.keeping->retry(user(1), srv);
  CO_ASSERT_OK(again);
  auto up = co_await s.keeping->settled(user(1), srv, again->revision);
  CO_ASSERT_OK(up);
  EXPECT_EQ(up->state, status::connected);
}

TEST(Keeping, RetriesWhenTold) {
  auto options = quick_options();
  options.first_retry = options.last_retry = 1h;  // never by itself, or almost
  play(retries_when_told, options);
}

asio::awaitable<void> refuses_places(scene& s) {
  const std::optional<basis> whatever;
  const std::vector<place> wrong = {by_registration("nobody"), by_registration("off"), by_url("http://u:p@127.0.0.1:1/mcp"),
                                    by_url("http://127.0.0.1:1/mcp?key=1"), by_url("ftp://h/"), by_url("")};
  for (const place& each : wrong) {
    place where = each;
    auto refused = co_await s.keeping->connect(user(1), srv, std::move(where), whatever);
    EXPECT_TRUE(!refused && refused.error().is(cond::invalid)) << each.url << each.registered;
  }
  auto nothing = co_await s.records->get(user(1), srv, tools_wanted::no);
  CO_ASSERT_TRUE(nothing);
  EXPECT_FALSE(*nothing);
  auto none = co_await s.keeping->settled(user(1), srv, 0);
  CO_ASSERT_FAILS(none, errc::no_record);
  auto not_there = co_await s.keeping->retry(user(1), srv);
  CO_ASSERT_FAILS(not_there, errc::no_record);
  auto not_called = co_await s.keeping->call(user(1), srv, "t", "{}", mcp::call_options());
  CO_ASSERT_FAILS(not_called, errc::no_record);
}

TEST(Keeping, RefusesPlaces) {
  auto options = quick_options();
  options.servers = registry(R"({"off":{"url":"http://127.0.0.1:1/","disabled":true}})");
  play(refuses_places, options);
}

asio::awaitable<void> refuses_a_forbidden_url(scene& s) {
  const std::optional<basis> whatever;
  auto refused = co_await s.keeping->connect(user(1), srv, by_url(s.url()), whatever);
  CO_ASSERT_FAILS(refused, errc::forbidden_target);
  auto registered = co_await connect_and_settle(*s.keeping, user(1), by_registration("web"));
  CO_ASSERT_OK(registered);
  EXPECT_EQ(registered->state, status::connected);
}

TEST(Keeping, RefusesAForbiddenUrl) {
  auto options = quick_options();
  options.egress_for_urls = mcp::egress_policy::strict();
  play(refuses_a_forbidden_url, options);
}

asio::awaitable<void> honours_what_was_seen(scene& s) {
  auto up = co_await connect_and_settle(*s.keeping, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  std::optional<basis> nothing = basis();
  auto refused = co_await s.keeping->connect(user(1), srv, by_registration("web"), nothing);
  CO_ASSERT_FAILS(refused, errc::stale_basis);
  std::optional<basis> right = up->seen;
  auto moved = co_await s.keeping->connect(user(1), srv, by_registration("web"), right);
  CO_ASSERT_OK(moved);
  EXPECT_EQ(moved->info.registered, "web");
  auto there = co_await s.keeping->settled(user(1), srv, moved->revision);
  CO_ASSERT_OK(there);
  EXPECT_EQ(there->state, status::connected);
  EXPECT_EQ(s.server->sessions(), 2);
  const bool ended = co_await eventually([&s] { return s.server->ended() == 1; });
  EXPECT_TRUE(ended);
}

TEST(Keeping, HonoursWhatWasSeen) { play(honours_what_was_seen); }

asio::awaitable<void> keeps_so_many(scene& s) {
  auto first = co_await connect_and_settle(*s.keeping, user(1), by_url(s.url()));
  CO_ASSERT_OK(first);
  const std::optional<basis> whatever;
  auto second = co_await s.keeping->connect(user(2), srv, by_url(s.url()), whatever);
  EXPECT_TRUE(!second && second.error().is(cond::exhausted));
  auto again = co_await s.keeping->connect(user(1), srv, by_registration("web"), whatever);
  CO_ASSERT_OK(again);
}

TEST(Keeping, KeepsSoMany) {
  auto options = quick_options();
  options.max_connections = 1;
  play(keeps_so_many, options);
}

asio::awaitable<void> lets_go_of_what_nobody_uses(scene& s) {
  auto up = co_await connect_and_settle(*s.keeping, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  const bool ended = co_await eventually([&s] { return s.server->ended() == 1; });
  EXPECT_TRUE(ended);
  const bool let_go = co_await is_let_go(*s.records, user(1));
  EXPECT_TRUE(let_go);
  EXPECT_GE(s.server->http().count("ping"), 2);  // it was checked, and that was no use
}

TEST(Keeping, LetsGoOfWhatNobodyUses) {
  store_options kept;
  kept.ttl = 1s;
  play(lets_go_of_what_nobody_uses, quick_options(), kept);
}

asio::awaitable<void> calls_are_use(scene& s) {
  auto up = co_await connect_and_settle(*s.keeping, user(1), by_url(s.url()));
  CO_ASSERT_OK(up);
  co_await aio::wait_until(aio::after(2ms));  // so that the times differ
  auto called = co_await s.keeping->call(user(1), srv, "plain", "{}", mcp::call_options());
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
  auto unreachable = co_await s.keeping->call(user(1), srv, "plain", "{}", mcp::call_options());
  CO_ASSERT_FAILS(unreachable, errc::connect_failed);
  std::optional<server_name> one = srv;
  auto down = co_await s.records->disconnect(user(1), one, std::nullopt);
  CO_ASSERT_OK(down);
  auto refused = co_await s.keeping->call(user(1), srv, "plain", "{}", mcp::call_options());
  CO_ASSERT_FAILS(refused, errc::no_record);
}

TEST(Keeping, CallsAreUse) { play(calls_are_use); }

asio::awaitable<void> disconnects_a_server_for_everybody(scene& s) {
  for (int i = 0; i < 5; ++i) {
    auto up = co_await connect_and_settle(*s.keeping, user(i), by_registration("web"));
    CO_ASSERT_OK(up);
  }
  auto other = co_await connect_and_settle(*s.keeping, user(9), by_url(s.url()));
  CO_ASSERT_OK(other);
  std::uint64_t progress = 0;
  progress_handler note = [&progress](std::uint64_t done, std::string_view) { progress = done; };
  auto count = co_await s.keeping->disconnect_everywhere("web", note);
  CO_ASSERT_OK(count);
  EXPECT_EQ(*count, 5U);
  EXPECT_EQ(progress, 5U);
  const bool ended = co_await eventually([&s] { return s.server->ended() == 5 && s.keeping->counts().kept == 1; });
  EXPECT_TRUE(ended);
  auto still = co_await s.records->get(user(9), srv, tools_wanted::no);
  CO_ASSERT_TRUE(still && *still);
  EXPECT_EQ((*still)->state, status::connected);
}

TEST(Keeping, DisconnectsAServerForEverybody) { play(disconnects_a_server_for_everybody); }

asio::awaitable<void> follows_the_registry(scene& s) {
  auto up = co_await connect_and_settle(*s.keeping, user(1), by_registration("web"));
  CO_ASSERT_OK(up);
  auto other = co_await connect_and_settle(*s.keeping, user(2), by_url(s.url()));
  CO_ASSERT_OK(other);
  announcing_server second(co_await asio::this_coro::executor);
  s.keeping->set_servers(registry(R"({"web":{"url":")" + second.url() + "\"}}"));
  auto moved = co_await seen(*s.records, user(1), [&second](const connection& c) { return c.info.url == second.url(); });
  CO_ASSERT_TRUE(moved);
  EXPECT_EQ(moved->state, status::connected);
  EXPECT_EQ(second.sessions(), 1);
  s.keeping->set_servers(registry("{}"));
  auto gone = co_await seen(*s.records, user(1), is(status::failed));
  CO_ASSERT_TRUE(gone && gone->info.error && gone->tools);
  EXPECT_EQ(gone->info.error->code, "bad_argument");
  EXPECT_FALSE(gone->info.error->retry_at);
  EXPECT_EQ(s.server->sessions(), 2);  // the other one stayed
  co_await second.stop();
}

TEST(Keeping, FollowsTheRegistry) { play(follows_the_registry); }

asio::awaitable<void> goes_on_after_a_claim(scene& s) {
  const owner anonymous = owner::session("abc").value();
  auto up = co_await connect_and_settle(*s.keeping, anonymous, by_url(s.url()));
  CO_ASSERT_OK(up);
  auto claimed = co_await s.keeping->claim(anonymous, user(1));
  CO_ASSERT_OK(claimed);
  EXPECT_EQ(claimed->moved, std::vector<std::string>{"srv"});
  const bool kept = co_await eventually([&s] { return s.server->sessions() == 2 && s.server->ended() == 1; });
  EXPECT_TRUE(kept);
  const std::string holder = co_await holder_of(*s.records, user(1));
  EXPECT_EQ(holder, s.keeping->options().instance);
  const bool let_go = co_await is_let_go(*s.records, anonymous);
  EXPECT_TRUE(let_go);
}

TEST(Keeping, GoesOnAfterAClaim) { play(goes_on_after_a_claim); }

// Programs.

std::string as_registered(const marked_target& program) {
  std::string out = R"({"prog":{"command":")" + program.where.command.front() + R"(","args":[)";
  for (std::size_t i = 1; i < program.where.command.size(); ++i)
    out += (i > 1 ? ",\"" : "\"") + program.where.command[i] + "\"";
  out += R"(],"env":{)";
  for (std::size_t i = 0; i < program.where.env.size(); ++i)
    out += (i > 0 ? ",\"" : "\"") + program.where.env[i].first + "\":\"" + program.where.env[i].second + "\"";
  return out + "}}}";
}

asio::awaitable<void> runs_a_program(marked_target program) {
  auto records = make_memory_store(co_await asio::this_coro::executor, store_options());
  manager_options options = quick_options();
  options.servers = registry(as_registered(program));
  options.address = "http://here:1";
  auto keeping = make_manager(*records, options);
  manager_options others = quick_options();
  others.servers = options.servers;
  auto elsewhere = make_manager(*records, others);
  auto up = co_await connect_and_settle(*keeping, user(1), by_registration("prog"));
  CO_ASSERT_OK(up);
  EXPECT_EQ(up->state, status::connected);
  EXPECT_EQ(up->info.transport, "stdio");
  EXPECT_TRUE(up->info.url.empty());
  CO_ASSERT_EQ(processes_of(program.mark).size(), 1U);
  const int first = processes_of(program.mark).front().pid;
  auto called = co_await keeping->call(user(1), srv, "odd", "{}", mcp::call_options());
  CO_ASSERT_OK(called);
  const bool known = co_await eventually([&elsewhere] { return elsewhere->counts().instances == 2; });
  CO_ASSERT_TRUE(known);
  auto refused = co_await elsewhere->call(user(1), srv, "odd", "{}", mcp::call_options());
  CO_ASSERT_FAILS(refused, errc::kept_elsewhere);
  EXPECT_NE(refused.error().detail().find("http://here:1"), std::string::npos);
  ::kill(first, SIGKILL);
  const bool again = co_await eventually([&program, first] {
    const auto now = processes_of(program.mark);
    return now.size() == 1 && now.front().pid != first;
  });
  EXPECT_TRUE(again);
  auto back = co_await seen(*records, user(1), is(status::connected));
  CO_ASSERT_TRUE(back);
  co_await elsewhere->close();
  co_await keeping->close();
  EXPECT_EQ(describe(processes_of(program.mark)), "");
  co_await records->close();
}

TEST(Keeping, RunsAProgram) {
  run_co_test([](asio::io_context&) { return runs_a_program(odd_server("plain")); }, 60s);
}

asio::awaitable<void> keeps_a_modern_server() {
  auto server = co_await npm_http_server::start_modern("http-modern");
  CO_ASSERT_TRUE(server);
  auto records = make_memory_store(co_await asio::this_coro::executor, store_options());
  auto keeping = make_manager(*records, quick_options());
  auto up = co_await connect_and_settle(*keeping, user(1), by_url(server->url("/mcp")));
  CO_ASSERT_OK(up);
  CO_ASSERT_EQ(up->state, status::connected);
  EXPECT_EQ(up->info.protocol_version, "2026-07-28");
  const auto before = up->info.tool_count.value_or(0);
  EXPECT_GT(before, 5U);
  auto grown = co_await keeping->call(user(1), srv, "grow", R"({"name":"sprout"})", mcp::call_options());
  CO_ASSERT_OK(grown);
  auto more = co_await seen(*records, user(1), [before](const connection& c) { return c.info.tool_count == before + 1; });
  CO_ASSERT_TRUE(more && more->tools);
  EXPECT_NE(more->tools->find("sprout"), std::string::npos);
  co_await server->stop();
  auto failed = co_await seen(*records, user(1), is(status::failed));
  CO_ASSERT_TRUE(failed && failed->tools);
  EXPECT_NE(failed->tools->find("sprout"), std::string::npos);
  co_await keeping->close();
  co_await records->close();
}

TEST(Keeping, KeepsAModernServer) {
  run_co_test([](asio::io_context&) { return keeps_a_modern_server(); }, 60s);
}

}  // namespace
}  // namespace mcpstate::test
