// SPDX-License-Identifier: MIT
// How many bytes the tools of an owner's records may have together, checked in the step that writes.
#include "contract/lease_scene.hh"

#include <mcpstate/aio/task_group.hpp>

namespace mcpstate::test {
namespace {

store_options small_owners() {
  store_options out;
  out.owner_bytes = 1000;
  return out;
}

store_options small_and_short() {
  store_options out = small_owners();
  out.ttl = std::chrono::seconds(2);
  return out;
}

store_options unlimited() {
  store_options out;
  out.owner_bytes = 0;
  return out;
}

// A list of exactly so many bytes.
std::string list_of(std::size_t bytes) { return R"([{"name":"t","x":")" + std::string(bytes - 21, 'x') + "\"}]"; }

task<connection> write_list(store& to, owner who, std::string name, std::size_t bytes) {
  co_return co_await write(to, std::move(who), server(name), status::connected, list_of(bytes));
}

asio::awaitable<void> write_some(store& to, int number, int& written, int& refused) {
  auto done = co_await write_list(to, user("u"), "s" + std::to_string(number), 300);
  if (done) ++written;
  if (!done && done.error().code() == errc::tools_too_large) ++refused;
}

STORE_TEST_WITH(RefusesToolsThatPassTheBytesOfTheirOwner, small_owners()) {
  EXPECT_EQ(list_of(300).size(), 300u);
  CO_ASSERT_OK(co_await write_list(on.a, user("u"), "a", 600));
  CO_ASSERT_OK(co_await write_list(on.b, user("u"), "b", 400));
  const auto full = co_await write_list(on.a, user("u"), "c", 21);
  CO_ASSERT_FAILS(full, errc::tools_too_large);
  EXPECT_TRUE(full.error().is(cond::exhausted));
  const auto nothing = co_await on.a.get(user("u"), server("c"), tools_wanted::no);
  CO_ASSERT_OK(nothing);
  EXPECT_FALSE(*nothing);
  CO_ASSERT_OK(co_await write_list(on.a, user("other"), "c", 900));
  CO_ASSERT_OK(co_await write(on.a, user("u"), server("d"), status::connected));
}

STORE_TEST_WITH(RefusesAListThatIsLargerThanItsOwnerMayHave, small_owners()) {
  const auto alone = co_await write_list(on.a, user("u"), "a", 1001);
  CO_ASSERT_FAILS(alone, errc::tools_too_large);
  CO_ASSERT_OK(co_await write_list(on.a, user("u"), "a", 1000));
}

STORE_TEST_WITH(KeepsTheToolsThatAreStoredWhereLongerOnesAreRefused, small_owners()) {
  CO_ASSERT_OK(co_await write_list(on.a, user("u"), "a", 600));
  CO_ASSERT_OK(co_await write_list(on.a, user("u"), "b", 300));
  const auto longer = co_await write_list(on.b, user("u"), "b", 401);
  CO_ASSERT_FAILS(longer, errc::tools_too_large);
  const auto kept = co_await read(on.a, user("u"), server("b"));
  CO_ASSERT_OK(kept);
  CO_ASSERT_TRUE(kept->tools);
  EXPECT_EQ(*kept->tools, list_of(300));
  CO_ASSERT_OK(co_await write_list(on.b, user("u"), "b", 400));
}

// An owner who has more than the limit, because it was another one, may write what does not grow.
STORE_TEST_WITH(TakesAListThatDoesNotGrowFromAFullOwner, unlimited()) {
  CO_ASSERT_OK(co_await write_list(on.a, user("u"), "a", 900));
  CO_ASSERT_OK(co_await write_list(on.a, user("u"), "b", 900));
  auto opened = co_await on.data.open(on.a.executor(), small_owners(), true);
  CO_ASSERT_OK(opened);
  store& strict = **opened;
  // A store in memory is one handle, with the options that it was made with.
  if (strict.options().owner_bytes == small_owners().owner_bytes) {
    CO_ASSERT_OK(co_await write_list(strict, user("u"), "a", 900));
    CO_ASSERT_OK(co_await write_list(strict, user("u"), "a", 899));
    const auto grown = co_await write_list(strict, user("u"), "a", 900);
    CO_ASSERT_FAILS(grown, errc::tools_too_large);
  }
  if (&strict != &on.a && &strict != &on.b) co_await strict.close();
}

STORE_TEST_WITH(CountsNoDroppedToolsAgainstTheBytesOfAnOwner, small_owners()) {
  CO_ASSERT_OK(co_await write_list(on.a, user("u"), "a", 900));
  CO_ASSERT_OK(co_await write(on.a, user("u"), server("a"), status::disconnected));
  CO_ASSERT_OK(co_await write_list(on.b, user("u"), "b", 900));
  CO_ASSERT_OK(co_await on.b.erase(user("u")));
  CO_ASSERT_OK(co_await write_list(on.a, user("u"), "c", 900));
}

STORE_TEST_WITH(CountsNoExpiredToolsAgainstTheBytesOfAnOwner, small_and_short()) {
  CO_ASSERT_OK(co_await write_list(on.a, user("u"), "a", 900));
  co_await on.data.pass(std::chrono::milliseconds(1500));
  CO_ASSERT_OK(co_await write_list(on.a, user("u"), "b", 100));
  co_await on.data.pass(std::chrono::milliseconds(700));
  CO_ASSERT_OK(co_await write_list(on.b, user("u"), "c", 900));
}

STORE_TEST_WITH(NeverPassesTheBytesOfAnOwnerByParallelWrites, small_owners()) {
  int written = 0, refused = 0;
  aio::task_group crowd(co_await asio::this_coro::executor, aio::end_process);
  for (int n = 0; n < 20; ++n) crowd.spawn("write", write_some(n % 2 ? on.a : on.b, n, written, refused));
  co_await crowd.join();
  EXPECT_EQ(written, 3);
  EXPECT_EQ(refused, 17);
}

STORE_TEST_WITH(MovesToolsInAClaimWhateverTheirBytes, small_owners()) {
  CO_ASSERT_OK(co_await write_list(on.a, session("s"), "a", 900));
  CO_ASSERT_OK(co_await write_list(on.a, user("u"), "b", 900));
  const auto claimed = co_await on.b.claim(session("s"), user("u"));
  CO_ASSERT_OK(claimed);
  EXPECT_EQ(claimed->moved, std::vector<std::string>{"a"});
  const auto full = co_await write_list(on.a, user("u"), "c", 100);
  CO_ASSERT_FAILS(full, errc::tools_too_large);
}

STORE_TEST_WITH(TakesAnyToolsWithoutALimit, unlimited()) {
  CO_ASSERT_OK(co_await write_list(on.a, user("u"), "a", 900));
  CO_ASSERT_OK(co_await write_list(on.b, user("u"), "b", 900));
}

}  // namespace
}  // namespace mcpstate::test
