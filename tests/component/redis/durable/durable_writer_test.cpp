// SPDX-License-Identifier: MIT
// Writes that are confirmed by real replicas, which are frozen and killed.
#include "redis/durable/durable_writer.hh"
#include "component/redis/link_fixture.hh"
#include "support/redis_ask.hh"
#include "support/redis_sentinel.hh"

namespace mcpstate::redis {
namespace {

using test::redis_sentinel;

test::sentinel_trio_options without_sentinels() {
  test::sentinel_trio_options out;
  out.sentinels = 0;
  return out;
}
struct DurableWriter : testing::Test {
  static std::unique_ptr<redis_sentinel> shared;
  static void SetUpTestSuite() { shared = std::make_unique<redis_sentinel>(without_sentinels()); }
  static void TearDownTestSuite() { shared.reset(); }
  redis_sentinel& servers = *shared;
};
std::unique_ptr<redis_sentinel> DurableWriter::shared;

durable_rules rules_with(std::size_t replicas) {
  durable_rules out;
  out.replicas = replicas;
  out.wait = milliseconds(300);
  return out;
}

task<durable_answer> durable_set(durable_writer& to, std::string key, std::string value, milliseconds within = seconds(10)) {
  request what;
  what.add("SET", key, value).add("GET", key);
  return to.exec(std::move(what), after(within));
}

std::unique_ptr<durable_writer> open_writer(asio::io_context& context, redis_server& server, std::size_t replicas) {
  auto out = std::make_unique<durable_writer>(context.get_executor(), make_executor(context.get_executor(), tcp_of(server)),
                                              rules_with(replicas));
  out->start();
  return out;
}

CO_TEST_F_WITHIN(DurableWriter, AnswersWithTheCopiesThatThereAre, seconds(60)) {
  const auto writer = open_writer(context, fixture.servers.server(0), 0);
  auto first = co_await durable_set(*writer, "copies", "1");
  CO_ASSERT_OK(first);
  EXPECT_TRUE(first->copies.enough());
  EXPECT_EQ(first->copies.replicas, 2u);
  EXPECT_EQ(first->copies.wanted, 2u);
  CO_ASSERT_EQ(first->replies.size(), 2u);
  EXPECT_EQ(first->replies[0].text, "OK");
  EXPECT_EQ(first->replies[1].text, "1");
  EXPECT_EQ(test::ask_server(fixture.servers.server(1), {"GET", "copies"}).text, "1");
  co_await writer->close();
}

CO_TEST_F_WITHIN(DurableWriter, IsWrittenAndNotConfirmedWhileAReplicaHangs, seconds(60)) {
  redis_sentinel& servers = fixture.servers;
  const auto writer = open_writer(context, servers.server(0), 0);
  const auto lenient = open_writer(context, servers.server(0), 1);
  auto before = co_await durable_set(*writer, "hangs", "1");
  CO_ASSERT_OK(before);
  servers.server(1).freeze();
  auto hangs = co_await durable_set(*writer, "hangs", "2");
  CO_ASSERT_OK(hangs);
  EXPECT_FALSE(hangs->copies.enough());
  EXPECT_EQ(hangs->copies.replicas, 1u);
  EXPECT_EQ(hangs->replies[1].text, "2");  // it is written
  auto one = co_await durable_set(*lenient, "hangs", "3");
  CO_ASSERT_OK(one);
  EXPECT_TRUE(one->copies.enough());
  servers.server(2).freeze();
  auto none = co_await durable_set(*lenient, "hangs", "4");
  CO_ASSERT_OK(none);
  EXPECT_FALSE(none->copies.enough());
  servers.server(1).thaw();
  servers.server(2).thaw();
  result<durable_answer> later = error(errc::bug, "not asked yet");
  const auto limit = after(seconds(20));
  do later = co_await durable_set(*writer, "hangs", "5");
  while (later && !later->copies.enough() && std::chrono::steady_clock::now() < limit);
  CO_ASSERT_OK(later);
  EXPECT_TRUE(later->copies.enough());
  co_await lenient->close();
  co_await writer->close();
}

std::int64_t wait_calls(redis_server& server) {
  const std::string stats = test::ask_server(server, {"INFO", "commandstats"}).text;
  const std::size_t found = stats.find("cmdstat_wait:calls=");
  return found == std::string::npos ? 0 : std::stoll(stats.substr(found + 19));
}

asio::awaitable<void> set_beside(durable_writer& to, int number, int& confirmed, int& ended) {
  auto got = co_await durable_set(to, "many:" + std::to_string(number), std::to_string(number));
  if (got && got->copies.enough() && got->replies[1].text == std::to_string(number)) ++confirmed;
  ++ended;
}

CO_TEST_F_WITHIN(DurableWriter, ConfirmsManyWritesAtOnce, seconds(60)) {
  redis_server& primary = fixture.servers.server(0);
  const auto writer = open_writer(context, primary, 0);
  CO_ASSERT_OK(co_await writer->ready(after(seconds(10))));
  const std::int64_t before = wait_calls(primary);
  int confirmed = 0, ended = 0;
  for (int i = 0; i < 200; ++i) {
    auto note = [](std::exception_ptr failure) { EXPECT_FALSE(failure); };
    asio::co_spawn(context, set_beside(*writer, i, confirmed, ended), std::move(note));
  }
  const bool all = co_await test::eventually([&] { return ended == 200; }, seconds(30));
  CO_ASSERT_TRUE(all);
  EXPECT_EQ(confirmed, 200);
  EXPECT_LE(wait_calls(primary) - before, 20);  // 2, when nothing is late
  co_await writer->close();
}

CO_TEST_F_WITHIN(DurableWriter, TellsWhatIsLostAndWhatWasNotSent, seconds(60)) {
  redis_server& primary = fixture.servers.server(0);
  const auto writer = open_writer(context, primary, 0);
  auto before = co_await durable_set(*writer, "lost", "1");
  CO_ASSERT_OK(before);
  primary.freeze();
  CO_ASSERT_FAILS(co_await durable_set(*writer, "lost", "2", milliseconds(300)), errc::outcome_unknown);
  primary.thaw();
  co_await writer->close();
  CO_ASSERT_FAILS(co_await durable_set(*writer, "lost", "3"), errc::stopped);
  const auto nobody = std::make_unique<redis_server>();
  const auto alone = open_writer(context, *nobody, 0);
  auto unconfirmed = co_await durable_set(*alone, "x", "1");
  CO_ASSERT_OK(unconfirmed);
  EXPECT_FALSE(unconfirmed->copies.enough());
  EXPECT_EQ(unconfirmed->copies.wanted, 1u);
  co_await alone->close();
}

}  // namespace
}  // namespace mcpstate::redis
