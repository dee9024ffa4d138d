// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <mcpstate/aio/task.hpp>
#include <mcpstate/aio/task_group.hpp>

// An HTTP server that answers every request with exactly the bytes that a test wants, however wrong they are.
namespace mcpstate::test {

struct http_seen {
  std::string method, target, body;
  std::map<std::string, std::string> headers;  // names in lower case
  int connection = 0;                          // the first one is 1
  std::string rpc_method;                      // of the body; empty if it has none
  std::string rpc_id;
};

// What comes later on an answer that hangs: what a test adds, until it ends the connection or the client does.
class http_rest {
 public:
  void add(const std::string& bytes);
  void end();
  bool begun = false;  // the answer that it belongs to has been written
  bool gone = false;   // the client has closed the connection

 private:
  friend class scripted_server;
  asio::awaitable<void> wait();
  std::string bytes_;
  bool ended_ = false;
  asio::steady_timer* waiting_ = nullptr;  // of who writes it
};

struct http_reply {
  http_reply() {}
  explicit http_reply(std::string bytes_) : bytes(std::move(bytes_)) {}
  std::string bytes;
  enum class then { keep, close, hang } after = then::keep;
  bool byte_by_byte = false;
  std::shared_ptr<http_rest> rest;  // of one that hangs
};

http_reply json_reply(int status, const std::string& body, const std::string& more_headers = "");
http_reply text_reply(int status, const std::string& type, const std::string& body);
// An event stream of unknown length: it ends with the connection.
http_reply stream_reply(const std::string& events);
// The same, going on: with what is added to the rest.
http_reply open_stream_reply(const std::string& events, std::shared_ptr<http_rest> rest = nullptr);
http_reply empty_reply(int status, const std::string& more_headers = "");
http_reply result_reply(const http_seen& request, const std::string& result);
// What a well-behaved server without session id answers; one tool named "plain".
http_reply usual_reply(const http_seen& request);
inline const std::string plain_tool = R"({"name":"plain","inputSchema":{"type":"object"}})";
inline const std::string initialize_result =
    R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"scripted","version":"1"}})";

// A key and a certificate for "localhost", as files made for one test run.
struct test_certificate {
  std::string certificate_pem, key_pem;
};
test_certificate make_certificate();

class scripted_server {
 public:
  using handler = std::function<http_reply(const http_seen&)>;
  // port 0: one that is free; else the one that an earlier server had.
  scripted_server(asio::any_io_executor executor, handler answer, std::uint16_t port = 0);
  scripted_server(asio::any_io_executor executor, handler answer, const test_certificate& identity);

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  [[nodiscard]] std::string url(const std::string& host = "127.0.0.1") const;
  // Connections that are closed as soon as they are accepted.
  void refuse_next(int count) { refuse_ = count; }
  asio::awaitable<void> close();

  std::vector<http_seen> seen;
  int connections = 0;
  int ended = 0;  // of the connections
  // How often a method of JSON-RPC was asked for.
  [[nodiscard]] long count(const std::string& rpc_method) const;
  // The n-th request (from 0) of a method of JSON-RPC, or of one of HTTP ("GET"); an empty one if there is none.
  [[nodiscard]] http_seen nth(const std::string& method, std::size_t n = 0) const;

 private:
  asio::awaitable<void> accept();
  asio::awaitable<void> serve_plain(asio::ip::tcp::socket socket, int number);
  asio::awaitable<void> serve_tls(asio::ip::tcp::socket socket, int number);
  template <class Stream>
  asio::awaitable<void> serve(Stream& stream, int number);
  template <class Stream>
  asio::awaitable<void> hang(Stream& stream, std::shared_ptr<http_rest> rest);

  handler answer_;
  std::unique_ptr<asio::ssl::context> tls_;
  asio::ip::tcp::acceptor acceptor_;
  int refuse_ = 0;
  aio::task_group group_;
};

}  // namespace mcpstate::test
