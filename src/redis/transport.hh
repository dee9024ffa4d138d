// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <memory>
#include <string>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/aio/task.hpp>

#include "net/dial.hh"
#include "redis/link_config.hh"

// A byte stream to a server: TCP, a unix socket, or TLS over TCP.
namespace mcpstate::redis {

// Executor: all members on the one it was opened with. Lifetime: after close(), wait until both operations have ended before
// destroying it.
class transport {
 public:
  // Is told when an operation ends, and kept alive until then.
  class sink {
   public:
    virtual void on_read(const boost::system::error_code& ec, std::size_t n) = 0;
    virtual void on_written(const boost::system::error_code& ec, std::size_t n) = 0;

   protected:
    ~sink() = default;
  };

  virtual ~transport() = default;
  transport(const transport&) = delete;
  transport& operator=(const transport&) = delete;

  // At most one read and one write at a time. The buffer must live until the operation ends.
  virtual void read_some(asio::mutable_buffer into, std::shared_ptr<sink> receiver) = 0;
  virtual void write_some(asio::const_buffer from, std::shared_ptr<sink> receiver) = 0;
  // Operations that are under way end with an error.
  virtual void close() noexcept = 0;

 protected:
  transport() = default;
};

// What to do where a server asks for a client certificate, or refuses it.
inline constexpr const char* client_certificate_hint =
    "; --cert-file and --key-file name one, or ssl_certfile and ssl_keyfile in the URL";

// "localhost:6379", "[::1]:6379", "unix:/path".
[[nodiscard]] std::string shown_address(const link_config& config);

// Looks up, connects and, with TLS, shakes hands and verifies, all until the deadline. Cancellation: terminal; it ends soon,
// and nothing stays open. Failure: resolve_failed, connect_failed, tls_failed, deadline, stopped.
task<std::unique_ptr<transport>> open_transport(asio::any_io_executor executor, link_config config, net::resolver look_up,
                                                aio::deadline until);

}  // namespace mcpstate::redis
