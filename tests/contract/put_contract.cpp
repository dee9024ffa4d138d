// SPDX-License-Identifier: MIT
// put and disconnect: what is written, what it is based on, and what a change leaves alone.
#include "contract/store_contract.hh"

namespace mcpstate::test {

namespace {

const char* const two_tools = R"([{"name":"a"},{"name":"b"}])";

details some_details() {
  details d;
  d.managed = true;
  d.transport = "http";
  d.url = "https://example.org/mcp";
  d.protocol_version = "2025-11-25";
  d.server_title = "Example";
  d.server_version = "1.2";
  d.capabilities = R"({"tools":{"listChanged":true}})";
  return d;
}

failure some_failure() {
  failure f;
  f.code = "connect_failed";
  f.message = "connection refused";
  f.attempt = 3;
  return f;
}

}  // namespace

STORE_TEST(IsEmptyAtFirst) {
  const auto got = co_await on.a.get(user("42"), server("github"), tools_wanted::yes);
  CO_ASSERT_OK(got);
  EXPECT_FALSE(got->has_value());
  const auto all = co_await on.a.list(user("42"), tools_wanted::yes);
  CO_ASSERT_OK(all);
  EXPECT_TRUE((*all)->empty());
}

// What a store has lost, others have seen.
STORE_TEST(GivesARevisionAboveTheOneThatIsAskedFor) {
  const std::uint64_t seen = 8'000'000'000'000'000;  // of a clock that was far ahead
  for (const auto state : {status::connecting, status::connected, status::disconnected}) {
    change one(user("42"), server("github"), state);
    one.revise_above(seen);
    const auto written = co_await on.a.put(std::move(one));
    CO_ASSERT_OK(written);
    EXPECT_GT(written->revision, seen);
  }
  change ordered(user("42"), server("other"), status::connecting);
  ordered.revise_above(seen);
  lease_request wanted("one", "", std::chrono::seconds(10));
  const auto got = co_await on.a.order(std::move(ordered), std::move(wanted));
  CO_ASSERT_OK(got);
  EXPECT_GT(got->record.revision, seen);
  change plain(user("42"), server("third"), status::connecting);
  const auto usual = co_await on.a.put(std::move(plain));
  CO_ASSERT_OK(usual);
  EXPECT_LT(usual->revision, seen);
}

STORE_TEST(ReadsAConnectBackByAnotherHandle) {
  change up(user("42"), server("github"), status::connected);
  up.set_details(some_details()).tools(tools(two_tools));
  const auto written = co_await on.a.put(std::move(up));
  CO_ASSERT_OK(written);
  EXPECT_FALSE(written->tools);
  const auto got = co_await read(on.b, user("42"), server("github"));
  CO_ASSERT_OK(got);
  EXPECT_EQ(got->state, status::connected);
  EXPECT_EQ(got->owner, user("42"));
  EXPECT_EQ(got->server, "github");
  EXPECT_EQ(got->revision, written->revision);
  EXPECT_GT(got->revision, 0u);
  EXPECT_EQ(got->seen, written->seen);
  EXPECT_EQ(got->info, written->info);
  CO_ASSERT_TRUE(got->connected_at && got->expires_at && got->tools);
  EXPECT_EQ(got->connected_at, got->info.last_connected_at);
  EXPECT_TRUE(got->info.checked_at);
  EXPECT_EQ(*got->tools, two_tools);
  EXPECT_EQ(got->info.tool_count, 2u);
  EXPECT_EQ(got->info.tools_hash, tools(two_tools).hash());
  EXPECT_TRUE(got->problems.empty());
  auto expected = some_details();
  EXPECT_EQ(got->info.url, expected.url);
  EXPECT_TRUE(got->info.managed);
  EXPECT_EQ(got->info.server_title, expected.server_title);
}

STORE_TEST(ReadsToolsOnlyOnRequest) {
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("github"), status::connected, two_tools));
  const auto got = co_await on.a.get(user("42"), server("github"), tools_wanted::no);
  CO_ASSERT_OK(got);
  CO_ASSERT_TRUE(*got);
  EXPECT_FALSE((*got)->tools);
  EXPECT_EQ((*got)->info.tool_count, 2u);
}

STORE_TEST(KeepsAllFiveStates) {
  for (const auto s : {status::connecting, status::connected, status::auth_required, status::failed, status::disconnected}) {
    CO_ASSERT_OK(co_await write(on.a, user("42"), server("github"), s));
    const auto got = co_await read(on.b, user("42"), server("github"));
    CO_ASSERT_OK(got);
    EXPECT_EQ(got->state, s);
    EXPECT_EQ(got->connected_at.has_value(), s == status::connected);
    EXPECT_TRUE(got->problems.empty());
  }
}

