// SPDX-License-Identifier: MIT
// A store on the primary that real Sentinels name: a failover under a watch, and changes that replicas confirm.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include <mcpstate/change.hpp>
#include <mcpstate/open_store.hpp>
#include <mcpstate/store.hpp>

#include "support/co_test.hh"
#include "support/redis_sentinel.hh"

namespace mcpstate {
namespace {

using namespace std::chrono_literals;
using test::redis_sentinel;

struct SentinelStore : testing::Test {
  static inline std::unique_ptr<redis_sentinel> shared;
  static void SetUpTestSuite() { shared = std::make_unique<redis_sentinel>(); }
  static void TearDownTestSuite() { shared.reset(); }
  redis_sentinel& trio = *shared;
};

std::string sentinel_url(redis_sentinel& trio) {
  std::string out = "redis-sentinel://";
  for (std::size_t i = 0; i < trio.sentinels(); ++i) {
    out += (i == 0 ? "127.0.0.1:" : ",127.0.0.1:") + std::to_string(trio.sentinel(i).port());
  }
  return out + "/0#" + redis_sentinel::name;
}

store_options patient(std::optional<unsigned> durable = std::nullopt) {
  store_options out;
  out.timeout = 15s;
  out.durable = durable;
  return out;
}

asio::awaitable<result<connection>> write_status(store& to, std::string id, status state) {
  change wanted(owner::user(id).value(), server_name::parse("github").value(), state);
  co_return co_await to.put(std::move(wanted));
}

// The status of the latest event of a record within some seconds.
asio::awaitable<bool> sees(watcher& of, status wanted) {
  const auto until = aio::after(20s);
  while (std::chrono::steady_clock::now() < until) {
    while (auto next = of.try_next()) {
      if (*next && (*next)->record && (*next)->record->state == wanted) co_return true;
    }
    co_await aio::wait_until(aio::after(5ms));
  }
  co_return false;
}

CO_TEST_F_WITHIN(SentinelStore, FollowsAFailoverAndItsWatchesGoOn, 90s) {
  redis_sentinel& trio = fixture.trio;
  const std::size_t before = trio.primary_by(0);
  auto opened = co_await open_store(context.get_executor(), sentinel_url(trio), patient());
  CO_ASSERT_OK(opened);
  store& to = **opened;
  CO_ASSERT_OK(co_await write_status(to, "1", status::connected));
  auto watching = co_await to.watch(owner::user("1").value());
  CO_ASSERT_OK(watching);
  const bool first = co_await sees(**watching, status::connected);
  EXPECT_TRUE(first);
  trio.server(before).kill();
  result<connection> written = error(errc::outcome_unknown, "not written yet");
  do written = co_await write_status(to, "1", status::failed);
  while (!written && written.error().is(cond::outcome_unknown));
  CO_ASSERT_OK(written);
  const bool second = co_await sees(**watching, status::failed);
  EXPECT_TRUE(second);
  const auto again = co_await write_status(to, "1", status::connected);
  CO_ASSERT_OK(again);
  EXPECT_GT(again->revision, written->revision);
  const bool third = co_await sees(**watching, status::connected);
  EXPECT_TRUE(third);
  const auto listed = co_await to.list(owner::user("1").value(), tools_wanted::no);
  CO_ASSERT_OK(listed);
  watching->reset();
  co_await to.close();
  trio.rejoin(before);
  trio.wait_settled();
}

CO_TEST_F_WITHIN(SentinelStore, SaysThatAChangeIsWrittenAndNotConfirmed, 90s) {
  redis_sentinel& trio = fixture.trio;
  trio.wait_settled();
  const std::size_t primary = trio.primary_by(0);
  auto opened = co_await open_store(context.get_executor(), sentinel_url(trio), patient(0u));
  CO_ASSERT_OK(opened);
  store& to = **opened;
  const auto confirmed = co_await write_status(to, "2", status::connected);
  CO_ASSERT_OK(confirmed);
  const std::size_t hung = (primary + 1) % trio.servers();
  trio.server(hung).freeze();
  const auto late = co_await write_status(to, "2", status::failed);
  trio.server(hung).thaw();
  CO_ASSERT_TRUE(!late);
  EXPECT_EQ(late.error().code(), errc::not_replicated) << late.error().full_text();
  const auto read = co_await to.get(owner::user("2").value(), server_name::parse("github").value(), tools_wanted::no);
  CO_ASSERT_OK(read);
  CO_ASSERT_TRUE(read->has_value());
  EXPECT_EQ((*read)->state, status::failed);
  const std::string told = "written as revision " + std::to_string((*read)->revision) + ", but 1 of 2 replicas confirmed it";
  EXPECT_NE(late.error().detail().find(told), std::string::npos) << late.error().detail();
  co_await to.close();
}

CO_TEST(DurableStore, IsRefusedWhereThereAreNoReplicas) {
  CO_ASSERT_FAILS(co_await open_store(context.get_executor(), "memory:", patient(1u)), errc::bad_argument);
}

}  // namespace
}  // namespace mcpstate
