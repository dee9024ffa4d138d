// SPDX-License-Identifier: MIT
// What must not happen between us and a program that writes the documented keys behind our back: where only the library can
// show it, because it takes what was read a moment ago, or another TTL.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "component/store/redis/scene.hh"
#include "support/co_test.hh"

namespace mcpstate {
namespace {

using std::chrono::hours;
using test::redis_scene;
using test::redis_server;
using test::run_co_test;

constexpr const char* base = "mcp:user:1:server:s:";

struct scene : redis_scene {
  using redis_scene::redis_scene;
  owner who = owner::user("1").value();
  server_name server = server_name::parse("s").value();
};

using foreign_words = void (*)(redis::request&);

// Reads, lets the other program write, and writes on what was read.
asio::awaitable<void> refuses_the_old_basis(asio::io_context& io, const redis_server& server, foreign_words words,
                                            std::string status_after) {
  scene at(io, server);
  auto opened = co_await at.open();
  CO_ASSERT_OK(opened);
  auto& ours = **opened;
  change up(at.who, at.server, status::connected);
  CO_ASSERT_OK(co_await ours.put(std::move(up)));
  const auto seen = co_await ours.get(at.who, at.server, tools_wanted::no);
  CO_ASSERT_OK(seen);
  redis::request theirs;
  words(theirs);
  CO_ASSERT_OK(co_await at.says(std::move(theirs)));
  change late(**seen, status::failed);
  const auto refused = co_await ours.put(std::move(late));
  CO_ASSERT_FAILS(refused, errc::stale_basis);
  redis::request look;
  look.add("GET", std::string(base) + "status");
  const auto left = co_await at.says(std::move(look));
  CO_ASSERT_OK(left);
  EXPECT_EQ(left->text, status_after);
  // Who reads again is heard.
  change again(at.who, at.server, status::failed);
  CO_ASSERT_OK(co_await ours.put(std::move(again)));
  co_await ours.close();
  co_await at.foreign.close();
}

class RedisForeignWriter : public testing::Test {
 public:
  void refuses(foreign_words words, const std::string& status_after) {
    run_co_test([&](asio::io_context& io) { return refuses_the_old_basis(io, server_, words, status_after); });
  }
  redis_server server_;
};

TEST_F(RedisForeignWriter, NeverLosesAChangedStatus) {
  refuses([](redis::request& r) { r.add("SET", std::string(base) + "status", "DISCONNECTED", "EX", "86400"); },
          "DISCONNECTED");
}

TEST_F(RedisForeignWriter, NeverLosesADeletedStatus) {
  refuses([](redis::request& r) { r.add("DEL", std::string(base) + "status"); }, "");
}

TEST_F(RedisForeignWriter, NeverLosesAReconnect) {
  refuses([](redis::request& r) { r.add("SET", std::string(base) + "connected_at", "2026-11-22T14:30:59.553780+00:00"); },
          "CONNECTED");
}

CO_TEST_F(RedisForeignWriter, KeepsASetAsLongAsARenewedMember) {
  const redis_server& server = fixture.server_;
  scene at(context, server);
  auto opened = co_await at.open(hours(1));
  CO_ASSERT_OK(opened);
  auto& ours = **opened;
  change up(at.who, at.server, status::connected);
  CO_ASSERT_OK(co_await ours.put(std::move(up)));
  // Their records live for a day, and one has lost its expiry. The sets have come near their end since.
  redis::request theirs;
  theirs.add("SET", std::string(base) + "status", "CONNECTED", "EX", "86400");
  theirs.add("SET", "mcp:user:1:server:eternal:status", "CONNECTED");
  theirs.add("SADD", "mcp:user:1:connections", "eternal");
  theirs.add("SADD", "mcp:user:1:servers", "eternal");
  theirs.add("EXPIRE", "mcp:user:1:connections", "1800").add("EXPIRE", "mcp:user:1:servers", "1800");
  CO_ASSERT_OK(co_await at.says(std::move(theirs)));
  change other(at.who, server_name::parse("other").value(), status::connected);
  CO_ASSERT_OK(co_await ours.put(std::move(other)));
  for (const char* set : {"mcp:user:1:connections", "mcp:user:1:servers"}) {
    redis::request look;
    look.add("TTL", set);
    const auto left = co_await at.says(std::move(look));
    CO_ASSERT_OK(left);
    EXPECT_GE(left->integer, 86400) << set;
  }
  redis::request look;
  look.add("TTL", "mcp:user:1:server:eternal:status");
  const auto left = co_await at.says(std::move(look));
  CO_ASSERT_OK(left);
  EXPECT_GT(left->integer, 0);
  co_await ours.close();
  co_await at.foreign.close();
}

CO_TEST_F(RedisForeignWriter, NeverCostsAWriteByFlushingScripts) {
  const redis_server& server = fixture.server_;
  scene at(context, server);
  auto opened = co_await at.open();
  CO_ASSERT_OK(opened);
  auto& ours = **opened;
  auto flush = [&at] {
    redis::request r;
    r.add("SCRIPT", "FLUSH");
    return at.says(std::move(r));
  };
  const std::optional<server_name> all;
  const std::optional<basis> whatever;
  CO_ASSERT_OK(co_await flush());
  change up(at.who, at.server, status::connected);
  up.tools(tools_list::parse(R"([{"name":"a"}])").value());
  CO_ASSERT_OK(co_await ours.put(std::move(up)));
  CO_ASSERT_OK(co_await flush());
  CO_ASSERT_OK(co_await ours.touch(at.who, all));
  CO_ASSERT_OK(co_await flush());
  CO_ASSERT_OK(co_await ours.disconnect(at.who, all, whatever));
  CO_ASSERT_OK(co_await flush());
  const auto erased = co_await ours.erase(at.who);
  CO_ASSERT_OK(erased);
  EXPECT_EQ(*erased, 1u);
  co_await ours.close();
  co_await at.foreign.close();
}

constexpr const char* first_tools = R"([{"name":"a"}])";
constexpr const char* other_tools = R"([{"name":"b"}])";  // as long
constexpr const char* two_tools = R"([{"name":"c"},{"name":"d"}])";

// How often records were read one by one since the last time; listings are another command.
task<std::uint64_t> single_reads(scene& at) {
  redis::request r;
  r.add("INFO", "commandstats").add("CONFIG", "RESETSTAT");
  auto got = co_await at.foreign.exec(std::move(r), aio::after(std::chrono::seconds(10)), redis::effect::write);
  if (!got) co_return got.error();
  constexpr std::string_view line = "cmdstat_mget:calls=";
  const auto begin = got->front().text.find(line);
  co_return begin == std::string::npos ? 0 : std::stoull(got->front().text.substr(begin + line.size()));
}

task<connection> write_tools(store& ours, connection before, std::string tools) {
  change what(before, status::connected);
  what.tools(tools_list::parse(std::move(tools)).value());
  co_return co_await ours.put(std::move(what));
}

task<redis::reply> foreign_tools(scene& at, std::string tools) {
  redis::request theirs;
  theirs.add("SET", std::string(base) + "tools", tools, "KEEPTTL");
  co_return co_await at.says(std::move(theirs));
}

asio::awaitable<void> expect_told(watcher& watching, std::string tools) {
  const auto told = co_await watching.next();
  CO_ASSERT_OK(told);
  CO_ASSERT_TRUE(told->what == event::kind::present && told->record);
  const auto list = tools_list::parse(tools).value();
  EXPECT_EQ(told->record->info.tools_hash, list.hash()) << tools;
  EXPECT_EQ(told->record->info.tool_count, list.count()) << tools;
  EXPECT_EQ(told->record->tools, nullptr);
}

// What one reading says of them.
asio::awaitable<void> expect_read(scene& at, store& ours, std::string tools) {
  const auto got = co_await ours.get(at.who, at.server, tools_wanted::yes);
  CO_ASSERT_TRUE(got && *got && (*got)->tools);
  EXPECT_EQ(*(*got)->tools, tools);
  EXPECT_EQ((*got)->info.tools_hash, tools_list::parse(tools).value().hash());
}

asio::awaitable<void> tells_foreign_tools(scene& at, store& ours, watcher& watching, connection record) {
  for (const char* tools : {first_tools, other_tools, two_tools, other_tools}) {
    auto written = co_await foreign_tools(at, tools);
    CO_ASSERT_OK(written);
    co_await expect_told(watching, tools);
    co_await expect_read(at, ours, tools);
  }
  // What else happens to the record does not bring the old ones back.
  change failed(record, status::failed);
  auto written = co_await ours.put(std::move(failed));
  CO_ASSERT_OK(written);
  co_await expect_told(watching, other_tools);
  auto again = co_await write_tools(ours, *written, first_tools);
  CO_ASSERT_OK(again);
  co_await expect_told(watching, first_tools);
}

CO_TEST_F(RedisForeignWriter, IsNoticedWhenItWritesToolsAlone) {
  const redis_server& server = fixture.server_;
  scene at(context, server);
  auto opened = co_await at.open();
  CO_ASSERT_OK(opened);
  auto& ours = **opened;
  change up(at.who, at.server, status::connected);
  up.tools(tools_list::parse(first_tools).value());
  auto record = co_await ours.put(std::move(up));
  CO_ASSERT_OK(record);
  CO_ASSERT_OK(co_await single_reads(at));
  record = co_await write_tools(ours, *record, first_tools);
  CO_ASSERT_OK(record);
  const auto unwatched = co_await single_reads(at);
  CO_ASSERT_OK(unwatched);
  std::optional<owner> who = at.who;
  auto opening = ours.watch(std::move(who));
  auto watching = co_await std::move(opening);
  CO_ASSERT_OK(watching);
  co_await expect_told(**watching, first_tools);
  const auto ready = co_await (*watching)->next();
  CO_ASSERT_TRUE(ready && ready->what == event::kind::ready);
  CO_ASSERT_OK(co_await single_reads(at));
  auto next = co_await write_tools(ours, *record, two_tools);
  CO_ASSERT_OK(next);
  co_await expect_told(**watching, two_tools);
  const auto watched = co_await single_reads(at);
  CO_ASSERT_OK(watched);
  EXPECT_EQ(*watched, *unwatched) << "writes of ours cost no reading of tools";
  co_await tells_foreign_tools(at, ours, **watching, *next);
  co_await ours.close();
  co_await at.foreign.close();
}

}  // namespace
}  // namespace mcpstate
