// SPDX-License-Identifier: MIT
// A write whose connection breaks: after every single byte of it, and of its answer, in turn. Each cut has an owner and a
// server of its own, so that nothing later can repair what it left behind.
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/core/keys.hpp>
#include <mcpstate/open_store.hpp>

#include "component/store/redis/cutting_proxy.hh"
#include "redis/link.hh"
#include "support/co_test.hh"
#include "support/redis_server.hh"

namespace mcpstate {
namespace {

using test::cutting_proxy;
using test::redis_server;
using test::run_co_test;
using way = cutting_proxy::way;

constexpr auto patience = std::chrono::seconds(10);

// About 300 bytes, as a small server offers.
tools_list tools_called(const std::string& name) {
  std::string text = R"([{"name":")" + name + R"(","description":")" + std::string(150, 'd') +
                     R"(","inputSchema":{"type":"object","properties":{"q":{"type":"string"}},"required":["q"]}}])";
  return tools_list::parse(std::move(text)).value();
}

// What is in Redis of one record, read past the proxy.
struct seen_keys {
  bool in_connections = false, in_servers = false;
  std::optional<std::string> status, tools, connected_at, info;
  std::vector<std::string> without_ttl;
  friend bool operator==(const seen_keys&, const seen_keys&) = default;
};

std::ostream& operator<<(std::ostream& out, const seen_keys& s) {
  auto text = [](const std::optional<std::string>& t) { return t ? *t : std::string("-"); };
  out << "connections " << s.in_connections << ", servers " << s.in_servers << ", status " << text(s.status) << ", tools "
      << text(s.tools).substr(0, 24) << ", connected_at " << text(s.connected_at) << ", info " << text(s.info);
  for (const auto& key : s.without_ttl) out << ", no TTL: " << key;
  return out;
}

// The server, the proxy before it, and a link past it.
struct scene {
  scene(asio::io_context& io, const redis_server& server)
      : context(io),
        proxy(io, server.port()),
        owned(redis::make_link(io.get_executor(), direct_config(server))),
        direct(*owned) {
    direct.start();
  }
  static redis::link_config direct_config(const redis_server& server) {
    redis::link_config c;
    c.host = "127.0.0.1";
    c.port = server.port();
    return c;
  }
  task<std::unique_ptr<store>> open() const {
    return open_store(context.get_executor(), "redis://127.0.0.1:" + std::to_string(proxy.port()) + "/0", store_options());
  }
  asio::awaitable<void> close() {
    co_await proxy.close();
    co_await direct.close();
  }
  asio::io_context& context;
  cutting_proxy proxy;
  std::shared_ptr<redis::link> owned;
  redis::link& direct;
  key_space keys = key_space::make("mcp", key_layout::plain).value();
};

task<seen_keys> look(scene& at, owner who, std::string member) {
  const std::vector<std::string> record{
      at.keys.server_key(who, member, key_field::status), at.keys.server_key(who, member, key_field::tools),
      at.keys.server_key(who, member, key_field::connected_at), at.keys.server_key(who, member, key_field::info)};
  redis::request ask;
  ask.add("SISMEMBER", at.keys.connections(who), member).add("SISMEMBER", at.keys.servers(who), member);
  std::vector<std::string> all = record;
  all.push_back(at.keys.connections(who));
  all.push_back(at.keys.servers(who));
  for (const auto& key : record) ask.add("GET", key);
  for (const auto& key : all) ask.add("PTTL", key);
  auto got = co_await at.direct.exec(std::move(ask), aio::after(patience), redis::effect::read);
  if (!got) co_return got.error();
  auto text = [&got](std::size_t i) {
    return (*got)[i].is_string() ? std::optional<std::string>((*got)[i].text) : std::nullopt;
  };
  seen_keys out;
  out.in_connections = (*got)[0].integer == 1;
  out.in_servers = (*got)[1].integer == 1;
  out.status = text(2);
  out.tools = text(3);
  out.connected_at = text(4);
  out.info = text(5);
  for (std::size_t i = 0; i < all.size(); ++i)
    if ((*got)[6 + i].integer == -1) out.without_ttl.push_back(all[i]);
  co_return out;
}

// One kind of write: what is there before it, the write itself, and whether what is seen is the whole of it.
struct kind_of_write {
  std::string name;
  std::function<std::optional<change>(const owner&, const server_name&)> before;
  std::function<change(const owner&, const server_name&, const std::optional<connection>&)> write;
  std::function<bool(const seen_keys&)> is_whole;
};

