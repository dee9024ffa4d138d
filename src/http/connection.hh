// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ssl/context.hpp>

#include <functional>
#include <memory>
#include <string>

#include <mcpstate/aio/task.hpp>
#include <mcpstate/http/egress.hpp>

#include "aio/name_lookup.hh"
#include "http/head.hh"
#include "http/headers.hh"
#include "http/url.hh"

// One HTTP/1.1 connection to a server, plain or TLS: one exchange after the other, bodies as they arrive, decoded.
namespace mcpstate::mcp {

struct http_request {
  http_request() {}
  std::string method;
  std::string target;
  header_list headers;  // a client that wants compressed answers sends Accept-Encoding (body_decoder.hh)
  std::string body;
};

// Executor: all members on the one it was opened on. Destroying it closes it, whatever the state of an exchange; not while a
// member is awaited. Cancellation of a member makes it useless. Memory: what waits, for the next exchange or for more of a
// body, holds no buffers. Failure: connection_lost; protocol for a peer that does not speak HTTP or breaks its rules, and
// for a body that is not compressed as it says; too_large for a head over its limits (answer_reader.hh).
class http_connection {
 public:
  virtual ~http_connection() = default;
  http_connection(const http_connection&) = delete;
  http_connection& operator=(const http_connection&) = delete;

  // Sends a request and reads the answer up to its body. The body before must have been read to its end. A plain connection
  // that the server closed in the meantime is noticed before anything is sent.
  virtual task<http_head> exchange(http_request what) = 0;
  // The next bytes of the body, a bounded piece; empty at its end.
  virtual task<std::string> read_body() = 0;
  // Whether any byte of the last request may have left.
  [[nodiscard]] virtual bool sent() const noexcept = 0;
  // Whether any byte of an answer to the last request has arrived.
  [[nodiscard]] virtual bool answered() const noexcept = 0;
  // Whether another exchange can follow: the body has been read to its end, and both sides keep the connection.
  [[nodiscard]] virtual bool reusable() const noexcept = 0;

 protected:
  http_connection() = default;
};

// Verification always on; ca_file instead of the system's certificates unless empty. bad_argument if it cannot be read.
[[nodiscard]] result<std::shared_ptr<asio::ssl::context>> make_tls_context(const std::string& ca_file);

// How connections leave this machine. One object serves all connections of a client.
struct outbound {
  outbound() {}
  egress_policy policy = egress_policy::open();
  std::function<task<aio::host_addresses>(std::string host)> look_up = aio::look_up;
};

// Resolves once, checks every address, connects to one of those, and shakes hands; the name is for Host, SNI and the
// certificate. tls may be null for http URLs. forbidden_target, resolve_failed, connect_failed, tls_failed.
task<std::unique_ptr<http_connection>> open_http_connection(asio::any_io_executor executor, http_url where,
                                                            std::shared_ptr<asio::ssl::context> tls,
                                                            std::shared_ptr<const outbound> way);
// Anywhere.
task<std::unique_ptr<http_connection>> open_http_connection(asio::any_io_executor executor, http_url where,
                                                            std::shared_ptr<asio::ssl::context> tls);

}  // namespace mcpstate::mcp
