// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <mcpstate/aio/deadline.hpp>

#include "http/connection.hh"

// The connections to one server: opened when needed, kept and used again. What every request of a client has in common is
// added here: the user's headers, the types that we take, redirects within the origin.
namespace mcpstate::mcp {

// An answer whose head has arrived, and the connection that its body comes on.
struct http_exchange {
  http_exchange() {}
  std::unique_ptr<http_connection> connection;
  http_head head;
};

[[nodiscard]] bool is_success(const http_head& head) noexcept;
// The answer as the rules know it; body: its beginning.
[[nodiscard]] http_answer summary(const http_head& head, std::string body);

// What a pool connects to, and how.
struct pool_options {
  pool_options() {}
  std::string url;
  header_list headers;  // sent with every request; their values are secrets
  std::string ca_file;  // instead of the system's certificates
  std::string user_agent;
  egress_policy egress = egress_policy::open();
};

// Executor: all members on the one it was made with. Lifetime: outlives the exchanges that it started; destroying it closes
// the kept connections. Cancellation: start() may be cancelled; the server may then have got the request or not.
class http_pool {
 public:
  http_pool(asio::any_io_executor executor, pool_options options);

  // Checks the URL and the headers; connects with the first request. bad_url, bad_argument, forbidden_target.
  result<void> prepare();
  [[nodiscard]] const http_url& url() const noexcept { return url_; }
  // Replaces path and query: a server of HTTP+SSE names the place for messages.
  void aim(std::string path) { url_.target = std::move(path); }

  // How a request may travel.
  enum class care {
    repeatable,  // a kept connection that breaks before any byte of an answer was closed before the request came: send again
    once,        // it may do something: only on a connection that is new, or was in use a moment ago
    stream,      // its answer stays open: a connection of its own
  };
  // Sends a request; `more` are its headers. The target is the URL's.
  task<http_exchange> start(std::string method, header_list more, std::string body, care how);
  // The body has been read to its end: keeps the connection for the next request.
  void keep(http_exchange done);
  // Reads what is left of a body that nobody needs, for a short time, and keeps the connection.
  task<void> drain(http_exchange rest);
  void close() { idle_.clear(); }

 private:
  struct kept {
    kept() {}
    std::unique_ptr<http_connection> connection;
    std::chrono::steady_clock::time_point since;
  };
  [[nodiscard]] http_request make_request(std::string method, header_list more, std::string body) const;
  std::unique_ptr<http_connection> take(care how);
  task<http_exchange> send_once(http_request what, care how);
  result<bool> redirect(const http_head& head, unsigned followed);

  asio::any_io_executor executor_;
  pool_options options_;
  http_url url_;
  std::shared_ptr<asio::ssl::context> tls_;
  std::shared_ptr<const outbound> way_out_;
  std::vector<kept> idle_;
};

// The whole body; too_large beyond the limit, or the part within it if that is enough (cut).
task<std::string> read_all(http_connection& from, std::size_t limit, bool cut);

}  // namespace mcpstate::mcp
