// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/mcp/target.hpp>

#include "aio/latch.hh"
#include "http/sse_parser.hh"
#include "mcp/transport/http_pool.hh"
#include "mcp/transport/transport.hh"

// Streamable HTTP of both eras: each message is a POST, and the answer to a request comes back as one JSON body or as an
// event stream. In the legacy era there may be a session, whose id is a secret (it goes to the server and nowhere else); a
// stream that breaks can be taken up again; and a GET opens one for what the server says first.
namespace mcpstate::mcp {

class http_transport final : public transport {
 public:
  http_transport(asio::any_io_executor executor, message_sink& sink, http_target where, transport_options options);

  [[nodiscard]] std::string_view name() const noexcept override { return "http"; }
  // Checks the URL and the headers; connects with the first message.
  task<void> open() override;
  // Returns when the exchange is over: for a request, when its answer has been given to the sink.
  task<void> send(outgoing what) override;
  void on_negotiated(const std::string& version) override;
  task<void> follow() override;
  [[nodiscard]] std::string last_words() const override { return std::string(); }
  asio::awaitable<void> close() override;

 private:
  // Where an event stream of the legacy era stands, so that it can be taken up again.
  struct stream_place {
    stream_place() {}
    std::string last_event_id;
    std::optional<std::chrono::milliseconds> retry;
  };
  [[nodiscard]] http::header_list headers_of(const outgoing& what) const;
  [[nodiscard]] http::header_list session_headers() const;
  task<void> take_answer(http::exchange on, std::uint64_t id);
  task<void> take_stream(http::exchange on, std::uint64_t id);
  task<void> read_events(http::exchange& on, std::uint64_t id, stream_place& place);
  task<void> take_up(std::uint64_t id, stream_place place, error why);
  task<void> take_refusal(http::exchange on, std::uint64_t id, bool in_session);
  task<http::exchange> get_stream(std::string last_event_id);
  asio::awaitable<void> keep_following();
  asio::awaitable<bool> follow_once(stream_place& place, int& failures);
  task<void> end_session();
  result<void> give_events(std::vector<http::sse_event> events, std::uint64_t id);
  result<void> note_session(const outgoing& what, const http::head& head);

  message_sink& sink_;
  std::size_t max_message_;
  http::pool pool_;
  bool legacy_ = false;                 // the handshake of the legacy era is done
  bool has_worked_ = false;             // a request of the session was answered
  std::string version_;                 // legacy: negotiated; empty before, and in versions without the header
  std::string session_id_;              // secret
  bool stream_stood_ = false;           // there was a stream for announcements
  aio::latch first_try_;                // the stream for announcements stands, or is not offered
  std::optional<error> not_following_;  // why the first try of it failed
  aio::task_group group_;               // that stream
};

}  // namespace mcpstate::mcp
