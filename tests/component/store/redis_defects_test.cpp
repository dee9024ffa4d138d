// SPDX-License-Identifier: MIT
// What must not happen between us and a program that writes the documented keys behind our back: where only the library can
// show it, because it takes what was read a moment ago, or another TTL.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "component/store/redis_scene.hh"
#include "support/co_test.hh"

namespace mcpstate {
namespace {

using std::chrono::hours;
using test::redis_scene;
using test::redis_server;
using test::run_co_test;

constexpr const char* base = "mcp:user:1:server:s:";

struct scene : redis_scene {
  using redis_scene::redis_scene;
  owner who = owner::user("1").value();
  server_name server = server_name::parse("s").value();
};

using foreign_words = void (*)(redis::request&);

// Reads, lets the other program write, and writes on what was read.
asio::awaitable<void> refuses_the_old_basis(asio::io_context& io, const redis_server& server, foreign_words words,
                                            std::string status_after) {
  scene at(io, server);
  auto opened = co_await at.open();
  CO_ASSERT_OK(opened);
  auto& ours = **opened;
  change up(at.who, at.server, status::connected);
  CO_ASSERT_OK(co_await ours.put(std::move(up)));
  const auto seen = co_await ours.get(at.who, at.server, tools_wanted::no);
  CO_ASSERT_OK(seen);
  redis::request theirs;
  words(theirs);
  CO_ASSERT_OK(co_await at.says(std::move(theirs)));
  change late(**seen, status::failed);
  const auto refused = co_await ours.put(std::move(late));
  CO_ASSERT_FAILS(refused, errc::stale_basis);
  redis::request look;
  look.add("GET", std::string(base) + "status");
  const auto left = co_await at.says(std::move(look));
  CO_ASSERT_OK(left);
  EXPECT_EQ(left->text, status_after);
  // Who reads again is heard.
  change again(at.who, at.server, status::failed);
  CO_ASSERT_OK(co_await ours.put(std::move(again)));
  co_await ours.close();
  co_await at.foreign.close();
}

class redis_defects_test : public testing::Test {
 protected:
  void refuses(foreign_words words, const std::string& status_after) {
    run_co_test([&](asio::io_context& io) { return refuses_the_old_basis(io, server_, words, status_after); });
  }
  redis_server server_;
};

TEST_F(redis_defects_test, a_status_that_another_program_changed_is_never_overwritten_unseen) {
  refuses([](redis::request& r) { r.add("SET", std::string(base) + "status", "DISCONNECTED", "EX", "86400"); },
          "DISCONNECTED");
}

TEST_F(redis_defects_test, a_status_that_another_program_deleted_is_never_overwritten_unseen) {
  refuses([](redis::request& r) { r.add("DEL", std::string(base) + "status"); }, "");
}

TEST_F(redis_defects_test, a_reconnect_of_another_program_is_never_overwritten_unseen) {
  refuses([](redis::request& r) { r.add("SET", std::string(base) + "connected_at", "2026-11-22T14:30:59.553780+00:00"); },
          "CONNECTED");
}

asio::awaitable<void> outlives_every_member(asio::io_context& io, const redis_server& server) {
  scene at(io, server);
  auto opened = co_await at.open(hours(1));
  CO_ASSERT_OK(opened);
  auto& ours = **opened;
  change up(at.who, at.server, status::connected);
  CO_ASSERT_OK(co_await ours.put(std::move(up)));
  // Their records live for a day, and one has lost its expiry. The sets have come near their end since.
  redis::request theirs;
  theirs.add("SET", std::string(base) + "status", "CONNECTED", "EX", "86400");
  theirs.add("SET", "mcp:user:1:server:eternal:status", "CONNECTED");
  theirs.add("SADD", "mcp:user:1:connections", "eternal");
  theirs.add("SADD", "mcp:user:1:servers", "eternal");
  theirs.add("EXPIRE", "mcp:user:1:connections", "1800").add("EXPIRE", "mcp:user:1:servers", "1800");
  CO_ASSERT_OK(co_await at.says(std::move(theirs)));
  change other(at.who, server_name::parse("other").value(), status::connected);
  CO_ASSERT_OK(co_await ours.put(std::move(other)));
  for (const char* set : {"mcp:user:1:connections", "mcp:user:1:servers"}) {
    redis::request look;
    look.add("TTL", set);
    const auto left = co_await at.says(std::move(look));
    CO_ASSERT_OK(left);
    EXPECT_GE(left->integer, 86400) << set;
  }
  redis::request look;
  look.add("TTL", "mcp:user:1:server:eternal:status");
  const auto left = co_await at.says(std::move(look));
  CO_ASSERT_OK(left);
  EXPECT_GT(left->integer, 0);
  co_await ours.close();
  co_await at.foreign.close();
}

TEST_F(redis_defects_test, a_set_never_expires_before_a_member_that_another_program_renewed) {
  run_co_test([&](asio::io_context& io) { return outlives_every_member(io, server_); });
}

asio::awaitable<void> survives_flushed_scripts(asio::io_context& io, const redis_server& server) {
  scene at(io, server);
  auto opened = co_await at.open();
  CO_ASSERT_OK(opened);
  auto& ours = **opened;
  auto flush = [&at] {
    redis::request r;
    r.add("SCRIPT", "FLUSH");
    return at.says(std::move(r));
  };
  const std::optional<server_name> all;
  const std::optional<basis> whatever;
  CO_ASSERT_OK(co_await flush());
  change up(at.who, at.server, status::connected);
  up.tools(tools_list::parse(R"([{"name":"a"}])").value());
  CO_ASSERT_OK(co_await ours.put(std::move(up)));
  CO_ASSERT_OK(co_await flush());
  CO_ASSERT_OK(co_await ours.touch(at.who, all));
  CO_ASSERT_OK(co_await flush());
  CO_ASSERT_OK(co_await ours.disconnect(at.who, all, whatever));
  CO_ASSERT_OK(co_await flush());
  const auto erased = co_await ours.erase(at.who);
  CO_ASSERT_OK(erased);
  EXPECT_EQ(*erased, 1u);
  co_await ours.close();
  co_await at.foreign.close();
}

TEST_F(redis_defects_test, flushed_scripts_never_cost_a_write) {
  run_co_test([&](asio::io_context& io) { return survives_flushed_scripts(io, server_); });
}

}  // namespace
}  // namespace mcpstate
