// SPDX-License-Identifier: MIT
// What must not happen: that a request to end is lost because a public operation changed its caller's settings.
#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/open_store.hpp>

#include "aio/event.hh"
#include "support/co_test.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

asio::awaitable<bool> throws_when_cancelled() { co_return co_await asio::this_coro::throw_if_cancelled(); }

asio::awaitable<void> keeps_the_settings(std::string url) {
  const auto executor = co_await asio::this_coro::executor;
  const store_options options;
  auto opened = co_await open_store(executor, url, options);
  CO_ASSERT_OK(opened);
  EXPECT_TRUE(co_await throws_when_cancelled()) << "open_store";
  store& records = **opened;
  const owner who = owner::user("1").value();
  const server_name name = server_name::parse("a").value();
  change up(who, name, status::connected);
  const auto written = co_await records.put(std::move(up));
  CO_ASSERT_OK(written);
  EXPECT_TRUE(co_await throws_when_cancelled()) << "put";
  const auto listed = co_await records.list(who, tools_wanted::no);
  CO_ASSERT_OK(listed);
  const std::optional<owner> watched = who;
  const auto watching = co_await records.watch(watched);
  CO_ASSERT_OK(watching);
  EXPECT_TRUE(co_await throws_when_cancelled()) << "watch";
  co_await aio::wait_until(aio::after(1ms));
  EXPECT_TRUE(co_await throws_when_cancelled()) << "wait_until";
  aio::task_group group(executor, aio::end_process);
  co_await group.stop();
  EXPECT_TRUE(co_await throws_when_cancelled()) << "task_group::stop";
  co_await records.close();
  EXPECT_TRUE(co_await throws_when_cancelled()) << "close";
  // And the other setting stays as well.
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await aio::wait_until(aio::after(1ms));
  EXPECT_FALSE(co_await throws_when_cancelled());
}

TEST(CallerSettings, StayAsTheyAreInMemory) {
  run_co_test([](asio::io_context&) { return keeps_the_settings("memory:"); });
}
TEST(CallerSettings, StayAsTheyAreOnAFile) {
  const temp_dir folder;
  const std::string url = "sqlite:" + folder.file("state.db");
  run_co_test([&url](asio::io_context&) { return keeps_the_settings(url); });
}

// Uses the store, then sleeps, for ever: as whoever follows something does.
asio::awaitable<void> follow(store& records, bool& sleeping) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    const auto listed = co_await records.list(owner::user("1").value(), tools_wanted::no);
    CO_ASSERT_OK(listed);
    co_await aio::wait_until(aio::after(1ms));
    timer.expires_after(20ms);
    sleeping = true;
    co_await timer.async_wait(aio::use_ec);
    sleeping = false;
  }
}

asio::awaitable<void> hears_between_two_waits(std::string url) {
  const auto executor = co_await asio::this_coro::executor;
  const store_options options;
  auto opened = co_await open_store(executor, url, options);
  CO_ASSERT_OK(opened);
  bool sleeping = false;
  aio::task_group group(executor, [](const std::string&, const std::string& what) { ADD_FAILURE() << what; });
  group.spawn("follow", follow(**opened, sleeping));
  const bool begun = co_await eventually([&sleeping] { return sleeping; });
  EXPECT_TRUE(begun);
  group.request_stop();
  const bool ended = co_await eventually([&group] { return group.size() == 0; }, 3s);
  EXPECT_TRUE(ended) << "the request to end was lost";
  co_await (*opened)->close();
}

TEST(CallerSettings, LetARequestBetweenTwoWaitsCountInMemory) {
  run_co_test([](asio::io_context&) { return hears_between_two_waits("memory:"); });
}
TEST(CallerSettings, LetARequestBetweenTwoWaitsCountOnAFile) {
  const temp_dir folder;
  const std::string url = "sqlite:" + folder.file("state.db");
  run_co_test([&url](asio::io_context&) { return hears_between_two_waits(url); });
}

// Closing cannot be cancelled, and a request that comes meanwhile still counts afterwards.
asio::awaitable<void> close_then_wait(store& records, bool& closed, bool& waited) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await records.close();
  closed = true;
  waited = co_await aio::wait_until(aio::after(1h));
}

asio::awaitable<void> hears_while_closing(std::string url) {
  const auto executor = co_await asio::this_coro::executor;
  const store_options options;
  auto opened = co_await open_store(executor, url, options);
  CO_ASSERT_OK(opened);
  bool closed = false, waited = true;
  aio::task_group group(executor, aio::end_process);
  group.spawn("close", close_then_wait(**opened, closed, waited));
  group.request_stop();
  co_await group.join();
  EXPECT_TRUE(closed);
  EXPECT_FALSE(waited);
}

TEST(CallerSettings, KeepARequestThatComesWhileClosing) {
  const temp_dir folder;
  const std::string url = "sqlite:" + folder.file("state.db");
  run_co_test([&url](asio::io_context&) { return hears_while_closing(url); });
}

}  // namespace
}  // namespace mcpstate::test
