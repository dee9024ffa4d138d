// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

#include <mcpstate/aio/task.hpp>

#include "mcp/http_rules.hh"

// One HTTP/1.1 connection to a server, plain or TLS: one exchange after the other, bodies as they arrive.
namespace mcpstate::mcp {

struct http_request {
  http_request() {}
  std::string method;
  std::string target;
  header_list headers;
  std::string body;
};

struct http_head {
  http_head() {}
  unsigned status = 0;
  std::string content_type, session_id, location;
};

// Executor: all members on the one it was opened on. Destroying it closes it, at any moment. Cancellation of a member makes
// it useless. Failure: connection_lost, or protocol for a peer that does not speak HTTP.
class http_connection {
 public:
  virtual ~http_connection() = default;
  http_connection(const http_connection&) = delete;
  http_connection& operator=(const http_connection&) = delete;

  // Sends a request and reads the answer up to its body. The body before must have been read to its end.
  virtual task<http_head> exchange(http_request what) = 0;
  // The next bytes of the body; empty at its end.
  virtual task<std::string> read_body() = 0;
  // Whether any byte of an answer to the last request has arrived.
  [[nodiscard]] virtual bool answered() const noexcept = 0;
  // Whether another exchange can follow: the body has been read, and both sides keep the connection.
  [[nodiscard]] virtual bool reusable() const noexcept = 0;

 protected:
  http_connection() = default;
};

// Verification always on; ca_file instead of the system's certificates unless empty. bad_argument if it cannot be read.
[[nodiscard]] result<std::shared_ptr<asio::ssl::context>> make_tls_context(const std::string& ca_file);

// Resolves, connects, and shakes hands. tls may be null for http URLs. resolve_failed, connect_failed, tls_failed.
task<std::unique_ptr<http_connection>> open_http_connection(asio::any_io_executor executor, http_url where,
                                                            std::shared_ptr<asio::ssl::context> tls);

}  // namespace mcpstate::mcp
