// SPDX-License-Identifier: MIT
#include <algorithm>

#include "contract/store_contract.hh"

namespace mcpstate::test {

namespace {

using outcomes = std::vector<restore_outcome>;

// A record as another store would answer it.
connection as_elsewhere(const owner& who, std::string name, status state, std::uint64_t revision, std::string tools_bytes) {
  connection out(who, std::move(name));
  out.state = state;
  out.revision = revision;
  if (out.connected()) out.connected_at = timestamp(std::chrono::microseconds(1'790'000'000'123'456));
  out.info.url = "https://example.org/mcp";
  out.info.transport = "http";
  if (!tools_bytes.empty()) {
    const auto list = tools(std::move(tools_bytes));
    out.tools = std::make_shared<const std::string>(list.bytes());
    out.info.tool_count = list.count();
    out.info.tools_hash = list.hash();
    out.info.tools_bytes = list.bytes().size();
  }
  return out;
}

task<outcomes> restore_one(store& to, connection one, restore_rule rule) {
  std::vector<connection> records;
  records.push_back(std::move(one));
  co_return co_await to.restore(std::move(records), rule);
}

constexpr std::uint64_t early = 1'700'000'000'000'000, late = 4'000'000'000'000'000;

}  // namespace

STORE_TEST(RestoresRecordsAsTheyWere) {
  const auto who = user("r:1 %");
  std::vector<connection> records;
  records.push_back(as_elsewhere(who, "a:b", status::connected, early, " [ {\"name\" : \"t\"} ] "));
  records.push_back(as_elsewhere(who, "b", status::auth_required, early + 1, "[1]"));
  records.push_back(as_elsewhere(who, "c", status::disconnected, early + 2, ""));
  const auto expires = wall_clock().now() + std::chrono::hours(2);
  for (auto& one : records) one.expires_at = expires;
  records[1].expires_latest = expires + std::chrono::hours(1);
  const auto wanted = records;
  const auto done = co_await on.a.restore(std::move(records), restore_rule::newer);
  CO_ASSERT_OK(done);
  EXPECT_EQ(*done, outcomes(3, restore_outcome::written));
  const auto all = co_await on.b.list(who, tools_wanted::yes);
  CO_ASSERT_OK(all);
  CO_ASSERT_EQ((*all)->size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const connection &is = (**all)[i], &was = wanted[i];
    EXPECT_EQ(is.server, was.server);
    EXPECT_EQ(is.state, was.state);
    EXPECT_EQ(is.revision, was.revision);
    EXPECT_EQ(is.connected_at, was.connected_at);
    EXPECT_EQ(is.expires_at, std::chrono::floor<std::chrono::milliseconds>(expires));
    EXPECT_EQ(is.info, was.info);
    EXPECT_EQ(is.tools != nullptr, was.tools != nullptr);
    if (is.tools && was.tools) {
      EXPECT_EQ(*is.tools, *was.tools);
    }
    EXPECT_TRUE(is.problems.empty());
    EXPECT_EQ(is.expires_latest.has_value(), i == 1);
  }
}

STORE_TEST(WritesOverARestoredRecordAsOverAnyOther) {
  const auto who = user("1");
  CO_ASSERT_OK(co_await restore_one(on.a, as_elsewhere(who, "a", status::connected, early, "[1]"), restore_rule::newer));
  const auto was = co_await read(on.b, who, server("a"));
  CO_ASSERT_OK(was);
  change down(*was, status::failed);
  const auto written = co_await on.b.put(std::move(down));
  CO_ASSERT_OK(written);
  EXPECT_GT(written->revision, early);
  const auto is = co_await read(on.a, who, server("a"));
  CO_ASSERT_OK(is);
  CO_ASSERT_TRUE(is->tools);
  EXPECT_EQ(*is->tools, "[1]");
}

STORE_TEST(RestoresOverALowerRevisionOnly) {
  const auto who = session("s");
  const auto there = co_await write(on.a, who, server("a"), status::connected, "[1]");
  CO_ASSERT_OK(there);
  for (const auto revision : {early, there->revision}) {
    const auto done = co_await restore_one(on.b, as_elsewhere(who, "a", status::failed, revision, ""), restore_rule::newer);
    CO_ASSERT_OK(done);
    EXPECT_EQ(*done, outcomes(1, restore_outcome::present));
    const auto is = co_await read(on.a, who, server("a"));
    CO_ASSERT_OK(is);
    EXPECT_EQ(is->state, status::connected);
    EXPECT_EQ(is->revision, there->revision);
    EXPECT_TRUE(is->tools);
  }
  const auto done = co_await restore_one(on.b, as_elsewhere(who, "a", status::failed, late, ""), restore_rule::newer);
  CO_ASSERT_OK(done);
  EXPECT_EQ(*done, outcomes(1, restore_outcome::written));
  const auto is = co_await read(on.a, who, server("a"));
  CO_ASSERT_OK(is);
  EXPECT_EQ(is->state, status::failed);
  EXPECT_EQ(is->revision, late);
  EXPECT_FALSE(is->tools);
  EXPECT_FALSE(is->connected_at);
}

STORE_TEST(NeverLowersARevisionWhereARecordIsReplaced) {
  const auto who = user("1");
  const auto there = co_await write(on.a, who, server("a"), status::failed);
  CO_ASSERT_OK(there);
  const auto done =
      co_await restore_one(on.b, as_elsewhere(who, "a", status::connected, early, "[2]"), restore_rule::replace);
  CO_ASSERT_OK(done);
  EXPECT_EQ(*done, outcomes(1, restore_outcome::written));
  const auto is = co_await read(on.a, who, server("a"));
  CO_ASSERT_OK(is);
  EXPECT_EQ(is->state, status::connected);
  EXPECT_GT(is->revision, there->revision);
  CO_ASSERT_TRUE(is->tools);
  EXPECT_EQ(*is->tools, "[2]");
  change late_write(*there, status::disconnected);
  const auto refused = co_await on.a.put(std::move(late_write));
  EXPECT_TRUE(!refused && refused.error().is(cond::conflict));
}

STORE_TEST(RestoresNothingWhoseTimeIsOver) {
  const auto who = user("1");
  auto gone = as_elsewhere(who, "a", status::connected, early, "[1]");
  gone.expires_at = wall_clock().now() - std::chrono::hours(24 * 365 * 20);
  auto limited = as_elsewhere(who, "b", status::connected, early, "[1]");
  limited.expires_latest = gone.expires_at;
  std::vector<connection> records;
  records.push_back(std::move(gone));
  records.push_back(std::move(limited));
  records.push_back(as_elsewhere(who, "c", status::connected, early, "[1]"));
  const auto done = co_await on.a.restore(std::move(records), restore_rule::replace);
  CO_ASSERT_OK(done);
  const outcomes expected{restore_outcome::expired, restore_outcome::expired, restore_outcome::written};
  EXPECT_EQ(*done, expected);
  const auto all = co_await on.b.list(who, tools_wanted::no);
  CO_ASSERT_OK(all);
  EXPECT_EQ(names_of((*all)->records()), "c");
  EXPECT_TRUE((**all)[0].expires_at);
}

STORE_TEST(OffersARestoredManagedConnectionToInstances) {
  auto one = as_elsewhere(user("1"), "a", status::connected, early, "[1]");
  one.info.managed = true;
  CO_ASSERT_OK(co_await restore_one(on.a, std::move(one), restore_rule::newer));
  instance_report report;
  report.name = "instance";
  const auto seen = co_await on.b.leases().beat(report, std::chrono::seconds(10));
  CO_ASSERT_OK(seen);
  CO_ASSERT_EQ(seen->unheld.size(), 1u);
  EXPECT_EQ(seen->unheld.front().text(), "user:1 a");
}

STORE_TEST(TellsWatchersOfARestoredRecord) {
  auto opened = co_await on.b.watch(user("1"));
  CO_ASSERT_OK(opened);
  watched all(std::move(*opened));
  CO_ASSERT_TRUE(co_await all.until_ready());
  CO_ASSERT_OK(co_await restore_one(on.a, as_elsewhere(user("1"), "a", status::failed, early, "[1]"), restore_rule::newer));
  EXPECT_TRUE(co_await all.until("user:1/a=FAILED"));
}

STORE_TEST(RestoresOnlyWhatARecordCanBe) {
  auto unknown = as_elsewhere(user("1"), "a", status::failed, early, "");
  unknown.state.reset();
  std::vector<std::vector<connection>> wrong(4);
  wrong[0].push_back(std::move(unknown));
  wrong[1].push_back(as_elsewhere(user("1"), "a", status::failed, early, ""));
  wrong[1].push_back(as_elsewhere(user("2"), "a", status::failed, early, ""));
  wrong[2].push_back(as_elsewhere(user("1"), "a", status::failed, std::uint64_t{1} << 53, ""));
  wrong[3].push_back(as_elsewhere(user("1"), "a", status::failed, early, ""));
  wrong[3].push_back(as_elsewhere(user("1"), "a", status::connected, early, ""));
  for (auto& records : wrong) {
    const auto refused = co_await on.a.restore(std::move(records), restore_rule::replace);
    EXPECT_TRUE(!refused && refused.error().code() == errc::bad_argument);
  }
  for (const auto& who : {user("1"), user("2")}) {
    const auto all = co_await on.b.list(who, tools_wanted::no);
    CO_ASSERT_OK(all);
    EXPECT_TRUE((*all)->empty());
  }
}

STORE_TEST(ScansOwnersAlone) {
  for (int n = 0; n < 20; ++n) {
    const auto who = n % 2 == 0 ? user(std::to_string(n)) : session(std::to_string(n));
    CO_ASSERT_OK(co_await write(on.a, who, server("a"), status::failed));
  }
  std::vector<std::string> found;
  std::string cursor;
  do {
    const auto page = co_await on.b.scan_owners(cursor);
    CO_ASSERT_OK(page);
    for (const auto& one : page->owners) found.push_back(one.owner.text());
    cursor = page->cursor;
  } while (!cursor.empty());
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  EXPECT_EQ(found.size(), 20u);
}

}  // namespace mcpstate::test
