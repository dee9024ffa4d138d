// SPDX-License-Identifier: MIT
// A link and a server that both behave.
#include "component/redis/link_fixture.hh"
#include "support/turns/outside_turns.hh"

namespace mcpstate::redis {
namespace {

class Link : public testing::Test {
 public:
  static void SetUpTestSuite() {
    redis_options options;
    options.acl = {"alice on >wonder ~* &* +@all", "mute on >quiet ~* &* +@all -ping -client|setname"};
    server_ = new redis_server(options);
  }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }
  static redis_server& server() { return *server_; }
  static void run(asio::awaitable<void> (*body)(asio::io_context&, link_config), link_config config) {
    run_co_test([body, config](asio::io_context& context) { return body(context, config); });
  }

 private:
  static inline redis_server* server_ = nullptr;
};

asio::awaitable<void> sets_and_gets(asio::io_context& context, link_config config) {
  observed_link one(context, config);
  auto hello = co_await one.to.ready(after(seconds(5)));
  CO_ASSERT_OK(hello);
  EXPECT_EQ(hello->server, "redis");
  EXPECT_EQ(hello->mode, "standalone");
  EXPECT_EQ(hello->role, "master");
  EXPECT_TRUE(one.to.connected());
  EXPECT_EQ(one.states, std::vector<bool>(1, true));
  const std::string value("a\r\nb\0c", 6);
  request four;
  four.add("SET", "k", value).add("GET", "k").add("GET", "none").add("LPUSH", "k", "x");
  auto got = co_await one.to.exec(std::move(four), after(seconds(5)), effect::write);
  CO_ASSERT_OK(got);
  CO_ASSERT_EQ(got->size(), 4u);
  EXPECT_EQ((*got)[0].text, "OK");
  EXPECT_EQ((*got)[1].text, value);
  EXPECT_TRUE((*got)[2].is_null());
  EXPECT_EQ(to_error((*got)[3], "push").code(), errc::wrong_type);
  auto nothing = co_await one.to.exec(request(), after(seconds(5)), effect::read);
  CO_ASSERT_OK(nothing);
  EXPECT_TRUE(nothing->empty());
  EXPECT_EQ(one.to.pending(), 0u);
  co_await one.to.close();
  EXPECT_FALSE(one.to.connected());
  auto late_ask = of("PING");
  auto late = co_await one.to.exec(std::move(late_ask), after(seconds(5)), effect::read);
  CO_ASSERT_FAILS(late, errc::stopped);
}

TEST_F(Link, SpeaksOverTcp) { run(sets_and_gets, tcp_of(server())); }

TEST_F(Link, FindsAHostByName) {
  link_config config = tcp_of(server());
  config.host = "localhost";
  run(sets_and_gets, config);
}

TEST_F(Link, SpeaksOverAUnixSocket) {
  link_config config;
  config.unix_path = server().socket_path();
  run(sets_and_gets, config);
}

TEST_F(Link, LogsInAsAUser) {
  link_config config = tcp_of(server());
  config.user = "alice";
  config.password = "wonder";
  run(sets_and_gets, config);
}

TEST_F(Link, WorksWithoutPingAndSetname) {
  link_config config = tcp_of(server());
  config.user = "mute";
  config.password = "quiet";
  run(sets_and_gets, config);
}

asio::awaitable<void> is_refused_its_login(asio::io_context& context, link_config config) {
  observed_link one(context, config);
  auto hello = co_await one.to.ready(after(seconds(5)));
  CO_ASSERT_FAILS(hello, errc::auth_failed);
  EXPECT_EQ(hello.error().full_text().find("guess"), std::string::npos);
  auto asked = of("PING");
  auto got = co_await one.to.exec(std::move(asked), after(seconds(5)), effect::write);
  CO_ASSERT_FAILS(got, errc::auth_failed);
  EXPECT_TRUE(one.states.empty());
  co_await one.to.close();
}

TEST_F(Link, ReportsAWrongPassword) {
  link_config config = tcp_of(server());
  config.user = "alice";
  config.password = "guess";
  run(is_refused_its_login, config);
}

TEST(LinkPassword, BelongsToTheDefaultUserWithoutAUserName) {
  redis_options options;
  options.args = {"--requirepass", "open sesame"};
  const redis_server server(options);
  link_config config = tcp_of(server);
  config.password = "open sesame";
  run_co_test([&](asio::io_context& context) { return sets_and_gets(context, config); });
  config.password = "guess";
  run_co_test([&](asio::io_context& context) { return is_refused_its_login(context, config); });
  config.password.clear();
  run_co_test([&](asio::io_context& context) { return is_refused_its_login(context, config); });
}

CO_TEST_F(Link, SelectsItsDatabase) {
  link_config config = tcp_of(fixture.server());
  observed_link zero(context, config);
  config.database = 3;
  observed_link three(context, config);
  config.database = 99;
  observed_link none(context, config);
  auto set = of("SET", "only in three", "x");
  auto get_there = of("EXISTS", "only in three");
  auto get_here = get_there;
  CO_ASSERT_OK(co_await three.to.exec(std::move(set), after(seconds(5)), effect::write));
  auto there = co_await three.to.exec(std::move(get_there), after(seconds(5)), effect::read);
  auto here = co_await zero.to.exec(std::move(get_here), after(seconds(5)), effect::read);
  CO_ASSERT_OK(there);
  CO_ASSERT_OK(here);
  EXPECT_EQ(there->at(0).integer, 1);
  EXPECT_EQ(here->at(0).integer, 0);
  auto refused = co_await none.to.ready(after(seconds(5)));
  CO_ASSERT_FAILS(refused, errc::server_error);
  EXPECT_NE(refused.error().detail().find("database 99"), std::string::npos);
  co_await zero.to.close();
  co_await three.to.close();
  co_await none.to.close();
}

CO_TEST_F(Link, AnswersTenThousandRequestsInOrder) {
  link_config config = tcp_of(fixture.server());
  observed_link one(context, config);
  std::vector<std::shared_ptr<outcome>> all;
  for (int i = 0; i < 10'000; ++i) {
    const test::outside_turns asking;
    request echo;
    for (int j = 0; j <= i % 3; ++j) echo.add("ECHO", std::to_string(i) + "/" + std::to_string(j));
    all.push_back(ask_beside(context, one.to, std::move(echo), after(seconds(15)), effect::read));
  }
  CO_ASSERT_TRUE(co_await eventually([&] { return all.back()->ended; }));
  for (int i = 0; i < 10'000; ++i) {
    const test::outside_turns comparing;
    const auto& got = all[static_cast<std::size_t>(i)]->got;
    CO_ASSERT_OK(got);
    CO_ASSERT_EQ(got->size(), static_cast<std::size_t>(i % 3 + 1));
    for (int j = 0; j <= i % 3; ++j) {
      CO_ASSERT_EQ((*got)[static_cast<std::size_t>(j)].text, std::to_string(i) + "/" + std::to_string(j));
    }
  }
  co_await one.to.close();
}

asio::awaitable<std::int64_t> reads_of_server(link& to) {
  auto ask_stats = of("INFO", "stats");
  auto got = co_await to.exec(std::move(ask_stats), after(seconds(5)), effect::read);
  const std::string field = "total_reads_processed:";
  const std::string& text = got.value().at(0).text;
  co_return std::stoll(text.substr(text.find(field) + field.size()));
}

CO_TEST_F(Link, WritesTheRequestsOfOneTurnTogether) {
  link_config config = tcp_of(fixture.server());
  observed_link one(context, config);
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  const auto before = co_await reads_of_server(one.to);
  std::vector<std::shared_ptr<outcome>> all;
  for (int i = 0; i < 300; ++i) {
    all.push_back(ask_beside(context, one.to, of("PING"), after(seconds(5)), effect::read));
  }
  CO_ASSERT_TRUE(co_await eventually([&] { return all.back()->ended; }));
  const auto reads = co_await reads_of_server(one.to) - before;
  EXPECT_LE(reads, 1 + 1) << "300 requests of one turn, and INFO";
  co_await one.to.close();
}

CO_TEST_F(Link, DeliversPushesAndRepliesInTheirOrder) {
  link_config config = tcp_of(fixture.server());
  config.tracking_prefixes = {"mcp:a:", "mcp:b:"};
  const auto owned = make_link(context.get_executor(), config);
  link& one = *owned;
  std::vector<std::string> log, expected;
  one.on_push([&](const node& from, const reply& push) {
    EXPECT_EQ(from.address, one.address());
    ASSERT_EQ(push.items.size(), 2u);
    EXPECT_EQ(push.items[0].text, "invalidate");
    for (const reply& key : push.items[1].items) log.push_back("push " + key.text);
  });
  one.start();
  CO_ASSERT_OK(co_await one.ready(after(seconds(5))));
  for (int i = 0; i < 200; ++i) {
    const std::string key = std::string(i % 3 == 0 ? "mcp:a:" : i % 3 == 1 ? "mcp:b:" : "other:") + std::to_string(i);
    auto set = of("SET", key, "x");
    CO_ASSERT_OK(co_await one.exec(std::move(set), after(seconds(5)), effect::write));
    log.push_back("done " + key);
    expected.push_back("done " + key);
    // The server says so after its reply and before it reads the next command.
    if (i % 3 != 2) expected.push_back("push " + key);
  }
  CO_ASSERT_TRUE(co_await eventually([&] { return log.size() == expected.size(); }));
  EXPECT_EQ(log, expected);
  co_await one.close();
}

CO_TEST_F(Link, MovesLargeValuesAndRefusesTooLargeOnes) {
  link_config config = tcp_of(fixture.server());
  config.max_reply_bytes = 20u * 1024 * 1024;
  observed_link one(context, config);
  std::string large(16u * 1024 * 1024, '\0');
  {
    const test::outside_turns own;
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 7 % 253);
  }
  auto set = of("SET", "large", large);
  CO_ASSERT_OK(co_await one.to.exec(std::move(set), after(seconds(10)), effect::write));
  auto get = of("GET", "large");
  auto got = co_await one.to.exec(std::move(get), after(seconds(10)), effect::read);
  CO_ASSERT_OK(got);
  EXPECT_TRUE(got->at(0).text == large);
  auto grow = of("APPEND", "large", large);
  CO_ASSERT_OK(co_await one.to.exec(std::move(grow), after(seconds(10)), effect::write));
  auto too_large = of("GET", "large");
  auto refused = co_await one.to.exec(std::move(too_large), after(seconds(10)), effect::read);
  CO_ASSERT_FAILS(refused, errc::connection_lost);
  EXPECT_NE(refused.error().detail().find("more than 20971520 bytes"), std::string::npos) << refused.error().detail();
  auto drop = of("DEL", "large");
  CO_ASSERT_OK(co_await one.to.exec(std::move(drop), after(seconds(10)), effect::write));
  EXPECT_EQ(one.states, (std::vector<bool>{true, false, true})) << "and it recovers";
  co_await one.to.close();
}

