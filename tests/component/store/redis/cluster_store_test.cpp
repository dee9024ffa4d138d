// SPDX-License-Identifier: MIT
// The store on a real cluster of three primaries: walks while slots move, claims that are cut off, and slots without a server.
#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <mcpstate/core/keys.hpp>
#include <mcpstate/open_store.hpp>

#include "redis/topology/slot.hh"
#include "support/co_test.hh"
#include "support/redis_cluster.hh"

namespace mcpstate::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const key_space tagged = key_space::make("mcp", key_layout::tagged).value();

std::uint16_t slot_of_owner(const owner& account) { return redis::slot_of(tagged.servers(account)); }

struct ClusterStore : testing::Test {
  redis_cluster cluster{3, 0};

  task<std::unique_ptr<store>> open(asio::any_io_executor executor, milliseconds timeout = seconds(20)) {
    store_options options;
    options.timeout = timeout;
    std::string url = "redis://127.0.0.1:" + std::to_string(cluster.server(0).port());
    return open_store(std::move(executor), std::move(url), std::move(options));
  }
  // The first owner of this kind whose slot one of the primaries has.
  owner at(std::size_t primary, owner_kind kind) const {
    for (int i = 0;; ++i) {
      const owner found = owner::make(kind, std::to_string(i)).value();
      if (cluster.first_owner(slot_of_owner(found)) == primary) return found;
    }
  }
  void begin_move(std::uint16_t slot, std::size_t from, std::size_t to) {
    EXPECT_EQ(cluster.ask(to, {"CLUSTER", "SETSLOT", std::to_string(slot), "IMPORTING", cluster.id(from)}).text, "OK");
    EXPECT_EQ(cluster.ask(from, {"CLUSTER", "SETSLOT", std::to_string(slot), "MIGRATING", cluster.id(to)}).text, "OK");
  }
  void move_keys(std::uint16_t slot, std::size_t from, std::size_t to) {
    const auto keys = cluster.ask(from, {"CLUSTER", "GETKEYSINSLOT", std::to_string(slot), "1000"});
    const std::string port = std::to_string(cluster.server(to).port());
    for (const auto& key : keys.items)
      EXPECT_EQ(cluster.ask(from, {"MIGRATE", "127.0.0.1", port, key.text, "0", "5000"}).text, "OK");
  }
  void end_move(std::uint16_t slot, std::size_t from, std::size_t to) {
    for (const std::size_t each : {to, from})
      EXPECT_EQ(cluster.ask(each, {"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", cluster.id(to)}).text, "OK");
  }
};

task<connection> connected(store& to, owner who) {
  change up(std::move(who), server_name::parse("github").value(), status::connected);
  up.tools(tools_list::parse(R"([{"name":"t"}])").value());
  co_return co_await to.put(std::move(up));
}

asio::awaitable<void> rest_of_scan(store& from, std::string cursor, std::set<owner>& found) {
  for (bool first = true; first || !cursor.empty(); first = false) {
    const auto page = co_await from.scan(cursor);
    CO_ASSERT_OK(page);
    for (const auto& one : page->owners) found.insert(one.owner);
    cursor = page->cursor;
  }
}

CO_TEST_F_WITHIN(ClusterStore, WalksEveryOwnerWhileSlotsMoveToWhatWasWalked, seconds(120)) {
  auto opened = co_await fixture.open(context.get_executor());
  CO_ASSERT_OK(opened);
  store& all = **opened;
  std::set<owner> written;
  for (int i = 0; i < 60; ++i) {
    const owner who = owner::user(std::to_string(i)).value();
    CO_ASSERT_OK(co_await connected(all, who));
    written.insert(who);
  }
  // Primaries are walked in the order of their ids. One slot moves, of another all keys but not yet the slot.
  std::vector<std::size_t> order{0, 1, 2};
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return fixture.cluster.id(a) < fixture.cluster.id(b); });
  const std::string begin;
  auto page = co_await all.scan(begin);
  CO_ASSERT_OK(page);
  std::set<owner> found;
  for (const auto& one : page->owners) found.insert(one.owner);
  std::vector<std::uint16_t> slots;
  for (const auto& who : written)
    if (fixture.cluster.first_owner(slot_of_owner(who)) == order[2]) slots.push_back(slot_of_owner(who));
  CO_ASSERT_TRUE(slots.size() >= 2);
  for (const std::size_t i : {0u, 1u}) fixture.begin_move(slots[i], order[2], order[0]);
  fixture.move_keys(slots[0], order[2], order[0]);
  fixture.end_move(slots[0], order[2], order[0]);
  fixture.move_keys(slots[1], order[2], order[0]);
  co_await rest_of_scan(all, page->cursor, found);
  EXPECT_EQ(found.size(), written.size());
  EXPECT_TRUE(found == written);
  co_await all.close();
}

