// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "component/store/redis/scene.hh"
#include "support/co_test.hh"

// One record of ours, and another program that replaces its values.
namespace mcpstate::test {

inline const std::string base = "mcp:user:1:server:s:";
inline owner somebody() { return owner::user("1").value(); }
inline server_name service() { return server_name::parse("s").value(); }

struct values_scene : redis_scene {
  using redis_scene::redis_scene;
  task<bool> open_ours() {
    auto opened = co_await open();
    if (!opened) co_return opened.error();
    ours = std::move(*opened);
    co_return true;
  }
  asio::awaitable<void> close() {
    co_await ours->close();
    co_await foreign.close();
  }
  task<connection> write(status state) {
    change update(somebody(), service(), state);
    co_return co_await ours->put(std::move(update));
  }
  task<connection> get() {
    auto got = co_await ours->get(somebody(), service(), tools_wanted::yes);
    if (!got) co_return got.error();
    if (!*got) co_return error(errc::no_record, "there is none");
    co_return std::move(**got);
  }
  // The one record, or all.
  task<std::uint64_t> disconnect(bool all) {
    std::optional<server_name> which;
    if (!all) which = service();
    const std::optional<basis> any;
    co_return co_await ours->disconnect(somebody(), which, any);
  }
  task<bool> set(std::string field, std::string value) {
    redis::request r;
    r.add("SET", base + field, value, "PX", "3600000");
    auto said = co_await says(std::move(r));
    if (!said) co_return said.error();
    co_return true;
  }
  // A good :info with another text as its revision.
  task<bool> set_revision(std::string text) {
    auto info = co_await asks("GET", base + "info");
    if (!info) co_return info.error();
    const auto comma = info->text.find(',');
    std::string changed = "{" + info->text.substr(comma + 1);
    if (!text.empty()) changed = "{\"revision\":" + text + info->text.substr(comma);
    co_return co_await set("info", std::move(changed));
  }
  // A value that the server makes of one byte.
  task<bool> fill(std::string field, std::int64_t size) {
    redis::request r;
    r.add("DEL", base + field).add("SETRANGE", base + field, size - 1, "x");
    r.add("PEXPIRE", base + field, "3600000");
    auto said = co_await says(std::move(r));
    if (!said) co_return said.error();
    co_return true;
  }
  std::unique_ptr<store> ours;
};

using values_body = asio::awaitable<void> (*)(values_scene& at);

inline asio::awaitable<void> with_values(asio::io_context& io, const redis_server& server, values_body run) {
  values_scene at(io, server);
  CO_ASSERT_OK(co_await at.open_ours());
  co_await run(at);
  co_await at.close();
}

class values_fixture : public testing::Test {
 protected:
  void with(values_body run) {
    run_co_test([&](asio::io_context& io) { return with_values(io, server_, run); }, std::chrono::seconds(60));
  }
  redis_server server_;
};

// A coroutine with the scene `at`.
#define SCENE_TEST(Fixture, Name) CO_TEST_STARTED(TEST_F, Fixture, Name, (test::values_scene & at), with(body))

// What cannot stand for a revision; the last: no revision at all.
inline constexpr const char* unreadable_revisions[] = {"9007199254740992",
                                  "9223372036854775807",
                                  "18446744073709551616",
                                  "999999999999999999",
                                  "1e300",
                                  "-5",
                                  "1.5",
                                  "\"7\"",
                                  "null",
                                  "007",
                                  ""};

}  // namespace mcpstate::test