STORE_TEST(WritesOnTheCurrentRecordWithoutABasis) {
  const auto first = co_await write(on.a, user("42"), server("github"), status::connected);
  CO_ASSERT_OK(first);
  const auto second = co_await write(on.b, user("42"), server("github"), status::failed);
  CO_ASSERT_OK(second);
  EXPECT_GT(second->revision, first->revision);
}

STORE_TEST(RefusesAWriteBasedOnAnOldRevision) {
  const auto seen = co_await write(on.a, user("42"), server("github"), status::connected, two_tools);
  CO_ASSERT_OK(seen);
  const auto newer = co_await write(on.b, user("42"), server("github"), status::disconnected);
  CO_ASSERT_OK(newer);
  change late(*seen, status::connected);
  late.tools(tools(R"([{"name":"late"}])"));
  const auto refused = co_await on.a.put(std::move(late));
  CO_ASSERT_TRUE(!refused);
  EXPECT_EQ(refused.error().code(), errc::stale_basis);
  const auto got = co_await read(on.a, user("42"), server("github"));
  CO_ASSERT_OK(got);
  EXPECT_EQ(got->state, status::disconnected);
  EXPECT_EQ(got->revision, newer->revision);
  EXPECT_FALSE(got->tools);
}

STORE_TEST(ComparesEveryPartOfTheBasis) {
  const auto seen = co_await write(on.a, user("42"), server("github"), status::connected);
  CO_ASSERT_OK(seen);
  std::vector<basis> wrong(5, seen->seen);
  wrong[0].revision += 1;
  wrong[1].status_bytes = "FAILED";
  wrong[2].status_bytes.reset();
  wrong[3].connected_at_bytes = "2026-11-22T14:30:59.553780+00:00";
  wrong[4].connected_at_bytes.reset();
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    change what(user("42"), server("github"), status::failed);
    what.based_on(wrong[i]);
    const auto refused = co_await on.b.put(std::move(what));
    EXPECT_TRUE(!refused && refused.error().is(cond::conflict)) << "basis " << i;
  }
  change right(user("42"), server("github"), status::failed);
  right.based_on(seen->seen);
  CO_ASSERT_OK(co_await on.b.put(std::move(right)));
}

STORE_TEST(RefusesAWriteBasedOnNothingWhereARecordIs) {
  change first(user("42"), server("github"), status::connecting);
  first.based_on(basis());
  CO_ASSERT_OK(co_await on.a.put(std::move(first)));
  change second(user("42"), server("github"), status::connected);
  second.based_on(basis());
  const auto refused = co_await on.b.put(std::move(second));
  EXPECT_TRUE(!refused && refused.error().is(cond::conflict));
}

STORE_TEST(RefusesAWriteBasedOnARecordThatIsGone) {
  const auto seen = co_await write(on.a, user("42"), server("github"), status::connected);
  CO_ASSERT_OK(seen);
  CO_ASSERT_OK(co_await on.b.erase(user("42")));
  change what(*seen, status::failed);
  const auto refused = co_await on.a.put(std::move(what));
  EXPECT_TRUE(!refused && refused.error().is(cond::conflict));
  const auto got = co_await on.a.get(user("42"), server("github"), tools_wanted::no);
  CO_ASSERT_OK(got);
  EXPECT_FALSE(got->has_value());
}

STORE_TEST(KeepsToolsDetailsAndLastConnectOnFailure) {
  change up(user("42"), server("github"), status::connected);
  up.set_details(some_details()).tools(tools(two_tools));
  const auto was = co_await on.a.put(std::move(up));
  CO_ASSERT_OK(was);
  change down(*was, status::failed);
  down.fail(some_failure());
  CO_ASSERT_OK(co_await on.b.put(std::move(down)));
  const auto got = co_await read(on.a, user("42"), server("github"));
  CO_ASSERT_OK(got);
  EXPECT_EQ(got->state, status::failed);
  EXPECT_FALSE(got->connected_at);
  EXPECT_EQ(got->info.last_connected_at, was->connected_at);
  CO_ASSERT_TRUE(got->tools && got->info.error);
  EXPECT_EQ(*got->tools, two_tools);
  EXPECT_EQ(got->info.tool_count, 2u);
  EXPECT_EQ(got->info.tools_hash, was->info.tools_hash);
  EXPECT_EQ(got->info.url, was->info.url);
  EXPECT_EQ(got->info.error->code, "connect_failed");
  EXPECT_EQ(got->info.error->message, "connection refused");
  EXPECT_EQ(got->info.error->attempt, 3u);
  EXPECT_NE(got->info.error->time, timestamp{});
}

