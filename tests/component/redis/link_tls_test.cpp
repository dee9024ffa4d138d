// SPDX-License-Identifier: MIT
// TLS: who is trusted, and what a mix-up of ports looks like.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "component/redis/link_fixture.hh"

namespace mcpstate::redis {
namespace {

class LinkTls : public testing::Test {
 public:
  static void SetUpTestSuite() {
    redis_options options;
    options.tls = true;
    server_ = new redis_server(options);
  }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }
  static redis_server& server() { return *server_; }
  static link_config trusting(std::string ca_file) {
    link_config config = tcp_of(server());
    config.host = "localhost";
    config.tls = true;
    config.ca_file = std::move(ca_file);
    return config;
  }

 private:
  static inline redis_server* server_ = nullptr;
};

asio::awaitable<void> moves_much(asio::io_context& context, link_config config) {
  observed_link one(context, config);
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  const std::string large(3'000'000, 'x');
  std::vector<std::shared_ptr<outcome>> all;
  for (int i = 0; i < 200; ++i) {
    request r;
    r.add("SET", "k" + std::to_string(i), i % 50 == 0 ? large : std::to_string(i)).add("GET", "k" + std::to_string(i));
    all.push_back(ask_beside(context, one.to, std::move(r), after(seconds(15)), effect::write));
  }
  CO_ASSERT_TRUE(co_await eventually([&] { return all.back()->ended; }));
  for (std::size_t i = 0; i < all.size(); ++i) {
    CO_ASSERT_OK(all[i]->got);
    CO_ASSERT_TRUE(all[i]->got->at(1).text == (i % 50 == 0 ? large : std::to_string(i)));
  }
  EXPECT_EQ(one.states, std::vector<bool>(1, true));
  co_await one.to.close();
}

TEST_F(LinkTls, SpeaksToATrustedServer) {
  run_co_test([](asio::io_context& context) { return moves_much(context, trusting(server().ca_file())); });
}

TEST_F(LinkTls, TrustsAnybodyOnRequest) {
  run_co_test([](asio::io_context& context) {
    link_config config = trusting(server().other_ca_file());
    config.host = "127.0.0.1";
    config.tls_verify = false;
    return moves_much(context, config);
  });
}

asio::awaitable<void> fails(asio::io_context& context, link_config config, errc code, std::string words) {
  observed_link one(context, config);
  auto hello = co_await one.to.ready(after(seconds(8)));
  CO_ASSERT_FAILS(hello, code);
  EXPECT_NE(hello.error().detail().find(words), std::string::npos) << hello.error().detail();
  EXPECT_TRUE(one.states.empty());
  co_await one.to.close();
}

TEST_F(LinkTls, RefusesACertificateOfAnotherAuthority) {
  run_co_test([](asio::io_context& context) {
    return fails(context, trusting(server().other_ca_file()), errc::tls_failed, "its certificate is refused");
  });
}

TEST_F(LinkTls, RefusesACertificateUnknownToTheSystem) {
  run_co_test([](asio::io_context& context) {
    return fails(context, trusting(""), errc::tls_failed, "its certificate is refused");
  });
}

TEST_F(LinkTls, RefusesACertificateForAnotherName) {
  run_co_test([](asio::io_context& context) {
    link_config config = trusting(server().ca_file());
    config.host = "127.0.0.1";
    return fails(context, config, errc::tls_failed, "its certificate is for another name");
  });
}

asio::awaitable<void> names_both(asio::io_context& context, link_config config) {
  observed_link one(context, config);
  auto hello = co_await one.to.ready(after(seconds(8)));
  CO_ASSERT_FAILS(hello, errc::tls_failed);
  EXPECT_NE(hello.error().detail().find("for another name than 127.0.0.1"), std::string::npos) << hello.error().detail();
  EXPECT_EQ(hello.error().peer_text(), "the certificate is for localhost");
  co_await one.to.close();
}

TEST_F(LinkTls, TellsBothNamesWhereTheCertificateIsForAnother) {
  run_co_test([](asio::io_context& context) {
    link_config config = trusting(server().ca_file());
    config.host = "127.0.0.1";
    return names_both(context, config);
  });
}

TEST_F(LinkTls, NamesTheFileThatItCannotRead) {
  run_co_test([](asio::io_context& context) {
    return fails(context, trusting("/nowhere/ca.crt"), errc::tls_failed, "cannot read /nowhere/ca.crt");
  });
}

TEST_F(LinkTls, IsSuggestedToAPlainClient) {
  run_co_test([](asio::io_context& context) {
    link_config config = tcp_of(server());
    return fails(context, config, errc::connect_failed, "does this port expect TLS");
  });
}

TEST_F(LinkTls, ReportsAPlainRedis) {
  const redis_server plain;
  run_co_test([&](asio::io_context& context) {
    link_config config = trusting(server().ca_file());
    config.port = plain.port();
    config.connect_timeout = milliseconds(500);
    return fails(context, config, errc::deadline, "is it redis:// there?");
  });
}

// Says its piece to the first two who come, and hangs up.
asio::awaitable<void> say_and_hang_up(asio::ip::tcp::acceptor& acceptor) {
  for (int i = 0; i < 2; ++i) {
    auto socket = co_await acceptor.async_accept(asio::use_awaitable);
    char byte = 0;
    const std::string piece = "HTTP/1.1 400 Bad Request\r\n\r\n";
    co_await socket.async_read_some(asio::buffer(&byte, 1), asio::use_awaitable);
    co_await asio::async_write(socket, asio::buffer(piece), asio::use_awaitable);
  }
}

CO_TEST_F(LinkTls, ReportsAWebServerOnAPlainPort) {
  link_config config = fixture.trusting(fixture.server().ca_file());
  asio::ip::tcp::acceptor acceptor(context, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  auto note = [](std::exception_ptr failure) { EXPECT_FALSE(failure); };
  asio::co_spawn(context, say_and_hang_up(acceptor), std::move(note));
  config.port = acceptor.local_endpoint().port();
  config.backoff_min = config.backoff_max = seconds(3600);
  co_await fails(context, config, errc::tls_failed, "does not speak TLS");
  config.tls = false;
  co_await fails(context, config, errc::protocol, "is not a Redis server: a reply cannot begin with 'H'");
}

}  // namespace
}  // namespace mcpstate::redis
