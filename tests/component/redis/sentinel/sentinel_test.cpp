// SPDX-License-Identifier: MIT
// Executors on the primary of a real trio of Sentinels, whose servers and Sentinels are killed, frozen and switched.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "component/redis/sentinel/sentinel_fixture.hh"

namespace mcpstate::redis {
namespace {

using steady = std::chrono::steady_clock;

asio::awaitable<void> into(std::string& out, asio::awaitable<std::string> work) { out = co_await std::move(work); }
void say_beside(asio::io_context& context, std::string& out, asio::awaitable<std::string> work) {
  auto note = [](std::exception_ptr failure) { EXPECT_FALSE(failure); };
  asio::co_spawn(context, into(out, std::move(work)), std::move(note));
}

// A writer of numbered keys, in a loop, and when each was acknowledged.
struct steady_writer {
  std::map<int, steady::time_point> acknowledged;
  int next = 0;
  bool stop = false, ended = false;
};
asio::awaitable<void> write_on(executor& to, steady_writer& writer) {
  while (!writer.stop) {
    const int number = writer.next++;
    const std::string said = co_await set_key(to, "written:" + std::to_string(number), "x");
    if (said == "OK") writer.acknowledged.emplace(number, steady::now());
    co_await aio::wait_until(after(milliseconds(1)));
  }
  writer.ended = true;
}
void write_beside(asio::io_context& context, executor& to, steady_writer& writer) {
  auto note = [](std::exception_ptr failure) { EXPECT_FALSE(failure); };
  asio::co_spawn(context, write_on(to, writer), std::move(note));
}

// Ends a failover from this server: the Sentinels would wait for some seconds until they make it a replica.
void settle_without(redis_sentinel& trio, std::size_t before) {
  trio.wait_until("every Sentinel names another", [&] {
    for (std::size_t i = 0; i < trio.sentinels(); ++i) {
      if (trio.primary_by(i) == before) return false;
    }
    return true;
  });
  trio.demote(before);
  trio.wait_settled();
}

CO_TEST_F_WITHIN(SentinelTrio, FindsThePrimaryThroughAnySentinel, seconds(60)) {
  redis_sentinel& trio = fixture.trio;
  const sentinel_config all = config_of(trio);
  for (std::size_t i = 0; i < trio.sentinels(); ++i) {
    sentinel_config config = all;
    config.sentinels = {endpoint("127.0.0.1", test::free_port()), all.sentinels[i]};
    sentinel_client client(context, config);
    client.to.start();
    CO_ASSERT_OK(co_await client.to.ready(after(seconds(10))));
    EXPECT_EQ(client.to.hello().role, "master");
    const std::string written = co_await set_key(client.to, "found", std::to_string(i));
    EXPECT_EQ(written, "OK");
    const std::string read = co_await get_key(client.to, "found");
    EXPECT_EQ(read, std::to_string(i));
    co_await client.to.close();
    const std::string late = co_await get_key(client.to, "found");
    EXPECT_EQ(late, "failed: stopped");
  }
}

// The time of day of the first switch that a Sentinel has logged behind `from`.
std::optional<std::chrono::milliseconds> switch_in_log(const std::string& log, std::size_t from) {
  const std::size_t found = log.find("+switch-master", from);
  if (found == std::string::npos) return std::nullopt;
  const std::size_t begin = log.rfind('\n', found) + 1;
  const std::size_t colon = log.find(':', log.find(' ', begin));  // behind "PID:X", of hh:mm:ss.mmm
  const int hours = std::stoi(log.substr(colon - 2, 2)), minutes = std::stoi(log.substr(colon + 1, 2));
  const int secs = std::stoi(log.substr(colon + 4, 2)), millis = std::stoi(log.substr(colon + 7, 3));
  return std::chrono::hours(hours) + std::chrono::minutes(minutes) + seconds(secs) + milliseconds(millis);
}
milliseconds time_of_day() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  const auto millis = std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()) % 1000;
  return std::chrono::hours(local.tm_hour) + std::chrono::minutes(local.tm_min) + seconds(local.tm_sec) + millis;
}
std::optional<milliseconds> first_switch(redis_sentinel& trio, const std::vector<std::size_t>& begins) {
  std::optional<milliseconds> out;
  for (std::size_t i = 0; i < trio.sentinels(); ++i) {
    const auto told = switch_in_log(trio.sentinel(i).log(), begins[i]);
    if (told && (!out || *told < *out)) out = told;
  }
  return out;
}
std::vector<std::size_t> log_ends(redis_sentinel& trio) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < trio.sentinels(); ++i) out.push_back(trio.sentinel(i).log().size());
  return out;
}