STORE_TEST(ClearsTheErrorOnConnect) {
  change down(user("42"), server("github"), status::failed);
  down.fail(some_failure());
  CO_ASSERT_OK(co_await on.a.put(std::move(down)));
  const auto up = co_await write(on.a, user("42"), server("github"), status::connected);
  CO_ASSERT_OK(up);
  EXPECT_FALSE(up->info.error);
}

STORE_TEST(RenewsConnectedAtUnlessItIsKept) {
  const auto when = timestamp(std::chrono::microseconds(1'700'000'000'123'456));
  change up(user("42"), server("github"), status::connected);
  up.connected_at(when);
  const auto first = co_await on.a.put(std::move(up));
  CO_ASSERT_OK(first);
  EXPECT_EQ(first->connected_at, when);
  change again(*first, status::connected);
  again.keep_connected_at();
  const auto second = co_await on.a.put(std::move(again));
  CO_ASSERT_OK(second);
  EXPECT_EQ(second->connected_at, when);
  const auto third = co_await write(on.a, user("42"), server("github"), status::connected);
  CO_ASSERT_OK(third);
  EXPECT_GT(third->connected_at, second->connected_at);
}

STORE_TEST(KeepsEveryByteOfTheTools) {
  const std::string lists[] = {
      R"([])",
      R"([ ])",
      " [ {\n\t\"name\" : \"a\" } , {\"name\":\"b\"} ] \n",
      R"([{"name":"a","name":"b","x":{"k":1,"k":2}}])",
      R"([{"n":12345678901234567890123456789,"f":1.0,"e":1E+2,"z":-0.0,"d":0.1000}])",
      "[{\"name\":\"gr\xc3\xbc\xc3\x9f \xe2\x9c\x93 \xf0\x9f\x98\x80\",\"esc\":\"\\u00fc\\/\\u2028\"}]",
      "[{\"nul\":\"\\u0000\",\"quote\":\"\\\"\"}]",
      "[" + std::string(300'000, ' ') + "1]",
  };
  for (const auto& list : lists) {
    change up(user("42"), server("github"), status::connected);
    up.tools(tools(list)).allow_empty_tools();
    CO_ASSERT_OK(co_await on.a.put(std::move(up)));
    const auto got = co_await read(on.b, user("42"), server("github"));
    CO_ASSERT_OK(got);
    CO_ASSERT_TRUE(got->tools);
    EXPECT_EQ(*got->tools, list);
    EXPECT_EQ(got->info.tools_hash, sha256_tag(list));
  }
}

STORE_TEST(KeepsGoodToolsFromAnUnrequestedEmptyList) {
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("github"), status::connected, two_tools));
  const auto refused = co_await write(on.b, user("42"), server("github"), status::connected, "[]");
  CO_ASSERT_TRUE(!refused);
  EXPECT_EQ(refused.error().code(), errc::empty_tools);
  auto got = co_await read(on.a, user("42"), server("github"));
  CO_ASSERT_OK(got);
  CO_ASSERT_TRUE(got->tools);
  EXPECT_EQ(*got->tools, two_tools);

  change meant(user("42"), server("github"), status::connected);
  meant.tools(tools("[]")).allow_empty_tools();
  CO_ASSERT_OK(co_await on.b.put(std::move(meant)));
  got = co_await read(on.a, user("42"), server("github"));
  CO_ASSERT_OK(got);
  CO_ASSERT_TRUE(got->tools);
  EXPECT_EQ(*got->tools, "[]");
  EXPECT_EQ(got->info.tool_count, 0u);
}

STORE_TEST(AcceptsAnEmptyListAtFirstAndAfterAnEmptyOne) {
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("github"), status::connected, "[]"));
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("github"), status::connected, "[ ]"));
}

STORE_TEST(ReportsAConflictBeforeAnEmptyList) {
  const auto seen = co_await write(on.a, user("42"), server("github"), status::connected, two_tools);
  CO_ASSERT_OK(seen);
  CO_ASSERT_OK(co_await write(on.b, user("42"), server("github"), status::failed));
  change late(*seen, status::connected);
  late.tools(tools("[]"));
  const auto refused = co_await on.a.put(std::move(late));
  EXPECT_TRUE(!refused && refused.error().is(cond::conflict));
}

