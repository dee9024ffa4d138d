// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <set>

#include "component/service/events/event_scene.hh"
#include "support/seed.hh"

namespace mcpstate::service {
namespace {

using namespace std::chrono_literals;
using test::eventually;

class EventBroker : public ::testing::TestWithParam<kind> {
 protected:
  ground on_{GetParam()};
};
std::string name_of_kind(const ::testing::TestParamInfo<kind>& one) {
  return one.param == kind::memory ? "memory" : one.param == kind::sqlite ? "sqlite" : "redis";
}
INSTANTIATE_TEST_SUITE_P(Stores, EventBroker, ::testing::Values(kind::memory, kind::sqlite, kind::redis), name_of_kind);

std::map<std::string, std::string> statuses_of(const std::vector<connection>& all) {
  std::map<std::string, std::string> out;
  for (const auto& one : all) out[one.server] = to_text(one.state);
  return out;
}

asio::awaitable<void> snapshot_and_changes(scene& at) {
  const auto who = user("1");
  CO_ASSERT_OK(co_await put(*at.ours, who, "a", status::connected));
  CO_ASSERT_OK(co_await put(*at.ours, who, "b", status::failed));
  CO_ASSERT_OK(co_await put(*at.ours, user("2"), "not ours", status::connected));
  const auto one = at.join(who);
  CO_ASSERT_TRUE(co_await eventually([&] { return one->seen.ready; }));
  EXPECT_EQ(one->frames.size(), 1U) << "the snapshot is one text";
  EXPECT_EQ(one->seen.statuses, (std::map<std::string, std::string>{{"a", "CONNECTED"}, {"b", "FAILED"}}));
  // By the same handle, by another one; present, changed, gone.
  CO_ASSERT_OK(co_await put(*at.ours, who, "c", status::connected));
  CO_ASSERT_TRUE(co_await eventually([&] { return one->seen.statuses["c"] == "CONNECTED"; }));
  CO_ASSERT_OK(co_await at.other().disconnect(who, name("a"), std::nullopt));
  CO_ASSERT_TRUE(co_await eventually([&] { return one->seen.statuses["a"] == "DISCONNECTED"; }));
  // Who comes late gets what is, in order, and then the same frames.
  const auto late = at.join(who);
  CO_ASSERT_TRUE(co_await eventually([&] { return late->seen.ready; }));
  EXPECT_EQ(late->seen.statuses, one->seen.statuses);
  CO_ASSERT_OK(co_await put(at.other(), user("2"), "x", status::connected));
  CO_ASSERT_OK(co_await at.other().erase(who));
  CO_ASSERT_TRUE(co_await eventually([&] { return one->seen.statuses.empty() && late->seen.statuses.empty(); }));
  EXPECT_EQ(one->seen.events["removed"], 3U);
  EXPECT_EQ(one->frames.back(), late->frames.back());
  EXPECT_EQ(one->seen.fault + late->seen.fault, "");
  for (const auto& f : one->frames) {
    for (const auto& part : test::frames_of(*f)) EXPECT_TRUE(part.owner.empty() || part.owner == "user:1") << part.owner;
  }
}
TEST_P(EventBroker, SendsASnapshotAndThenEveryChange) { with_scene(on_, snapshot_and_changes); }

// When it expires, after it was used: later than before.
asio::awaitable<std::string> used_again(scene& at, owner who, server_name server) {
  std::optional<timestamp> before, now;
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (now == before && std::chrono::steady_clock::now() < until) {
    if (now) static_cast<void>(co_await at.other().touch(who, server));
    const auto found = co_await at.other().get(who, server, tools_wanted::no);
    now = found && *found ? (*found)->expires_at : std::nullopt;
    if (!before) before = now;
  }
  EXPECT_NE(now, before);
  co_return now ? to_iso8601(*now) : std::string();
}

asio::awaitable<void> used_meanwhile(scene& at) {
  const auto who = user("1");
  CO_ASSERT_OK(co_await put(*at.ours, who, "a", status::connected));
  CO_ASSERT_OK(co_await put(*at.ours, who, "b", status::connected));
  const auto early = at.join(who);
  CO_ASSERT_TRUE(co_await eventually([&] { return early->seen.ready; }));
  const auto expires_at = co_await used_again(at, who, name("a"));
  const std::array late{at.join(who), at.join(who)};
  for (const auto& one : late) {
    CO_ASSERT_TRUE(co_await eventually([&] { return one->seen.ready; }));
    EXPECT_NE(one->frames.at(0)->find("\"server\":\"a\""), std::string::npos);
    EXPECT_NE(one->frames.at(0)->find("\"expires_at\":\"" + expires_at + "\""), std::string::npos)
        << expires_at << " is not in " << *one->frames.at(0);
  }
  // That it was used is no event: nobody else is told, and ids go on as before.
  EXPECT_EQ(early->frames.size(), 1U);
  CO_ASSERT_OK(co_await put(*at.ours, who, "a", status::failed));
  for (const auto& one : {early, late[0], late[1]}) {
    CO_ASSERT_TRUE(co_await eventually([&] { return one->seen.statuses["a"] == "FAILED"; }));
    EXPECT_EQ(one->frames.size(), 2U);
    EXPECT_EQ(one->seen.fault, "");
    EXPECT_EQ(*one->frames.back(), *early->frames.back());
  }
}
TEST_P(EventBroker, ShowsLateReadersTheCurrentExpiry) { with_scene(on_, used_meanwhile); }

asio::awaitable<void> claims_move(scene& at) {
  const auto visitor = owner::session("9fK").value();
  CO_ASSERT_OK(co_await put(*at.ours, visitor, "a", status::connected));
  const auto left = at.join(visitor), right = at.join(user("1"));
  CO_ASSERT_TRUE(co_await eventually([&] { return left->seen.ready && right->seen.ready; }));
  CO_ASSERT_OK(co_await at.other().claim(visitor, user("1")));
  CO_ASSERT_TRUE(
      co_await eventually([&] { return left->seen.statuses.empty() && right->seen.statuses["a"] == "CONNECTED"; }));
}
TEST_P(EventBroker, ReportsAClaimToBothOwners) { with_scene(on_, claims_move); }

asio::awaitable<void> expires(scene& at) {
  const auto before = std::chrono::steady_clock::now();
  CO_ASSERT_OK(co_await put(*at.ours, user("1"), "a", status::connected));
  const auto written = std::chrono::steady_clock::now();
  const auto one = at.join(user("1"));
  CO_ASSERT_TRUE(co_await eventually([&] { return one->seen.ready; }));
  EXPECT_EQ(one->seen.statuses.size(), 1U);
  CO_ASSERT_TRUE(co_await eventually([&] { return one->seen.events["removed"] == 1; }));
  const auto told = std::chrono::steady_clock::now();
  EXPECT_GE(told - before, 990ms) << "not before it is gone; stores count in milliseconds";
  EXPECT_LT(told - written, 2s) << "told within a second";
  EXPECT_TRUE(one->seen.statuses.empty());
}
TEST_P(EventBroker, ReportsAnExpiryWithinASecond) {
  store_options options;
  options.ttl = 1s;
  with_scene(on_, expires, options);
}

asio::awaitable<void> thousand(scene& at) {
  const auto who = user("1");
  CO_ASSERT_OK(co_await put(*at.ours, who, "a", status::connected));
  std::vector<std::shared_ptr<client>> all;
  for (int i = 0; i < 1000; ++i) all.push_back(at.join(who));
  const auto slow = at.live->subscribe(who);
  EXPECT_EQ(at.live->subscriptions(), 1001U);
  EXPECT_EQ(at.live->owners(), 1U);
  CO_ASSERT_TRUE(co_await eventually([&] { return all.back()->seen.ready; }));
  EXPECT_EQ(at.live->watches(), 1001U);
  while (slow->try_next()) {
  }
  // Eight servers come and go, one after the other: more removals than are kept.
  for (int i = 0; i < 8; ++i) {
    const auto server = "s" + std::to_string(i);
    CO_ASSERT_OK(co_await put(at.other(), who, server, status::disconnected));
    for (auto& one : all) CO_ASSERT_TRUE(co_await eventually([&] { return one->seen.statuses.contains(server); }));
    CO_ASSERT_OK(co_await at.other().erase(who));
    for (auto& one : all) CO_ASSERT_TRUE(co_await eventually([&] { return one->seen.statuses.empty(); }));
  }
  std::set<const std::string*> distinct;
  for (const auto& one : all) {
    EXPECT_EQ(one->seen.fault, "");
    EXPECT_EQ(one->seen.events["resync"], 0U);
    EXPECT_EQ(one->frames, all.front()->frames) << "the same texts, not only equal ones";
    for (const auto& f : one->frames) distinct.insert(f.get());
  }
  EXPECT_EQ(distinct.size(), all.front()->frames.size());
  // The slow one has held up nobody, and begins anew.
  const auto anew = slow->try_next();
  CO_ASSERT_TRUE(anew);
  EXPECT_EQ(**anew, "event: resync\ndata: {}\n\nevent: ready\ndata: {}\n\n");
  EXPECT_THAT(at.counted.render(), ::testing::HasSubstr("mcpstate_event_resyncs_total 1"));
  EXPECT_THAT(at.counted.render(), ::testing::HasSubstr("mcpstate_event_subscribers 1001"));
}
TEST_P(EventBroker, SharesEachEventAmongAThousandReaders) {
  event_broker_options limits;
  limits.max_removals = 4;
  with_scene(on_, thousand, {}, limits);
}

asio::awaitable<void> too_slow_twice(scene& at) {
  const auto who = user("1");
  const auto quick = at.join(who);
  const auto slow = at.live->subscribe(who);
  CO_ASSERT_TRUE(co_await eventually([&] { return quick->seen.ready; }));
  CO_ASSERT_TRUE(co_await gets_one(slow));
  for (int round = 0; round < 2; ++round) {
    for (const char* server : {"a", "b", "c"}) CO_ASSERT_OK(co_await put(*at.ours, who, server, status::connected));
    CO_ASSERT_TRUE(co_await eventually([&] { return quick->seen.statuses.size() == 3; }));
    CO_ASSERT_OK(co_await at.ours->erase(who));
    CO_ASSERT_TRUE(co_await eventually([&] { return quick->seen.statuses.empty(); }));
    if (round == 0) CO_ASSERT_TRUE(slow->try_next());  // the resync, and nothing more
  }
  EXPECT_FALSE(co_await gets_one(slow));
  EXPECT_TRUE(slow->ended());
  EXPECT_THAT(at.counted.render(), ::testing::HasSubstr("mcpstate_event_subscribers_dropped_total 1"));
  CO_ASSERT_OK(co_await put(*at.ours, who, "d", status::connected));
  CO_ASSERT_TRUE(co_await eventually([&] { return quick->seen.statuses.contains("d"); }));
}
TEST_P(EventBroker, EndsAReaderThatIsTooSlowAgain) {
  event_broker_options limits;
  limits.max_removals = 2;
  with_scene(on_, too_slow_twice, {}, limits);
}

// One of two writers who do not know each other.
asio::awaitable<void> write_at_random(store& to, std::uint64_t seed, std::size_t writes) {
  std::mt19937_64 random(seed);
  constexpr std::array states{status::connected, status::disconnected, status::connecting, status::auth_required,
                              status::failed};
  for (std::size_t i = 0; i < writes; ++i) {
    const auto who = user(std::to_string(random() % 2));
    const auto server = std::string(1, static_cast<char>('a' + random() % 8));
    if (random() % 25 == 0) {
      CO_ASSERT_OK(co_await to.erase(who));
    } else {
      CO_ASSERT_OK(co_await put(to, who, server, states.at(random() % states.size())));
    }
  }
}

// Reads one frame from time to time: the rest has to wait.
asio::awaitable<void> read_slowly(std::shared_ptr<client> who, std::uint64_t seed, const bool& over) {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::mt19937_64 random(seed);
  while (!over) {
    for (auto n = random() % 3; n > 0; --n) {
      if (const auto got = who->from->try_next()) who->seen.apply(**got);
    }
    co_await aio::wait_until(aio::after(std::chrono::milliseconds(random() % 10)));
  }
  while (const auto got = who->from->try_next()) who->seen.apply(**got);
  who->ended = true;
}

asio::awaitable<void> storm(scene& at) {
  std::mt19937_64 random(test::seed());
  std::vector<std::shared_ptr<client>> all, slow;
  bool over = false;
  for (int i = 0; i < 6; ++i) all.push_back(at.join(user(std::to_string(i % 2))));
  for (int i = 0; i < 4; ++i) {
    auto one = std::make_shared<client>();
    one->from = at.live->subscribe(user(std::to_string(i % 2)));
    slow.push_back(one);
    at.readers.spawn("slow client", read_slowly(one, random(), over));
  }
  aio::task_group writers(at.context.get_executor());
  writers.spawn("writer", write_at_random(*at.ours, random(), 400));
  writers.spawn("writer", write_at_random(at.other(), random(), 400));
  while (writers.size() > 0) {  // others come and go meanwhile
    co_await aio::wait_until(aio::after(5ms));
    if (all.size() < 40) all.push_back(at.join(user(std::to_string(random() % 2))));
  }
  co_await writers.join();
  for (int id = 0; id < 2; ++id) {
    const auto who = user(std::to_string(id));
    const auto listed = co_await at.ours->list(who, tools_wanted::no);
    CO_ASSERT_OK(listed);
    const auto truth = statuses_of((*listed)->records());
    const auto judge = at.join(who);
    CO_ASSERT_TRUE(co_await eventually([&] { return judge->seen.ready && judge->seen.statuses == truth; }));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto& one = all[i];
    CO_ASSERT_TRUE(co_await eventually([&] { return one->seen.ready; }));
    EXPECT_EQ(one->seen.fault, "") << i;
  }
  over = true;
  CO_ASSERT_TRUE(
      co_await eventually([&] { return std::all_of(slow.begin(), slow.end(), [](auto& s) { return s->ended; }); }));
  for (int i = 0; i < 10; ++i) {
    auto& one = i < 6 ? all[static_cast<std::size_t>(i)] : slow[static_cast<std::size_t>(i - 6)];
    const auto listed = co_await at.ours->list(user(std::to_string(i % 2)), tools_wanted::no);
    CO_ASSERT_OK(listed);
    EXPECT_EQ(one->seen.fault, "") << i;
    EXPECT_EQ(one->seen.statuses, statuses_of((*listed)->records())) << i;
  }
}
TEST_P(EventBroker, KeepsTheOrderInAStorm) { with_scene(on_, storm); }

asio::awaitable<void> last_one_leaves(scene& at) {
  auto one = at.live->subscribe(user("1")), two = at.live->subscribe(user("1"));
  CO_ASSERT_TRUE(co_await gets_one(one));
  one.reset();
  EXPECT_EQ(at.live->owners(), 1U);
  CO_ASSERT_OK(co_await put(*at.ours, user("1"), "a", status::connected));
  CO_ASSERT_TRUE(co_await gets_one(two));
  two.reset();
  EXPECT_EQ(at.live->owners(), 0U);
  EXPECT_EQ(at.live->subscriptions(), 0U);
  CO_ASSERT_TRUE(co_await eventually([&] { return at.live->watches() == 0; }));
  // And who comes after that gets a new one.
  const auto three = at.join(user("1"));
  CO_ASSERT_TRUE(co_await eventually([&] { return three->seen.statuses.contains("a"); }));
  // One that leaves before its watch is there.
  auto four = at.live->subscribe(user("4"));
  four.reset();
  CO_ASSERT_TRUE(co_await eventually([&] { return at.live->watches() == 1; }));
}
TEST_P(EventBroker, EndsTheWatchWithItsLastReader) { with_scene(on_, last_one_leaves); }

asio::awaitable<void> closes(scene& at) {
  const auto waiting = at.join(user("1")), other = at.join(user("2"));
  CO_ASSERT_TRUE(co_await eventually([&] { return waiting->seen.ready && other->seen.ready; }));
  const auto unread = at.live->subscribe(user("3"));
  co_await at.live->close();
  CO_ASSERT_TRUE(co_await eventually([&] { return waiting->ended && other->ended; }));
  EXPECT_TRUE(unread->ended());
  EXPECT_FALSE(co_await gets_one(unread));
  const auto late = at.live->subscribe(user("1"));
  EXPECT_FALSE(co_await gets_one(late));
  EXPECT_EQ(at.live->subscriptions(), 0U);
  at.live.reset();  // before its subscribers
}
TEST_P(EventBroker, EndsWaitingReadersOnClose) { with_scene(on_, closes); }

asio::awaitable<void> store_closes(scene& at) {
  const auto waiting = at.join(user("1"));
  CO_ASSERT_TRUE(co_await eventually([&] { return waiting->seen.ready; }));
  co_await at.ours->close();
  CO_ASSERT_TRUE(co_await eventually([&] { return waiting->ended; }));
  co_await at.live->close();
  at.live.reset();
  at.ours.reset();
}
TEST_P(EventBroker, EndsWaitingReadersWhenTheStoreCloses) { with_scene(on_, store_closes); }

asio::awaitable<void> a_wait_is_given_up(scene& at) {
  const auto one = at.live->subscribe(user("1"));
  CO_ASSERT_TRUE(co_await gets_one(one));
  {
    using namespace asio::experimental::awaitable_operators;
    auto either = one->next() || aio::wait_until(aio::after(20ms));
    const auto first = co_await std::move(either);
    EXPECT_EQ(first.index(), 1U);
  }
  EXPECT_FALSE(one->ended());
  CO_ASSERT_OK(co_await put(*at.ours, user("1"), "a", status::connected));
  const auto got = co_await one->next();
  CO_ASSERT_TRUE(got);
  EXPECT_EQ(test::frames_of(**got).at(0).server, "a");
}
TEST_P(EventBroker, LosesNothingInACancelledWait) { with_scene(on_, a_wait_is_given_up); }

}  // namespace
}  // namespace mcpstate::service
