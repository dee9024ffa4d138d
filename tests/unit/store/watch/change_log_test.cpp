// SPDX-License-Identifier: MIT
#include "store/watch/change_log.hh"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/seed.hh"
#include "unit/store/watch/change_log_scene.hh"

namespace mcpstate::test {

namespace {

const error refused(errc::connect_failed, "refused");  // NOLINT(cert-err58-cpp)

}  // namespace

TEST(ChangeLog, ReportsDifferences) {
  log_scene at;
  EXPECT_EQ(at.list(records({{"a", 1}, {"b", 2}})), "+a1 +b2");
  EXPECT_EQ(at.list(records({{"a", 1}, {"b", 2}})), "");
  EXPECT_EQ(at.list(records({{"a", 1}, {"b", 3}, {"c", 4}})), "+b3 +c4");
  EXPECT_EQ(at.list(records({{"b", 3}})), "-a -c");
  EXPECT_EQ(at.list(records({{"a", 5}, {"c", 6}})), "+a5 -b +c6");
  change_log::reader reader{watch_options()};
  at.join(reader);
  EXPECT_EQ(at.list(records({{"a", 5}, {"c", 6}})), "");
  EXPECT_EQ(at.read(reader), "+a5 +c6 ready");
  EXPECT_EQ(at.list({}), "-a -c");
  EXPECT_EQ(at.read(reader), "-a -c");
}

TEST(ChangeLog, ComparesEveryFact) {
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
    log_scene at;
    at.list({base});
    auto other = base;
    edits[i](other);
    EXPECT_NE(at.list({other}), "") << i;
  }
}

TEST(ChangeLog, SendsEventsWithoutTools) {
  auto c = record("a", 1);
  c.tools = std::make_shared<const std::string>("[]");
  log_scene at;
  change_log::reader reader{watch_options()};
  at.join(reader);
  at.list({c});
  EXPECT_FALSE((*at.log.read(reader))->record->tools);
  EXPECT_EQ(at.read(reader), "ready");
  c.revision = 2;
  at.list({c});
  EXPECT_FALSE((*at.log.read(reader))->record->tools);
}

TEST(ChangeLog, NumbersEventsAndSharesTheirRecords) {
  log_scene at;
  change_log::reader one{watch_options()}, two{watch_options()};
  at.join(one);
  at.join(two);
  at.list(records({{"a", 1}, {"b", 1}}));
  std::uint64_t last = 0;
  for (auto got = at.log.read(one); got; got = at.log.read(one)) {
    const auto other = at.log.read(two);
    ASSERT_TRUE(*got && other && *other);
    EXPECT_EQ((*got)->record, (*other)->record);
    EXPECT_EQ((*got)->number, (*other)->number);
    if ((*got)->what == event::kind::ready) {
      EXPECT_EQ((*got)->number, 0u);
      EXPECT_FALSE((*got)->record);
    } else {
      EXPECT_GT((*got)->number, last);
      last = (*got)->number;
    }
  }
  EXPECT_EQ(last, 2u);
}

TEST(ChangeLog, WaitsForAListingThatBeganAfterTheReaderJoined) {
  log_scene at;
  change_log::reader reader{watch_options()};
  at.join(reader);
  EXPECT_EQ(at.read(reader), "");
  EXPECT_FALSE(at.log.has_news(reader));
  at.log.replace(user(), records({{"a", 1}}));
  at.log.complete(at.now);  // this one had begun before
  EXPECT_EQ(at.read(reader), "");
  at.list(records({{"a", 2}}));
  EXPECT_TRUE(at.log.has_news(reader));
  EXPECT_EQ(at.read(reader), "+a2 ready");
  EXPECT_FALSE(at.log.has_news(reader));
  EXPECT_EQ(at.read(reader), "");
}