bool has_info_of(const seen_keys& s, const std::string& status, const std::optional<std::string>& connected_at) {
  if (!s.info || s.info->find(R"("status":")" + status + '"') == std::string::npos) return false;
  return !connected_at || s.info->find(R"("connected_at":")" + *connected_at + '"') != std::string::npos;
}

bool is_connected_with(const seen_keys& s, const tools_list& tools) {
  return s.in_connections && s.in_servers && s.status == "CONNECTED" && s.tools == tools.bytes() && s.connected_at &&
         has_info_of(s, "CONNECTED", s.connected_at) && s.info->find(tools.hash()) != std::string::npos &&
         s.without_ttl.empty();
}

bool is_disconnected(const seen_keys& s) {
  return !s.in_connections && s.in_servers && s.status == "DISCONNECTED" && !s.tools && !s.connected_at &&
         has_info_of(s, "DISCONNECTED", std::nullopt) && s.without_ttl.empty();
}

bool is_failed_with(const seen_keys& s, const tools_list& tools) {
  return !s.in_connections && s.in_servers && s.status == "FAILED" && s.tools == tools.bytes() && !s.connected_at &&
         has_info_of(s, "FAILED", std::nullopt) && s.without_ttl.empty();
}

change connecting(const owner& who, const server_name& server, const tools_list& tools) {
  change up(who, server, status::connected);
  up.tools(tools);
  return up;
}

kind_of_write first_connect() {
  return {"first", [](const owner&, const server_name&) { return std::optional<change>(); },
          [](const owner& who, const server_name& server, const std::optional<connection>&) {
            change up = connecting(who, server, tools_called("new"));
            up.based_on(basis());
            return up;
          },
          [](const seen_keys& s) { return is_connected_with(s, tools_called("new")); }};
}

std::optional<change> connected_before(const owner& who, const server_name& server) {
  return connecting(who, server, tools_called("old"));
}

kind_of_write reconnect() {
  return {"again", connected_before,
          [](const owner&, const server_name&, const std::optional<connection>& seen) {
            change up(*seen, status::connected);
            up.tools(tools_called("new"));
            return up;
          },
          [](const seen_keys& s) { return is_connected_with(s, tools_called("new")); }};
}

kind_of_write disconnect() {
  return {"down", connected_before,
          [](const owner&, const server_name&, const std::optional<connection>& seen) {
            return change(*seen, status::disconnected);
          },
          is_disconnected};
}

kind_of_write fail() {
  return {"fail", connected_before,
          [](const owner&, const server_name&, const std::optional<connection>& seen) {
            change down(*seen, status::failed);
            failure why;
            why.code = "child_exited";
            why.message = "it is gone";
            down.fail(std::move(why));
            return down;
          },
          [](const seen_keys& s) { return is_failed_with(s, tools_called("old")); }};
}

// What one cut did.
struct outcome {
  bool was_cut = false, reported_done = false, written = false;
};

void judge(const result<connection>& reported, const seen_keys& before, const seen_keys& after, const kind_of_write& kind,
           outcome& out) {
  out.reported_done = reported.has_value();
  out.written = kind.is_whole(after);
  EXPECT_TRUE(out.written || after == before) << "a torn record: " << after << "\nbefore: " << before;
  EXPECT_TRUE(after.without_ttl.empty()) << after;
  if (reported) {
    EXPECT_TRUE(out.written) << "reported as done, and is not";
    return;
  }
  const bool nothing_sent = reported.error().code() == errc::connection_lost;
  EXPECT_TRUE(nothing_sent || reported.error().is(cond::outcome_unknown)) << reported.error().full_text();
  EXPECT_FALSE(nothing_sent && out.written) << "reported as not sent, and is done";
}

// Five digits, so that each write is as long as the next.
std::string numbered(std::string text, std::size_t n) {
  const auto digits = std::to_string(n);
  return text + "-" + std::string(5 - digits.size(), '0') + digits;
}

task<outcome> one_cut(scene& at, const kind_of_write& kind, way direction, std::size_t bytes) {
  const std::string side = direction == way::to_server ? "to" : "from";
  const owner who = owner::user(numbered(kind.name + side, bytes)).value();
  const server_name server = server_name::parse(numbered("server", bytes)).value();
  MCPSTATE_CO_TRY(writer, co_await at.open());
  std::optional<connection> seen;
  if (auto first = kind.before(who, server)) {
    auto written = co_await writer->put(std::move(*first));
    if (!written) co_return written.error();
    auto got = co_await writer->get(who, server, tools_wanted::no);
    if (!got) co_return got.error();
    seen = std::move(*got);
  }
  auto before = co_await look(at, who, server.text());
  if (!before) co_return before.error();
  at.proxy.cut_after(direction, bytes);
  change what = kind.write(who, server, seen);
  const auto reported = co_await writer->put(std::move(what));
  outcome out;
  out.was_cut = !at.proxy.disarm();
  if (out.was_cut) co_await at.proxy.cut_done();
  co_await writer->close();
  auto after = co_await look(at, who, server.text());
  if (!after) co_return after.error();
  judge(reported, *before, *after, kind, out);
  co_return out;
}

// Every key under the prefix has an expiry: what the cuts left staged, too. Answers how many are staged.
task<std::size_t> staged_keys_that_expire(scene& at) {
  std::size_t staged = 0;
  redis::request ask;
  ask.add("SCAN", "0", "COUNT", "1000000");
  auto got = co_await at.direct.exec(std::move(ask), aio::after(patience), redis::effect::read);
  if (!got) co_return got.error();
  redis::request ttls;
  const std::vector<redis::reply> keys = std::move(got->front().items[1].items);
  for (const auto& key : keys) ttls.add("PTTL", key.text);
  auto left = co_await at.direct.exec(std::move(ttls), aio::after(patience), redis::effect::read);
  if (!left) co_return left.error();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    EXPECT_NE((*left)[i].integer, -1) << keys[i].text;
    const auto named = at.keys.parse(keys[i].text);
    EXPECT_TRUE(named) << keys[i].text;
    if (named && named->field == key_field::staging) {
      ++staged;
      EXPECT_LE((*left)[i].integer, 60'000) << keys[i].text;
    }
  }
  co_return staged;
}

asio::awaitable<void> finds_everything_in_order(scene& at) {
  auto opened = co_await at.open();
  CO_ASSERT_OK(opened);
  auto& healthy = **opened;
  const auto findings = co_await healthy.examine(false, progress_handler());
  CO_ASSERT_OK(findings);
  for (const auto& f : *findings) EXPECT_NE(f.severity, finding::level::problem) << f.check << ": " << f.text;
  change up = connecting(owner::user("after").value(), server_name::parse("all").value(), tools_called("new"));
  const auto written = co_await healthy.put(std::move(up));
  EXPECT_TRUE(written.has_value());
  co_await healthy.close();
}

// least: fewer cuts than this would mean that the write was not walked through.
asio::awaitable<void> cuts_everywhere(asio::io_context& io, const redis_server& server, kind_of_write kind, way direction,
                                      std::size_t least) {
  scene at(io, server);
  std::size_t bytes = 0, written = 0;
  for (;; ++bytes) {
    const auto out = co_await one_cut(at, kind, direction, bytes);
    CO_ASSERT_OK(out);
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << "cut after byte " << bytes;
      break;
    }
    if (out->written) ++written;
    if (!out->was_cut) {
      EXPECT_TRUE(out->reported_done);
      break;
    }
    // Once the whole answer has passed, the writer knows.
    EXPECT_TRUE(direction == way::to_client || !out->reported_done) << "cut after byte " << bytes;
  }
  EXPECT_GE(bytes, least);
  // Without its last byte a write is none; without its answer it is one.
  EXPECT_EQ(written, direction == way::to_server ? 2u : bytes + 1);
  const auto staged = co_await staged_keys_that_expire(at);
  CO_ASSERT_OK(staged);
  co_await finds_everything_in_order(at);
  co_await at.close();
}

class RedisConnectionCut : public testing::Test {
 protected:
  void walk(kind_of_write kind, way direction, std::size_t least) {
    auto body = [&](asio::io_context& io) { return cuts_everywhere(io, server_, kind, direction, least); };
    run_co_test(body, std::chrono::minutes(4));
  }
  redis_server server_;
};

TEST_F(RedisConnectionCut, LeavesAFirstConnectWholeOrAbsent) { walk(first_connect(), way::to_server, 900); }
TEST_F(RedisConnectionCut, LeavesAReconnectWholeOrAbsent) { walk(reconnect(), way::to_server, 900); }
TEST_F(RedisConnectionCut, LeavesADisconnectWholeOrAbsent) { walk(disconnect(), way::to_server, 400); }
TEST_F(RedisConnectionCut, LeavesAFailureWholeOrAbsent) { walk(fail(), way::to_server, 400); }
TEST_F(RedisConnectionCut, LeavesAFirstConnectWholeWhenOnlyTheAnswerIsCut) { walk(first_connect(), way::to_client, 30); }
TEST_F(RedisConnectionCut, LeavesADisconnectWholeWhenOnlyTheAnswerIsCut) { walk(disconnect(), way::to_client, 30); }

}  // namespace
}  // namespace mcpstate
