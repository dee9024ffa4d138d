// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <memory>
#include <sstream>
#include <string>

#include <mcpstate/manager.hpp>
#include <mcpstate/open_store.hpp>

#include "service/server/server.hh"
#include "support/co_test.hh"
#include "support/trapped_backend.hh"

// The real server over a store in memory and the real manager, and clients that decide about every byte they send.
namespace mcpstate::test {

using tcp = asio::ip::tcp;

struct raw_answer {
  raw_answer() {}
  unsigned status = 0;
  std::string head, body;
  [[nodiscard]] std::string field(const std::string& name) const;
};

// A client on a socket of its own. Everything it reads must come within 10 s.
class raw_client {
 public:
  explicit raw_client(asio::any_io_executor executor) : socket_(executor) {}
  asio::awaitable<void> connect(std::uint16_t port);
  asio::awaitable<void> send(std::string bytes);
  // The next answer, its body by its Content-Length; status 0 when the connection ended first.
  asio::awaitable<raw_answer> answer(bool with_body = true);
  // send, then answer.
  asio::awaitable<raw_answer> ask(std::string bytes);
  // Whatever comes until the server closes; "(reset)" or "(nothing)" at the end if it came otherwise.
  asio::awaitable<std::string> rest();
  // Up to and including this text; what came, if it did not.
  asio::awaitable<std::string> until(std::string text);
  void finish_sending() {
    boost::system::error_code ec;
    socket_.shutdown(tcp::socket::shutdown_send, ec);
  }
  void close() { socket_.close(); }
  tcp::socket& socket() { return socket_; }

 private:
  asio::awaitable<bool> read_until(std::string text);
  tcp::socket socket_;
  std::string read_;
};

std::string get(const std::string& target, const std::string& fields = {});
std::string with_body(const std::string& method, const std::string& target, const std::string& body,
                      const std::string& fields = {});

struct fixture_options : service::service_options {
  fixture_options() {}
  service::process_options process;
  store_options store;
  step_trap trap = [](std::string_view, const owner&) {};
};

class service_fixture {
 public:
  service_fixture(asio::io_context& io, fixture_options options);
  asio::awaitable<void> start();
  asio::awaitable<void> stop();
  [[nodiscard]] std::uint16_t port() const { return server->endpoints().at(0).port(); }
  [[nodiscard]] asio::any_io_executor executor() const { return store->executor(); }
  [[nodiscard]] std::string log_text() const { return log_text_.str(); }
  void set_keys(service::access_keys keys) {
    process.set_keys(std::move(keys));
    server->recheck_tokens();
  }
  asio::awaitable<std::unique_ptr<raw_client>> client();

 private:
  std::ostringstream log_text_;

 public:
  service::log log{service::log_style::text, service::log_level::debug, log_text_};
  std::unique_ptr<mcpstate::store> store;
  service::process_services process;
  std::unique_ptr<mcpstate::manager> manager;
  service::shard_set shards;
  std::unique_ptr<service::server> server;
};

// Any free port of 127.0.0.1.
fixture_options quick_options();
// Runs a test against a service that is started before it and stopped after it.
using body_of_test = asio::awaitable<void> (*)(service_fixture&);
void with_service(body_of_test body, fixture_options options = quick_options());

}  // namespace mcpstate::test

// A coroutine with the running service `f`. What follows the name goes to with_service().
#define SERVICE_TEST(Suite, Name, ...)                                                         \
  CO_TEST_STARTED(TEST, Suite, Name, ([[maybe_unused]] ::mcpstate::test::service_fixture & f), \
                  ::mcpstate::test::with_service(body __VA_OPT__(, ) __VA_ARGS__))