CO_TEST_F_WITHIN(SentinelTrio, FollowsAKilledPrimary, seconds(90)) {
  redis_sentinel& trio = fixture.trio;
  trio.wait_settled();
  const std::size_t before = trio.primary_by(0);
  const auto logs = log_ends(trio);
  sentinel_client client(context, config_of(trio));
  client.to.start();
  const std::string first = co_await set_key(client.to, "killed", "before");
  EXPECT_EQ(first, "OK");
  trio.server(before).kill();
  const auto killed = steady::now();
  std::string said;
  do said = co_await set_key(client.to, "killed", "after");
  while (said == "failed: outcome_unknown");
  EXPECT_EQ(said, "OK");
  const milliseconds served = time_of_day();
  const auto told = first_switch(trio, logs);
  CO_ASSERT_TRUE(told.has_value());
  const auto took = std::chrono::duration_cast<milliseconds>(steady::now() - killed);
  std::cout << "kill to first success " << took.count() << " ms, of which behind the switch " << (served - *told).count()
            << " ms\n";
  EXPECT_LE(served - *told, seconds(1));
  const std::string read = co_await get_key(client.to, "killed");
  EXPECT_EQ(read, "after");
  co_await client.to.close();
  trio.rejoin(before);  // empty
  trio.wait_settled();
  EXPECT_NE(trio.primary_by(0), before);
}

CO_TEST_F_WITHIN(SentinelTrio, TellsAWriteToAFrozenPrimaryAsUnknownAndReadsAgainElsewhere, seconds(90)) {
  redis_sentinel& trio = fixture.trio;
  trio.wait_settled();
  const std::size_t before = trio.primary_by(0);
  sentinel_client client(context, config_of(trio));
  client.to.start();
  const std::string first = co_await set_key(client.to, "frozen", "before");
  EXPECT_EQ(first, "OK");
  trio.server(before).freeze();
  std::string written, read;
  say_beside(context, written, set_key(client.to, "frozen", "lost"));
  say_beside(context, read, get_key(client.to, "frozen"));
  const bool ended = co_await test::eventually([&] { return !written.empty() && !read.empty(); }, seconds(30));
  CO_ASSERT_TRUE(ended);
  EXPECT_EQ(written, "failed: outcome_unknown");
  EXPECT_EQ(read, "before");  // by the new primary
  const std::string next = co_await set_key(client.to, "frozen", "after");
  EXPECT_EQ(next, "OK");
  trio.server(before).thaw();
  settle_without(trio, before);
  const std::string last = co_await get_key(client.to, "frozen");
  EXPECT_EQ(last, "after");
  co_await client.to.close();
}

CO_TEST_F_WITHIN(SentinelTrio, LosesNothingThatWasAcknowledgedAfterAPlannedSwitchWasTold, seconds(90)) {
  redis_sentinel& trio = fixture.trio;
  trio.wait_settled();
  const std::size_t before = trio.primary_by(0);
  sentinel_client client(context, config_of(trio));
  std::vector<steady::time_point> downs, ups;
  client.to.on_state([&](const node&, bool ready) { (ready ? ups : downs).push_back(steady::now()); });
  client.to.start();
  CO_ASSERT_OK(co_await client.to.ready(after(seconds(10))));
  steady_writer writer;
  write_beside(context, client.to, writer);
  const bool begun = co_await test::eventually([&] { return writer.acknowledged.size() > 20; });
  CO_ASSERT_TRUE(begun);
  EXPECT_EQ(trio.ask(trio.sentinel(0), {"SENTINEL", "FAILOVER", redis_sentinel::name}).text, "OK");
  const bool switched = co_await test::eventually([&] { return ups.size() == 2; }, seconds(30));
  CO_ASSERT_TRUE(switched);
  const std::size_t so_far = writer.acknowledged.size();
  const bool goes_on = co_await test::eventually([&] { return writer.acknowledged.size() > so_far + 20; }, seconds(20));
  EXPECT_TRUE(goes_on);
  writer.stop = true;
  const bool ended = co_await test::eventually([&] { return writer.ended; }, seconds(20));
  CO_ASSERT_TRUE(ended);
  settle_without(trio, before);
  EXPECT_NE(trio.primary_by(0), before);
  int lost = 0, lost_late = 0;
  for (const auto& [number, when] : writer.acknowledged) {
    const std::string read = co_await get_key(client.to, "written:" + std::to_string(number));
    if (read == "x") continue;
    ++lost;
    if (when > downs.front()) ++lost_late;
  }
  std::cout << writer.acknowledged.size() << " acknowledged, " << lost << " lost before the switch was told\n";
  EXPECT_EQ(lost_late, 0);
  co_await client.to.close();
}

