// SPDX-License-Identifier: MIT
// Orders and claims whose connection breaks, at many places of what is sent and answered: a record that is to be managed always
// has a lease that runs, or waits in the index.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include <mcpstate/open_store.hpp>

#include "component/store/redis/cutting_proxy.hh"
#include "support/co_test.hh"
#include "support/redis_server.hh"

namespace mcpstate {
namespace {

using test::cutting_proxy;
using test::redis_server;
using way = cutting_proxy::way;

constexpr auto long_time = std::chrono::seconds(60);
constexpr std::size_t stride = 41;  // bytes from one cut to the next

task<std::unique_ptr<store>> open_at(std::uint16_t port) {
  const auto executor = co_await asio::this_coro::executor;
  co_return co_await open_store(executor, "redis://127.0.0.1:" + std::to_string(port) + "/0", store_options());
}

server_name github() { return server_name::parse("github").value(); }

task<order_result> order(store& by, owner who) {
  change wanted(std::move(who), github(), status::connecting);
  details info;
  info.managed = true;
  info.registered = "github";
  wanted.set_details(std::move(info));
  lease_request asked("one", "github", long_time);
  co_return co_await by.order(std::move(wanted), std::move(asked));
}

struct seen_state {
  seen_state() {}
  bool record = false;
  std::string holder;  // of the lease; empty: there is none
  bool indexed = false;
  bool waits = false;  // for an instance
};

task<seen_state> look(store& by, owner who) {
  seen_state out;
  MCPSTATE_CO_TRY(got, co_await by.get(who, github(), tools_wanted::no));
  out.record = got.has_value();
  managed_name name(who, github());
  MCPSTATE_CO_TRY(granted, co_await by.leases().lease_of(name));
  if (granted) out.holder = granted->holder;
  std::string cursor;
  do {
    MCPSTATE_CO_TRY(page, co_await by.leases().managed_of("github", cursor));
    if (std::count(page.names.begin(), page.names.end(), name) > 0) out.indexed = true;
    cursor = page.cursor;
  } while (!cursor.empty());
  instance_report self;
  self.name = "looks";
  MCPSTATE_CO_TRY(all, co_await by.leases().beat(std::move(self), long_time));
  out.waits = std::count(all.unheld.begin(), all.unheld.end(), name) > 0;
  co_return out;
}

// The holder of a claimed connection has moments to go on; then it waits for another instance.
bool is_whole(const seen_state& s) { return s.record && s.indexed && (s.holder == "one" || s.waits); }
bool is_absent(const seen_state& s) {
  return !s.record && !s.indexed && !s.waits && (s.holder.empty() || claimed_user(s.holder));
}

std::string text(const seen_state& s) {
  return std::string(s.record ? "record " : "") + (s.holder.empty() ? "" : "held by " + s.holder + " ") +
         (s.indexed ? "indexed " : "") + (s.waits ? "waits" : "");
}

struct managed_scene {
  managed_scene(asio::io_context& io, const redis_server& server) : proxy(io, server.port()), port(server.port()) {}
  cutting_proxy proxy;
  std::uint16_t port;
};

std::string id_of(const std::string& word, way direction, std::size_t bytes) {
  return word + (direction == way::to_server ? "-to-" : "-from-") + std::to_string(bytes);
}

// One order that is cut. Answers whether it was.
task<bool> cut_order(managed_scene& at, store& direct, way direction, std::size_t bytes) {
  const owner who = owner::user(id_of("order", direction, bytes)).value();
  MCPSTATE_CO_TRY(writer, co_await open_at(at.proxy.port()));
  at.proxy.cut_after(direction, bytes);
  const auto reported = co_await order(*writer, who);
  const bool was_cut = !at.proxy.disarm();
  if (was_cut) co_await at.proxy.cut_done();
  co_await writer->close();
  MCPSTATE_CO_TRY(found, co_await look(direct, who));
  EXPECT_TRUE(is_whole(found) || is_absent(found)) << "after byte " << bytes << ": " << text(found);
  if (reported) {
    EXPECT_TRUE(found.record) << bytes;
  }
  co_return was_cut;
}

task<bool> cut_claim(managed_scene& at, store& direct, way direction, std::size_t bytes) {
  const std::string id = id_of("claim", direction, bytes);
  const owner visitor = owner::session(id).value();
  const owner user = owner::user(id).value();
  MCPSTATE_CO_CHECK(co_await order(direct, visitor));
  MCPSTATE_CO_TRY(writer, co_await open_at(at.proxy.port()));
  at.proxy.cut_after(direction, bytes);
  const auto reported = co_await writer->claim(visitor, user);
  const bool was_cut = !at.proxy.disarm();
  if (was_cut) co_await at.proxy.cut_done();
  co_await writer->close();
  MCPSTATE_CO_TRY(at_session, co_await look(direct, visitor));
  MCPSTATE_CO_TRY(at_user, co_await look(direct, user));
  const bool moved = is_whole(at_user) && is_absent(at_session);
  EXPECT_TRUE(moved || (is_absent(at_user) && is_whole(at_session)))
      << "after byte " << bytes << ": " << text(at_session) << "; " << text(at_user);
  if (reported) {
    EXPECT_TRUE(moved) << bytes;
  }
  MCPSTATE_CO_CHECK(co_await direct.claim(visitor, user));
  MCPSTATE_CO_TRY(healed, co_await look(direct, user));
  EXPECT_TRUE(is_whole(healed)) << bytes << ": " << text(healed);
  co_return was_cut;
}

using managed_cut = task<bool> (*)(managed_scene&, store&, way, std::size_t);

// least: fewer cuts would mean that the write was not walked through.
asio::awaitable<void> cut_everywhere(asio::io_context& io, const redis_server& server, managed_cut cut, std::size_t least) {
  managed_scene at(io, server);
  auto direct = co_await open_at(at.port);
  CO_ASSERT_OK(direct);
  for (const way direction : {way::to_server, way::to_client}) {
    std::size_t cuts = 0, bytes = 0;
    for (bool was_cut = true; was_cut && !testing::Test::HasFailure(); bytes += stride) {
      const auto done = co_await cut(at, **direct, direction, bytes);
      CO_ASSERT_OK(done);
      was_cut = *done;
      if (was_cut) ++cuts;
    }
    EXPECT_GE(cuts, direction == way::to_server ? least : 1U);
  }
  co_await (*direct)->close();
  co_await at.proxy.close();
}

TEST(ManagedCut, NeverLeavesAnOrderWithoutItsLease) {
  const redis_server server;
  test::run_co_test([&](asio::io_context& io) { return cut_everywhere(io, server, cut_order, 10); },
                    std::chrono::seconds(120));
}

TEST(ManagedCut, NeverLeavesAClaimedConnectionWithoutALease) {
  const redis_server server;
  test::run_co_test([&](asio::io_context& io) { return cut_everywhere(io, server, cut_claim, 10); },
                    std::chrono::seconds(120));
}

}  // namespace
}  // namespace mcpstate
