// SPDX-License-Identifier: MIT
// What is said when no Sentinel leads to a primary.
#include "component/redis/sentinel/sentinel_fixture.hh"

namespace mcpstate::redis {
namespace {

CO_TEST_F(SentinelTrio, SaysThatNoSentinelKnowsTheName) {
  sentinel_config config = config_of(fixture.trio);
  config.name = "mymastre";
  sentinel_client client(context, config);
  client.to.start();
  auto ready = co_await client.to.ready(after(seconds(10)));
  CO_ASSERT_TRUE(!ready);
  EXPECT_EQ(ready.error().code(), errc::unsupported);
  EXPECT_NE(ready.error().detail().find("knows no primary named mymastre"), std::string::npos) << ready.error().detail();
  const std::string told = co_await set_key(client.to, "x", "y");
  EXPECT_EQ(told, "failed: unsupported");
  co_await client.to.close();
}

CO_TEST_F(SentinelTrio, SaysThatAServerIsNoSentinel) {
  sentinel_config config = config_of(fixture.trio);
  config.sentinels = {endpoint("127.0.0.1", fixture.trio.server(1).port())};
  sentinel_client client(context, config);
  client.to.start();
  auto ready = co_await client.to.ready(after(seconds(10)));
  CO_ASSERT_TRUE(!ready);
  EXPECT_EQ(ready.error().code(), errc::unsupported);
  EXPECT_NE(ready.error().detail().find("no Sentinel"), std::string::npos) << ready.error().detail();
  co_await client.to.close();
}

CO_TEST(SentinelExecutor, FailsAtOnceWhenNoSentinelIsThere) {
  sentinel_config config;
  config.name = "mymaster";
  config.sentinels = {endpoint("127.0.0.1", test::free_port()), endpoint("127.0.0.1", test::free_port())};
  sentinel_client client(context, config);
  client.to.start();
  CO_ASSERT_FAILS(co_await client.to.ready(after(seconds(10))), errc::connect_failed);
  const std::string told = co_await set_key(client.to, "x", "y");
  EXPECT_EQ(told, "failed: connect_failed");
  co_await client.to.close();
}

// Passwords of their own: one for the Sentinels, one for the servers.
CO_TEST_WITHIN(SentinelExecutor, LogsInAtSentinelsAndServersByTheirOwnPasswords, seconds(60)) {
  test::sentinel_trio_options options;
  options.replicas = 0;
  options.sentinels = 1;
  options.server_args = {"--requirepass", "server-secret"};
  options.sentinel_lines = {"requirepass sentinel-secret", "sentinel auth-pass mymaster server-secret"};
  redis_sentinel trio(options);
  sentinel_config config = config_of(trio);
  {
    sentinel_client client(context, config);
    client.to.start();
    auto ready = co_await client.to.ready(after(seconds(10)));
    CO_ASSERT_TRUE(!ready);
    EXPECT_EQ(ready.error().code(), errc::auth_failed);
    EXPECT_NE(ready.error().detail().find("the Sentinel 127.0.0.1"), std::string::npos) << ready.error().detail();
    co_await client.to.close();
  }
  config.sentinel_password = "sentinel-secret";
  {
    sentinel_client client(context, config);
    client.to.start();
    CO_ASSERT_FAILS(co_await client.to.ready(after(seconds(10))), errc::auth_failed);
    co_await client.to.close();
  }
  config.link.password = "server-secret";
  sentinel_client client(context, config);
  client.to.start();
  const std::string said = co_await set_key(client.to, "x", "y");
  EXPECT_EQ(said, "OK");
  co_await client.to.close();
}

}  // namespace
}  // namespace mcpstate::redis