TEST(ChangeLog, KeepsOwnersApart) {
  log_scene at;
  change_log::reader reader{watch_options()};
  at.join(reader);
  at.log.replace(user("43"), {connection(user("43"), "a"), connection(user("43"), "b")});
  EXPECT_EQ(at.list(records({{"a", 1}})), "+a0 +b0 +a1");
  EXPECT_EQ(at.read(reader), "+a0 +b0 +a1 ready");
  at.log.replace(user("43"), {connection(user("43"), "b")});
  EXPECT_EQ(at.read(reader), "-a");
  EXPECT_EQ(at.log.size(), 3u) << "and those of the other are as they were";
  at.list({});
  EXPECT_EQ(at.read(reader), "-a");
}

TEST(ChangeLog, SendsALaterExpiryToNewReadersOnly) {
  log_scene at;
  change_log::reader early{watch_options()}, late{watch_options()};
  at.join(early);
  at.list({record("a", 1, 1), record("b", 1, 1)});
  const auto first = at.log.read(early);
  EXPECT_EQ(at.read(early), "+b1 ready");
  at.join(late);
  at.list({record("a", 1, 3), record("b", 1, 1)});
  EXPECT_EQ(at.read(early), "");
  const auto a = at.log.read(late), b = at.log.read(late);
  EXPECT_EQ((*a)->record->expires_at, timestamp(std::chrono::seconds(3)));
  EXPECT_EQ((*a)->number, (*first)->number);
  EXPECT_EQ((*b)->record->expires_at, timestamp(std::chrono::seconds(1)));
}

TEST(ChangeLog, GivesASlowReaderTheLatestOfEach) {
  log_scene at;
  change_log::reader slow{watch_options()};
  at.join(slow);
  at.list(records({{"a", 1}, {"b", 1}}));
  EXPECT_EQ(at.read(slow), "+a1 +b1 ready");
  for (std::uint64_t i = 2; i < 1000; ++i) at.list(records({{"a", i}, {"b", 1}}));
  at.list(records({{"a", 999}, {"b", 2}, {"c", 1}}));
  at.list(records({{"a", 999}, {"b", 2}}));
  at.list(records({{"a", 1000}, {"b", 2}}));
  EXPECT_EQ(at.log.size(), 3u) << "and costs nothing";
  EXPECT_EQ(at.read(slow), "+b2 -c +a1000");
}

TEST(ChangeLog, CompletesTheSnapshotBeforeReady) {
  log_scene at;
  change_log::reader slow{watch_options()};
  at.join(slow);
  at.list(records({{"a", 1}, {"b", 1}, {"c", 1}}));
  EXPECT_EQ(text(*at.log.read(slow)), "+a1");
  at.list(records({{"a", 1}, {"b", 2}, {"d", 1}}));
  EXPECT_EQ(at.read(slow), "+b2 -c +d1 ready");
}

TEST(ChangeLog, ForgetsRemovalsThatEveryReaderHasPassed) {
  log_scene at;
  change_log::reader quick{watch_options()}, slow{watch_options()}, late{watch_options()};
  at.join(quick);
  at.join(slow);
  at.list(records({{"a", 1}, {"b", 1}}));
  at.read(quick);
  at.read(slow);
  at.list(records({{"b", 1}}));
  EXPECT_EQ(at.read(quick), "-a");
  at.list(records({{"b", 2}}));
  EXPECT_EQ(at.log.size(), 2u) << "one reader has not seen that it is gone";
  at.join(late);
  at.list(records({{"b", 2}}));
  EXPECT_EQ(at.read(late), "+b2 ready") << "which is no news to who comes later";
  EXPECT_EQ(at.read(slow), "-a +b2");
  at.list(records({{"b", 3}}));
  EXPECT_EQ(at.log.size(), 1u);
  at.list({});
  at.log.remove(slow);
  EXPECT_EQ(at.read(quick) + at.read(late), "-b-b");
}

