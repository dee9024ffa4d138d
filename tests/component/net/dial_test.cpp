// SPDX-License-Identifier: MIT
#include "net/dial.hh"

#include <string>
#include <vector>

#include "support/co_test.hh"

namespace mcpstate::net {
namespace {

using tcp = asio::ip::tcp;

// What a dial asked for, and the addresses that it was given.
struct questions {
  std::vector<std::string> looked_up, checked;
};

task<aio::host_addresses> answer(aio::host_addresses found) { co_return found; }

dial_target target_of(questions& asked, std::vector<std::string> addresses, std::uint16_t port) {
  dial_target out;
  out.host = "two.example";
  out.port = port;
  out.shown = "two.example:" + std::to_string(port);
  out.look_up = [&asked, addresses](const std::string& host) -> task<aio::host_addresses> {
    asked.looked_up.push_back(host);
    aio::host_addresses found;
    for (const std::string& each : addresses) found.push_back(asio::ip::make_address(each));
    return answer(std::move(found));
  };
  out.check = [&asked](const std::string& host, const aio::host_addresses& found) {
    for (const auto& each : found) asked.checked.push_back(host + " " + each.to_string());
    return result<void>();
  };
  return out;
}

CO_TEST(Dial, ConnectsToTheFirstAddressThatAccepts) {
  const auto executor = co_await asio::this_coro::executor;
  tcp::acceptor acceptor(executor, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
  questions asked;
  dial_target where = target_of(asked, {"127.0.0.2", "127.0.0.1"}, acceptor.local_endpoint().port());
  auto socket = co_await dial_tcp(executor, std::move(where));
  CO_ASSERT_OK(socket);
  EXPECT_EQ(socket->remote_endpoint(), acceptor.local_endpoint());
  tcp::no_delay at_once;
  socket->get_option(at_once);
  EXPECT_TRUE(at_once.value());
  EXPECT_EQ(asked.looked_up, (std::vector<std::string>{"two.example"}));
  EXPECT_EQ(asked.checked, (std::vector<std::string>{"two.example 127.0.0.2", "two.example 127.0.0.1"}));
}

CO_TEST(Dial, TriesNothingWhenTheCheckRefuses) {
  const auto executor = co_await asio::this_coro::executor;
  tcp::acceptor acceptor(executor, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
  questions asked;
  dial_target where = target_of(asked, {"127.0.0.1"}, acceptor.local_endpoint().port());
  where.check = [](const std::string&, const aio::host_addresses&) -> result<void> {
    return error(errc::forbidden_target, "not there");
  };
  const auto socket = co_await dial_tcp(executor, std::move(where));
  CO_ASSERT_FAILS(socket, errc::forbidden_target);
  acceptor.non_blocking(true);
  boost::system::error_code ec;
  tcp::socket nobody(executor);
  acceptor.accept(nobody, ec);
  EXPECT_EQ(ec, asio::error::would_block) << "nobody came";
}

CO_TEST(Dial, NamesThePeerItCouldNotReach) {
  const auto executor = co_await asio::this_coro::executor;
  tcp::acceptor gone(executor, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
  const auto port = gone.local_endpoint().port();
  gone.close();
  questions asked;
  dial_target where = target_of(asked, {"127.0.0.1"}, port);
  const auto socket = co_await dial_tcp(executor, std::move(where));
  CO_ASSERT_FAILS(socket, errc::connect_failed);
  EXPECT_EQ(socket.error().detail(), "cannot connect to two.example:" + std::to_string(port) + ": Connection refused");
}

CO_TEST(Dial, RefusesUnixPathsThatLeadNowhere) {
  const auto executor = co_await asio::this_coro::executor;
  const auto absent = co_await dial_unix(executor, "/nowhere/redis.sock");
  CO_ASSERT_FAILS(absent, errc::connect_failed);
  EXPECT_EQ(absent.error().detail(), "cannot connect to unix:/nowhere/redis.sock: No such file or directory");
  const std::string endless(200, 'x');
  const auto too_long = co_await dial_unix(executor, endless);
  CO_ASSERT_FAILS(too_long, errc::connect_failed);
  EXPECT_EQ(too_long.error().detail(), "the path of the unix socket is too long");
}

}  // namespace
}  // namespace mcpstate::net
