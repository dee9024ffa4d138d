// SPDX-License-Identifier: MIT
// Looking up names with a resolver that takes its time.
#include "aio/name_lookup.hh"

#include <algorithm>
#include <string>

#include <mcpstate/aio/task_group.hpp>

#include "support/co_test.hh"
#include "support/slow_names.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

CO_TEST(NameLookup, AnswersFromTheSystemsResolver) {
  const auto local = co_await aio::look_up("localhost");
  CO_ASSERT_OK(local);
  EXPECT_TRUE(std::all_of(local->begin(), local->end(), [](const auto& one) { return one.is_loopback(); }));
  CO_ASSERT_TRUE(!local->empty());
  for (const std::string text : {"192.0.2.7", "2001:db8::7"}) {
    const auto literal = co_await aio::look_up(text);
    CO_ASSERT_OK(literal);
    EXPECT_EQ(literal->size(), 1U);
    EXPECT_EQ(literal->front().to_string(), text);
  }
}

asio::awaitable<void> given_up(slow_names& names) {
  auto looking = aio::look_up_with(names.ask(), "slow.example");
  const auto found = co_await aio::with_deadline(std::move(looking), aio::after(50ms), "the address of slow.example");
  CO_ASSERT_FAILS(found, errc::deadline);
}

// run_co_test fails when the executor does not run dry: nothing waits for the thread, which is still busy.
TEST(NameLookup, ReturnsAtOnceWhenCancelled) {
  slow_names names;
  run_co_test([&](asio::io_context&) { return given_up(names); });
  EXPECT_EQ(names.answered(), 0);
  drain(names, 1);
}

asio::awaitable<void> look(aio::blocking_lookup how, std::string host, int& good, int& bad) {
  const auto found = co_await aio::look_up_with(how, host);
  ++(found ? good : bad);
}

TEST(NameLookup, SurvivesTheEndOfItsExecutor) {
  slow_names names;
  int good = 0;
  int bad = 0;
  {
    asio::io_context context;
    asio::co_spawn(context, look(names.ask(), "slow.example", good, bad), [](std::exception_ptr) {});
    while (names.asked() == 0) context.run_for(1ms);
  }
  drain(names, 1);
  EXPECT_EQ(good + bad, 0);
}

asio::awaitable<void> many(slow_names& names, int count) {
  aio::task_group group(co_await asio::this_coro::executor);
  int good = 0;
  int bad = 0;
  for (int i = 0; i < count; ++i) {
    const std::string host = i % 2 == 0 ? "some" : "none";
    group.spawn("look", look(names.ask(), host, good, bad));
  }
  EXPECT_TRUE(co_await eventually([&] { return names.asked() == 16; }));
  names.open();
  co_await group.join();
  EXPECT_EQ(good, count / 2);
  EXPECT_EQ(bad, count / 2);
}

TEST(NameLookup, ServesManyOnFewThreads) {
  slow_names names;
  run_co_test([&](asio::io_context&) { return many(names, 200); });
  EXPECT_EQ(names.answered(), 200);
  EXPECT_LE(names.most(), 16);
}

// Those that wait for a thread and are given up ask nobody.
asio::awaitable<void> given_up_in_line(slow_names& names) {
  aio::task_group group(co_await asio::this_coro::executor);
  int good = 0;
  int bad = 0;
  for (int i = 0; i < 50; ++i) group.spawn("look", look(names.ask(), "slow.example", good, bad));
  EXPECT_TRUE(co_await eventually([&] { return names.asked() == 16; }));
  co_await group.stop();
  EXPECT_EQ(bad, 50);
}

TEST(NameLookup, DropsCancelledLookupsFromTheQueue) {
  slow_names names;
  run_co_test([&](asio::io_context&) { return given_up_in_line(names); });
  drain(names, 16);
  EXPECT_EQ(names.asked(), 16);
}

}  // namespace
}  // namespace mcpstate::test
