// SPDX-License-Identifier: MIT
#include "store/watch/owner_view.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "store/watch/feed.hh"
#include "support/seed.hh"

namespace mcpstate {

namespace {

owner user(std::string_view id = "42") { return owner::user(id).value(); }

connection record(std::string name, std::uint64_t revision, int expires = 100) {
  connection c(user(), std::move(name));
  c.state = status::connected;
  c.revision = c.seen.revision = revision;
  c.expires_at = timestamp(std::chrono::seconds(expires));
  return c;
}

std::string text(const std::vector<event>& events) {
  std::string out;
  for (const auto& e : events) {
    out += out.empty() ? "" : " ";
    out += e.what == event::kind::present ? "+" : e.what == event::kind::removed ? "-" : "?";
    if (e.record) out += e.record->server;
  }
  return out;
}

event present(std::string name, std::uint64_t revision) {
  event e;
  e.record = record(std::move(name), revision);
  return e;
}

event removed(std::string name) {
  event e = present(std::move(name), 0);
  e.what = event::kind::removed;
  return e;
}

// What a feed has to tell, until it waits: "+a1 -b ready resync !".
std::string drain(watch_feed& feed) {
  std::string out;
  while (auto got = feed.take()) {
    out += out.empty() ? "" : " ";
    if (!*got) {
      out += "!";
      if (got->error().is(cond::cancelled)) return out + "end";
      continue;
    }
    const auto& e = **got;
    if (e.what == event::kind::ready) out += "ready";
    if (e.what == event::kind::resync) out += "resync";
    if (e.what == event::kind::present) out += "+" + e.record->server + std::to_string(e.record->revision);
    if (e.what == event::kind::removed) out += "-" + e.record->server;
  }
  return out;
}

}  // namespace

TEST(OwnerView, ReportsDifferences) {
  owner_view v(user());
  EXPECT_EQ(text(v.replace({record("a", 1), record("b", 2)})), "+a +b");
  EXPECT_EQ(text(v.replace({record("a", 1), record("b", 2)})), "");
  EXPECT_EQ(text(v.replace({record("a", 1), record("b", 3), record("c", 4)})), "+b +c");
  EXPECT_EQ(text(v.replace({record("b", 3)})), "-a -c");
  EXPECT_EQ(text(v.replace({record("a", 5), record("c", 6)})), "+a -b +c");
  EXPECT_EQ(text(v.snapshot()), "+a +c");
  EXPECT_EQ(text(v.replace({})), "-a -c");
  EXPECT_TRUE(v.empty());
}

TEST(OwnerView, ReportsALaterExpiryOnlyWithTheNextChange) {
  owner_view v(user());
  v.replace({record("a", 1, 100), record("b", 2, 200)});
  EXPECT_EQ(v.next_expiry(), timestamp(std::chrono::seconds(100)));
  EXPECT_EQ(text(v.replace({record("a", 1, 300), record("b", 2, 200)})), "");
  EXPECT_EQ(v.next_expiry(), timestamp(std::chrono::seconds(200)));
  v.replace({});
  EXPECT_FALSE(v.next_expiry());
}

TEST(OwnerView, ComparesEveryFact) {
  const auto base = record("a", 1);
  const std::vector<std::function<void(connection&)>> edits{
      [](connection& c) { c.state = status::failed; },
      [](connection& c) { c.revision = 2; },
      [](connection& c) { c.connected_at = timestamp(std::chrono::seconds(1)); },
      [](connection& c) { c.info.url = "https://example.org"; },
      [](connection& c) { c.problems.push_back("odd"); },
      [](connection& c) { c.seen.status_bytes = "FAILED"; },
      [](connection& c) { c.seen.connected_at_bytes = "x"; },
  };
  for (std::size_t i = 0; i < edits.size(); ++i) {
    owner_view v(user());
    v.replace({base});
    auto other = base;
    edits[i](other);
    EXPECT_EQ(text(v.replace({other})), "+a") << i;
  }
}

TEST(OwnerView, SendsEventsWithoutTools) {
  auto c = record("a", 1);
  c.tools = std::make_shared<const std::string>("[]");
  owner_view v(user());
  EXPECT_FALSE(v.replace({c}).front().record->tools);
  EXPECT_FALSE(v.snapshot().front().record->tools);
}

TEST(WatchFeed, MergesUnreadEventsInPlace) {
  watch_feed f;
  f.add(present("a", 1));
  f.add(present("b", 1));
  f.add(present("a", 2));
  f.mark(event::kind::ready);
  f.add(removed("b"));
  f.add(present("c", 1));
  EXPECT_EQ(f.unread(), 4u);
  EXPECT_EQ(drain(f), "+a2 -b ready +c1");
  f.add(present("a", 3));
  EXPECT_EQ(drain(f), "+a3");
}

TEST(WatchFeed, KeepsOwnersApart) {
  watch_feed f;
  f.add(present("a", 1));
  event other = present("a", 2);
  other.record = connection(user("43"), "a");
  f.add(other);
  EXPECT_EQ(f.unread(), 2u);
}

TEST(WatchFeed, DoesNotRepeatUnreadMarks) {
  watch_feed f;
  f.mark(event::kind::resync);
  f.mark(event::kind::resync);
  EXPECT_EQ(drain(f), "resync");
  f.mark(event::kind::resync);
  EXPECT_EQ(drain(f), "resync");
}

TEST(WatchFeed, ReportsAnOutageOnceAfterUnreadEvents) {
  watch_feed f;
  const error why(errc::connect_failed, "refused");
  f.add(present("a", 1));
  f.failed(why);
  f.failed(why);
  EXPECT_EQ(drain(f), "+a1 !");
  f.failed(why);
  EXPECT_EQ(drain(f), "");
  f.recovered();
  f.failed(why);
  f.recovered();
  EXPECT_EQ(drain(f), "") << "it was over before anybody read of it";
  f.failed(why);
  EXPECT_EQ(drain(f), "!");
}

TEST(WatchFeed, ReportsOnlyItsEndOnceClosed) {
  watch_feed f;
  f.add(present("a", 1));
  f.close();
  EXPECT_EQ(drain(f), "!end");
}

// However the reader is behind: whoever applies what the feed tells ends with what is there.
TEST(WatchFeed, BringsAnyReaderToTheCurrentState) {
  std::mt19937_64 random(test::seed());
  for (int round = 0; round < 200; ++round) {
    owner_view v(user());
    watch_feed f;
    std::map<std::string, std::uint64_t> truth, told;
    for (int step = 0; step < 60; ++step) {
      const std::string name(1, static_cast<char>('a' + random() % 4));
      if (random() % 3 == 0) {
        truth.erase(name);
      } else {
        truth[name] = static_cast<std::uint64_t>(step) + 1;
      }
      std::vector<connection> list;
      for (const auto& [n, r] : truth) list.push_back(record(n, r));
      for (auto& e : v.replace(std::move(list))) f.add(std::move(e));
      for (auto reads = random() % 3; step == 59 || reads > 0; --reads) {
        auto got = f.take();
        if (!got) break;
        const auto& e = **got;
        if (e.what == event::kind::removed) told.erase(e.record->server);
        if (e.what == event::kind::present) told[e.record->server] = e.record->revision;
      }
    }
    EXPECT_EQ(told, truth);
  }
}

}  // namespace mcpstate
