// SPDX-License-Identifier: MIT
// Values of a record that another program has replaced, in Redis: revisions that are none, statuses that are none, and values
// of many megabytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <mcpstate/core/record_info.hpp>

#include "component/store/redis/values_scene.hh"
#include "support/heap_peak.hh"

namespace mcpstate {
namespace {

using namespace std::chrono_literals;
using test::base;
using test::heap_peak;
using test::service;
using test::somebody;
using test::unreadable_revisions;

class RedisWrongValues : public test::values_fixture {};

SCENE_TEST(RedisWrongValues, BeginARevisionThatCannotBeReadAnew) {
  CO_ASSERT_OK(co_await at.write(status::connected));
  for (const std::string text : unreadable_revisions) {
    SCOPED_TRACE(text);
    CO_ASSERT_OK(co_await at.set_revision(text));
    const auto seen = co_await at.get();
    CO_ASSERT_OK(seen);
    EXPECT_EQ(seen->revision, 0u);
    EXPECT_EQ(seen->state, status::connected) << "the documented keys still count";
    const auto written = co_await at.write(status::failed);
    CO_ASSERT_OK(written);
    EXPECT_LE(written->revision, max_revision);
    const auto read = co_await at.get();
    CO_ASSERT_OK(read);
    EXPECT_EQ(read->revision, written->revision);
    EXPECT_TRUE(read->problems.empty());
    const auto next = co_await at.write(status::connected);
    CO_ASSERT_OK(next);
    EXPECT_GT(next->revision, written->revision);
  }
}

SCENE_TEST(RedisWrongValues, DisconnectARecordWhoseRevisionCannotBeRead) {
  for (const std::string text : unreadable_revisions) {
    SCOPED_TRACE(text);
    CO_ASSERT_OK(co_await at.write(status::connected));
    CO_ASSERT_OK(co_await at.set_revision(text));
    CO_ASSERT_OK(co_await at.disconnect(false));
    CO_ASSERT_OK(co_await at.write(status::connected));
    CO_ASSERT_OK(co_await at.set_revision(text));
    const auto count = co_await at.disconnect(true);
    CO_ASSERT_OK(count);
    EXPECT_EQ(*count, 1u);
  }
}

SCENE_TEST(RedisWrongValues, NeverWriteARevisionThatCannotBeRead) {
  for (const std::string text : {"9007199254740990", "9007199254740991"}) {
    CO_ASSERT_OK(co_await at.write(status::connected));
    CO_ASSERT_OK(co_await at.set_revision(text));
    for (int i = 0; i < 3; ++i) {
      const auto written = co_await at.write(status::connected);
      CO_ASSERT_OK(written);
      EXPECT_LE(written->revision, max_revision);
      const auto read = co_await at.get();
      CO_ASSERT_OK(read);
      EXPECT_EQ(read->revision, written->revision);
    }
  }
}

SCENE_TEST(RedisWrongValues, TellWatchersToResyncWhenRevisionsBeginAnew) {
  CO_ASSERT_OK(co_await at.write(status::connected));
  CO_ASSERT_OK(co_await at.set_revision("9007199254740991"));
  const std::optional<owner> who = somebody();
  auto watching = co_await at.ours->watch(who);
  CO_ASSERT_OK(watching);
  auto first = co_await (*watching)->next();
  CO_ASSERT_OK(first);
  EXPECT_EQ(first->record->revision, max_revision);
  CO_ASSERT_OK(co_await (*watching)->next());  // ready
  const auto written = co_await at.write(status::failed);
  CO_ASSERT_OK(written);
  EXPECT_LT(written->revision, max_revision);
  const auto told = co_await (*watching)->next();
  CO_ASSERT_OK(told);
  EXPECT_EQ(told->what, event::kind::resync);
  const auto then = co_await (*watching)->next();
  CO_ASSERT_OK(then);
  CO_ASSERT_TRUE(then->record != nullptr);
  EXPECT_EQ(then->record->revision, written->revision);
  watching->reset();
}

SCENE_TEST(RedisWrongValues, WriteOverJunkBehindAGoodHead) {
  for (const std::string rest : {"", "junk", "\"a\":", "{{{{"}) {
    SCOPED_TRACE(rest);
    CO_ASSERT_OK(co_await at.write(status::connected));
    CO_ASSERT_OK(co_await at.set("info", "{\"revision\":7,\"expires_at\":1,\"expires_latest\":0," + rest));
    const auto seen = co_await at.get();
    CO_ASSERT_OK(seen);
    EXPECT_EQ(seen->problems, (std::vector<std::string>{"info cannot be read"}));
    CO_ASSERT_OK(co_await at.write(status::failed));
  }
}

SCENE_TEST(RedisWrongValues, ShowAStatusThatIsNoneAsUnknown) {
  for (const std::string text : {"up", "", "connected", "CONNECTED\n", "AUTH_REQUIRED", "\xff\xfe"}) {
    SCOPED_TRACE(text);
    CO_ASSERT_OK(co_await at.write(status::connected));
    CO_ASSERT_OK(co_await at.set("status", text));
    const auto seen = co_await at.get();
    CO_ASSERT_OK(seen);
    EXPECT_FALSE(seen->state.has_value());
    EXPECT_FALSE(seen->connected());
    CO_ASSERT_TRUE(seen->info.error.has_value());
    EXPECT_EQ(seen->info.error->code, "junk_record");
    const auto all = co_await at.ours->list(somebody(), tools_wanted::no);
    CO_ASSERT_OK(all);
    CO_ASSERT_EQ((*all)->size(), 1u);
    EXPECT_FALSE((*all)->front().state.has_value());
    CO_ASSERT_OK(co_await at.write(status::failed));
    const auto repaired = co_await at.get();
    CO_ASSERT_OK(repaired);
    EXPECT_EQ(repaired->state, status::failed);
    EXPECT_TRUE(repaired->problems.empty());
  }
}

SCENE_TEST(RedisWrongValues, DisconnectARecordWhoseStatusIsUnknown) {
  CO_ASSERT_OK(co_await at.write(status::disconnected));
  CO_ASSERT_OK(co_await at.set("status", "down"));
  const auto count = co_await at.disconnect(false);
  CO_ASSERT_OK(count);
  EXPECT_EQ(*count, 1u) << "it was not DISCONNECTED";
  const auto now = co_await at.get();
  CO_ASSERT_OK(now);
  EXPECT_EQ(now->state, status::disconnected);
}

// Whatever other keys the record has.
SCENE_TEST(RedisWrongValues, ShowAStatusOfAWrongTypeAsUnknown) {
  for (const std::string kept : {"all", "info", "names"}) {
    for (const std::string command : {"SADD", "RPUSH", "PFADD"}) {
      SCOPED_TRACE(kept + " " + command);
      CO_ASSERT_OK(co_await at.ours->erase(somebody()));
      CO_ASSERT_OK(co_await at.write(status::connected));
      redis::request r;
      r.add("DEL", base + "status").add(command, base + "status", "x");
      if (command == "PFADD") r.add("DEL", base + "status").add("HSET", base + "status", "a", "b");
      if (kept != "all") r.add("DEL", base + "connected_at").add("DEL", base + "tools");
      if (kept == "names") r.add("DEL", base + "info");
      CO_ASSERT_OK(co_await at.says(std::move(r)));
      const auto seen = co_await at.get();
      CO_ASSERT_OK(seen);
      EXPECT_FALSE(seen->state.has_value());
      CO_ASSERT_TRUE(seen->info.error.has_value());
      EXPECT_EQ(seen->info.error->code, "wrong_type");
      const auto all = co_await at.ours->list(somebody(), tools_wanted::no);
      CO_ASSERT_OK(all);
      CO_ASSERT_EQ((*all)->size(), 1u);
      EXPECT_FALSE((*all)->front().state.has_value());
      const auto refused = co_await at.write(status::connected);
      CO_ASSERT_FAILS(refused, errc::wrong_type);
      EXPECT_NE(refused.error().detail().find(base + "status"), std::string::npos);
    }
  }
}

SCENE_TEST(RedisWrongValues, ClaimARecordWhoseStatusIsUnknownAsFailed) {
  const auto session = owner::session("k").value();
  change update(session, service(), status::failed);
  CO_ASSERT_OK(co_await at.ours->put(std::move(update)));
  redis::request r;
  r.add("SET", "mcp:session:k:server:s:status", "odd", "PX", "3600000");
  CO_ASSERT_OK(co_await at.says(std::move(r)));
  const auto claimed = co_await at.ours->claim(session, somebody());
  CO_ASSERT_OK(claimed);
  EXPECT_EQ(claimed->moved, (std::vector<std::string>{"s"}));
  const auto seen = co_await at.get();
  CO_ASSERT_OK(seen);
  EXPECT_EQ(seen->state, status::failed) << "what mcpstate writes is a status";
  CO_ASSERT_TRUE(seen->info.error);
  EXPECT_EQ(seen->info.error->code, "junk_record");
}

constexpr std::int64_t fifty_megabytes = 50 * 1024 * 1024;

SCENE_TEST(RedisWrongValues, ReadNoMoreOfAHugeValueThanItsKindNeeds) {
  for (const std::string field : {"status", "connected_at", "info", "tools"}) {
    SCOPED_TRACE(field);
    CO_ASSERT_OK(co_await at.write(status::connected));
    CO_ASSERT_OK(co_await at.fill(field, fifty_megabytes));
    const heap_peak heap;
    for (const auto want : {tools_wanted::no, tools_wanted::yes}) {
      const auto all = co_await at.ours->list(somebody(), want);
      CO_ASSERT_OK(all);
      CO_ASSERT_EQ((*all)->size(), 1u);
      const auto& one = (*all)->front();
      EXPECT_TRUE(!one.problems.empty() || (field == "tools" && want == tools_wanted::no));
      EXPECT_EQ(one.tools, nullptr);
      const auto seen = co_await at.ours->get(somebody(), service(), want);
      CO_ASSERT_OK(seen);
    }
    const auto examined = co_await at.ours->examine(false, nullptr);
    CO_ASSERT_OK(examined);
    EXPECT_LT(heap.bytes(), 4u * 1024 * 1024);
    CO_ASSERT_OK(co_await at.write(status::disconnected));  // and the next write replaces it
    const auto repaired = co_await at.get();
    CO_ASSERT_OK(repaired);
    EXPECT_TRUE(repaired->problems.empty());
  }
}

SCENE_TEST(RedisWrongValues, ReadNoMoreOfAHugeLeaseThanALeaseHas) {
  change order(somebody(), service(), status::connecting);
  details info;
  info.managed = true;
  order.set_details(std::move(info));
  CO_ASSERT_OK(co_await at.ours->put(std::move(order)));
  redis::request note;
  for (int part = 0; part < 16; ++part) note.add("ZADD", "mcp:managed:" + std::to_string(part), "0", "user:1:s");
  CO_ASSERT_OK(co_await at.says(std::move(note)));
  CO_ASSERT_OK(co_await at.fill("lease", fifty_megabytes));
  const heap_peak heap;
  const managed_name name(somebody(), service());
  const auto granted = co_await at.ours->leases().lease_of(name);
  CO_ASSERT_OK(granted);
  EXPECT_FALSE(granted->has_value());
  instance_report me;
  me.name = "one";
  const auto all = co_await at.ours->leases().beat(me, 60s);
  CO_ASSERT_OK(all);
  EXPECT_EQ(all->unheld.size(), 1u) << "what is no lease is nobody's";
  EXPECT_LT(heap.bytes(), 4u * 1024 * 1024);
}

// Each kind has a limit of its own.
SCENE_TEST(RedisWrongValues, ReadNoMoreThanABitOfAValueUnderTheLimitOfTools) {
  for (const std::string field : {"status", "connected_at", "info"}) {
    SCOPED_TRACE(field);
    CO_ASSERT_OK(co_await at.write(status::connected));
    CO_ASSERT_OK(co_await at.fill(field, 10 * 1024 * 1024));
    const heap_peak heap;
    const auto seen = co_await at.get();
    CO_ASSERT_OK(seen);
    EXPECT_FALSE(seen->problems.empty());
    EXPECT_LT(heap.bytes(), 3u * 1024 * 1024);
  }
}

SCENE_TEST(RedisWrongValues, KeepAForeignNameAndOursApart) {
  const auto ours = server_name::parse("a:b").value();
  change update(somebody(), ours, status::connected);
  CO_ASSERT_OK(co_await at.ours->put(std::move(update)));
  redis::request r;
  r.add("SET", "mcp:user:1:server:a:b:status", "FAILED", "PX", "3600000");
  r.add("SADD", "mcp:user:1:connections", "a:b");
  CO_ASSERT_OK(co_await at.says(std::move(r)));
  const std::optional<owner> who = somebody();
  auto watching = co_await at.ours->watch(who);
  CO_ASSERT_OK(watching);
  std::vector<std::string> members;
  for (;;) {
    const auto told = co_await (*watching)->next();
    CO_ASSERT_OK(told);
    if (told->what == event::kind::ready) break;
    members.push_back(told->record->member);
  }
  std::sort(members.begin(), members.end());
  EXPECT_EQ(members, (std::vector<std::string>{"a%3Ab", "a:b"}));
  redis::request gone;
  gone.add("DEL", "mcp:user:1:server:a:b:status").add("SREM", "mcp:user:1:connections", "a:b");
  CO_ASSERT_OK(co_await at.says(std::move(gone)));
  const auto removed = co_await (*watching)->next();
  CO_ASSERT_OK(removed);
  EXPECT_EQ(removed->what, event::kind::removed);
  EXPECT_EQ(removed->record->member, "a:b");
  const auto left = co_await at.ours->get(somebody(), ours, tools_wanted::no);
  CO_ASSERT_OK(left);
  CO_ASSERT_TRUE(left->has_value());
  EXPECT_TRUE((*left)->connected());
  watching->reset();
}

}  // namespace
}  // namespace mcpstate
