// SPDX-License-Identifier: MIT
// An order: a record and its lease in one step, and the limit of an owner's connections in the step that writes.
#include "contract/lease_scene.hh"

#include <mcpstate/aio/task_group.hpp>

namespace mcpstate::test {
namespace {

change order_of(const managed_name& name) {
  change out(name.owner, name.server, status::connecting);
  details info;
  info.managed = true;
  info.registered = "github";
  out.set_details(std::move(info));
  return out;
}

task<order_result> ordered(store& by, managed_name name, std::string holder) {
  change update = order_of(name);
  lease_request wanted(std::move(holder), "github", long_time);
  co_return co_await by.order(std::move(update), std::move(wanted));
}

// The connections of the registered server that the index names.
task<std::vector<managed_name>> indexed(store& by) {
  std::vector<managed_name> out;
  std::string cursor;
  do {
    MCPSTATE_CO_TRY(page, co_await by.leases().managed_of("github", cursor));
    out.insert(out.end(), page.names.begin(), page.names.end());
    cursor = page.cursor;
  } while (!cursor.empty());
  co_return out;
}

asio::awaitable<void> add_one(store& by, int number, int& written, int& refused, std::size_t most) {
  const managed_name name(user("crowd"), server("s" + std::to_string(number)));
  change update = order_of(name);
  update.limit_connections(most);
  lease_request wanted("i" + std::to_string(number), "github", long_time);
  auto done = co_await by.order(std::move(update), std::move(wanted));
  if (done) ++written;
  if (!done && done.error().code() == errc::too_many_connections) ++refused;
}

STORE_TEST(WritesAnOrderWithItsLeaseAndIndex) {
  auto first = co_await ordered(on.a, github(), "one");
  CO_ASSERT_OK(first);
  EXPECT_EQ(first->record.state, status::connecting);
  EXPECT_EQ(first->granted.holder, "one");
  const auto running = co_await on.b.leases().lease_of(github());
  CO_ASSERT_OK(running);
  CO_ASSERT_TRUE(*running);
  EXPECT_EQ(**running, first->granted);
  const auto stored = co_await read(on.b, user("42"), server("github"));
  CO_ASSERT_OK(stored);
  EXPECT_EQ(stored->seen, first->record.seen);
  const auto names = co_await indexed(on.b);
  CO_ASSERT_OK(names);
  EXPECT_EQ(*names, std::vector<managed_name>(1, github()));
  const auto alive = co_await on.b.leases().beat(report_of("other"), long_time);
  CO_ASSERT_OK(alive);
  EXPECT_EQ(alive->managed, 1u);
  EXPECT_TRUE(alive->unheld.empty());
}

STORE_TEST(GivesAnOrderTheLeaseThatItsHolderHas) {
  const auto before = co_await taken(on.a, github(), "one", long_time);
  CO_ASSERT_OK(before);
  const auto again = co_await ordered(on.a, github(), "one");
  CO_ASSERT_OK(again);
  EXPECT_EQ(again->granted, *before);
}

STORE_TEST(LeavesTheLeaseOfAnotherHolderInAnOrder) {
  const auto theirs = co_await taken(on.b, github(), "two", long_time);
  CO_ASSERT_OK(theirs);
  const auto written = co_await ordered(on.a, github(), "one");
  CO_ASSERT_OK(written);
  EXPECT_EQ(written->granted, *theirs);
  const auto taken_away = co_await refused(on.a, github(), "one");
  CO_ASSERT_OK(taken_away);
  EXPECT_TRUE(*taken_away);
}

// The lease has waited for somebody: it gets a number of its own.
STORE_TEST(GivesAnOrderANewLeaseAfterAHandOver) {
  const auto old = co_await taken(on.b, github(), "two", long_time);
  CO_ASSERT_OK(old);
  lease ended = *old;
  CO_ASSERT_OK(co_await on.b.leases().end_lease(std::move(ended), lease_end::hand_over));
  const auto written = co_await ordered(on.a, github(), "one");
  CO_ASSERT_OK(written);
  EXPECT_EQ(written->granted.holder, "one");
  EXPECT_NE(written->granted.number, old->number);
  change late(written->record, status::connected);
  late.require_lease(*old);
  const auto fenced = co_await on.b.put(std::move(late));
  CO_ASSERT_FAILS(fenced, errc::lease_lost);
}

STORE_TEST(TakesNoLeaseForARefusedOrder) {
  const auto stored = co_await write(on.a, user("42"), server("github"), status::failed);
  CO_ASSERT_OK(stored);
  CO_ASSERT_OK(co_await write(on.b, user("42"), server("github"), status::connected));
  change stale(*stored, status::connecting);
  lease_request wanted("one", "github", long_time);
  const auto lost = co_await on.a.order(std::move(stale), std::move(wanted));
  CO_ASSERT_FAILS(lost, errc::stale_basis);
  const auto running = co_await on.a.leases().lease_of(github());
  CO_ASSERT_OK(running);
  EXPECT_FALSE(*running);
  const auto names = co_await indexed(on.a);
  CO_ASSERT_OK(names);
  EXPECT_TRUE(names->empty());
}

STORE_TEST(RefusesAnOrderWithoutAHolder) {
  const auto nobody = co_await ordered(on.a, github(), "");
  EXPECT_TRUE(!nobody && nobody.error().is(cond::invalid));
  change update = order_of(github());
  lease_request timeless("one", "github", std::chrono::milliseconds(0));
  const auto no_time = co_await on.a.order(std::move(update), std::move(timeless));
  EXPECT_TRUE(!no_time && no_time.error().is(cond::invalid));
}

STORE_TEST(NeverPassesALimitOfConnectionsByParallelOrders) {
  for (const std::size_t most : {std::size_t{1}, std::size_t{3}}) {
    CO_ASSERT_OK(co_await on.a.erase(user("crowd")));
    int written = 0, refused = 0;
    aio::task_group crowd(co_await asio::this_coro::executor, aio::end_process);
    for (int n = 0; n < 20; ++n) crowd.spawn("order", add_one(n % 2 ? on.a : on.b, n, written, refused, most));
    co_await crowd.join();
    EXPECT_EQ(written, static_cast<int>(most));
    EXPECT_EQ(refused, 20 - static_cast<int>(most));
    const auto all = co_await on.a.list(user("crowd"), tools_wanted::no);
    CO_ASSERT_OK(all);
    EXPECT_EQ((*all)->size(), most);
    const auto alive = co_await on.b.leases().beat(report_of("other"), long_time);
    CO_ASSERT_OK(alive);
    EXPECT_EQ(alive->managed, most) << "a refused order took a lease";
  }
}

STORE_TEST(CountsWhatIsThereAgainstALimitOfConnections) {
  CO_ASSERT_OK(co_await write(on.a, user("u"), server("a"), status::disconnected));
  CO_ASSERT_OK(co_await write(on.a, user("u"), server("b"), status::failed));
  change third(user("u"), server("c"), status::connected);
  third.limit_connections(2);
  const auto refused = co_await on.b.put(std::move(third));
  CO_ASSERT_FAILS(refused, errc::too_many_connections);
  change present(user("u"), server("a"), status::connected);
  present.limit_connections(2).tools(tools("[1]"));
  CO_ASSERT_OK(co_await on.b.put(std::move(present)));
  change roomy(user("u"), server("c"), status::connected);
  roomy.limit_connections(3);
  CO_ASSERT_OK(co_await on.b.put(std::move(roomy)));
  change unlimited(user("u"), server("d"), status::connected);
  CO_ASSERT_OK(co_await on.b.put(std::move(unlimited)));
}

STORE_TEST_WITH(CountsNoExpiredRecordAgainstALimitOfConnections, some_seconds()) {
  CO_ASSERT_OK(co_await write(on.a, user("u"), server("a"), status::connected));
  co_await on.data.pass(std::chrono::milliseconds(1500));
  CO_ASSERT_OK(co_await write(on.a, user("u"), server("b"), status::connected));
  co_await on.data.pass(std::chrono::milliseconds(700));
  change next(user("u"), server("c"), status::connected);
  next.limit_connections(2);
  CO_ASSERT_OK(co_await on.b.put(std::move(next)));
}

}  // namespace
}  // namespace mcpstate::test