TEST(ChangeLog, AnswersTooManyUnreadRemovalsWithASnapshot) {
  log_scene at;
  change_log::reader slow{bounded(2)}, quick{bounded(2)}, patient{watch_options()};
  for (auto* one : {&slow, &quick, &patient}) at.join(*one);
  at.list(records({{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}}));
  for (auto* one : {&slow, &quick, &patient}) EXPECT_EQ(at.read(*one), "+a1 +b1 +c1 +d1 ready");
  at.list(records({{"b", 1}, {"c", 1}, {"d", 1}}));
  EXPECT_EQ(at.read(quick), "-a");
  at.list(records({{"c", 1}, {"d", 1}}));
  EXPECT_EQ(at.read(quick), "-b");
  EXPECT_TRUE(at.log.has_news(slow));
  at.list(records({{"d", 1}}));
  EXPECT_EQ(at.read(quick), "-c");
  EXPECT_EQ(at.read(slow), "overrun +d1 ready");
  EXPECT_EQ(at.read(patient), "-a -b -c") << "without a bound it is told of each";
  at.list(records({{"d", 2}}));
  EXPECT_EQ(at.read(slow), "+d2");
  EXPECT_EQ(at.log.size(), 1u);
}

TEST(ChangeLog, DropsTheRemovalOfARecordThatIsBack) {
  log_scene at;
  change_log::reader reader{bounded(1)};
  at.join(reader);
  at.list(records({{"a", 1}, {"b", 1}}));
  at.read(reader);
  at.list(records({{"b", 1}}));
  at.list(records({{"a", 2}, {"b", 1}}));
  at.list(records({{"a", 2}}));
  EXPECT_EQ(at.read(reader), "+a2 -b");
}

TEST(ChangeLog, ReportsAnOutageOnceAfterUnreadEvents) {
  log_scene at;
  change_log::reader reader{watch_options()}, late{watch_options()};
  at.join(reader);
  at.list(records({{"a", 1}}));
  at.log.failed(refused);
  at.log.failed(refused);
  EXPECT_TRUE(at.log.has_news(reader));
  EXPECT_EQ(at.read(reader), "+a1 ready !");
  at.log.failed(refused);
  EXPECT_EQ(at.read(reader), "");
  at.join(late);
  EXPECT_EQ(at.read(late), "!") << "also to who comes meanwhile";
  at.log.recovered();
  at.log.failed(refused);
  at.log.recovered();
  EXPECT_EQ(at.read(reader), "") << "it was over before anybody read of it";
  at.list(records({{"a", 1}}));
  EXPECT_EQ(at.read(late), "+a1 ready") << "nothing was missed";
  at.log.failed(refused);
  EXPECT_EQ(at.read(reader), "!");
}

TEST(ChangeLog, SendsAResyncAndTheDifferenceAfterALostLink) {
  log_scene at;
  change_log::reader reader{watch_options()}, waiting{watch_options()};
  at.join(reader);
  at.list(records({{"a", 1}, {"b", 1}}));
  at.read(reader);
  at.join(waiting);
  at.log.failed(refused);
  at.log.restored(++at.now);
  EXPECT_EQ(at.read(reader), "resync");
  EXPECT_EQ(at.read(waiting), "");
  at.list(records({{"b", 2}}));
  EXPECT_EQ(at.read(reader), "-a +b2");
  EXPECT_EQ(at.read(waiting), "+b2 ready");
}

TEST(ChangeLog, DoesNotRepeatAnUnreadResync) {
  log_scene at;
  change_log::reader reader{watch_options()};
  at.join(reader);
  at.list({});
  EXPECT_EQ(at.read(reader), "ready");
  at.log.restored(++at.now);
  at.log.restored(++at.now);
  EXPECT_EQ(at.read(reader), "resync");
  at.log.restored(++at.now);
  EXPECT_EQ(at.read(reader), "resync");
}

// What the reader is told next, which is a resync.
std::string_view remark_of(change_log& log, change_log::reader& reader) {
  const auto got = log.read(reader);
  EXPECT_TRUE(got && *got && (**got).what == event::kind::resync);
  return got && *got ? (**got).remark : std::string_view("nothing");
}

TEST(ChangeLog, SaysWithTheResyncWhatTheStoreHasLost) {
  log_scene at;
  change_log::reader reader{watch_options()}, anew{bounded(4)};
  at.join(reader);
  at.join(anew);
  at.list(records({{"a", 1}}));
  at.read(reader);
  at.read(anew);
  at.log.lost_data(++at.now, "flushed");
  EXPECT_EQ(remark_of(at.log, reader), "flushed");
  EXPECT_EQ(at.read(reader), "") << "once";
  at.list({});
  EXPECT_EQ(remark_of(at.log, anew), "flushed");
  EXPECT_EQ(at.read(anew), "ready");
  at.log.restored(++at.now, "replaced");
  at.log.restored(++at.now);
  EXPECT_EQ(remark_of(at.log, reader), "replaced") << "what is not read yet is not forgotten";
  at.log.restored(++at.now);
  EXPECT_EQ(remark_of(at.log, reader), "") << "nothing was lost this time";
}

