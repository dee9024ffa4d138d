// SPDX-License-Identifier: MIT
// Where connections go: names that are looked up once, addresses that are checked, and what the peer is told.
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "component/mcp/http_fixture.hh"
#include "component/mcp/raw_peer.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

// A name server whose answers change from one question to the next.
struct name_server {
  std::vector<std::vector<std::string>> answers;
  std::vector<std::string> asked;

  task<aio::host_addresses> answer(std::string host) {
    asked.push_back(host);
    if (asked.size() > answers.size()) co_return error(errc::resolve_failed, "nothing more to say");
    aio::host_addresses out;
    for (const std::string& text : answers[asked.size() - 1]) out.push_back(asio::ip::make_address(text));
    co_return out;
  }
};

std::shared_ptr<http::connection_options> way_of(name_server& names, const http::egress_policy& policy) {
  auto out = std::make_shared<http::connection_options>();
  out->egress = policy;
  out->look_up = [&names](std::string host) { return names.answer(std::move(host)); };
  return out;
}

http::egress_policy allowing(const std::string& what) {
  http::egress_policy out = http::egress_policy::strict();
  out.plain_http = true;
  EXPECT_TRUE(out.allow(what).has_value());
  return out;
}

CO_TEST(HttpEgress, ChecksTheAddressOfEachConnection) {
  const auto executor = co_await asio::this_coro::executor;
  raw_peer peer(executor);
  name_server names;
  names.answers = {{"127.0.0.1"}, {"10.0.0.1"}, {"127.0.0.1", "10.0.0.1"}};
  const auto way = way_of(names, allowing("127.0.0.1"));
  auto opened = co_await http::open_connection(executor, peer.url("rebind.example"), nullptr, way);
  CO_ASSERT_OK(opened);
  EXPECT_EQ(names.asked, std::vector<std::string>{"rebind.example"});  // once, for the check and for the connection
  co_await peer.accept();
  EXPECT_TRUE(peer.socket().local_endpoint().address().to_v4() == asio::ip::make_address_v4("127.0.0.1"));
  co_await peer.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  auto request = post();
  CO_ASSERT_OK(co_await (*opened)->send(request));
  const std::string head = co_await peer.read_request();
  EXPECT_NE(head.find("\r\nHost: rebind.example:" + std::to_string(peer.port()) + "\r\n"), std::string::npos) << head;
  EXPECT_EQ(names.asked.size(), 1U);
  for (int again = 0; again < 2; ++again) {
    const auto second = co_await http::open_connection(executor, peer.url("rebind.example"), nullptr, way);
    CO_ASSERT_FAILS(second, errc::forbidden_target);
    EXPECT_NE(second.error().detail().find("a private network (10.0.0.0/8)"), std::string::npos) << second.error().detail();
  }
}

asio::awaitable<void> nothing_is_tried(std::string url, http::egress_policy policy, std::size_t questions) {
  const auto executor = co_await asio::this_coro::executor;
  name_server names;
  names.answers = {{"1.1.1.1", "127.0.0.1"}};  // the public one is not tried either
  const auto way = way_of(names, policy);
  const auto where = http::parse_url(url).value();
  const auto opened = co_await http::open_connection(executor, where, nullptr, way);
  CO_ASSERT_FAILS(opened, errc::forbidden_target);
  EXPECT_EQ(names.asked.size(), questions);
}

TEST(HttpEgress, NeverDialsAForbiddenTarget) {
  const auto strict = http::egress_policy::strict();
  run_co_test([&](asio::io_context&) { return nothing_is_tried("http://h.example/", strict, 0); });
  run_co_test([&](asio::io_context&) { return nothing_is_tried("https://127.0.0.1/", strict, 0); });
  run_co_test([&](asio::io_context&) { return nothing_is_tried("https://2130706433/", strict, 0); });
  run_co_test([&](asio::io_context&) { return nothing_is_tried("https://h.example/", strict, 1); });
}

CO_TEST(HttpEgress, TriesEveryAddress) {
  const auto executor = co_await asio::this_coro::executor;
  raw_peer peer(executor);  // on 127.0.0.1 only
  name_server names;
  names.answers = {{"127.0.0.2", "127.0.0.1"}};
  const auto way = way_of(names, allowing("127.0.0.0/8"));
  const auto opened = co_await http::open_connection(executor, peer.url("two.example"), nullptr, way);
  CO_ASSERT_OK(opened);
  co_await peer.accept();
  EXPECT_EQ(names.asked.size(), 1U);
}

CO_TEST(HttpEgress, ReportsAnUnknownName) {
  const auto executor = co_await asio::this_coro::executor;
  const auto where = http::parse_url("http://no-such-host.invalid/").value();
  const auto opened = co_await http::open_connection(executor, where, nullptr);
  CO_ASSERT_FAILS(opened, errc::resolve_failed);
  EXPECT_NE(opened.error().detail().find("the host name no-such-host.invalid cannot be resolved"), std::string::npos);
}

// A TLS server that notes which name it was asked for.
asio::awaitable<void> note_name(raw_peer& peer, asio::ssl::context& identity, std::string& name) {
  co_await peer.accept();
  asio::ssl::stream<asio::ip::tcp::socket&> stream(peer.socket(), identity);
  auto [ec] = co_await stream.async_handshake(asio::ssl::stream_base::server, aio::use_ec);
  static_cast<void>(ec);
  const char* const asked = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
  name = asked != nullptr ? asked : "";
}

asio::awaitable<void> tls_name(std::string ca_file, test_certificate identity, std::string host, bool works) {
  const auto executor = co_await asio::this_coro::executor;
  raw_peer peer(executor);
  asio::ssl::context context(asio::ssl::context::tls_server);
  context.use_certificate_chain(asio::buffer(identity.certificate_pem));
  context.use_private_key(asio::buffer(identity.key_pem), asio::ssl::context::pem);
  name_server names;
  names.answers = {{"127.0.0.1"}};
  const auto way = way_of(names, allowing("127.0.0.1"));
  const auto tls = net::shared_tls_context(net::tls_files(ca_file)).value();
  std::string name;
  using namespace asio::experimental::awaitable_operators;
  auto opening = http::open_connection(executor, peer.url(host, "https"), tls, way);
  auto both = std::move(opening) && note_name(peer, context, name);
  const auto opened = co_await std::move(both);
  EXPECT_EQ(name, host);
  if (works) {
    CO_ASSERT_OK(opened);
  } else {
    CO_ASSERT_FAILS(opened, errc::tls_failed);
    const std::string why = opened.error().detail();
    EXPECT_NE(why.find("its certificate is for another name"), std::string::npos) << why;
  }
}

TEST(HttpEgress, VerifiesTheNameAndNotTheAddress) {
  const temp_dir dir;
  const test_certificate identity = make_certificate();  // for localhost
  const std::string file = dir.file("ca.pem");
  std::ofstream(file) << identity.certificate_pem;
  run_co_test([&](asio::io_context&) { return tls_name(file, identity, "localhost", true); });
  run_co_test([&](asio::io_context&) { return tls_name(file, identity, "other.example", false); });
}

}  // namespace
}  // namespace mcpstate::test
