// SPDX-License-Identifier: MIT
// What happens between a read of ours and the step that stands on it: a proxy holds the step back until it has happened.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/open_store.hpp>

#include "component/store/redis/cutting_proxy.hh"
#include "redis/link.hh"
#include "support/co_test.hh"
#include "support/redis_server.hh"

namespace mcpstate {
namespace {

using test::cutting_proxy;
using test::redis_server;
using test::run_co_test;

constexpr auto patience = std::chrono::seconds(10);

server_name named(const std::string& name) { return server_name::parse(name).value(); }

// Our store behind the proxy, another worker's past it, and another program's link.
struct scene {
  scene(asio::io_context& io, const redis_server& server) : context(io), port(server.port()), proxy(io, port) {}
  task<void> open() {
    MCPSTATE_CO_TRY(through, co_await open_at(proxy.port()));
    MCPSTATE_CO_TRY(past, co_await open_at(port));
    ours = std::move(through);
    other = std::move(past);
    redis::link_config to;
    to.host = "127.0.0.1";
    to.port = port;
    foreign = redis::make_link(context.get_executor(), to);
    foreign->start();
    co_return result<void>();
  }
  task<std::unique_ptr<store>> open_at(std::uint16_t at) const {
    return open_store(context.get_executor(), "redis://127.0.0.1:" + std::to_string(at) + "/0", store_options());
  }
  asio::awaitable<void> close() {
    co_await ours->close();
    co_await other->close();
    co_await foreign->close();
    co_await proxy.close();
  }

