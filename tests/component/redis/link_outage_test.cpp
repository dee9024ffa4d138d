// SPDX-License-Identifier: MIT
// A server that dies, freezes, loads or hangs up; and callers that give up. Every test ends with a request that succeeds
// where there is a server to answer it.
#include "component/redis/link_fixture.hh"

namespace mcpstate::redis {
namespace {

link_config hasty(const redis_server& server) {
  link_config config = tcp_of(server);
  config.connect_timeout = milliseconds(400);
  config.backoff_min = milliseconds(5);
  config.backoff_max = milliseconds(40);
  return config;
}

// The last word of most tests: it works again, for a write and a read.
asio::awaitable<bool> works_again(link& to) {
  for (const auto until = after(seconds(10)); std::chrono::steady_clock::now() < until;) {
    request both;
    both.add("SET", "again", "yes").add("GET", "again");
    auto got = co_await to.exec(std::move(both), after(seconds(5)), effect::write);
    if (got) co_return got->at(1).text == "yes";
    co_await aio::wait_until(after(milliseconds(5)));
  }
  co_return false;
}

CO_TEST(LinkOutage, FailsSentRequestsWhenTheServerDiesAndRecovers) {
  redis_server server;
  observed_link one(context, hasty(server));
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  server.freeze();
  auto write = ask_beside(context, one.to, of("SET", "k", "v"), after(seconds(5)), effect::write);
  auto read = ask_beside(context, one.to, of("GET", "k"), after(seconds(5)), effect::read);
  co_await turn(context);
  EXPECT_EQ(one.to.pending(), 2u);
  server.kill();
  CO_ASSERT_TRUE(co_await eventually([&] { return write->ended && read->ended; }));
  CO_ASSERT_FAILS(write->got, errc::outcome_unknown);
  CO_ASSERT_FAILS(read->got, errc::connection_lost);
  EXPECT_EQ(one.states, (std::vector<bool>{true, false}));
  // Once an attempt has failed, callers are told at once.
  CO_ASSERT_TRUE(co_await eventually([&] { return !one.to.connected(); }));
  auto told = co_await one.to.ready(after(seconds(5)));
  CO_ASSERT_FAILS(told, errc::connect_failed);
  const auto asked = std::chrono::steady_clock::now();
  auto refused_ask = of("SET", "k", "v");
  auto refused = co_await one.to.exec(std::move(refused_ask), after(seconds(5)), effect::write);
  CO_ASSERT_FAILS(refused, errc::connect_failed);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, seconds(1));
  EXPECT_EQ(one.to.pending(), 0u);
  server.restart();
  EXPECT_TRUE(co_await works_again(one.to));
  EXPECT_EQ(one.states, (std::vector<bool>{true, false, true}));
  co_await one.to.close();
}

CO_TEST(LinkOutage, ReportsWhyTheFirstAttemptFailedAndGoesOn) {
  redis_server server;
  server.kill();
  observed_link one(context, hasty(server));
  auto held = ask_beside(context, one.to, of("SET", "k", "v"), after(seconds(5)), effect::write);
  auto told = co_await one.to.ready(after(seconds(5)));
  CO_ASSERT_FAILS(told, errc::connect_failed);
  EXPECT_NE(told.error().detail().find(one.to.address()), std::string::npos) << told.error().detail();
  CO_ASSERT_TRUE(co_await eventually([&] { return held->ended; }));
  CO_ASSERT_FAILS(held->got, errc::connect_failed);
  server.restart();
  EXPECT_TRUE(co_await works_again(one.to));
  co_await one.to.close();
}

CO_TEST(LinkOutage, HoldsRequestsRightAfterALoss) {
  redis_server server;
  observed_link one(context, hasty(server));
  observed_link other(context, hasty(server));
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  CO_ASSERT_OK(co_await other.to.ready(after(seconds(5))));
  auto hang_up = of("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  CO_ASSERT_OK(co_await other.to.exec(std::move(hang_up), after(seconds(5)), effect::write));
  CO_ASSERT_TRUE(co_await eventually([&] { return one.states.size() >= 2; }));
  // Right after a loss a request waits for the new connection instead of failing.
  auto set = of("SET", "k", "v");
  CO_ASSERT_OK(co_await one.to.exec(std::move(set), after(seconds(5)), effect::write));
  EXPECT_EQ(one.states, (std::vector<bool>{true, false, true}));
  EXPECT_TRUE(co_await works_again(one.to));
  co_await one.to.close();
  co_await other.to.close();
}

CO_TEST(LinkOutage, DropsAFrozenServerAndRecovers) {
  redis_server server;
  observed_link one(context, hasty(server));
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  server.freeze();
  const auto asked = std::chrono::steady_clock::now();
  auto write = ask_beside(context, one.to, of("SET", "k", "v"), after(milliseconds(150)), effect::write);
  auto read = ask_beside(context, one.to, of("GET", "k"), after(milliseconds(150)), effect::read);
  CO_ASSERT_TRUE(co_await eventually([&] { return write->ended && read->ended; }));
  const auto took = std::chrono::steady_clock::now() - asked;
  EXPECT_GE(took, milliseconds(150));
  EXPECT_LT(took, milliseconds(1500));
  CO_ASSERT_FAILS(write->got, errc::outcome_unknown);
  CO_ASSERT_FAILS(read->got, errc::deadline);
  CO_ASSERT_TRUE(co_await eventually([&] { return one.states.size() == 2; }));  // silent for too long: given up
  auto told = co_await one.to.ready(after(seconds(5)));
  CO_ASSERT_FAILS(told, errc::deadline);
  server.thaw();
  EXPECT_TRUE(co_await works_again(one.to));
  co_await one.to.close();
}

CO_TEST(LinkOutage, DropsALateReply) {
  redis_server server;
  link_config config = hasty(server);
  config.connect_timeout = seconds(10);
  observed_link one(context, config);
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  server.freeze();
  auto late = ask_beside(context, one.to, of("INCR", "n"), after(milliseconds(50)), effect::write);
  auto later = ask_beside(context, one.to, of("INCR", "n"), after(seconds(9)), effect::write);
  CO_ASSERT_TRUE(co_await eventually([&] { return late->ended; }));
  CO_ASSERT_FAILS(late->got, errc::outcome_unknown);
  EXPECT_FALSE(later->ended);
  server.thaw();
  CO_ASSERT_TRUE(co_await eventually([&] { return later->ended; }));
  CO_ASSERT_OK(later->got);
  EXPECT_EQ(later->got->at(0).integer, 2) << "the late reply went to nobody, and not to the next request";
  EXPECT_EQ(one.states, std::vector<bool>(1, true)) << "the connection was good";
  EXPECT_TRUE(co_await works_again(one.to));
  co_await one.to.close();
}

CO_TEST(LinkOutage, DoesNotSendOverdueRequests) {
  redis_server server;
  observed_link one(context, hasty(server));
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  auto write = of("SET", "k", "v");
  auto late = co_await one.to.exec(std::move(write), after(milliseconds(-1)), effect::write);
  CO_ASSERT_FAILS(late, errc::deadline);
  auto read = of("EXISTS", "k");
  auto got = co_await one.to.exec(std::move(read), after(seconds(5)), effect::read);
  CO_ASSERT_OK(got);
  EXPECT_EQ(got->at(0).integer, 0) << "it was not sent";
  co_await one.to.close();
}

CO_TEST(LinkOutage, NoticesAFrozenIdleServerByPing) {
  redis_server server;
  link_config config = hasty(server);
  config.ping_after = milliseconds(30);
  observed_link one(context, config);
  observed_link counts(context, hasty(server));
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  CO_ASSERT_OK(co_await counts.to.ready(after(seconds(5))));
  std::string stats;
  for (const auto until = after(seconds(10)); std::chrono::steady_clock::now() < until;) {
    auto ask_stats = of("INFO", "commandstats");
    auto got = co_await counts.to.exec(std::move(ask_stats), after(seconds(5)), effect::read);
    CO_ASSERT_OK(got);
    stats = got->at(0).text;
    const auto at = stats.find("cmdstat_hello:calls=");
    if (at != std::string::npos && std::stoi(stats.substr(at + 20)) >= 6) break;
  }
  EXPECT_NE(stats.find("cmdstat_hello:calls="), std::string::npos);
  EXPECT_EQ(one.states, std::vector<bool>(1, true)) << "an idle server that answers is kept";
  server.freeze();
  CO_ASSERT_TRUE(co_await eventually([&] { return one.states.size() == 2; }));
  EXPECT_EQ(counts.states, std::vector<bool>(1, true)) << "who asks for nothing and pings later has not noticed";
  server.thaw();
  EXPECT_TRUE(co_await works_again(one.to));
  co_await one.to.close();
  co_await counts.to.close();
}

CO_TEST(LinkOutage, RefusesRequestsOverItsLimits) {
  redis_server server;
  link_config config = hasty(server);
  config.max_pending_commands = 10;
  config.max_pending_bytes = 1000;
  config.connect_timeout = seconds(10);
  observed_link one(context, config);
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  auto too_long = of("SET", "k", std::string(1000, 'x'));
  auto refused = co_await one.to.exec(std::move(too_long), after(seconds(5)), effect::write);
  CO_ASSERT_FAILS(refused, errc::queue_full);
  server.freeze();
  std::vector<std::shared_ptr<outcome>> all;
  for (int i = 0; i < 12; ++i) all.push_back(ask_beside(context, one.to, of("PING"), after(seconds(9)), effect::read));
  CO_ASSERT_TRUE(co_await eventually([&] { return all[10]->ended && all[11]->ended; }));
  CO_ASSERT_FAILS(all[10]->got, errc::queue_full);
  CO_ASSERT_FAILS(all[11]->got, errc::queue_full);
  EXPECT_EQ(one.to.pending(), 10u);
  server.thaw();
  CO_ASSERT_TRUE(co_await eventually([&] { return all[9]->ended; }));
  for (std::size_t i = 0; i < 10; ++i) CO_ASSERT_OK(all[i]->got);
  EXPECT_TRUE(co_await works_again(one.to));
  co_await one.to.close();
}

CO_TEST(LinkCancellation, WithdrawsAWaitingRequest) {
  redis_server server;
  server.freeze();
  link_config config = hasty(server);
  config.connect_timeout = seconds(10);
  observed_link one(context, config);
  asio::cancellation_signal give_up;
  auto unsent = ask_beside(context, one.to, of("INCR", "n"), after(seconds(9)), effect::write, give_up.slot());
  auto stays = ask_beside(context, one.to, of("INCR", "n"), after(seconds(9)), effect::write);
  co_await turn(context);
  EXPECT_EQ(one.to.pending(), 2u);
  give_up.emit(asio::cancellation_type::terminal);
  give_up.emit(asio::cancellation_type::terminal);
  CO_ASSERT_TRUE(co_await eventually([&] { return unsent->ended; }));
  CO_ASSERT_FAILS(unsent->got, errc::stopped);
  EXPECT_EQ(one.to.pending(), 1u);
  server.thaw();
  CO_ASSERT_TRUE(co_await eventually([&] { return stays->ended; }));
  CO_ASSERT_OK(stays->got);
  EXPECT_EQ(stays->got->at(0).integer, 1) << "what was withdrawn never went out";
  EXPECT_TRUE(co_await works_again(one.to));
  co_await one.to.close();
}

CO_TEST(LinkCancellation, DropsRepliesToASentRequest) {
  redis_server server;
  link_config config = hasty(server);
  config.connect_timeout = seconds(10);
  observed_link one(context, config);
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  server.freeze();
  asio::cancellation_signal first, second;
  auto write = ask_beside(context, one.to, of("INCR", "n"), after(seconds(9)), effect::write, first.slot());
  auto read = ask_beside(context, one.to, of("GET", "n"), after(seconds(9)), effect::read, second.slot());
  auto stays = ask_beside(context, one.to, of("INCR", "n"), after(seconds(9)), effect::write);
  co_await turn(context);
  first.emit(asio::cancellation_type::terminal);
  second.emit(asio::cancellation_type::terminal);
  CO_ASSERT_TRUE(co_await eventually([&] { return write->ended && read->ended; }));
  CO_ASSERT_FAILS(write->got, errc::outcome_unknown);
  CO_ASSERT_FAILS(read->got, errc::stopped);
  EXPECT_EQ(one.to.pending(), 3u) << "their replies are still owed";
  server.thaw();
  CO_ASSERT_TRUE(co_await eventually([&] { return stays->ended; }));
  CO_ASSERT_OK(stays->got);
  EXPECT_EQ(stays->got->at(0).integer, 2) << "its own reply, though two before it went to nobody";
  EXPECT_TRUE(co_await works_again(one.to));
  co_await one.to.close();
}

CO_TEST(LinkClose, EndsRequestsUnderWay) {
  redis_server server;
  observed_link one(context, hasty(server));
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  server.freeze();
  auto write = ask_beside(context, one.to, of("SET", "k", "v"), after(seconds(9)), effect::write);
  auto read = ask_beside(context, one.to, of("GET", "k"), after(seconds(9)), effect::read);
  co_await turn(context);
  auto unsent = ask_beside(context, one.to, of("SET", "k", "w"), after(seconds(9)), effect::write);
  co_await asio::post(context, asio::use_awaitable);
  const auto asked = std::chrono::steady_clock::now();
  co_await one.to.close();
  EXPECT_LT(std::chrono::steady_clock::now() - asked, milliseconds(300));
  CO_ASSERT_TRUE(co_await eventually([&] { return write->ended && read->ended && unsent->ended; }));
  CO_ASSERT_FAILS(write->got, errc::outcome_unknown);
  CO_ASSERT_FAILS(read->got, errc::stopped);
  EXPECT_FALSE(unsent->got);
  EXPECT_EQ(one.to.pending(), 0u);
  co_await one.to.close();
}

CO_TEST(LinkClose, EndsAnAttemptAndAPause) {
  redis_server server;
  server.freeze();
  link_config config = hasty(server);
  config.connect_timeout = seconds(15);
  observed_link shaking(context, config);  // the kernel accepts; the server says nothing
  auto held = ask_beside(context, shaking.to, of("SET", "k", "v"), after(seconds(9)), effect::write);
  co_await turn(context);
  observed_link connecting(context, config);
  co_await connecting.to.close();
  co_await shaking.to.close();
  CO_ASSERT_TRUE(co_await eventually([&] { return held->ended; }));
  CO_ASSERT_FAILS(held->got, errc::stopped);

  server.kill();
  config.backoff_min = config.backoff_max = seconds(3600);
  observed_link waiting(context, config);
  CO_ASSERT_FAILS(co_await waiting.to.ready(after(seconds(5))), errc::connect_failed);
  co_await waiting.to.close();

  const auto owned = make_link(context.get_executor(), config);
  link& never_started = *owned;
  co_await never_started.close();
}

CO_TEST(LinkOutage, WaitsForAServerThatIsLoading) {
  redis_server server;
  {
    observed_link one(context, hasty(server));
    request fill;
    for (int i = 0; i < 300; ++i) fill.add("SET", "k" + std::to_string(i), std::string(2000, 'x'));
    fill.add("SAVE");
    CO_ASSERT_OK(co_await one.to.exec(std::move(fill), after(seconds(9)), effect::write));
    co_await one.to.close();
  }
  server.kill();
  // Long enough to be seen, and with a look at its clients after every kilobyte.
  server.args() = {"--key-load-delay", "5000", "--loading-process-events-interval-bytes", "1024"};
  server.restart();
  observed_link one(context, hasty(server));
  auto told = co_await one.to.ready(after(seconds(5)));
  CO_ASSERT_FAILS(told, errc::loading);
  auto early = of("GET", "k7");
  auto refused = co_await one.to.exec(std::move(early), after(seconds(5)), effect::read);
  CO_ASSERT_FAILS(refused, errc::loading);
  CO_ASSERT_TRUE(co_await eventually([&] { return one.to.connected(); }));
  auto get = of("GET", "k7");
  auto got = co_await one.to.exec(std::move(get), after(seconds(5)), effect::read);
  CO_ASSERT_OK(got);
  EXPECT_EQ(got->at(0).text.size(), 2000u);
  co_await one.to.close();
}

}  // namespace
}  // namespace mcpstate::redis
