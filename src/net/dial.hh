// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <cstdint>
#include <functional>
#include <string>

#include <mcpstate/aio/task.hpp>

#include "aio/name_lookup.hh"

// Opens connections to other machines and programs. Nothing else in mcpstate connects a socket.
//
// Executor: sockets live on the given executor. Cancellation: terminal; a call ends soon with `stopped` or with the error of
// what it was doing, and leaves no socket open. Deadlines are the caller's (aio::with_deadline). Parameters are taken by
// value.
namespace mcpstate::net {

using tcp_socket = asio::ip::tcp::socket;
using unix_socket = asio::local::stream_protocol::socket;

// Answers the addresses of a host name. An address answers for itself.
using resolver = std::function<task<aio::host_addresses>(std::string host)>;
// Judges all addresses of a host before any of them is tried. An error refuses the host.
using address_check = std::function<result<void>(const std::string& host, const aio::host_addresses& found)>;

struct dial_target {
  dial_target() {}
  std::string host;  // a name or an address, without brackets
  std::uint16_t port = 0;
  std::string shown;  // how errors name it: "localhost:6379"
  resolver look_up = aio::look_up;
  address_check check;  // empty: every address will do
};

// Looks the host up once, checks its addresses, and connects to the first of them that accepts (in their order). The socket
// sends small writes at once (TCP_NODELAY).
// Failure: resolve_failed, what the check answers, connect_failed, stopped.
task<tcp_socket> dial_tcp(asio::any_io_executor executor, dial_target target);

// Connects to a unix socket. Where too many wait to be accepted it tries again until it is cancelled. Failure: connect_failed,
// also for a path that is too long for the system; stopped.
task<unix_socket> dial_unix(asio::any_io_executor executor, std::string path);

// Whether a host is written as an address.
[[nodiscard]] bool is_address(const std::string& host);

}  // namespace mcpstate::net
