// SPDX-License-Identifier: MIT
// Exceptions in what works for one connection: it pays for them, they are told, and everything else goes on.
#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "component/manager/scene.hh"
#include "support/heap_peak.hh"
#include "support/trapped_backend.hh"
#include "support/turns/turns.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

// A bug in one step of one owner. The first calls of it are left alone.
struct bug {
  bug(std::string where, thrown what) : step(std::move(where)), kind(what) {}
  std::string step;
  thrown kind;
  bool armed = false;
  int sprung = 0;
  void spring(std::string_view now, const owner& who) {
    if (!armed || now != step || who != user(1)) return;
    ++sprung;
    throw_it(kind);
  }
};
using bug_ptr = std::shared_ptr<bug>;

// Two owners with a connection each, to servers of their own.
struct neighbours {
  neighbours() {}
  bug_ptr injected;
  std::unique_ptr<store> records;
  std::unique_ptr<announcing_server> hit, sound;
  recording_observer told;
  std::unique_ptr<manager> managing;

  [[nodiscard]] bool is_told() const {
    return std::any_of(told.remarks.begin(), told.remarks.end(),
                       [](const std::string& each) { return each.find("a bug of mcpstate") != std::string::npos; });
  }
};
using neighbours_body = asio::awaitable<void> (*)(neighbours& all);

// What an order runs into is for whoever orders: a handler, which ends.
asio::awaitable<void> order(neighbours& all) {
  try {
    auto ordered = co_await all.managing->connect(user(1), srv, by_url(all.hit->url()), std::nullopt);
    static_cast<void>(ordered.has_value());
  } catch (...) {
    EXPECT_TRUE(all.injected->armed);
  }
}

asio::awaitable<void> call_of_the_other(neighbours& all) {
  auto called = co_await all.managing->call(user(2), srv, "plain", "{}", mcp::call_options());
  CO_ASSERT_OK(called);
}

asio::awaitable<void> play_neighbours(bug_ptr injected, neighbours_body body) {
  const auto executor = co_await asio::this_coro::executor;
  neighbours all;
  all.injected = injected;
  auto trap = [injected](std::string_view step, const owner& who) { injected->spring(step, who); };
  all.records =
      std::make_unique<store>(make_trapped_backend(make_memory_backend(executor, store_options()), std::move(trap)));
  all.hit = std::make_unique<announcing_server>(executor);
  all.sound = std::make_unique<announcing_server>(executor);
  auto options = quick_options();
  options.observer = &all.told;
  all.managing = make_manager(*all.records, options);
  CO_ASSERT_OK(co_await connect_and_settle(*all.managing, user(2), by_url(all.sound->url())));
  co_await body(all);
  EXPECT_GT(injected->sprung, 0);
  co_await call_of_the_other(all);
  // The lease of the other has never been lost.
  EXPECT_EQ(all.sound->sessions(), 1);
  injected->armed = false;
  co_await order(all);
  const auto up = co_await seen(*all.records, user(1), is(status::connected));
  EXPECT_TRUE(up.has_value());
  co_await all.managing->close();
  co_await all.records->close();
  co_await all.hit->stop();
  co_await all.sound->stop();
}

void play_each(std::vector<std::string> steps, neighbours_body body) {
  for (const std::string& step : steps) {
    for (const thrown kind : all_thrown) {
      SCOPED_TRACE(step + ", exception " + std::to_string(static_cast<int>(kind)));
      run_co_test([&](asio::io_context&) { return play_neighbours(std::make_shared<bug>(step, kind), body); }, 60s);
    }
  }
}

// While an order is carried out.
asio::awaitable<void> hit_by_an_order(neighbours& all) {
  all.injected->armed = true;
  const auto until = aio::after(5s);
  while (all.injected->sprung == 0 && std::chrono::steady_clock::now() < until) {
    co_await order(all);
    co_await aio::wait_until(aio::after(5ms));
  }
}

TEST(BugOfAConnection, InAnOrderHurtsNoOther) { play_each({"get", "order", "put", "watch"}, hit_by_an_order); }

// While it is up, and its server announces other tools.
asio::awaitable<void> hit_while_up(neighbours& all) {
  CO_ASSERT_OK(co_await connect_and_settle(*all.managing, user(1), by_url(all.hit->url())));
  all.injected->armed = true;
  all.hit->set_tools("[" + plain_tool + R"(,{"name":"more","inputSchema":{"type":"object"}}])");
  EXPECT_TRUE(co_await eventually([&all] { return all.injected->sprung > 0; }));
  EXPECT_TRUE(co_await eventually([&all] { return all.is_told(); }));
}

TEST(BugOfAConnection, WhileItIsUpIsToldAndHurtsNoOther) { play_each({"get", "put"}, hit_while_up); }

// While it is disconnected, which ends its lease.
asio::awaitable<void> hit_at_its_end(neighbours& all) {
  CO_ASSERT_OK(co_await connect_and_settle(*all.managing, user(1), by_url(all.hit->url())));
  all.injected->armed = true;
  std::optional<server_name> one = srv;
  auto ended = co_await all.records->disconnect(user(1), std::move(one), std::nullopt);
  CO_ASSERT_OK(ended);
  EXPECT_TRUE(co_await eventually([&all] { return all.injected->sprung > 0; }));
  EXPECT_TRUE(co_await eventually([&all] { return all.is_told(); }));
}

