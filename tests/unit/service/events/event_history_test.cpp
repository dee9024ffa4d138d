// SPDX-License-Identifier: MIT
#include "service/events/event_history.hh"

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
using lag = event_history::lag;

owner alice() { return owner::user("alice").value(); }

connection record(const std::string& server, std::uint64_t revision, status state = status::connected) {
  connection out(alice(), server);
  out.state = state;
  out.revision = revision;
  return out;
}

// Everything that is there to read now, as "event server".
std::vector<std::string> read(event_history& history, reader_position& reader) {
  std::vector<std::string> out;
  for (auto got = history.read(reader); got.text; got = history.read(reader)) {
    for (const auto& one : frames_of(*got.text))
      out.push_back(one.server.empty() ? one.event : one.event + " " + one.server);
  }
  return out;
}

void fill(event_history& history, const std::vector<std::string>& servers) {
  history.begin_load();
  for (const auto& one : servers) history.put(record(one, 1));
  history.finish_load();
}

connection expiring(const std::string& server, std::uint64_t revision, int hour) {
  auto out = record(server, revision);
  out.expires_at = timestamp(std::chrono::hours(hour));
  return out;
}

TEST(EventHistory, SendsALaterExpiryToNewReadersOnly) {
  event_history history(alice(), 4);
  history.update_expiry(expiring("a", 1, 2));  // not read yet
  history.begin_load();
  history.put(expiring("a", 1, 1));
  history.put(record("b", 1));
  history.update_expiry(expiring("a", 1, 2));  // still being read
  history.finish_load();
  reader_position early;
  const auto first = history.read(early).text;
  history.update_expiry(expiring("a", 1, 3));
  history.update_expiry(expiring("b", 1, 3));
  history.update_expiry(expiring("c", 1, 3));  // not known: the watch will tell
  EXPECT_THAT(read(history, early), IsEmpty());
  reader_position late;
  const auto second = history.read(late).text;
  auto expected = *first;
  expected.replace(expected.find("T01:"), 4, "T03:");
  expected.insert(expected.find("}", expected.find("\"b\"")), ",\"expires_at\":\"1970-01-01T03:00:00.000000+00:00\"");
  EXPECT_EQ(*second, expected);
  // Anything else that is different is for the watch to tell, in its order.
  auto newer = expiring("a", 2, 5);
  history.update_expiry(newer);
  history.remove("b");
  history.update_expiry(expiring("b", 1, 5));
  reader_position last;
  EXPECT_EQ(history.read(last).text->find("T05:"), std::string::npos);
}

TEST(EventHistory, SendsNothingBeforeTheSnapshotIsComplete) {
  event_history history(alice(), 4);
  reader_position reader;
  EXPECT_THAT(read(history, reader), IsEmpty());
  history.begin_load();
  history.put(record("a", 1));
  EXPECT_THAT(read(history, reader), IsEmpty());
  history.finish_load();
  EXPECT_THAT(read(history, reader), ElementsAre("connection a", "ready"));
  EXPECT_THAT(read(history, reader), IsEmpty());
}

TEST(EventHistory, WritesFramesAsServerSentEvents) {
  event_history history(alice(), 4);
  reader_position reader;
  fill(history, {"b"});
  auto with_tools = record("a", 7);
  with_tools.tools = std::make_shared<const std::string>("[1]");
  with_tools.info.capabilities = "{\n\"tools\":\r{}}";
  history.put(with_tools);
  history.remove("b");
  EXPECT_EQ(*history.read(reader).text,
            "id: 2\nevent: connection\ndata: "
            R"({"owner":"user:alice","server":"a","status":"CONNECTED","revision":7,"capabilities":{ "tools": {}}})"
            "\n\nevent: ready\ndata: {}\n\n");
  fill(history, {"b"});
  history.remove("b");
  EXPECT_EQ(*history.read(reader).text, "event: resync\ndata: {}\n\nevent: ready\ndata: {}\n\n");
  history.put(record("x\ny", 1));
  history.remove("x\ny");
  EXPECT_THAT(*history.read(reader).text,
              ::testing::MatchesRegex(
                  "id: [0-9]+\nevent: removed\ndata: \\{\"owner\":\"user:alice\",\"server\":\"x\\\\ny\"\\}\n\n"));
}

TEST(EventHistory, EncodesEachEventOnce) {
  event_history history(alice(), 4);
  reader_position one, two;
  fill(history, {"a"});
  EXPECT_EQ(history.read(one).text, history.read(two).text);
  history.put(record("a", 2));
  history.remove("a");
  const auto mine = history.read(one).text;
  ASSERT_TRUE(mine);
  EXPECT_EQ(mine, history.read(two).text);
}

TEST(EventHistory, GivesASlowReaderTheLatestOfEach) {
  event_history history(alice(), 4);
  reader_position reader;
  fill(history, {"a", "b"});
  read(history, reader);
  for (std::uint64_t i = 2; i < 1000; ++i) history.put(record("a", i));
  history.put(record("b", 2));
  history.put(record("c", 1));
  history.remove("c");
  history.put(record("a", 1000));
  EXPECT_THAT(read(history, reader), ElementsAre("connection b", "removed c", "connection a"));
}