STORE_TEST(RemovesDroppedTools) {
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("github"), status::connected, two_tools));
  change down(user("42"), server("github"), status::failed);
  down.drop_tools();
  CO_ASSERT_OK(co_await on.a.put(std::move(down)));
  const auto got = co_await read(on.b, user("42"), server("github"));
  CO_ASSERT_OK(got);
  EXPECT_FALSE(got->tools);
  EXPECT_FALSE(got->info.tool_count);
  EXPECT_TRUE(got->info.tools_hash.empty());
}

STORE_TEST(RefusesToolsOfADisconnectedRecord) {
  const auto refused = co_await write(on.a, user("42"), server("github"), status::disconnected, two_tools);
  EXPECT_TRUE(!refused && refused.error().is(cond::invalid));
}

STORE_TEST(DropsToolsAndKeepsTheRevisionOnDisconnect) {
  const auto up = co_await write(on.a, user("42"), server("github"), status::connected, two_tools);
  CO_ASSERT_OK(up);
  const auto count = co_await on.b.disconnect(user("42"), server("github"), std::nullopt);
  CO_ASSERT_OK(count);
  EXPECT_EQ(*count, 1u);
  const auto got = co_await read(on.a, user("42"), server("github"));
  CO_ASSERT_OK(got);
  EXPECT_EQ(got->state, status::disconnected);
  EXPECT_GT(got->revision, up->revision);
  EXPECT_FALSE(got->tools);
  EXPECT_FALSE(got->connected_at);
  EXPECT_EQ(got->info.last_connected_at, up->connected_at);

  const auto again = co_await on.b.disconnect(user("42"), server("github"), std::nullopt);
  CO_ASSERT_OK(again);
  EXPECT_EQ(*again, 0u);
  const auto same = co_await read(on.a, user("42"), server("github"));
  CO_ASSERT_OK(same);
  EXPECT_EQ(same->revision, got->revision);
}

STORE_TEST(ReportsADisconnectOfAMissingRecord) {
  const auto count = co_await on.a.disconnect(user("42"), server("github"), std::nullopt);
  EXPECT_TRUE(!count && count.error().is(cond::not_found));
  const auto all = co_await on.a.disconnect(user("42"), std::nullopt, std::nullopt);
  CO_ASSERT_OK(all);
  EXPECT_EQ(*all, 0u);
}

STORE_TEST(RefusesADisconnectBasedOnAnOldRevision) {
  const auto seen = co_await write(on.a, user("42"), server("github"), status::connecting);
  CO_ASSERT_OK(seen);
  const auto up = co_await write(on.b, user("42"), server("github"), status::connected);
  CO_ASSERT_OK(up);
  const auto refused = co_await on.a.disconnect(user("42"), server("github"), seen->seen);
  EXPECT_TRUE(!refused && refused.error().is(cond::conflict));
  const auto done = co_await on.a.disconnect(user("42"), server("github"), up->seen);
  CO_ASSERT_OK(done);
  EXPECT_EQ(*done, 1u);
}

STORE_TEST(DisconnectsAllOfOneOwnerOnly) {
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("a"), status::connected, two_tools));
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("b"), status::connecting));
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("c"), status::disconnected));
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("d"), status::failed, two_tools));
  CO_ASSERT_OK(co_await write(on.a, user("43"), server("a"), status::connected, two_tools));
  const auto count = co_await on.b.disconnect(user("42"), std::nullopt, std::nullopt);
  CO_ASSERT_OK(count);
  EXPECT_EQ(*count, 3u);
  const auto all = co_await on.a.list(user("42"), tools_wanted::yes);
  CO_ASSERT_OK(all);
  EXPECT_EQ((*all)->size(), 4u);
  for (const auto& c : **all) {
    EXPECT_EQ(c.state, status::disconnected);
    EXPECT_FALSE(c.tools);
  }
  const auto other = co_await read(on.a, user("43"), server("a"));
  CO_ASSERT_OK(other);
  EXPECT_TRUE(other->connected() && other->tools);
}

STORE_TEST(AcceptsManyWritersWithoutABasis) {
  std::uint64_t last = 0;
  for (int i = 0; i < 20; ++i) {
    store& s = i % 2 ? on.a : on.b;
    const auto written = co_await write(s, user("42"), server("github"), i % 3 ? status::connected : status::failed);
    CO_ASSERT_OK(written);
    EXPECT_GT(written->revision, last);
    last = written->revision;
  }
}

}  // namespace mcpstate::test
