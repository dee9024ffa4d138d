// SPDX-License-Identifier: MIT
// A link and a server that both behave.
#include "redis/link.hh"

#include <gtest/gtest.h>

#include "support/co_test.hh"
#include "support/redis_server.hh"

namespace mcpstate::redis {
namespace {

using aio::after;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::eventually;
using test::redis_server;
using test::run_co_test;

link_config tcp_of(const redis_server& server) {
  link_config out;
  out.host = "127.0.0.1";
  out.port = server.port();
  return out;
}

template <class... Args>
request of(const Args&... args) {
  request out;
  out.add(args...);
  return out;
}

class link_test : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new redis_server(); }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }
  static redis_server& server() { return *server_; }

 private:
  static inline redis_server* server_ = nullptr;
};

asio::awaitable<void> sets_and_gets(asio::io_context& context, link_config config) {
  link one(context.get_executor(), config);
  one.start();
  auto hello = co_await one.ready(after(seconds(5)));
  CO_ASSERT_OK(hello);
  EXPECT_EQ(hello->server, "redis");
  EXPECT_EQ(hello->mode, "standalone");
  EXPECT_EQ(hello->role, "master");
  EXPECT_TRUE(one.connected());
  request both;
  both.add("SET", "k", std::string_view("a\r\nb\0c", 6)).add("GET", "k").add("GET", "none").add("LPUSH", "k", "x");
  auto got = co_await one.exec(std::move(both), after(seconds(5)), effect::write);
  CO_ASSERT_OK(got);
  CO_ASSERT_EQ(got->size(), 4u);
  EXPECT_EQ((*got)[0].text, "OK");
  EXPECT_EQ((*got)[1].text, std::string_view("a\r\nb\0c", 6));
  EXPECT_TRUE((*got)[2].is_null());
  EXPECT_EQ(to_error((*got)[3], "push").code(), errc::wrong_type);
  auto nothing = co_await one.exec(request(), after(seconds(5)), effect::read);
  CO_ASSERT_OK(nothing);
  EXPECT_TRUE(nothing->empty());
  EXPECT_EQ(one.pending(), 0u);
  co_await one.close();
  EXPECT_FALSE(one.connected());
  auto late = co_await one.exec(of("PING"), after(seconds(5)), effect::read);
  CO_ASSERT_FAILS(late, errc::stopped);
}

TEST_F(link_test, speaks_over_tcp) {
  run_co_test([](asio::io_context& context) { return sets_and_gets(context, tcp_of(server())); });
}

TEST_F(link_test, finds_a_host_by_name) {
  run_co_test([](asio::io_context& context) {
    link_config config = tcp_of(server());
    config.host = "localhost";
    return sets_and_gets(context, config);
  });
}

TEST_F(link_test, speaks_over_a_unix_socket) {
  run_co_test([](asio::io_context& context) {
    link_config config;
    config.unix_path = server().socket_path();
    return sets_and_gets(context, config);
  });
}

}  // namespace
}  // namespace mcpstate::redis