CO_TEST_F(Link, HoldsRequestsUntilItIsReady) {
  link_config config = tcp_of(fixture.server());
  const auto owned = make_link(context.get_executor(), config);
  link& one = *owned;
  auto early = co_await one.ready(after(milliseconds(20)));
  CO_ASSERT_FAILS(early, errc::deadline);
  auto beside = ask_beside(context, one, of("PING"), after(seconds(5)), effect::read);
  co_await turn(context);
  EXPECT_EQ(one.pending(), 1u);
  one.start();
  CO_ASSERT_OK(co_await one.ready(after(seconds(5))));
  CO_ASSERT_OK(co_await one.ready(after(seconds(5))));
  CO_ASSERT_TRUE(co_await eventually([&] { return beside->ended; }));
  CO_ASSERT_OK(beside->got);
  co_await one.close();
  auto late = co_await one.ready(after(seconds(5)));
  CO_ASSERT_FAILS(late, errc::stopped);
}

TEST(LinkAddress, IsShownAsPeopleWriteIt) {
  asio::io_context context;
  link_config config;
  EXPECT_EQ(make_link(context.get_executor(), config)->address(), "localhost:6379");
  config.host = "::1";
  config.port = 7;
  EXPECT_EQ(make_link(context.get_executor(), config)->address(), "[::1]:7");
  config.unix_path = "/run/redis.sock";
  EXPECT_EQ(make_link(context.get_executor(), config)->address(), "unix:/run/redis.sock");
}

}  // namespace
}  // namespace mcpstate::redis
