// SPDX-License-Identifier: MIT
// Nobody sees half a change: one handle writes, the other one reads all the while.
#include <map>

#include <mcpstate/aio/task_group.hpp>

#include "contract/store_contract.hh"

namespace mcpstate::test {

namespace {

// What belongs together in everything these tests write. Empty: fine.
std::string half_of(const connection& c) {
  if (!c.problems.empty()) return c.problems.front();
  if (c.connected() != c.connected_at.has_value()) return "connected_at does not belong to the status";
  if (c.state == status::disconnected) return c.tools ? "a DISCONNECTED record has tools" : "";
  if (!c.tools) return "the tools are missing";
  // The tools of these tests name the state that they were written with.
  const auto expected = "[\"" + std::string(to_text(c.state)) + "\"]";
  if (*c.tools != expected) return std::string(to_text(c.state)) + " has the tools " + *c.tools;
  if (c.info.tools_hash != sha256_tag(expected)) return "the hash is another list's";
  return "";
}

asio::awaitable<void> write_states(store& to, int rounds, bool& done) {
  for (int i = 0; i < rounds; ++i) {
    for (const auto s : {status::connected, status::failed, status::disconnected}) {
      const auto list = s == status::disconnected ? std::string() : "[\"" + std::string(to_text(s)) + "\"]";
      const auto written = co_await write(to, user("1"), server("a"), s, list);
      EXPECT_TRUE(written) << (written ? "" : written.error().full_text());
    }
  }
  done = true;
}

asio::awaitable<void> claim_back_and_forth(store& to, int rounds, bool& done) {
  for (int i = 0; i < rounds; ++i) {
    for (const char* name : {"a", "b"}) {
      const auto written = co_await write(to, session("1"), server(name), status::connected, "[\"CONNECTED\"]");
      EXPECT_TRUE(written);
    }
    const auto claimed = co_await to.claim(session("1"), user("1"));
    EXPECT_TRUE(claimed && claimed->moved.size() == 2) << i;
    const auto erased = co_await to.erase(user("1"));
    EXPECT_TRUE(erased && *erased == 2);
  }
  done = true;
}

}  // namespace

STORE_TEST(NeverShowsHalfAChange) {
  aio::task_group writers(co_await asio::this_coro::executor);
  bool done = false;
  writers.spawn("writer", write_states(on.a, 100, done));
  std::string wrong;
  while (!done) {
    const auto got = co_await on.b.get(user("1"), server("a"), tools_wanted::yes);
    if (got && *got && wrong.empty()) wrong = half_of(**got);
    const auto all = co_await on.b.list(user("1"), tools_wanted::yes);
    if (all && !(*all)->empty() && wrong.empty()) wrong = half_of((*all)->front());
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  }
  co_await writers.join();
  EXPECT_EQ(wrong, "");
}

STORE_TEST(NeverShowsHalfAClaim) {
  aio::task_group writers(co_await asio::this_coro::executor);
  bool done = false;
  writers.spawn("writer", claim_back_and_forth(on.a, 60, done));
  while (!done) {
    // Claim and erase are one step each: the user has both or none.
    const auto all = co_await on.b.list(user("1"), tools_wanted::yes);
    EXPECT_TRUE(all && ((*all)->empty() || (*all)->size() == 2))
        << (all ? names_of((*all)->records()) : all.error().detail());
    if (all) {
      for (const auto& c : **all) EXPECT_EQ(half_of(c), "");
    }
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  }
  co_await writers.join();
}

namespace {

asio::awaitable<void> count_up(store& to, int times, int& conflicts, int& written) {
  while (times > 0) {
    auto got = co_await to.get(user("1"), server("a"), tools_wanted::no);
    EXPECT_TRUE(got && *got);
    if (!got || !*got) co_return;
    change next(**got, status::failed);
    failure f;
    f.code = "count";
    f.attempt = (*got)->info.error ? (*got)->info.error->attempt + 1 : 1;
    next.fail(f);
    // Lets the other one in between what was read and the write.
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    auto put = co_await to.put(std::move(next));
    if (!put) {
      EXPECT_TRUE(put.error().is(cond::conflict)) << put.error().detail();
      ++conflicts;
      continue;
    }
    ++written;
    --times;
  }
}

}  // namespace

namespace {

asio::awaitable<void> disconnect_all_the_time(store& to, const bool& done, int& times) {
  const std::optional<server_name> all;
  const std::optional<basis> whatever;
  while (!done) {
    const auto count = co_await to.disconnect(user("1"), all, whatever);
    EXPECT_TRUE(count) << count.error().full_text();
    if (count && *count > 0) ++times;
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  }
}

// New servers, then the same ones again after they were disconnected; then everything goes.
asio::awaitable<void> connect_all_the_time(store& to, int rounds, bool& done) {
  for (int i = 0; i < rounds; ++i) {
    const auto written = co_await write(to, user("1"), server("s" + std::to_string(i % 5)), status::connected);
    EXPECT_TRUE(written) << written.error().full_text();
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    if (i % 10 < 9) continue;
    const auto erased = co_await to.erase(user("1"));
    EXPECT_TRUE(erased) << erased.error().full_text();
  }
  done = true;
}

using listing = std::map<std::string, connection>;

// What was CONNECTED at the same time goes down at the same time: nothing of it is left as it was while another is down.
std::string torn(const listing& before, const listing& after) {
  std::string up, down;
  for (const auto& [name, was] : before) {
    const auto is = after.find(name);
    if (!was.connected() || is == after.end()) continue;
    if (is->second.state == status::disconnected) down += " " + name;
    if (is->second.revision == was.revision) up += " " + name;
  }
  return up.empty() || down.empty() ? "" : "DISCONNECTED" + down + " and spared" + up;
}

}  // namespace

// One handle disconnects everything while the other one connects servers, and reads.
STORE_TEST(DisconnectsAllWithoutExceptionWhileOthersConnect) {
  aio::task_group others(co_await asio::this_coro::executor);
  bool done = false;
  int times = 0;
  others.spawn("disconnects", disconnect_all_the_time(on.a, done, times));
  others.spawn("connects", connect_all_the_time(on.b, 2000, done));
  std::string wrong;
  listing before;
  while (!done) {
    const auto all = co_await on.b.list(user("1"), tools_wanted::no);
    EXPECT_TRUE(all) << all.error().full_text();
    listing now;
    if (all)
      for (const auto& c : **all) now.emplace(c.server, c);
    if (wrong.empty()) wrong = torn(before, now);
    before = std::move(now);
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  }
  co_await others.join();
  EXPECT_EQ(wrong, "");
  EXPECT_GT(times, 0) << "nothing was ever disconnected, so this test has shown nothing";
}

STORE_TEST(LosesNoUpdateBetweenTwoWriters) {
  CO_ASSERT_OK(co_await write(on.a, user("1"), server("a"), status::failed));
  aio::task_group writers(co_await asio::this_coro::executor);
  int conflicts = 0, written = 0;
  writers.spawn("a", count_up(on.a, 100, conflicts, written));
  writers.spawn("b", count_up(on.b, 100, conflicts, written));
  co_await writers.join();
  const auto got = co_await read(on.a, user("1"), server("a"));
  CO_ASSERT_OK(got);
  CO_ASSERT_TRUE(got->info.error);
  EXPECT_EQ(written, 200);
  EXPECT_EQ(got->info.error->attempt, 200u);
  EXPECT_GT(conflicts, 0) << "the two never met, so this test has shown nothing";
}

}  // namespace mcpstate::test
