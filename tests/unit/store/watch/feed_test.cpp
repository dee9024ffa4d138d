// SPDX-License-Identifier: MIT
#include "store/watch/feed.hh"

#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "store/watch/owner_log.hh"
#include "support/seed.hh"
#include "unit/store/watch/events.hh"

namespace mcpstate::test {

TEST(watch_feed, merges_what_is_unread_in_its_place) {
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

TEST(watch_feed, keeps_owners_apart) {
  watch_feed f;
  f.add(present("a", 1));
  event other = present("a", 2);
  other.record = std::make_shared<const connection>(user("43"), "a");
  f.add(other);
  EXPECT_EQ(f.unread(), 2u);
}

TEST(watch_feed, marks_are_not_repeated_while_unread) {
  watch_feed f;
  f.mark(event::kind::resync);
  f.mark(event::kind::resync);
  EXPECT_EQ(drain(f), "resync");
  f.mark(event::kind::resync);
  EXPECT_EQ(drain(f), "resync");
}

TEST(watch_feed, an_outage_is_told_once_and_after_what_is_there) {
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

// However the reader is behind: whoever applies what the feed tells ends with what is there.
TEST(watch_feed, any_reader_ends_with_the_truth) {
  std::mt19937_64 random(test::seed());
  for (int round = 0; round < 200; ++round) {
    owner_log log(user());
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
      for (auto& e : log.replace(std::move(list), 1)) f.add(std::move(e));
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

}  // namespace mcpstate::test
