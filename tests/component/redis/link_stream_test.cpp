// SPDX-License-Identifier: MIT
// The order in which a link hands on what one connection brings: pushes and replies as they stand in the stream.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "component/redis/link_fixture.hh"

namespace mcpstate::redis {
namespace {

using log = std::vector<std::string>;

const std::string hello =
    "%4\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n"
    "$6\r\nmaster\r\n";

std::string push_of(const std::string& key) {
  return ">2\r\n$10\r\ninvalidate\r\n*1\r\n$" + std::to_string(key.size()) + "\r\n" + key + "\r\n";
}
std::string reply_of(const std::string& value) { return "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n"; }

// A server whose every byte is the test's.
class scripted_redis {
 public:
  explicit scripted_redis(asio::any_io_executor executor)
      : acceptor_(executor, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0)), socket_(executor) {}

  // That of a link that tracks what it reads, and comes again an hour later.
  [[nodiscard]] link_config config() const {
    link_config out;
    out.host = "127.0.0.1";
    out.port = acceptor_.local_endpoint().port();
    out.client_name = "";
    out.track_reads = true;
    out.backoff_min = out.backoff_max = std::chrono::hours(1);
    return out;
  }
  // Up to the end of the handshake.
  asio::awaitable<void> accept() {
    socket_ = co_await acceptor_.async_accept(asio::use_awaitable);
    socket_.set_option(asio::ip::tcp::no_delay(true));
    co_await read_up_to("PING\r\n");
    co_await write(hello + "+OK\r\n+PONG\r\n");
  }
  asio::awaitable<void> read_up_to(std::string end) {
    co_await asio::async_read_until(socket_, asio::dynamic_buffer(read_), end, asio::use_awaitable);
    read_.clear();
  }
  asio::awaitable<void> write(std::string bytes) {
    co_await asio::async_write(socket_, asio::buffer(bytes), asio::use_awaitable);
  }
  void close() { socket_.close(); }

 private:
  asio::ip::tcp::acceptor acceptor_;
  asio::ip::tcp::socket socket_;
  std::string read_;
};

// A link whose pushes, replies and changes go into one log.
struct logged_link {
  logged_link(asio::io_context& io, const link_config& config)
      : context(io), owned(make_link(io.get_executor(), config)), to(*owned) {
    to.on_push([this](const node&, const reply& push) {
      for (const reply& key : push.items.at(1).items) all.push_back("push " + key.text);
    });
    to.on_state([this](const node&, bool ready) { all.emplace_back(ready ? "ready" : "lost"); });
    to.start();
  }
  // Its reply is logged inside the read loop, and "turn" in the next turn of the executor.
  void fill(request what, std::string name) {
    auto tell = [this, name](const link::outcome& got) {
      all.push_back(name + " " + (got ? got->back().text : std::string(name_of(got.error().code()))));
      if (turns) asio::post(context, [this] { all.emplace_back("turn"); });
    };
    to.exec_in_stream(std::move(what), after(seconds(9)), effect::read, std::move(tell));
  }

  asio::io_context& context;
  std::shared_ptr<link> owned;
  link& to;
  log all;
  bool turns = true;
};

CO_TEST(LinkStream, HandsOnPushesAndRepliesInTheirOrder) {
  scripted_redis server(context.get_executor());
  logged_link one(context, server.config());
  co_await server.accept();
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  one.fill(of("GET", "a"), "fill");
  co_await server.read_up_to("$1\r\na\r\n");
  co_await server.write(push_of("before") + reply_of("value") + push_of("after"));
  CO_ASSERT_TRUE(co_await eventually([&] { return one.all.size() == 5; }));
  EXPECT_EQ(one.all, (log{"ready", "push before", "fill value", "push after", "turn"}));
  co_await one.to.close();
}

CO_TEST(LinkStream, KeepsTheOrderWhereverTheStreamIsCut) {
  scripted_redis server(context.get_executor());
  logged_link one(context, server.config());
  one.turns = false;
  co_await server.accept();
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  const std::string bytes = push_of("before") + reply_of("value") + push_of("after") + reply_of("next") + push_of("last");
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    one.all.clear();
    one.fill(of("GET", "a"), "fill");
    one.fill(of("GET", "z"), "fill");
    co_await server.read_up_to("$1\r\nz\r\n");
    co_await server.write(bytes.substr(0, cut));
    co_await turn(context);
    co_await server.write(bytes.substr(cut));
    CO_ASSERT_TRUE(co_await eventually([&] { return one.all.size() == 5; }));
    CO_ASSERT_EQ(one.all, (log{"push before", "fill value", "push after", "fill next", "push last"}));
  }
  co_await one.to.close();
}

CO_TEST(LinkStream, ReportsTheLossBeforeFailingSentRequests) {
  scripted_redis server(context.get_executor());
  logged_link one(context, server.config());
  one.turns = false;
  co_await server.accept();
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  one.fill(of("GET", "a"), "first");
  one.fill(of("GET", "z"), "second");
  co_await server.read_up_to("$1\r\nz\r\n");
  co_await server.write(reply_of("value") + push_of("k"));
  server.close();
  CO_ASSERT_TRUE(co_await eventually([&] { return one.all.size() == 5; }));
  EXPECT_EQ(one.all, (log{"ready", "first value", "push k", "lost", "second connection_lost"}));
  co_await one.to.close();
}

CO_TEST(LinkStream, ReportsARefusedRequestLater) {
  scripted_redis server(context.get_executor());
  logged_link one(context, server.config());
  one.turns = false;
  co_await one.to.close();
  one.fill(of("GET", "a"), "fill");
  EXPECT_TRUE(one.all.empty()) << "never from inside the call";
  CO_ASSERT_TRUE(co_await eventually([&] { return !one.all.empty(); }));
  EXPECT_EQ(one.all, (log{"fill stopped"}));
}

// The server says that a key has changed after its answer to the write and before its answer to the read that follows.
CO_TEST(LinkStream, KeepsTheOrderOfARealServerThatTracksReads) {
  const redis_server server;
  link_config config = tcp_of(server);
  config.track_reads = true;
  logged_link one(context, config);
  one.turns = false;
  observed_link other(context, tcp_of(server));
  CO_ASSERT_OK(co_await one.to.ready(after(seconds(5))));
  one.all.clear();
  log expected;
  for (int i = 0; i < 100; ++i) {
    const std::string key = "k" + std::to_string(i);
    one.fill(of("GET", key), "read");
    one.fill(of("SET", key, "new"), "write");
    one.fill(of("GET", key), "read");
    one.fill(of("GET", "none"), "read");
    for (std::string each :
         {std::string("read "), std::string("write OK"), "push " + key, std::string("read new"), std::string("read ")})
      expected.push_back(std::move(each));
  }
  CO_ASSERT_TRUE(co_await eventually([&] { return one.all.size() == expected.size(); }));
  EXPECT_EQ(one.all, expected);
  one.all.clear();
  auto foreign = of("SET", "k7", "theirs");
  CO_ASSERT_OK(co_await other.to.exec(std::move(foreign), after(seconds(5)), effect::write));
  one.fill(of("GET", "k7"), "read");
  CO_ASSERT_TRUE(co_await eventually([&] { return one.all.size() == 2; }));
  EXPECT_EQ(one.all, (log{"push k7", "read theirs"}));
  co_await one.to.close();
  co_await other.to.close();
}

}  // namespace
}  // namespace mcpstate::redis
