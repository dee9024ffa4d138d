// SPDX-License-Identifier: MIT
// The hub when its store fails, is slow, or goes away: what the real stores cannot be made to do on command.
#include "store/watch/hub.hh"

#include <gtest/gtest.h>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include <map>
#include <memory>
#include <vector>

#include "support/co_test.hh"

namespace mcpstate::test {

namespace {

using namespace std::chrono_literals;

owner user(std::string_view id) { return owner::user(id).value(); }

// Records by owner, as revisions; and switches to break it.
struct shelf {
  explicit shelf(asio::any_io_executor executor) : gate(executor), hub(executor, source()) {
    gate.expires_at(asio::steady_timer::time_point::max());
  }
  std::map<owner, std::map<std::string, std::uint64_t>> records;
  bool list_fails = false, scan_fails = false, slow = false;
  int listings = 0, readings = 0, overdue = 0;
  std::optional<timestamp> expires;            // when all records expire
  std::optional<std::uint64_t> foreign_count;  // tools that another program wrote
  asio::steady_timer gate;                     // what a slow listing waits for
  watch_hub hub;

  task<std::vector<connection>> list(owner who) {
    ++listings;
    if (slow) {
      auto [ec] = co_await gate.async_wait(aio::use_ec);
      static_cast<void>(ec);
    }
    if (list_fails) co_return error(errc::deadline, "no answer");
    std::vector<connection> out;
    for (const auto& [name, revision] : records[who]) {
      auto& c = out.emplace_back(who, name);
      c.state = status::connected;
      c.member = name;
      c.revision = revision;
      c.info.tool_count = revision;
      c.expires_at = expires;
    }
    co_return out;
  }
  task<std::optional<connection>> with_tools(owner who, std::string member) {
    ++readings;
    connection c(who, member);
    c.state = status::connected;
    c.member = member;
    c.revision = records[who][member];
    c.info.tool_count = foreign_count.value_or(c.revision);
    c.tools = std::make_shared<const std::string>("[]");
    co_return std::optional<connection>(std::move(c));
  }
  task<owner_page> scan(std::string) {
    if (scan_fails) co_return error(errc::connection_lost, "gone");
    owner_page page;
    for (const auto& [who, mine] : records) page.owners.emplace_back(who);
    co_return page;
  }
  watch_hub::source source() {
    watch_hub::source s;
    s.list = [this](owner who) { return list(std::move(who)); };
    s.scan = [this](std::string cursor) { return scan(std::move(cursor)); };
    s.with_tools = [this](owner who, std::string member) { return with_tools(std::move(who), std::move(member)); };
    s.now = [] { return wall_clock().now(); };
    s.overdue = [this] { ++overdue; };
    return s;
  }
};

std::string text(const result<event>& e) {
  if (!e) return "!" + std::string(name_of(e.error().condition()));
  if (e->what == event::kind::ready) return "ready";
  if (e->what == event::kind::resync) return "resync";
  if (e->what == event::kind::overrun) return "overrun";
  const auto id = e->record->owner.id() + "/" + e->record->server;
  return e->what == event::kind::removed ? "-" + id : "+" + id + "@" + std::to_string(e->record->revision);
}

// The next so many events, in order.
asio::awaitable<std::string> next(watcher& w, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) {
    const auto e = co_await w.next();
    out += (out.empty() ? "" : " ") + text(e);
  }
  co_return out;
}

CO_TEST(WatchHub, ReportsAnOutageOnceAndThenTheDifference) {
  const asio::any_io_executor executor = context.get_executor();
  shelf s(executor);
  s.records[user("1")] = {{"a", 1}, {"b", 1}, {"c", 1}};
  auto w = s.hub.open(user("1"), watch_options());
  EXPECT_EQ(co_await next(*w, 4), "+1/a@1 +1/b@1 +1/c@1 ready");
  const error gone(errc::connection_lost, "gone");
  s.hub.lost(gone);
  s.hub.lost(gone);
  EXPECT_EQ(co_await next(*w, 1), "!unavailable");
  s.records[user("1")] = {{"a", 1}, {"b", 2}, {"d", 1}};
  s.hub.restored();
  EXPECT_EQ(co_await next(*w, 4), "resync +1/b@2 -1/c +1/d@1");
  s.hub.lost(gone);
  EXPECT_EQ(co_await next(*w, 1), "!unavailable");
  s.hub.restored();
  EXPECT_EQ(co_await next(*w, 1), "resync");
  co_await s.hub.close();
}

CO_TEST(WatchHub, RepeatsAFailedListing) {
  const asio::any_io_executor executor = context.get_executor();
  shelf s(executor);
  s.records[user("1")] = {{"a", 1}};
  s.list_fails = true;
  auto w = s.hub.open(user("1"), watch_options());
  EXPECT_EQ(co_await next(*w, 1), "!unavailable");
  CO_ASSERT_TRUE(co_await eventually([&s] { return s.listings >= 3; }));
  s.list_fails = false;
  EXPECT_EQ(co_await next(*w, 2), "+1/a@1 ready") << "several tries, one report";
  co_await s.hub.close();
}

CO_TEST(WatchHub, RepeatsAFailedScan) {
  const asio::any_io_executor executor = context.get_executor();
  shelf s(executor);
  for (const char* id : {"1", "2"}) s.records[user(id)]["a"] = 1;
  s.scan_fails = true;
  auto w = s.hub.open(std::nullopt, watch_options());
  EXPECT_EQ(co_await next(*w, 1), "!unavailable");
  s.scan_fails = false;
  EXPECT_EQ(co_await next(*w, 3), "+1/a@1 +2/a@1 ready");
  s.records.erase(user("1"));
  s.records[user("3")]["a"] = 1;
  s.hub.changed_all();
  EXPECT_EQ(co_await next(*w, 2), "-1/a +3/a@1");
  co_await s.hub.close();
}

// The clock of this machine is ahead of the store's, or the store does not remove what has expired.
CO_TEST(WatchHub, ListsARecordThatShouldBeGoneLessAndLessOften) {
  const asio::any_io_executor executor = context.get_executor();
  shelf s(executor);
  s.records[user("1")]["a"] = 1;
  s.expires = wall_clock().now() - 1h;
  auto w = s.hub.open(user("1"), watch_options());
  EXPECT_EQ(co_await next(*w, 2), "+1/a@1 ready");
  co_await aio::wait_until(aio::after(1200ms));
  EXPECT_GE(s.listings, 3) << "it looks again";
  EXPECT_LE(s.listings, 6) << "after 50, 100, 200, 400, 800 ms";
  EXPECT_EQ(s.overdue, s.listings) << "each one says that the clock may be wrong";
  s.records.clear();
  EXPECT_EQ(co_await next(*w, 1), "-1/a");
  co_await s.hub.close();
}

// The next record of that owner is looked at when it expires, and soon again where it is late.
CO_TEST(WatchHub, ForgetsThatARecordWasOverdueWithTheRecord) {
  const asio::any_io_executor executor = context.get_executor();
  shelf s(executor);
  s.records[user("1")]["a"] = 1;
  s.expires = wall_clock().now() - 1h;
  auto w = s.hub.open(user("1"), watch_options());
  CO_ASSERT_TRUE(co_await eventually([&s] { return s.listings == 4; }));
  s.expires = wall_clock().now() + 100ms;
  s.hub.changed(user("1"));
  CO_ASSERT_TRUE(co_await eventually([&s] { return s.listings == 5; }));
  EXPECT_EQ(s.overdue, 4);
  CO_ASSERT_TRUE(co_await eventually([&s] { return s.listings >= 7; }, 1s));
  co_await s.hub.close();
}

CO_TEST(WatchHub, ListsOnceMoreForNoticesThatComeTogether) {
  const asio::any_io_executor executor = context.get_executor();
  shelf s(executor);
  auto w = s.hub.open(user("1"), watch_options());
  EXPECT_EQ(co_await next(*w, 1), "ready");
  s.slow = true;
  const int before = s.listings;
  s.hub.changed(user("1"));
  CO_ASSERT_TRUE(co_await eventually([&] { return s.listings == before + 1; }));
  for (int i = 0; i < 100; ++i) s.hub.changed(user("1"));
  s.records[user("1")]["a"] = 7;
  s.slow = false;
  s.gate.cancel();
  EXPECT_EQ(co_await next(*w, 1), "+1/a@7");
  CO_ASSERT_TRUE(co_await eventually([&] { return s.listings == before + 2; }));
  s.hub.changed(user("2"));
  co_await s.hub.close();
  EXPECT_EQ(s.listings, before + 2) << "nobody watches the other owner";
}

// A watcher that came while a listing was under way gets what a later one says.
CO_TEST(WatchHub, ListsForALateWatcher) {
  const asio::any_io_executor executor = context.get_executor();
  shelf s(executor);
  auto early = s.hub.open(user("1"), watch_options());
  EXPECT_EQ(co_await next(*early, 1), "ready");
  s.slow = true;
  s.hub.changed(user("1"));
  CO_ASSERT_TRUE(co_await eventually([&] { return s.listings == 2; }));
  auto late = s.hub.open(user("1"), watch_options());
  s.records[user("1")]["a"] = 1;
  s.slow = false;
  s.gate.cancel();
  EXPECT_EQ(co_await next(*late, 2), "+1/a@1 ready");
  EXPECT_EQ(co_await next(*early, 1), "+1/a@1");
  EXPECT_GE(s.listings, 3);
  co_await s.hub.close();
}

CO_TEST(WatchHub, LosesNothingInACancelledRead) {
  const asio::any_io_executor executor = context.get_executor();
  using namespace asio::experimental::awaitable_operators;
  shelf s(executor);
  auto w = s.hub.open(user("1"), watch_options());
  EXPECT_EQ(co_await next(*w, 1), "ready");
  auto either = w->next() || aio::wait_until(aio::after(10ms));
  const auto ended = co_await std::move(either);
  EXPECT_EQ(ended.index(), 1u);
  s.records[user("1")]["a"] = 1;
  s.hub.changed(user("1"));
  EXPECT_EQ(co_await next(*w, 1), "+1/a@1") << "a cancelled read takes nothing with it";
  co_await s.hub.close();
}

CO_TEST(WatchHub, MayEndBeforeItsWatchers) {
  const asio::any_io_executor executor = context.get_executor();
  std::unique_ptr<watcher> w, all;
  {
    shelf s(executor);
    w = s.hub.open(user("1"), watch_options());
    all = s.hub.open(std::nullopt, watch_options());
    co_await s.hub.close();
    auto late = s.hub.open(user("1"), watch_options());
    EXPECT_EQ(co_await next(*late, 1), "!cancelled");
  }
  EXPECT_EQ(co_await next(*w, 1), "!cancelled");
  EXPECT_EQ(co_await next(*all, 1), "!cancelled");
}

// Watchers come and go while listings are under way.
CO_TEST(WatchHub, LetsWatchersLeaveAtAnyTime) {
  const asio::any_io_executor executor = context.get_executor();
  shelf s(executor);
  for (int i = 0; i < 50; ++i) s.records[user(std::to_string(i))]["a"] = 1;
  s.slow = true;
  auto one = s.hub.open(user("1"), watch_options());
  auto all = s.hub.open(std::nullopt, watch_options());
  CO_ASSERT_TRUE(co_await eventually([&] { return s.listings >= 10; }));
  one.reset();
  all.reset();
  EXPECT_FALSE(s.hub.watched());
  s.slow = false;
  s.gate.cancel();
  auto again = s.hub.open(std::nullopt, watch_options());
  for (int i = 0; i < 50; ++i) EXPECT_EQ((co_await next(*again, 1)).substr(0, 1), "+");
  EXPECT_EQ(co_await next(*again, 1), "ready");
  co_await s.hub.close();
}

asio::awaitable<std::string> next_count(watcher& w) {
  const auto e = co_await w.next();
  co_return e && e->record ? std::to_string(e->record->info.tool_count.value_or(0)) + (e->record->tools ? " tools" : "")
                           : std::string("none");
}

// They are read for as long as the record does not tell of them.
CO_TEST(WatchHub, ReadsForeignTools) {
  const asio::any_io_executor executor = context.get_executor();
  shelf s(executor);
  s.records[user("1")] = {{"a", 1}, {"b", 1}};
  s.hub.changed_tools(user("1"), "a");
  auto w = s.hub.open(user("1"), watch_options());
  EXPECT_EQ(co_await next(*w, 3), "+1/a@1 +1/b@1 ready");
  EXPECT_EQ(s.readings, 0) << "nobody watched";
  s.foreign_count = 7;
  s.hub.changed_tools(user("1"), "a");
  EXPECT_EQ(co_await next_count(*w), "7");
  EXPECT_EQ(s.readings, 1);
  s.records[user("1")]["a"] = 2;
  s.hub.changed(user("1"));
  EXPECT_EQ(co_await next_count(*w), "7") << "the record says 2";
  s.foreign_count.reset();
  s.records[user("1")]["a"] = 3;
  s.hub.changed(user("1"));
  EXPECT_EQ(co_await next_count(*w), "3");
  EXPECT_EQ(s.readings, 3);
  s.records[user("1")]["a"] = 4;
  s.hub.changed(user("1"));
  EXPECT_EQ(co_await next_count(*w), "4");
  EXPECT_EQ(s.readings, 3) << "it tells of them itself again";
  s.records[user("1")].erase("a");
  s.hub.changed_tools(user("1"), "a");
  EXPECT_EQ(co_await next(*w, 1), "-1/a");
  co_await s.hub.close();
}

// What is unread is not told any more.
CO_TEST(WatchHub, ReportsOnlyItsEndOnceClosed) {
  const asio::any_io_executor executor = context.get_executor();
  shelf s(executor);
  s.records[user("1")] = {{"a", 1}, {"b", 1}};
  auto one = s.hub.open(user("1"), watch_options()), all = s.hub.open(std::nullopt, watch_options());
  EXPECT_EQ(co_await next(*one, 1), "+1/a@1");
  EXPECT_EQ(co_await next(*all, 1), "+1/a@1");
  co_await s.hub.close();
  EXPECT_EQ(co_await next(*one, 2) + co_await next(*all, 1), "!cancelled !cancelled!cancelled");
  EXPECT_FALSE(s.hub.watched());
}

asio::awaitable<void> count_events(watcher& from, int& count) {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    const auto got = co_await from.next();
    if (!got) co_return;
    ++count;
  }
}