CO_TEST_F_WITHIN(SentinelTrio, EndsThePushesOfTheOldPrimaryBeforeThoseOfTheNew, seconds(90)) {
  redis_sentinel& trio = fixture.trio;
  trio.wait_settled();
  const std::size_t before = trio.primary_by(0);
  const sentinel_config config = config_of(trio);
  auto watch = make_sentinel_watch(context.get_executor(), config);
  link_config tracking = config.link;
  tracking.tracking_prefixes = {"written:"};
  auto commands = make_sentinel_executor(watch, config.link);
  auto pushes = make_sentinel_executor(watch, std::move(tracking));
  std::vector<std::string> seen;  // "+address", "-address", ".address" for a push
  pushes->on_state([&](const node& of, bool ready) { seen.push_back((ready ? "+" : "-") + of.address); });
  pushes->on_push([&](const node& of, const reply&) {
    if (seen.back() != "." + of.address) seen.push_back("." + of.address);
  });
  commands->start();
  pushes->start();
  CO_ASSERT_OK(co_await pushes->ready(after(seconds(10))));
  steady_writer writer;
  write_beside(context, *commands, writer);
  const bool begun = co_await test::eventually([&] { return seen.size() >= 2; });
  CO_ASSERT_TRUE(begun);
  EXPECT_EQ(trio.ask(trio.sentinel(1), {"SENTINEL", "FAILOVER", redis_sentinel::name}).text, "OK");
  const bool followed = co_await test::eventually([&] { return seen.size() >= 5; }, seconds(30));
  EXPECT_TRUE(followed);
  writer.stop = true;
  const bool ended = co_await test::eventually([&] { return writer.ended; }, seconds(20));
  CO_ASSERT_TRUE(ended);
  co_await pushes->close();
  co_await commands->close();
  CO_ASSERT_TRUE(seen.size() >= 5);
  const std::string old_node = seen[0].substr(1), new_node = seen[3].substr(1);
  EXPECT_NE(old_node, new_node);
  const std::vector<std::string> wanted{"+" + old_node, "." + old_node, "-" + old_node, "+" + new_node, "." + new_node};
  EXPECT_EQ(std::vector<std::string>(seen.begin(), seen.begin() + 5), wanted);
  settle_without(trio, before);
}

CO_TEST_F_WITHIN(SentinelTrio, RefusesWritesThatNeedAConfirmationWhileTwoOfThreeSentinelsAreDead, seconds(90)) {
  redis_sentinel& trio = fixture.trio;
  trio.wait_settled();
  const sentinel_config config = config_of(trio);
  auto watch = make_sentinel_watch(context.get_executor(), config);
  auto lenient = make_sentinel_executor(watch, config.link);
  auto strict = make_sentinel_executor(watch, config.link, write_rule::while_confirmed);
  lenient->start();
  strict->start();
  const std::string confirmed = co_await set_key(*strict, "strict", "1");
  EXPECT_EQ(confirmed, "OK");
  trio.sentinel(0).kill();
  trio.sentinel(2).kill();
  const auto deadline = after(seconds(20));
  std::string said;
  do {
    said = co_await set_key(*strict, "strict", "2");
    co_await aio::wait_until(after(milliseconds(20)));
  } while (said == "OK" && steady::now() < deadline);
  EXPECT_EQ(said, "failed: read_only");
  const std::string always = co_await set_key(*lenient, "strict", "3");
  EXPECT_EQ(always, "OK");
  const std::string read = co_await get_key(*strict, "strict");
  EXPECT_EQ(read, "3");
  trio.sentinel(0).restart();
  trio.sentinel(2).restart();
  do {
    said = co_await set_key(*strict, "strict", "4");
    co_await aio::wait_until(after(milliseconds(20)));
  } while (said != "OK" && steady::now() < deadline);
  EXPECT_EQ(said, "OK");
  co_await strict->close();
  co_await lenient->close();
  trio.wait_settled();
}

CO_TEST_F_WITHIN(SentinelTrio, StaysWithThePrimaryWhenOnlyASentinelIsLeftThatMissedTheFailover, seconds(120)) {
  redis_sentinel& trio = fixture.trio;
  trio.wait_settled();
  const std::size_t before = trio.primary_by(0);
  trio.sentinel(0).freeze();
  EXPECT_EQ(trio.ask(trio.sentinel(1), {"SENTINEL", "FAILOVER", redis_sentinel::name}).text, "OK");
  trio.wait_until("the others switch", [&] { return trio.primary_by(1) != before && trio.primary_by(2) != before; });
  const std::size_t chosen = trio.primary_by(1);
  const sentinel_config config = config_of(trio);
  sentinel_client client(context, config);
  std::vector<std::string> states;
  client.to.on_state([&](const node& of, bool ready) { states.push_back((ready ? "+" : "-") + of.address); });
  client.to.start();
  CO_ASSERT_OK(co_await client.to.ready(after(seconds(10))));
  for (const std::size_t each : {1u, 2u}) trio.sentinel(each).kill();
  trio.sentinel(0).thaw();
  for (int i = 0; i < 100; ++i) {
    const std::string said = co_await set_key(client.to, "stale", std::to_string(i));
    EXPECT_EQ(said, "OK");
    co_await aio::wait_until(after(milliseconds(20)));
  }
  EXPECT_EQ(states, std::vector<std::string>{"+127.0.0.1:" + std::to_string(trio.server(chosen).port())});
  for (const std::size_t each : {1u, 2u}) trio.sentinel(each).restart();
  co_await client.to.close();
  settle_without(trio, before);
}

}  // namespace
}  // namespace mcpstate::redis
