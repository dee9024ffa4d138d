// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <string>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/mcp/target.hpp>

#include "aio/latch.hh"
#include "http/sse_parser.hh"
#include "mcp/transport/http_pool.hh"
#include "mcp/transport/transport.hh"

// HTTP+SSE, the transport of 2024-11-05: one event stream brings everything that the server says, and its first event names
// the endpoint, the URL to which messages are posted. The session ends with the stream.
namespace mcpstate::mcp {

class sse_transport final : public transport {
 public:
  sse_transport(asio::any_io_executor executor, message_sink& sink, http_target server, transport_options options);

  [[nodiscard]] std::string_view name() const noexcept override { return "sse"; }
  // Opens the stream, and waits a few seconds at most for the endpoint. errc::protocol if there is none, or
  // errc::forbidden_target if it is at another origin. If the server answers anything but an event stream, the sink gets
  // on_refused(0, …) before.
  task<void> open() override;
  task<void> send(outgoing request) override;
  void on_negotiated(const std::string& version) override;
  task<void> follow() override { co_return result<void>(); }  // the one stream is there already
  [[nodiscard]] std::string diagnostics() const override { return std::string(); }
  asio::awaitable<void> close() override;

 private:
  asio::awaitable<void> read(http::exchange exchange);
  void end(const error& reason);
  result<void> take(http::sse_event event);
  result<void> set_endpoint(const std::string& reference);

  message_sink& sink_;
  std::size_t max_message_;
  std::shared_ptr<byte_budget> message_budget_;
  std::string message_owner_;
  http::pool pool_;  // its target is the endpoint once that is known
  std::string version_;
  aio::latch endpoint_decided_;  // the first event has come, or never will
  bool has_endpoint_ = false;
  bool closing_ = false;
  std::optional<error> failure_;
  aio::task_group group_;
};

}  // namespace mcpstate::mcp