// All join in one turn; some have options of their own, some wait and some do not read. Then there is one change.
CO_TEST(WatchHub, ListsAnOwnerOnceHoweverManyWatch) {
  const asio::any_io_executor executor = context.get_executor();
  constexpr std::size_t many = 1000;
  shelf s(executor);
  s.records[user("1")] = {{"a", 1}};
  watch_options limited;
  limited.max_removals = 4;
  limited.snapshot_after_outage = true;
  std::vector<std::unique_ptr<watcher>> all;
  std::vector<int> counts(many);
  aio::task_group waiting(executor, aio::end_process);
  for (std::size_t i = 0; i < many; ++i) {
    all.push_back(s.hub.open(user("1"), i % 2 == 0 ? limited : watch_options()));
    if (i % 3 != 0) waiting.spawn("reader", count_events(*all.back(), counts[i]));
  }
  CO_ASSERT_TRUE(co_await eventually([&] { return counts.back() == 0 && counts[many - 2] == 2; }));
  EXPECT_EQ(s.listings, 1) << "those who join in one turn share one";
  EXPECT_FALSE(s.hub.open(user("1"), limited)->try_next()) << "who joins later waits for another";
  CO_ASSERT_TRUE(co_await eventually([&] { return s.listings == 2; }));
  s.records[user("1")]["a"] = 2;
  s.hub.changed(user("1"));
  CO_ASSERT_TRUE(co_await eventually([&] { return counts[many - 2] == 3; }));
  EXPECT_EQ(s.listings, 3) << "and so do all for a change";
  for (std::size_t i = 0; i < many; i += 3) {
    EXPECT_EQ(co_await next(*all[i], 1), "+1/a@2") << "the latest, as part of its snapshot";
    EXPECT_EQ(text(all[i]->try_next().value()), "ready");
    EXPECT_FALSE(all[i]->try_next());
  }
  all.clear();
  EXPECT_FALSE(s.hub.watched());
  co_await waiting.join();
  co_await s.hub.close();
}

