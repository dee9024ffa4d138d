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

#include "redis/link_config.hh"

// A byte stream to a server: TCP, a unix socket, or TLS over TCP.
namespace mcpstate::redis {

// Executor: all members on the one it was opened with. Lifetime: after close(), wait until both operations have ended.
class transport {
 public:
  // Who is told when an operation ends; kept alive until then.
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

  // At most one of each at a time; the buffer lives until it ends.
  virtual void read_some(asio::mutable_buffer into, std::shared_ptr<sink> who) = 0;
  virtual void write_some(asio::const_buffer from, std::shared_ptr<sink> who) = 0;
  // What is under way ends with an error.
  virtual void close() noexcept = 0;

 protected:
  transport() = default;
};

// Certificates and rules for TLS, made once for all connections of a link.
class tls_settings;
[[nodiscard]] std::shared_ptr<tls_settings> make_tls_settings();

// "localhost:6379", "[::1]:6379", "unix:/path".
[[nodiscard]] std::string shown_address(const link_config& config);

// Resolves, connects and, with TLS, shakes hands and verifies. Cancellation: terminal; ends soon, and nothing is left open.
// Errors: resolve_failed, connect_failed, tls_failed, deadline. `config` and `tls` outlive the call.
task<std::unique_ptr<transport>> open_transport(asio::any_io_executor executor, const link_config& config, tls_settings& tls,
                                                aio::deadline until);

}  // namespace mcpstate::redis