TEST(EventHistory, ResyncsAfterTooManyRemovalsAndEndsTheSecondTime) {
  event_history history(alice(), 2);
  reader_position slow, quick;
  fill(history, {"a", "b", "c", "d"});
  read(history, slow);
  read(history, quick);
  for (const char* one : {"a", "b", "c"}) {
    history.remove(one);
    EXPECT_THAT(read(history, quick), ElementsAre(std::string("removed ") + one));
  }
  auto got = history.read(slow);
  EXPECT_EQ(got.outcome, lag::resynced);
  EXPECT_EQ(frames_of(*got.text).size(), 3U);  // resync, d, ready
  // Not read up yet, and again: three more.
  for (const char* one : {"e", "f", "g"}) history.put(record(one, 1));
  for (const char* one : {"e", "f", "g"}) history.remove(one);
  got = history.read(slow);
  EXPECT_FALSE(got.text);
  EXPECT_EQ(got.outcome, lag::dropped);
  EXPECT_TRUE(slow.dropped);
  history.put(record("h", 1));
  EXPECT_EQ(history.read(slow).outcome, lag::none);
  EXPECT_FALSE(quick.dropped);
}

TEST(EventHistory, LetsAReaderThatCaughtUpFallBackAgain) {
  event_history history(alice(), 1);
  reader_position slow;
  fill(history, {});
  read(history, slow);
  for (int i = 0; i < 5; ++i) {
    for (const char* one : {"a", "b"}) history.put(record(one, 1));
    for (const char* one : {"a", "b"}) history.remove(one);
    EXPECT_THAT(read(history, slow), ElementsAre("resync", "ready")) << i;
  }
}

TEST(EventHistory, IgnoresAForgottenRemovalOfWhatIsBack) {
  event_history history(alice(), 1);
  reader_position reader;
  fill(history, {"a", "b"});
  read(history, reader);
  history.remove("a");
  history.put(record("a", 2));
  history.remove("b");
  EXPECT_THAT(read(history, reader), ElementsAre("connection a", "removed b"));
}

TEST(EventHistory, ReportsAnOutageOnceAndResyncs) {
  event_history history(alice(), 4);
  reader_position reader, late;
  fill(history, {"a", "b"});
  read(history, reader);
  const error lost(errc::connect_failed, "nobody answers", "secret words of the peer");
  history.mark_unavailable(lost);
  history.begin_load();
  history.mark_unavailable(lost);
  const auto told = history.read(reader).text;
  ASSERT_TRUE(told);
  EXPECT_EQ(*told, "event: unavailable\ndata: {\"code\":\"connect_failed\",\"message\":\"nobody answers\"}\n\n");
  EXPECT_THAT(read(history, reader), IsEmpty());
  EXPECT_THAT(read(history, late), ElementsAre("unavailable"));
  history.put(record("b", 2));
  history.put(record("c", 1));
  EXPECT_THAT(read(history, reader), IsEmpty());
  history.finish_load();
  EXPECT_THAT(read(history, reader), ElementsAre("resync", "connection b", "connection c", "ready"));
  EXPECT_THAT(read(history, late), ElementsAre("connection b", "connection c", "ready"));
  EXPECT_FALSE(reader.catching_up) << "an outage is not the reader's fault";
  history.mark_unavailable(lost);
  EXPECT_THAT(read(history, reader), ElementsAre("unavailable"));
}

TEST(EventHistory, SendsNoEventForRemovingNothing) {
  event_history history(alice(), 4);
  reader_position reader;
  fill(history, {"a"});
  read(history, reader);
  history.remove("nobody");
  history.remove("a");
  history.remove("a");
  EXPECT_THAT(read(history, reader), ElementsAre("removed a"));
}

// Random changes, outages and readers of any speed: whoever follows the frames ends with what is there.
TEST(EventHistory, BringsEveryReaderToTheCurrentState) {
  std::mt19937_64 random(test::seed());
  for (int round = 0; round < 200; ++round) {
    event_history history(alice(), random() % 4);
    std::map<std::string, std::uint64_t> truth;
    std::vector<reader_position> readers(4);
    std::vector<followed> seen(4);
    fill(history, {});
    for (std::uint64_t step = 1; step < 300; ++step) {
      const auto server = std::string(1, static_cast<char>('a' + random() % 6));
      switch (random() % 12) {
        case 0:
          history.mark_unavailable(error(errc::connection_lost, "x"));
          history.begin_load();
          truth.erase(server);
          for (const auto& [name, revision] : truth) history.put(record(name, revision));
          history.finish_load();
          break;
        case 1:
        case 2:
        case 3:
          history.remove(server);
          truth.erase(server);
          break;
        default:
          history.put(record(server, step));
          truth[server] = step;
      }
      const auto i = random() % readers.size();
      const auto got = history.read(readers[i]);
      if (got.text) seen[i].apply(*got.text);
    }
    for (std::size_t i = 0; i < readers.size(); ++i) {
      for (auto got = history.read(readers[i]); got.text; got = history.read(readers[i])) seen[i].apply(*got.text);
      EXPECT_EQ(seen[i].fault, "");
      if (readers[i].dropped) continue;
      EXPECT_TRUE(seen[i].ready);
      EXPECT_EQ(seen[i].revisions, truth) << "reader " << i << " of round " << round;
    }
  }
}

}  // namespace
}  // namespace mcpstate::service
