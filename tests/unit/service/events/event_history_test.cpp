// SPDX-License-Identifier: MIT
#include "service/events/feed_log.hh"

#include <boost/json/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "support/feed_frames.hh"
#include "support/seed.hh"

namespace mcpstate::service {
namespace {

using test::followed;
using test::frames_of;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using news = feed_log::news;

owner alice() { return owner::user("alice").value(); }

connection record(const std::string& server, std::uint64_t revision, status state = status::connected) {
  connection out(alice(), server);
  out.state = state;
  out.revision = revision;
  return out;
}

// Everything that is there to read now, as "event server".
std::vector<std::string> read(feed_log& log, feed_reader& reader) {
  std::vector<std::string> out;
  for (auto got = log.take(reader); got.text; got = log.take(reader)) {
    for (const auto& one : frames_of(*got.text))
      out.push_back(one.server.empty() ? one.event : one.event + " " + one.server);
  }
  return out;
}

void fill(feed_log& log, const std::vector<std::string>& servers) {
  log.load();
  for (const auto& one : servers) log.put(record(one, 1));
  log.loaded();
}

connection expiring(const std::string& server, std::uint64_t revision, int hour) {
  auto out = record(server, revision);
  out.expires_at = timestamp(std::chrono::hours(hour));
  return out;
}

TEST(feed_log, a_later_expiry_is_for_new_readers_only) {
  feed_log log(alice(), 4);
  log.renew(expiring("a", 1, 2));  // not read yet
  log.load();
  log.put(expiring("a", 1, 1));
  log.put(record("b", 1));
  log.renew(expiring("a", 1, 2));  // still being read
  log.loaded();
  feed_reader early;
  const auto first = log.take(early).text;
  log.renew(expiring("a", 1, 3));
  log.renew(expiring("b", 1, 3));
  log.renew(expiring("c", 1, 3));  // not known: the watch will tell
  EXPECT_THAT(read(log, early), IsEmpty());
  feed_reader late;
  const auto second = log.take(late).text;
  auto expected = *first;
  expected.replace(expected.find("T01:"), 4, "T03:");
  expected.insert(expected.find("}", expected.find("\"b\"")), ",\"expires_at\":\"1970-01-01T03:00:00.000000+00:00\"");
  EXPECT_EQ(*second, expected);
  // Anything else that is different is for the watch to tell, in its order.
  auto newer = expiring("a", 2, 5);
  log.renew(newer);
  log.remove("b");
  log.renew(expiring("b", 1, 5));
  feed_reader last;
  EXPECT_EQ(log.take(last).text->find("T05:"), std::string::npos);
}

TEST(feed_log, nothing_before_the_snapshot_is_complete) {
  feed_log log(alice(), 4);
  feed_reader reader;
  EXPECT_THAT(read(log, reader), IsEmpty());
  log.load();
  log.put(record("a", 1));
  EXPECT_THAT(read(log, reader), IsEmpty());
  log.loaded();
  EXPECT_THAT(read(log, reader), ElementsAre("connection a", "ready"));
  EXPECT_THAT(read(log, reader), IsEmpty());
}

TEST(feed_log, frames_are_events_of_a_stream) {
  feed_log log(alice(), 4);
  feed_reader reader;
  fill(log, {"b"});
  auto with_tools = record("a", 7);
  with_tools.tools = std::make_shared<const std::string>("[1]");
  with_tools.info.capabilities = "{\n\"tools\":\r{}}";
  log.put(with_tools);
  log.remove("b");
  EXPECT_EQ(*log.take(reader).text,
            "id: 2\nevent: connection\ndata: "
            R"({"owner":"user:alice","server":"a","status":"CONNECTED","revision":7,"capabilities":{ "tools": {}}})"
            "\n\nevent: ready\ndata: {}\n\n");
  fill(log, {"b"});
  log.remove("b");
  EXPECT_EQ(*log.take(reader).text, "event: resync\ndata: {}\n\nevent: ready\ndata: {}\n\n");
  log.put(record("x\ny", 1));
  log.remove("x\ny");
  EXPECT_THAT(*log.take(reader).text,
              ::testing::MatchesRegex(
                  "id: [0-9]+\nevent: removed\ndata: \\{\"owner\":\"user:alice\",\"server\":\"x\\\\ny\"\\}\n\n"));
}

TEST(feed_log, each_event_is_encoded_once) {
  feed_log log(alice(), 4);
  feed_reader one, two;
  fill(log, {"a"});
  EXPECT_EQ(log.take(one).text, log.take(two).text);
  log.put(record("a", 2));
  log.remove("a");
  const auto mine = log.take(one).text;
  ASSERT_TRUE(mine);
  EXPECT_EQ(mine, log.take(two).text);
}

TEST(feed_log, a_slow_reader_gets_the_latest_of_each) {
  feed_log log(alice(), 4);
  feed_reader reader;
  fill(log, {"a", "b"});
  read(log, reader);
  for (std::uint64_t i = 2; i < 1000; ++i) log.put(record("a", i));
  log.put(record("b", 2));
  log.put(record("c", 1));
  log.remove("c");
  log.put(record("a", 1000));
  EXPECT_THAT(read(log, reader), ElementsAre("connection b", "removed c", "connection a"));
}

TEST(feed_log, too_many_removals_mean_to_begin_anew_and_twice_the_end) {
  feed_log log(alice(), 2);
  feed_reader slow, quick;
  fill(log, {"a", "b", "c", "d"});
  read(log, slow);
  read(log, quick);
  for (const char* one : {"a", "b", "c"}) {
    log.remove(one);
    EXPECT_THAT(read(log, quick), ElementsAre(std::string("removed ") + one));
  }
  auto got = log.take(slow);
  EXPECT_EQ(got.what, news::resynced);
  EXPECT_EQ(frames_of(*got.text).size(), 3U);  // resync, d, ready
  // Not read up yet, and again: three more.
  for (const char* one : {"e", "f", "g"}) log.put(record(one, 1));
  for (const char* one : {"e", "f", "g"}) log.remove(one);
  got = log.take(slow);
  EXPECT_FALSE(got.text);
  EXPECT_EQ(got.what, news::dropped);
  EXPECT_TRUE(slow.dropped);
  log.put(record("h", 1));
  EXPECT_EQ(log.take(slow).what, news::none);
  EXPECT_FALSE(quick.dropped);
}

TEST(feed_log, who_has_caught_up_may_fall_back_again) {
  feed_log log(alice(), 1);
  feed_reader slow;
  fill(log, {});
  read(log, slow);
  for (int i = 0; i < 5; ++i) {
    for (const char* one : {"a", "b"}) log.put(record(one, 1));
    for (const char* one : {"a", "b"}) log.remove(one);
    EXPECT_THAT(read(log, slow), ElementsAre("resync", "ready")) << i;
  }
}

TEST(feed_log, a_forgotten_removal_of_what_is_back_costs_nothing) {
  feed_log log(alice(), 1);
  feed_reader reader;
  fill(log, {"a", "b"});
  read(log, reader);
  log.remove("a");
  log.put(record("a", 2));
  log.remove("b");
  EXPECT_THAT(read(log, reader), ElementsAre("connection a", "removed b"));
}

TEST(feed_log, an_outage_is_told_once_and_ends_with_a_resync) {
  feed_log log(alice(), 4);
  feed_reader reader, late;
  fill(log, {"a", "b"});
  read(log, reader);
  const error lost(errc::connect_failed, "nobody answers", "secret words of the peer");
  log.unavailable(lost);
  log.load();
  log.unavailable(lost);
  const auto told = log.take(reader).text;
  ASSERT_TRUE(told);
  EXPECT_EQ(*told, "event: unavailable\ndata: {\"code\":\"connect_failed\",\"message\":\"nobody answers\"}\n\n");
  EXPECT_THAT(read(log, reader), IsEmpty());
  EXPECT_THAT(read(log, late), ElementsAre("unavailable"));
  log.put(record("b", 2));
  log.put(record("c", 1));
  EXPECT_THAT(read(log, reader), IsEmpty());
  log.loaded();
  EXPECT_THAT(read(log, reader), ElementsAre("resync", "connection b", "connection c", "ready"));
  EXPECT_THAT(read(log, late), ElementsAre("connection b", "connection c", "ready"));
  EXPECT_FALSE(reader.catching_up) << "an outage is not the reader's fault";
  log.unavailable(lost);
  EXPECT_THAT(read(log, reader), ElementsAre("unavailable"));
}

TEST(feed_log, removing_what_is_not_there_is_no_event) {
  feed_log log(alice(), 4);
  feed_reader reader;
  fill(log, {"a"});
  read(log, reader);
  log.remove("nobody");
  log.remove("a");
  log.remove("a");
  EXPECT_THAT(read(log, reader), ElementsAre("removed a"));
}

// Random changes, outages and readers of any speed: whoever follows the frames ends with what is there.
TEST(feed_log, everybody_ends_with_what_is_there) {
  std::mt19937_64 random(test::seed());
  for (int round = 0; round < 200; ++round) {
    feed_log log(alice(), random() % 4);
    std::map<std::string, std::uint64_t> truth;
    std::vector<feed_reader> readers(4);
    std::vector<followed> seen(4);
    fill(log, {});
    for (std::uint64_t step = 1; step < 300; ++step) {
      const auto server = std::string(1, static_cast<char>('a' + random() % 6));
      switch (random() % 12) {
        case 0:
          log.unavailable(error(errc::connection_lost, "x"));
          log.load();
          truth.erase(server);
          for (const auto& [name, revision] : truth) log.put(record(name, revision));
          log.loaded();
          break;
        case 1:
        case 2:
        case 3:
          log.remove(server);
          truth.erase(server);
          break;
        default:
          log.put(record(server, step));
          truth[server] = step;
      }
      const auto i = random() % readers.size();
      const auto got = log.take(readers[i]);
      if (got.text) seen[i].apply(*got.text);
    }
    for (std::size_t i = 0; i < readers.size(); ++i) {
      for (auto got = log.take(readers[i]); got.text; got = log.take(readers[i])) seen[i].apply(*got.text);
      EXPECT_EQ(seen[i].fault, "");
      if (readers[i].dropped) continue;
      EXPECT_TRUE(seen[i].ready);
      EXPECT_EQ(seen[i].revisions, truth) << "reader " << i << " of round " << round;
    }
  }
}

}  // namespace
}  // namespace mcpstate::service
