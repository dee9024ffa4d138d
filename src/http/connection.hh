// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <string>
#include <vector>

#include <mcpstate/aio/task.hpp>
#include <mcpstate/http/egress.hpp>

#include "http/head.hh"
#include "http/headers.hh"
#include "http/url.hh"
#include "net/tls.hh"

// One HTTP/1.1 connection to a server, plain or TLS: one exchange after the other. Bodies are read as they arrive, decoded.
namespace mcpstate::http {

struct request {
  request() {}
  std::string method;
  std::string target;
  header_list headers;  // a client that takes compressed answers sends Accept-Encoding (body_decoder.hh)
  std::string body;
};

// Executor: all members on the one it was opened on. Lifetime: destroying it closes it, in any state of an exchange, but not
// while a member is awaited. Cancellation: a member that was cancelled leaves the connection useless. Memory: while it
// waits, for the next exchange or for more of a body, it holds no buffers. Failure: connection_lost; protocol for a peer
// that does not speak HTTP or breaks its rules, and for a body that is not compressed as its head says; too_large for a head
// beyond the limits (answer_reader.hh).
class connection {
 public:
  virtual ~connection() = default;
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  // Sends a request and reads the answer up to its body. The body before must have been read to its end. When the server has
  // closed a plain connection meanwhile, that is noticed before anything is sent.
  virtual task<head> send(request what) = 0;
  // The next bytes of the body, a bounded piece; empty at its end.
  virtual task<std::string> read_body() = 0;
  // Whether any byte of the last request may have left.
  [[nodiscard]] virtual bool sent() const noexcept = 0;
  // Whether any byte of an answer to the last request has arrived.
  [[nodiscard]] virtual bool answered() const noexcept = 0;
  // Whether another exchange can follow: the body has been read to its end, and both sides keep the connection open.
  [[nodiscard]] virtual bool reusable() const noexcept = 0;

 protected:
  connection() = default;
};

// What all connections of a client have in common.
struct connection_options {
  connection_options() {}
  egress_policy egress = egress_policy::open();
  net::resolver look_up = aio::look_up;
  std::vector<std::string> answer_headers;  // what head::others keeps of an answer; names in lower case
};

// Looks the host up once, checks every address, connects to one of them, and shakes hands. The host's name is for the Host
// header, SNI and the certificate, which is always verified. tls may be null for http URLs.
// Failure: forbidden_target, resolve_failed, connect_failed, tls_failed, stopped.
task<std::unique_ptr<connection>> open_connection(asio::any_io_executor executor, url target, net::tls_context tls,
                                                  std::shared_ptr<const connection_options> options);
// With the default options.
task<std::unique_ptr<connection>> open_connection(asio::any_io_executor executor, url target, net::tls_context tls);

}  // namespace mcpstate::http