CO_TEST(WatchHub, GivesASlowReaderASnapshotAndDelaysNobody) {
  const asio::any_io_executor executor = context.get_executor();
  shelf s(executor);
  watch_options limited;
  limited.max_removals = 1;
  s.records[user("1")] = {{"a", 1}, {"b", 1}, {"c", 1}};
  auto slow = s.hub.open(user("1"), limited), quick = s.hub.open(user("1"), limited);
  EXPECT_EQ(co_await next(*slow, 4), "+1/a@1 +1/b@1 +1/c@1 ready");
  EXPECT_EQ(co_await next(*quick, 4), "+1/a@1 +1/b@1 +1/c@1 ready");
  for (const char* gone : {"a", "b"}) {
    s.records[user("1")].erase(gone);
    s.hub.changed(user("1"));
    EXPECT_EQ(co_await next(*quick, 1), std::string("-1/") + gone);
  }
  EXPECT_EQ(co_await next(*slow, 3), "overrun +1/c@1 ready");
  EXPECT_FALSE(slow->try_next());
  co_await s.hub.close();
}

// It reads a snapshot after an outage, of which it may not have heard.
CO_TEST(WatchHub, SendsASnapshotAfterAnOutageOnRequest) {
  const asio::any_io_executor executor = context.get_executor();
  shelf s(executor);
  watch_options options;
  options.snapshot_after_outage = true;
  s.records[user("1")] = {{"a", 1}, {"b", 1}};
  auto w = s.hub.open(user("1"), options);
  EXPECT_EQ(co_await next(*w, 3), "+1/a@1 +1/b@1 ready");
  s.hub.lost(error(errc::connection_lost, "gone"));
  EXPECT_EQ(co_await next(*w, 1), "!unavailable");
  s.records[user("1")].erase("a");
  s.hub.restored();
  EXPECT_EQ(co_await next(*w, 3), "resync +1/b@1 ready");
  s.list_fails = true;
  s.hub.changed(user("1"));
  EXPECT_EQ(co_await next(*w, 1), "!unavailable");
  s.list_fails = false;
  EXPECT_EQ(co_await next(*w, 3), "resync +1/b@1 ready");
  co_await s.hub.close();
}

asio::awaitable<void> wait_for_end(watcher& from, bool& ended) {
  const auto got = co_await from.next();
  CO_ASSERT_FAILS(got, errc::stopped);
  ended = true;
}

CO_TEST(WatchHub, EndsAWaitingReadWithItsWatcher) {
  const asio::any_io_executor executor = context.get_executor();
  shelf s(executor);
  auto w = s.hub.open(user("1"), watch_options()), all = s.hub.open(std::nullopt, watch_options());
  EXPECT_EQ(co_await next(*w, 1) + co_await next(*all, 1), "readyready");
  bool ended = false, all_ended = false;
  aio::task_group waiting(executor, aio::end_process);
  waiting.spawn("one", wait_for_end(*w, ended));
  waiting.spawn("all", wait_for_end(*all, all_ended));
  EXPECT_FALSE(ended || all_ended);
  w.reset();
  all.reset();
  co_await waiting.join();
  EXPECT_TRUE(ended && all_ended);
  co_await s.hub.close();
}

}  // namespace

}  // namespace mcpstate::test