TEST(BugOfAConnection, AtItsEndIsToldAndHurtsNoOther) { play_each({"end_lease"}, hit_at_its_end); }

// While a process takes over what nobody manages.
asio::awaitable<void> hit_when_adopted(neighbours& all) {
  CO_ASSERT_OK(co_await connect_and_settle(*all.managing, user(1), by_url(all.hit->url())));
  const std::string holder = co_await holder_of(*all.records, user(1));
  const managed_name name(user(1), srv);
  auto taken = co_await all.records->leases().take_lease(name, holder, "", 1s);
  CO_ASSERT_TRUE(taken && *taken);
  all.injected->armed = true;
  lease granted = **taken;
  auto freed = co_await all.records->leases().end_lease(std::move(granted), lease_end::hand_over);
  CO_ASSERT_OK(freed);
  EXPECT_TRUE(co_await eventually([&all] { return all.injected->sprung > 0; }));
  EXPECT_TRUE(co_await eventually([&all] { return all.is_told(); }));
}

TEST(BugOfAConnection, WhileItIsTakenOverIsToldAndHurtsNoOther) { play_each({"get", "take_lease"}, hit_when_adopted); }

// Any exception, in any step of opening a session.
struct step_bug {
  step_bug(std::string where, thrown what) : step(std::move(where)), kind(what) {}
  std::string step;
  thrown kind;
  bool armed = true;
};

asio::awaitable<void> survives(std::shared_ptr<step_bug> injected) {
  const auto executor = co_await asio::this_coro::executor;
  auto records = make_memory_store(executor, store_options());
  announcing_server server(executor);
  recording_observer told;
  auto options = quick_options();
  options.observer = &told;
  options.client.on_step = [injected](const mcp::connect_step& now) {
    if (injected->armed && now.name == injected->step) throw_it(injected->kind);
  };
  auto managing = make_manager(*records, options);
  auto ordered = co_await managing->connect(user(1), srv, by_url(server.url()), std::nullopt);
  CO_ASSERT_OK(ordered);
  const auto failed = co_await seen(*records, user(1), [](const connection& record) {
    return record.info.error && record.info.error->code == name_of(errc::bug);
  });
  EXPECT_TRUE(failed.has_value());
  EXPECT_FALSE(told.remarks.empty());
  EXPECT_TRUE(std::any_of(told.transitions.begin(), told.transitions.end(),
                          [](const std::string& each) { return each.ends_with(" bug"); }));
  injected->armed = false;
  EXPECT_TRUE((co_await seen(*records, user(1), is(status::connected))).has_value());
  co_await managing->close();
  co_await records->close();
  co_await server.stop();
}

TEST(BugOfASession, InEachStepOfOpeningItIsRecordedAndCounted) {
  for (const char* const step : {"server/discover", "initialize", "GET (announcements)"}) {
    for (const thrown kind : all_thrown) {
      SCOPED_TRACE(step);
      run_co_test([&](asio::io_context&) { return survives(std::make_shared<step_bug>(step, kind)); }, 60s);
    }
  }
}

// Memory that runs out at one allocation after another, in what the session's own coroutines do.
std::uint64_t hit_turn = 0;
bool in_hit_turn() { return this_turn() == hit_turn; }

asio::awaitable<void> runs_out(std::string step, std::size_t number, bool& reached) {
  const auto executor = co_await asio::this_coro::executor;
  auto records = make_memory_store(executor, store_options());
  announcing_server hit(executor), sound(executor);
  bool armed = false;
  auto options = quick_options();
  options.client.on_step = [&](const mcp::connect_step& now) {
    if (!armed || now.name != step) return;
    armed = false;
    hit_turn = this_turn();
    fail_allocation(number, &in_hit_turn);
  };
  auto managing = make_manager(*records, options);
  CO_ASSERT_OK(co_await connect_and_settle(*managing, user(2), by_url(sound.url())));
  armed = true;
  auto ordered = co_await managing->connect(user(1), srv, by_url(hit.url()), std::nullopt);
  CO_ASSERT_OK(ordered);
  EXPECT_TRUE((co_await seen(*records, user(1), is(status::connected))).has_value());
  reached = failed_allocations() > 0;
  EXPECT_FALSE(armed);
  auto called = co_await managing->call(user(2), srv, "plain", "{}", mcp::call_options());
  CO_ASSERT_OK(called);
  EXPECT_EQ(sound.sessions(), 1);
  co_await managing->close();
  co_await records->close();
  co_await hit.stop();
  co_await sound.stop();
}

TEST(BugOfASession, LackOfMemoryAnywhereInItHurtsNoOther) {
  for (const char* const step : {"server/discover", "initialize", "GET (announcements)"}) {
    bool reached = true;
    std::size_t number = 0;
    for (; reached && number < 400; number += 1 + number / 4) {
      SCOPED_TRACE(std::string(step) + ", allocation " + std::to_string(number));
      run_co_test([&](asio::io_context&) { return runs_out(step, number, reached); }, 60s);
    }
    EXPECT_GT(number, 1U) << step;
  }
}

}  // namespace
}  // namespace mcpstate::test
