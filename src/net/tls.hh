// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

#include <mcpstate/aio/task.hpp>

#include "net/dial.hh"
#include "net/tls_stream.hh"

// TLS over a connected socket: which certificates are trusted, and the handshake.
namespace mcpstate::net {

using tls_context = std::shared_ptr<asio::ssl::context>;

// The context that trusts the certificates of this file, or the system's where it is empty. TLS 1.2 or later. What one
// connection asks for (verification, host name) is set on its stream, not here.
//
// Reading the certificates of a system takes 50 ms and 0.9 MB, so all users of one file share one context. The process keeps
// the last few; a file that has been replaced or changed since is read again, and streams that were made before keep the old
// one. Any thread. Blocks while a file is read for the first time.
// Failure: tls_failed; the detail names the file.
[[nodiscard]] result<tls_context> shared_tls_context(const std::string& ca_file);

// Whom a client expects to find at the other end.
struct tls_peer {
  tls_peer() {}
  std::string host;    // the certificate must be for this name or address; a name is also sent (SNI)
  std::string shown;   // how errors name it: "localhost:6379"
  bool verify = true;  // false: any certificate of anybody
  // Whether f*.example.org in a certificate stands for foo.example.org.
  bool partial_wildcards = false;
  std::string plain_hint;  // what to ask when something other than TLS answers: "is it http://?"
};

// Shakes hands as a client and verifies the other end. Executor: the socket's. Cancellation: terminal. The context may be
// given up afterwards.
// Failure: tls_failed, stopped; the socket is then closed.
task<tls_stream> shake_hands(tcp_socket socket, tls_context context, tls_peer peer);

}  // namespace mcpstate::net
