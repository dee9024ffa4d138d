// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/ssl/context.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <mcpstate/aio/task.hpp>

#include "net/dial.hh"
#include "net/tls_stream.hh"

// TLS over a connected socket: which certificates are trusted, and the handshake.
namespace mcpstate::net {

using tls_context = std::shared_ptr<asio::ssl::context>;

// The files that a context is made from, PEM all of them.
struct tls_files {
  tls_files() {}
  explicit tls_files(std::string trusted) : ca_file(std::move(trusted)) {}
  std::string ca_file;  // certificates to trust; empty: the system's
  std::string
      cert_file;  // what this side shows when it is asked: its certificate, then those up to its authority; empty: none
  std::string key_file;  // the key of that certificate; empty: it is in cert_file
  [[nodiscard]] bool operator==(const tls_files&) const = default;
};

// The context that trusts these certificates and shows this one. TLS 1.2 or later. What one connection asks for (verification,
// host name) is set on its stream, not here.
//
// Reading the certificates of a system takes 50 ms and 0.9 MB, so all users of the same files share one context. The process keeps
// the last few; a file that has been replaced or changed since is read again, and streams that were made before keep the old
// one. Any thread. Blocks while a file is read for the first time.
//
// on_fault decides about files that have changed and cannot be used now, as when a rotation went wrong or is half done. Where it is
// given it hears why, once for each state of the files, and the context that was read before is answered. Without it, as for
// files that were never read, that is a failure.
// Failure: tls_failed; the detail names the file.
using tls_fault_handler = std::function<void(std::string_view why)>;
[[nodiscard]] result<tls_context> shared_tls_context(const tls_files& files, const tls_fault_handler& on_fault = {});

// Whom a client expects to find at the other end.
struct tls_peer {
  tls_peer() {}
  std::string host;         // the certificate must be for this name or address; a name is also sent (SNI)
  std::string shown;        // how errors name it: "localhost:6379"
  bool verify = true;       // false: any certificate of anybody
  bool verify_host = true;  // false: any certificate of a trusted authority
  // Whether f*.example.org in a certificate stands for foo.example.org.
  bool partial_wildcards = false;
  std::string plain_hint;               // what to ask when something other than TLS answers: "is it http://?"
  std::string client_certificate_hint;  // what to do about a client certificate that is missing or refused; may be empty
};

// What the other end has said about this side's certificate when it ended the connection: "it asks for a client certificate",
// "it refuses the client certificate: certificate expired". Empty where `ec` tells of something else. A server may say so after
// its own side of the handshake, so that the client learns it from its first read.
[[nodiscard]] std::string client_certificate_fault(const boost::system::error_code& ec);

// Shakes hands as a client and verifies the other end. Executor: the socket's. Cancellation: terminal. The context may be
// given up afterwards.
// Failure: tls_failed, stopped; the socket is then closed. Of a certificate for another host the peer text has its names.
task<tls_stream> shake_hands(tcp_socket socket, tls_context context, tls_peer peer);

}  // namespace mcpstate::net
