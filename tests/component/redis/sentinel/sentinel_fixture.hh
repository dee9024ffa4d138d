// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <string>

#include "component/redis/link_fixture.hh"
#include "redis/sentinel/sentinel_executor.hh"
#include "support/redis_sentinel.hh"

namespace mcpstate::redis {

using test::redis_sentinel;

// One trio for all tests, each of which leaves it able to fail over again.
struct SentinelTrio : testing::Test {
  static inline std::unique_ptr<redis_sentinel> shared;
  static void SetUpTestSuite() { shared = std::make_unique<redis_sentinel>(); }
  static void TearDownTestSuite() { shared.reset(); }
  redis_sentinel& trio = *shared;
};
inline sentinel_config config_of(redis_sentinel& trio) {
  sentinel_config out;
  out.name = redis_sentinel::name;
  for (std::size_t i = 0; i < trio.sentinels(); ++i) out.sentinels.emplace_back("127.0.0.1", trio.sentinel(i).port());
  return out;
}

struct sentinel_client {
  explicit sentinel_client(asio::io_context& context, const sentinel_config& config, write_rule rule = write_rule::always)
      : owned(make_sentinel_executor(make_sentinel_watch(context.get_executor(), config), config.link, rule)), to(*owned) {}
  std::shared_ptr<executor> owned;
  executor& to;
};

inline asio::awaitable<std::string> say(executor& to, request what, effect kind, milliseconds within) {
  auto got = co_await to.exec(route::to_any(), std::move(what), after(within), kind);
  if (!got) co_return "failed: " + std::string(name_of(got.error().code()));
  co_return got->front().is_error() ? "error: " + got->front().text : got->front().text;
}
inline asio::awaitable<std::string> set_key(executor& to, std::string key, std::string value,
                                            milliseconds within = seconds(15)) {
  request what;
  what.add("SET", key, value);
  return say(to, std::move(what), effect::write, within);
}
inline asio::awaitable<std::string> get_key(executor& to, std::string key, milliseconds within = seconds(15)) {
  request what;
  what.add("GET", key);
  return say(to, std::move(what), effect::read, within);
}

}  // namespace mcpstate::redis
