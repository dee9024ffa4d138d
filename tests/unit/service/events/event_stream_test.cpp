// SPDX-License-Identifier: MIT
#include "service/events/event_stream.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

#include "store/watch/change_log.hh"
#include "support/feed_frames.hh"
#include "support/seed.hh"

namespace mcpstate::service {
namespace {

using test::followed;
using test::frames_of;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using lag = event_stream::lag;

owner reader() { return owner::user("reader").value(); }

connection record(const std::string& server, std::uint64_t revision) {
  connection out(reader(), server);
  out.state = status::connected;
  out.revision = revision;
  return out;
}

connection expiring(const std::string& server, std::uint64_t revision, int hour) {
  auto out = record(server, revision);
  out.expires_at = timestamp(std::chrono::hours(hour));
  return out;
}

watch_options limited(std::size_t max_removals) {
  watch_options out;
  out.max_removals = max_removals;
  out.snapshot_after_outage = true;
  return out;
}

// A subscriber: its position in the log of changes, and what it makes of them.
struct subscriber {
  explicit subscriber(std::size_t max_removals = 4) : position(limited(max_removals)) {}
  change_log::reader position;
  event_stream stream;
  std::size_t resyncs = 0, drops = 0;
};

// One owner: the records, the log of their changes, and the frames.
struct stream_scene {
  change_log log;
  event_frames frames;
  std::map<std::string, connection> records;
  std::uint64_t now = 0;

