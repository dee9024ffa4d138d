// SPDX-License-Identifier: MIT
// What a write has staged is gone with the write, whoever refuses it.
#include <gtest/gtest.h>

#include <string>

#include "component/store/redis/scene.hh"
#include "support/co_test.hh"

namespace mcpstate {
namespace {

using namespace std::chrono_literals;

change with_tools(const std::string& name) {
  change out(owner::user("1").value(), server_name::parse(name).value(), status::connected);
  out.tools(tools_list::parse(R"([{"name":"search"}])").value());
  return out;
}

CO_TEST(RedisStaging, LeavesNothingWhereTheAccessListRefusesTheScript) {
  test::redis_options with_users;
  with_users.acl = {"noscripts on >pw-noscripts ~mcp:* &* +@all -eval -evalsha"};
  test::redis_server server(with_users);
  test::redis_scene at(context, server);
  store_options options;
  const std::string url = "redis://noscripts:pw-noscripts@127.0.0.1:" + std::to_string(server.port()) + "/0";
  auto opened = co_await open_store(context.get_executor(), url, options);
  CO_ASSERT_OK(opened);
  store& records = **opened;
  CO_ASSERT_FAILS(co_await records.put(with_tools("a")), errc::auth_failed);
  lease_request wanted("one", "registered", 60s);
  auto ordered = co_await records.order(with_tools("b"), std::move(wanted));
  CO_ASSERT_FAILS(ordered, errc::auth_failed);
  const std::string all = "mcp:*";
  const auto left = co_await at.asks("KEYS", all);
  CO_ASSERT_OK(left);
  EXPECT_TRUE(left->items.empty()) << left->items.front().text;
  co_await records.close();
  co_await at.foreign.close();
}

// The server does not run the script, and says why; it takes no value away by itself.
CO_TEST(RedisStaging, LeavesNothingWhereAKeyOfAWrongTypeIsInTheWay) {
  test::redis_server server;
  test::redis_scene at(context, server);
  auto opened = co_await at.open();
  CO_ASSERT_OK(opened);
  store& records = **opened;
  redis::request junk;
  junk.add("SET", "mcp:user:1:servers", "junk");
  CO_ASSERT_OK(co_await at.says(std::move(junk)));
  CO_ASSERT_FAILS(co_await records.put(with_tools("a")), errc::wrong_type);
  const std::string all = "mcp:*";
  const auto left = co_await at.asks("KEYS", all);
  CO_ASSERT_OK(left);
  EXPECT_EQ(left->items.size(), 1u);
  co_await records.close();
  co_await at.foreign.close();
}

// Should everything else fail, it expires soon after the write has.
CO_TEST(RedisStaging, ExpiresWithinTwiceTheTimeOfAnOperation) {
  test::redis_options with_users;
  with_users.acl = {"setonly on >pw-setonly ~mcp:* &* +@all -eval -evalsha -unlink"};
  test::redis_server server(with_users);
  test::redis_scene at(context, server);
  store_options options;
  options.timeout = 4s;
  const std::string url = "redis://setonly:pw-setonly@127.0.0.1:" + std::to_string(server.port()) + "/0";
  auto opened = co_await open_store(context.get_executor(), url, options);
  CO_ASSERT_OK(opened);
  store& records = **opened;
  CO_ASSERT_FAILS(co_await records.put(with_tools("a")), errc::auth_failed);
  const std::string all = "mcp:*";
  const auto left = co_await at.asks("KEYS", all);
  CO_ASSERT_OK(left);
  CO_ASSERT_EQ(left->items.size(), std::size_t{1});
  const auto time = co_await at.asks("PTTL", left->items.front().text);
  CO_ASSERT_OK(time);
  EXPECT_GT(time->integer, 0);
  EXPECT_LE(time->integer, 8000);
  co_await records.close();
  co_await at.foreign.close();
}

}  // namespace
}  // namespace mcpstate
