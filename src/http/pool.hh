// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <mcpstate/aio/deadline.hpp>

#include "http/connection.hh"

// The connections to one server: opened when they are needed, kept, and used again. What all requests of a client have in
// common is added here: the headers of the user, Accept-Encoding, User-Agent; redirects within the origin are followed.
namespace mcpstate::http {

// An answer whose head has arrived, and the connection that brings its body.
struct exchange {
  exchange() {}
  std::unique_ptr<http::connection> connection;
  http::head head;
};

// What a pool connects to, and how.
struct pool_options {
  pool_options() {}
  std::string url;
  header_list headers;  // sent with every request; their values are secrets
  std::string ca_file;  // instead of the system's certificates
  std::string user_agent;
  egress_policy egress = egress_policy::open();
  std::vector<std::string> answer_headers;  // what head::others keeps of an answer; names in lower case
};

// Whether a request may go over a connection that was used before, and be sent again when that breaks.
enum class request_kind {
  idempotent,    // yes: a kept connection that breaks before any byte of an answer was closed before the request came
  at_most_once,  // it may have effects: it goes over a new connection, or one that was in use a moment ago, and is sent once
  stream,        // its answer stays open: it gets a new connection
};

// Executor: all members on the one it was made with. Lifetime: outlives the exchanges that it started; destroying it closes
// the kept connections. Cancellation: start() may be cancelled; the server may then have got the request or not.
class pool {
 public:
  pool(asio::any_io_executor executor, pool_options options);

  // Checks URL and headers and reads the certificates; connects with the first request. Call it first, once.
  // Failure: bad_url, bad_argument, forbidden_target.
  result<void> prepare();
  [[nodiscard]] const http::url& url() const noexcept { return url_; }
  // Replaces path and query for all requests that follow.
  void set_target(std::string target) { url_.target = std::move(target); }

  // Sends a request with these headers and the common ones, and answers when the head of the answer has arrived. 307 and 308
  // are followed within the origin, as often as the egress policy allows; the target stays where they lead.
  // Failure: what open_connection() and connection::send() answer; forbidden_target and http_status for redirects.
  task<exchange> start(std::string method, header_list own, std::string body, request_kind kind);
  // The body has been read to its end: keeps the connection for another request.
  void release(exchange done);
  // Reads the rest of a body that nobody needs, for 250 ms and 64 KiB at most, and keeps the connection if it ended.
  task<void> drain(exchange rest);
  // Closes the kept connections.
  void close() { idle_.clear(); }

 private:
  struct idle_connection {
    idle_connection() {}
    std::unique_ptr<http::connection> connection;
    std::chrono::steady_clock::time_point since;
  };
  [[nodiscard]] request make_request(std::string method, header_list own, std::string body) const;
  void add_common_headers(request& out) const;
  std::unique_ptr<connection> take_idle(request_kind kind);
  task<exchange> send_once(request what, request_kind kind);
  result<bool> follow_redirect(const head& answered, unsigned followed);

  asio::any_io_executor executor_;
  pool_options options_;
  http::url url_;
  net::tls_context tls_;
  std::shared_ptr<const connection_options> connecting_;
  std::vector<idle_connection> idle_;
};

// Called with the bytes that are there so far. Its failure ends the reading.
using size_check = std::function<result<void>(std::size_t)>;

// Reads the whole body. One that is longer than the limit is cut there, or answered with too_large.
task<std::string> read_all(connection& source, std::size_t limit, bool cut);
task<std::string> read_all(connection& source, std::size_t limit, bool cut, size_check check);

}  // namespace mcpstate::http