TEST(ChangeLog, SaysNothingOfALossToWhoWaitsForTheFirstSnapshot) {
  log_scene at;
  change_log::reader reader{watch_options()};
  at.join(reader);
  at.log.lost_data(++at.now, "flushed");
  at.list(records({{"a", 1}}));
  EXPECT_EQ(at.read(reader), "+a1 ready");
}

TEST(ChangeLog, SendsASnapshotAfterALostLinkOnRequest) {
  log_scene at;
  change_log::reader reader{bounded(4)}, untold{bounded(4)};
  at.join(reader);
  at.join(untold);
  at.list(records({{"a", 1}, {"b", 1}}));
  at.read(reader);
  at.read(untold);
  at.log.failed(refused);
  EXPECT_EQ(at.read(reader), "!");
  at.log.restored(++at.now);
  EXPECT_EQ(at.read(reader), "") << "not before a listing";
  at.list(records({{"b", 1}, {"c", 1}}));
  EXPECT_EQ(at.read(reader), "resync +b1 +c1 ready");
  EXPECT_EQ(at.read(untold), "resync +b1 +c1 ready");
  // A listing that failed, with the link intact: for who has heard of it.
  at.log.failed(refused);
  EXPECT_EQ(at.read(reader), "!");
  at.list(records({{"b", 2}, {"c", 1}}));
  at.log.recovered();
  EXPECT_EQ(at.read(reader), "resync +c1 +b2 ready");
  EXPECT_EQ(at.read(untold), "+b2");
}

// However the readers are behind, and whatever happens to the store: who applies what is told ends with what is there.
TEST(ChangeLog, BringsAnyReaderToTheCurrentState) {
  std::mt19937_64 random(test::seed());
  for (int round = 0; round < 200; ++round) {
    log_scene at;
    std::map<std::string, std::uint64_t> truth;
    std::vector<std::unique_ptr<change_log::reader>> readers;
    std::vector<std::map<std::string, std::uint64_t>> told(6);
    for (std::size_t i = 0; i < told.size(); ++i) {
      readers.push_back(std::make_unique<change_log::reader>(i % 2 == 0 ? bounded(random() % 3) : watch_options()));
      at.join(*readers.back());
    }
    for (std::uint64_t step = 1; step <= 80; ++step) {
      const std::string name(1, static_cast<char>('a' + random() % 4));
      if (random() % 3 == 0) {
        truth.erase(name);
      } else {
        truth[name] = step;
      }
      if (random() % 10 == 0) at.log.failed(refused);
      if (random() % 10 == 0) at.log.restored(++at.now);
      std::vector<connection> list;
      for (const auto& [n, r] : truth) list.push_back(record(n, r));
      at.list(std::move(list));
      if (random() % 2 == 0) at.log.recovered();
      for (std::size_t i = 0; i < told.size(); ++i) {
        for (auto reads = random() % 3; step == 80 || reads > 0; --reads) {
          const auto got = at.log.read(*readers[i]);
          if (!got) break;
          if (!*got) continue;
          const auto& e = **got;
          if (e.what == event::kind::overrun || (e.what == event::kind::resync && i % 2 == 0)) told[i].clear();
          if (e.what == event::kind::removed) told[i].erase(e.record->server);
          if (e.what == event::kind::present) told[i][e.record->server] = e.record->revision;
        }
      }
    }
    for (const auto& one : told) EXPECT_EQ(one, truth) << "reader " << &one - told.data() << " of round " << round;
    EXPECT_LE(at.log.size(), 4u);
    for (const auto& one : readers) at.log.remove(*one);
    EXPECT_EQ(at.log.size(), truth.size());
  }
}

}  // namespace mcpstate::test