  asio::io_context& context;
  std::uint16_t port;
  cutting_proxy proxy;
  owner who = owner::user("1").value();
  std::unique_ptr<store> ours, other;
  std::shared_ptr<redis::link> foreign;
  int times = 0;  // that something came in between
};

asio::awaitable<void> put_past(scene& at, std::string server, status to) {
  change what(at.who, named(server), to);
  const auto written = co_await at.other->put(std::move(what));
  EXPECT_TRUE(written) << written.error().full_text();
}

asio::awaitable<void> say(scene& at, redis::request commands) {
  const auto got = co_await at.foreign->exec(std::move(commands), aio::after(patience), redis::effect::write);
  CO_ASSERT_OK(got);
  for (const auto& answer : *got) EXPECT_FALSE(answer.is_error()) << answer.text;
}

// As a program that knows the documented keys connects.
asio::awaitable<void> foreign_connects(scene& at, std::string server) {
  const std::string base = "mcp:user:1:server:" + server + ":";
  redis::request words;
  words.add("SET", base + "status", "CONNECTED", "EX", "86400").add("SET", base + "tools", "[]", "EX", "86400");
  words.add("SET", base + "connected_at", "2026-11-22T14:30:59.553780+00:00", "EX", "86400");
  words.add("SADD", "mcp:user:1:connections", server);
  co_await say(at, std::move(words));
}

// What comes in between, by the number of times that it already did.
using meanwhile = asio::awaitable<void> (*)(scene&, int);

asio::awaitable<void> next_time(scene& at, meanwhile what) {
  const int before = at.times++;
  co_await what(at, before);
}

// "a=CONNECTED b=DISCONNECTED", as it stands in Redis.
asio::awaitable<std::string> states(scene& at) {
  std::string out;
  const auto all = co_await at.other->list(at.who, tools_wanted::no);
  EXPECT_TRUE(all) << all.error().full_text();
  if (!all) co_return out;
  for (const auto& one : **all) {
    if (!out.empty()) out += ' ';
    out += one.server + '=' + std::string(to_text(one.state));
  }
  co_return out;
}

struct expectation {
  expectation() {}
  std::vector<std::pair<std::string, status>> first;  // what is there
  meanwhile between = nullptr;
  std::uint64_t count = 0;
  int times = 1;
  std::string after;
};

asio::awaitable<void> disconnects_all(asio::io_context& io, const redis_server& server, expectation what) {
  scene at(io, server);
  CO_ASSERT_OK(co_await at.open());
  for (const auto& [name, state] : what.first) co_await put_past(at, name, state);
  at.proxy.before_each("EVALSHA", [&at, between = what.between] { return next_time(at, between); });
  const std::optional<server_name> all;
  const std::optional<basis> whatever;
  const auto changed = co_await at.ours->disconnect(at.who, all, whatever);
  CO_ASSERT_OK(changed);
  EXPECT_EQ(*changed, what.count);
  EXPECT_GE(at.times, what.times) << "nothing came in between";
  const std::string left = co_await states(at);
  EXPECT_EQ(left, what.after);
  co_await at.close();
}

class RedisInterleaving : public testing::Test {
 public:
  void disconnects(expectation what) {
    run_co_test([&](asio::io_context& io) { return disconnects_all(io, server_, what); });
  }
  redis_server server_;
};

asio::awaitable<void> b_once(scene& at, int before) {
  if (before == 0) co_await put_past(at, "b", status::connected);
}

TEST_F(RedisInterleaving, DisconnectsAServerThatConnectsMeanwhile) {
  expectation what;
  what.first = {{"a", status::connected}};
  what.between = b_once;
  what.count = 2;
  what.times = 2;
  what.after = "a=DISCONNECTED b=DISCONNECTED";
  disconnects(what);
}

TEST_F(RedisInterleaving, DisconnectsAServerThatAnotherProgramConnectsMeanwhile) {
  expectation what;
  what.first = {{"a", status::connected}};
  what.between = [](scene& at, int before) -> asio::awaitable<void> {
    if (before == 0) co_await foreign_connects(at, "b");
  };
  what.count = 2;
  what.times = 2;
  what.after = "a=DISCONNECTED b=DISCONNECTED";
  disconnects(what);
}

TEST_F(RedisInterleaving, DisconnectsAgainAServerThatReconnectsMeanwhile) {
  expectation what;
  what.first = {{"a", status::connected}, {"b", status::disconnected}};
  what.between = b_once;
  what.count = 2;
  what.times = 2;
  what.after = "a=DISCONNECTED b=DISCONNECTED";
  disconnects(what);
}

TEST_F(RedisInterleaving, DisconnectsANewServerWhereNothingWasConnected) {
  expectation what;
  what.first = {{"a", status::disconnected}};
  what.between = b_once;
  what.count = 1;
  what.times = 2;
  what.after = "a=DISCONNECTED b=DISCONNECTED";
  disconnects(what);
}

TEST_F(RedisInterleaving, IgnoresANameWithoutARecord) {
  expectation what;
  what.first = {{"a", status::connected}};
  what.between = [](scene& at, int) -> asio::awaitable<void> {
    redis::request words;
    words.add("SADD", "mcp:user:1:connections", "ghost").add("SADD", "mcp:user:1:servers", "ghost");
    co_await say(at, std::move(words));
  };
  what.count = 1;
  what.times = 2;
  what.after = "a=DISCONNECTED";
  disconnects(what);
}

CO_TEST_F(RedisInterleaving, IsAConflictWhenOthersAreAlwaysFaster) {
  const redis_server& server = fixture.server_;
  scene at(context, server);
  CO_ASSERT_OK(co_await at.open());
  co_await put_past(at, "a", status::connected);
  const meanwhile one_more = [](scene& s, int before) -> asio::awaitable<void> {
    co_await put_past(s, "b" + std::to_string(before % 2), before % 4 < 2 ? status::connected : status::failed);
  };
  at.proxy.before_each("EVALSHA", [&at, one_more] { return next_time(at, one_more); });
  const std::optional<server_name> all;
  const std::optional<basis> whatever;
  const auto refused = co_await at.ours->disconnect(at.who, all, whatever);
  CO_ASSERT_FAILS(refused, errc::stale_basis);
  EXPECT_EQ(at.times, 100);
  // Nothing of it was written.
  const std::string left = co_await states(at);
  EXPECT_EQ(left.find("DISCONNECTED"), std::string::npos) << left;
  EXPECT_TRUE(left.starts_with("a=CONNECTED ")) << left;
  co_await at.close();
}

// Scripts that work on all of an owner declare the keys of the members that were read before. What comes in between is met
// by the script, which then writes nothing and is called again.

enum class whole { touch, erase };

task<std::uint64_t> run_on_all(store& on, owner who, whole what) {
  const std::optional<server_name> all;
  if (what == whole::touch) co_return co_await on.touch(std::move(who), all);
  co_return co_await on.erase(std::move(who));
}

asio::awaitable<void> meets_a_new_member(asio::io_context& io, const redis_server& server, whole what, meanwhile between) {
  scene at(io, server);
  CO_ASSERT_OK(co_await at.open());
  co_await put_past(at, "a", status::connected);
  at.proxy.before_each("EVALSHA", [&at, between] { return next_time(at, between); });
  const auto count = co_await run_on_all(*at.ours, at.who, what);
  CO_ASSERT_OK(count);
  EXPECT_EQ(*count, 2u);
  EXPECT_EQ(at.times, 2);
  const std::string left = co_await states(at);
  EXPECT_EQ(left, what == whole::touch ? "a=CONNECTED b=CONNECTED" : "");
  co_await at.close();
}

asio::awaitable<void> keeps_meeting_new_members(asio::io_context& io, const redis_server& server, whole what) {
  scene at(io, server);
  CO_ASSERT_OK(co_await at.open());
  co_await put_past(at, "a", status::connected);
  const meanwhile one_more = [](scene& s, int before) -> asio::awaitable<void> {
    co_await put_past(s, "b" + std::to_string(before), status::connected);
  };
  at.proxy.before_each("EVALSHA", [&at, one_more] { return next_time(at, one_more); });
  const auto refused = co_await run_on_all(*at.ours, at.who, what);
  CO_ASSERT_FAILS(refused, errc::stale_basis);
  EXPECT_EQ(at.times, 100);
  const auto all = co_await at.other->list(at.who, tools_wanted::no);
  CO_ASSERT_OK(all);
  EXPECT_EQ((*all)->size(), 101u);
  co_await at.close();
}

TEST_F(RedisInterleaving, RenewsAServerThatConnectsDuringATouch) {
  run_co_test([&](asio::io_context& io) { return meets_a_new_member(io, server_, whole::touch, b_once); });
}

TEST_F(RedisInterleaving, ErasesAServerThatConnectsMeanwhile) {
  run_co_test([&](asio::io_context& io) { return meets_a_new_member(io, server_, whole::erase, b_once); });
}

TEST_F(RedisInterleaving, ErasesAServerThatAnotherProgramConnectsMeanwhile) {
  const meanwhile b = [](scene& at, int before) -> asio::awaitable<void> {
    if (before == 0) co_await foreign_connects(at, "b");
  };
  run_co_test([&](asio::io_context& io) { return meets_a_new_member(io, server_, whole::erase, b); });
}

TEST_F(RedisInterleaving, ErasesNothingWhenNewMembersKeepComing) {
  run_co_test([&](asio::io_context& io) { return keeps_meeting_new_members(io, server_, whole::erase); });
}

TEST_F(RedisInterleaving, IsAConflictWhenNewMembersKeepComingDuringATouch) {
  run_co_test([&](asio::io_context& io) { return keeps_meeting_new_members(io, server_, whole::touch); });
}

// The keys of a foreign record are touched by a put of another record: once it has declared them.
CO_TEST_F(RedisInterleaving, DeclaresTheKeysThatAnotherProgramAddedBeforeAPut) {
  const redis_server& server = fixture.server_;
  scene at(context, server);
  CO_ASSERT_OK(co_await at.open());
  co_await put_past(at, "a", status::connected);
  const meanwhile nothing = [](scene&, int) -> asio::awaitable<void> { co_return; };
  at.proxy.before_each("EVALSHA", [&at, nothing] { return next_time(at, nothing); });
  change known(at.who, named("c"), status::connected);
  known.tools(tools_list::parse(R"([{"name":"x"}])").value());
  CO_ASSERT_OK(co_await at.ours->put(std::move(known)));
  EXPECT_EQ(at.times, 2);  // a list that grows: those of the other records are counted, too
  redis::request theirs;
  theirs.add("SET", "mcp:user:1:server:b:status", "CONNECTED").add("SADD", "mcp:user:1:connections", "b");
  co_await say(at, std::move(theirs));
  change again(at.who, named("c"), status::connected);
  again.tools(tools_list::parse(R"([{"name":"y"}])").value());
  CO_ASSERT_OK(co_await at.ours->put(std::move(again)));
  EXPECT_EQ(at.times, 4);  // the first answer was that the keys of b have to be declared
  redis::request ask;
  ask.add("SISMEMBER", "mcp:user:1:servers", "b").add("TTL", "mcp:user:1:server:b:status");
  const auto found = co_await at.foreign->exec(std::move(ask), aio::after(patience), redis::effect::read);
  CO_ASSERT_OK(found);
  EXPECT_EQ((*found)[0].integer, 1);
  EXPECT_GT((*found)[1].integer, 0);
  const auto c = co_await at.other->get(at.who, named("c"), tools_wanted::yes);
  CO_ASSERT_OK(c);
  EXPECT_EQ(*(*c)->tools, R"([{"name":"y"}])");
  co_await at.close();
}

}  // namespace
}  // namespace mcpstate
