// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/mcp/target.hpp>

#include "aio/latch.hh"
#include "http/sse_parser.hh"
#include "mcp/transport/http_pool.hh"
#include "mcp/transport/transport.hh"

// Streamable HTTP of both eras: each message is a POST, and the answer to a request comes back as one JSON body or as an
// event stream. In the legacy era there may be a session, whose id is a secret that goes to this server only; a stream that
// breaks can be resumed; and a GET opens the stream on which the server speaks first.
namespace mcpstate::mcp {

class http_transport final : public transport {
 public:
  http_transport(asio::any_io_executor executor, message_sink& sink, http_target server, transport_options options);

  [[nodiscard]] std::string_view name() const noexcept override { return "http"; }
  // Checks the URL and the headers; connects with the first message.
  task<void> open() override;
  // Returns when the exchange is over; for a request, when the sink has its answer.
  task<void> send(outgoing request) override;
  [[nodiscard]] bool has_session() const noexcept override { return !session_id_.empty(); }
  void forget_session() override { session_id_.clear(); }
  void on_negotiated(const std::string& version) override;
  task<void> follow() override;
  [[nodiscard]] std::string diagnostics() const override { return std::string(); }
  asio::awaitable<void> close() override;

 private:
  // How far an event stream of the legacy era was read, so that it can be resuming.
  struct stream_position {
    stream_position() {}
    std::string last_event_id;
    std::optional<std::chrono::milliseconds> retry;
  };
  [[nodiscard]] http::header_list headers_of(const outgoing& request) const;
  [[nodiscard]] http::header_list session_headers() const;
  task<void> take_answer(http::exchange exchange, std::uint64_t id);
  task<void> take_stream(http::exchange exchange, std::uint64_t id);
  task<void> read_events(http::exchange& exchange, std::uint64_t id, stream_position& position);
  task<void> resume(std::uint64_t id, stream_position position, error reason);
  task<void> take_refusal(http::exchange exchange, std::uint64_t id, bool in_session);
  task<http::exchange> get_stream(std::string last_event_id);
  asio::awaitable<void> follow_announcements();
  asio::awaitable<bool> read_announcements(stream_position& position, int& failures);
  task<void> end_session();
  result<void> give_event(http::sse_event event, std::uint64_t id);
  void end_by_bug(const std::string& what);
  result<void> note_session(const outgoing& request, const http::head& head);

  message_sink& sink_;
  std::size_t max_message_;
  std::shared_ptr<byte_budget> message_budget_;
  std::string message_owner_;
  http::pool pool_;
  bool legacy_ = false;               // the handshake of the legacy era is done
  bool has_worked_ = false;           // a request of the session was answered
  std::string version_;               // legacy era: as negotiated; empty before, and in versions without the header
  std::string session_id_;            // secret
  bool had_announcements_ = false;    // there was a stream of announcements
  aio::latch announcements_decided_;  // the first attempt has opened that stream or failed
  std::optional<error> announcements_failure_;  // of the first attempt
  aio::task_group group_;                       // that stream
};

}  // namespace mcpstate::mcp