  void join(subscriber& joins) { log.add(joins.position, ++now); }
  void list() {
    std::vector<connection> listed;
    for (const auto& [server, one] : records) listed.push_back(one);
    log.replace(reader(), std::move(listed));
    log.complete(++now);
  }
  void put(const connection& one) {
    records.insert_or_assign(one.server, one);
    list();
  }
  void remove(const std::string& server) {
    records.erase(server);
    list();
  }
  void fill(const std::vector<std::string>& servers) {
    records.clear();
    for (const auto& one : servers) records.insert_or_assign(one, record(one, 1));
    list();
  }
  // The next text; null: nothing now.
  frame next(subscriber& reads) {
    while (!reads.stream.ended()) {
      const auto received = log.read(reads.position);
      if (!received) {
        reads.stream.caught_up();
        return nullptr;
      }
      auto step = reads.stream.take(*received, frames);
      reads.resyncs += step.outcome == lag::resynced ? 1 : 0;
      reads.drops += step.outcome == lag::dropped ? 1 : 0;
      if (step.text) return std::move(step.text);
    }
    return nullptr;
  }
  // Everything that is there to read now, as "event server".
  std::vector<std::string> read(subscriber& reads) {
    std::vector<std::string> out;
    for (auto got = next(reads); got; got = next(reads)) {
      for (const auto& one : frames_of(*got)) out.push_back(one.server.empty() ? one.event : one.event + " " + one.server);
    }
    return out;
  }
};

TEST(EventStream, SendsALaterExpiryToNewSubscribersOnly) {
  stream_scene at;
  subscriber early, late;
  at.join(early);
  at.records = {{"a", expiring("a", 1, 1)}, {"b", record("b", 1)}};
  at.list();
  const auto first = at.next(early);
  at.records = {{"a", expiring("a", 1, 3)}, {"b", expiring("b", 1, 3)}};
  at.join(late);
  at.list();
  EXPECT_THAT(at.read(early), IsEmpty());
  const auto second = at.next(late);
  auto expected = *first;
  expected.replace(expected.find("T01:"), 4, "T03:");
  expected.insert(expected.find("}", expected.find("\"b\"")), ",\"expires_at\":\"1970-01-01T03:00:00.000000+00:00\"");
  EXPECT_EQ(*second, expected);
  subscriber last;
  at.join(last);
  at.list();
  EXPECT_EQ(at.next(last), second) << "nothing is different";
}

TEST(EventStream, SendsNothingBeforeTheSnapshotIsComplete) {
  stream_scene at;
  subscriber reader;
  at.join(reader);
  EXPECT_THAT(at.read(reader), IsEmpty());
  at.log.failed(error(errc::connection_lost, "x"));
  at.log.recovered();
  EXPECT_THAT(at.read(reader), IsEmpty());
  at.fill({"a"});
  EXPECT_THAT(at.read(reader), ElementsAre("connection a", "ready"));
  EXPECT_THAT(at.read(reader), IsEmpty());
}

TEST(EventStream, WritesFramesAsServerSentEvents) {
  stream_scene at;
  subscriber reader(0);
  at.fill({"b"});
  at.join(reader);
  auto with_tools = record("a", 7);
  with_tools.tools = std::make_shared<const std::string>("[1]");
  with_tools.info.capabilities = "{\n\"tools\":\r{}}";
  at.put(with_tools);
  at.remove("b");
  EXPECT_EQ(*at.next(reader),
            "id: 2\nevent: connection\ndata: "
            R"({"owner":"user:reader","server":"a","status":"CONNECTED","revision":7,"capabilities":{ "tools": {}}})"
            "\n\nevent: ready\ndata: {}\n\n");
  at.remove("a");
  EXPECT_EQ(*at.next(reader), "event: resync\ndata: {}\n\nevent: ready\ndata: {}\n\n");
  subscriber other;
  at.join(other);
  at.put(record("x\ny", 1));
  EXPECT_TRUE(at.next(other));
  at.remove("x\ny");
  EXPECT_THAT(*at.next(other),
              ::testing::MatchesRegex(
                  "id: [0-9]+\nevent: removed\ndata: \\{\"owner\":\"user:reader\",\"server\":\"x\\\\ny\"\\}\n\n"));
}

TEST(EventStream, EncodesEachEventOnce) {
  stream_scene at;
  subscriber one, two;
  at.join(one);
  at.join(two);
  at.fill({"a"});
  EXPECT_EQ(at.next(one), at.next(two));
  at.put(record("a", 2));
  at.remove("a");
  const auto first = at.next(one);
  ASSERT_TRUE(first);
  EXPECT_EQ(first, at.next(two));
  const error lost(errc::connection_lost, "x");
  at.log.failed(lost);
  EXPECT_EQ(at.next(one), at.next(two));
}

TEST(EventStream, ForgetsFramesOfRemovedRecords) {
  stream_scene at;
  subscriber reader;
  at.join(reader);
  at.fill({"a"});
  for (std::uint64_t i = 2; i < 1000; ++i) {
    at.put(record("a", i));
    at.put(record(std::to_string(i), i));
    at.remove(std::to_string(i));
    at.read(reader);
    ASSERT_LE(at.frames.size(), 16U);
  }
}

TEST(EventStream, GivesASlowSubscriberTheLatestOfEach) {
  stream_scene at;
  subscriber reader;
  at.join(reader);
  at.fill({"a", "b"});
  at.read(reader);
  for (std::uint64_t i = 2; i < 1000; ++i) at.put(record("a", i));
  at.put(record("b", 2));
  at.put(record("c", 1));
  at.remove("c");
  at.put(record("a", 1000));
  EXPECT_THAT(at.read(reader), ElementsAre("connection b", "removed c", "connection a"));
}

TEST(EventStream, ResyncsAfterTooManyRemovalsAndEndsTheSecondTime) {
  stream_scene at;
  subscriber slow(2), quick(2);
  at.join(slow);
  at.join(quick);
  at.fill({"a", "b", "c", "d"});
  at.read(slow);
  at.read(quick);
  for (const char* one : {"a", "b", "c"}) {
    at.remove(one);
    EXPECT_THAT(at.read(quick), ElementsAre(std::string("removed ") + one));
  }
  auto got = at.next(slow);
  EXPECT_EQ(slow.resyncs, 1U);
  EXPECT_EQ(frames_of(*got).size(), 3U);  // resync, d, ready
  // Not read up yet, and again: three more.
  for (const char* one : {"e", "f", "g"}) at.put(record(one, 1));
  at.read(quick);
  for (const char* one : {"e", "f", "g"}) {
    at.remove(one);
    at.read(quick);
  }
  got = at.next(slow);
  EXPECT_FALSE(got);
  EXPECT_EQ(slow.drops, 1U);
  EXPECT_TRUE(slow.stream.ended());
  at.put(record("h", 1));
  EXPECT_FALSE(at.next(slow));
  EXPECT_EQ(slow.resyncs, 1U);
  EXPECT_FALSE(quick.stream.ended());
}

TEST(EventStream, LetsASubscriberThatCaughtUpFallBehindAgain) {
  stream_scene at;
  subscriber slow(1);
  at.join(slow);
  at.fill({});
  at.read(slow);
  for (int i = 0; i < 5; ++i) {
    for (const char* one : {"a", "b"}) at.put(record(one, 1));
    for (const char* one : {"a", "b"}) at.remove(one);
    EXPECT_THAT(at.read(slow), ElementsAre("resync", "ready")) << i;
  }
}

TEST(EventStream, IgnoresAForgottenRemovalOfWhatIsBack) {
  stream_scene at;
  subscriber reader(1);
  at.join(reader);
  at.fill({"a", "b"});
  at.read(reader);
  at.remove("a");
  at.put(record("a", 2));
  at.remove("b");
  EXPECT_THAT(at.read(reader), ElementsAre("connection a", "removed b"));
}

TEST(EventStream, ReportsAnOutageOnceAndResyncs) {
  stream_scene at;
  subscriber reader, late;
  at.join(reader);
  at.fill({"a", "b"});
  at.read(reader);
  const error lost(errc::connect_failed, "nobody answers", "secret words of the peer");
  at.log.failed(lost);
  at.join(late);
  const auto told = at.next(reader);
  ASSERT_TRUE(told);
  EXPECT_EQ(*told, "event: unavailable\ndata: {\"code\":\"connect_failed\",\"message\":\"nobody answers\"}\n\n");
  EXPECT_THAT(at.read(reader), IsEmpty());
  EXPECT_THAT(at.read(late), ElementsAre("unavailable"));
  // The link is back, and still nothing can be read.
  at.log.restored(++at.now);
  at.log.failed(lost);
  EXPECT_THAT(at.read(reader), IsEmpty());
  at.records.clear();
  at.records.insert_or_assign("b", record("b", 2));
  at.put(record("c", 1));
  at.log.recovered();
  EXPECT_THAT(at.read(reader), ElementsAre("resync", "connection b", "connection c", "ready"));
  EXPECT_THAT(at.read(late), ElementsAre("connection b", "connection c", "ready"));
  EXPECT_EQ(reader.resyncs, 0U) << "an outage is not the reader's fault";
  at.log.failed(lost);
  EXPECT_THAT(at.read(reader), ElementsAre("unavailable"));
}

TEST(EventStream, EndsWhenTheStoreCloses) {
  event_frames frames;
  event_stream stream;
  const error stopped(errc::stopped, "the store was closed");
  EXPECT_FALSE(stream.take(stopped, frames).text);
  EXPECT_TRUE(stream.ended());
}

TEST(EventStream, SendsNoEventForRemovingNothing) {
  stream_scene at;
  subscriber reader;
  at.join(reader);
  at.fill({"a"});
  at.read(reader);
  at.remove("nobody");
  at.remove("a");
  at.remove("a");
  EXPECT_THAT(at.read(reader), ElementsAre("removed a"));
}

// Random changes, outages and subscribers of any speed: whoever follows the frames ends with what is there.
TEST(EventStream, BringsEverySubscriberToTheCurrentState) {
  std::mt19937_64 random(test::seed());
  for (int round = 0; round < 200; ++round) {
    stream_scene at;
    std::map<std::string, std::uint64_t> truth;
    std::vector<std::unique_ptr<subscriber>> readers;
    const auto max_removals = random() % 4;
    for (int i = 0; i < 4; ++i) {
      readers.push_back(std::make_unique<subscriber>(max_removals));
      at.join(*readers.back());
    }
    std::vector<followed> seen(4);
    at.fill({});
    for (std::uint64_t step = 1; step < 300; ++step) {
      const auto server = std::string(1, static_cast<char>('a' + random() % 6));
      switch (random() % 12) {
        case 0:
          at.log.failed(error(errc::connection_lost, "x"));
          at.log.restored(++at.now);
          at.remove(server);
          truth.erase(server);
          break;
        case 1:
        case 2:
        case 3:
          at.remove(server);
          truth.erase(server);
          break;
        default:
          at.put(record(server, step));
          truth[server] = step;
      }
      const auto i = random() % readers.size();
      if (const auto got = at.next(*readers[i])) seen[i].apply(*got);
    }
    for (std::size_t i = 0; i < readers.size(); ++i) {
      for (auto got = at.next(*readers[i]); got; got = at.next(*readers[i])) seen[i].apply(*got);
      EXPECT_EQ(seen[i].fault, "");
      if (readers[i]->stream.ended()) continue;
      EXPECT_TRUE(seen[i].ready);
      EXPECT_EQ(seen[i].revisions, truth) << "reader " << i << " of round " << round;
    }
  }
}

}  // namespace
}  // namespace mcpstate::service