CO_TEST_F_WITHIN(ClusterStore, EndsAClaimThatWasCutOffBetweenItsTwoScripts, seconds(120)) {
  const owner session = fixture.at(1, owner_kind::session), user = fixture.at(2, owner_kind::user);
  auto first = co_await fixture.open(context.get_executor(), seconds(3));
  CO_ASSERT_OK(first);
  CO_ASSERT_OK(co_await connected(**first, session));
  EXPECT_EQ(fixture.cluster.ask(1, {"CLIENT", "PAUSE", "100000", "WRITE"}).text, "OK");
  const auto cut = co_await (*first)->claim(session, user);
  CO_ASSERT_TRUE(!cut);
  EXPECT_TRUE(cut.error().is(cond::outcome_unknown));
  co_await (*first)->close();
  EXPECT_EQ(fixture.cluster.ask(1, {"CLIENT", "UNPAUSE"}).text, "OK");
  const std::string intent = "mcp:user:{" + user.id() + "}:claim:" + session.id();
  EXPECT_EQ(fixture.cluster.ask(2, {"HLEN", intent}).integer, 1);
  auto second = co_await fixture.open(context.get_executor());
  CO_ASSERT_OK(second);
  const auto copied = co_await (*second)->list(user, tools_wanted::yes);
  CO_ASSERT_OK(copied);
  CO_ASSERT_EQ((*copied)->records().size(), 1u);
  const std::uint64_t revision = (*copied)->records().front().revision;
  const auto ended = co_await (*second)->claim(session, user);
  CO_ASSERT_OK(ended);
  const auto left = co_await (*second)->list(session, tools_wanted::no);
  CO_ASSERT_OK(left);
  EXPECT_TRUE((*left)->empty());
  const auto there = co_await (*second)->list(user, tools_wanted::yes);
  CO_ASSERT_OK(there);
  CO_ASSERT_EQ((*there)->records().size(), 1u);
  EXPECT_EQ((*there)->records().front().revision, revision) << "it is not copied twice";
  EXPECT_EQ(fixture.cluster.ask(2, {"EXISTS", intent}).integer, 0);
  co_await (*second)->close();
}

CO_TEST_F_WITHIN(ClusterStore, RefusesToListWhatIsNotAllThere, seconds(120)) {
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(fixture.cluster.ask(i, {"CONFIG", "SET", "cluster-require-full-coverage", "no"}).text, "OK");
  EXPECT_EQ(fixture.cluster.ask(0, {"CLUSTER", "DELSLOTS", "0"}).text, "OK");
  auto opened = co_await fixture.open(context.get_executor());
  CO_ASSERT_OK(opened);
  const owner elsewhere = fixture.at(1, owner_kind::user);
  CO_ASSERT_OK(co_await connected(**opened, elsewhere));
  const std::string begin;
  const auto page = co_await (*opened)->scan(begin);
  CO_ASSERT_TRUE(!page);
  EXPECT_TRUE(page.error().is(cond::unavailable));
  EXPECT_NE(page.error().detail().find("1 of 16384 slots"), std::string::npos) << page.error().detail();
  const auto cleared = co_await (*opened)->list(elsewhere, tools_wanted::no);
  CO_ASSERT_OK(cleared);
  co_await (*opened)->close();
}

}  // namespace
}  // namespace mcpstate::test
