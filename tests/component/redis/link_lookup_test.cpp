// SPDX-License-Identifier: MIT
// A link to a host whose name server stays silent.
#include "component/redis/link_fixture.hh"
#include "support/slow_names.hh"

namespace mcpstate::redis {
namespace {

std::shared_ptr<link> link_with(asio::io_context& context, test::slow_names& names, milliseconds connect_timeout) {
  link_config config;
  config.host = "cache.example.org";
  config.connect_timeout = connect_timeout;
  config.backoff_min = config.backoff_max = std::chrono::hours(1);
  auto look_up = [ask = names.ask()](std::string host) { return aio::look_up_with(ask, std::move(host)); };
  return make_link(context.get_executor(), config, std::move(look_up));
}

asio::awaitable<void> meets_its_deadline(asio::io_context& context, test::slow_names& names) {
  const auto one = link_with(context, names, milliseconds(200));
  const auto begun = std::chrono::steady_clock::now();
  one->start();
  auto told = co_await one->ready(after(seconds(10)));
  CO_ASSERT_FAILS(told, errc::deadline);
  EXPECT_NE(told.error().detail().find("cache.example.org:6379"), std::string::npos) << told.error().detail();
  co_await one->close();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(2));
}

// run_co_test fails when the executor does not run dry: nothing waits for the look-up, which is still under way.
TEST(LinkLookup, EndsAtItsDeadlineWhenTheNameServerIsSilent) {
  test::slow_names names;
  run_co_test([&](asio::io_context& context) { return meets_its_deadline(context, names); });
  EXPECT_EQ(names.asked(), 1);
  EXPECT_EQ(names.answered(), 0);
  test::drain(names, 1);
}

asio::awaitable<void> closes(asio::io_context& context, test::slow_names& names) {
  const auto one = link_with(context, names, seconds(30));
  one->start();
  CO_ASSERT_TRUE(co_await eventually([&] { return names.asked() == 1; }));
  const auto begun = std::chrono::steady_clock::now();
  co_await one->close();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(2));
}

TEST(LinkLookup, ClosesDuringALookup) {
  test::slow_names names;
  run_co_test([&](asio::io_context& context) { return closes(context, names); });
  EXPECT_EQ(names.answered(), 0);
  test::drain(names, 1);
}

}  // namespace
}  // namespace mcpstate::redis
