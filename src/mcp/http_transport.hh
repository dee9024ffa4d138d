// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/mcp/client.hpp>

#include "mcp/http_connection.hh"
#include "mcp/sse_parser.hh"
#include "mcp/transport.hh"

// Streamable HTTP: each message is a POST, and the answer to a request comes back as one JSON body or as an event stream.
// Connections are kept and used again. The session id is a secret: it goes to the server and nowhere else.
namespace mcpstate::mcp {

class http_transport final : public transport {
 public:
  http_transport(asio::any_io_executor executor, message_sink& sink, http_target where, const client_options& options);

  [[nodiscard]] std::string_view name() const noexcept override { return "http"; }
  // Checks the URL and the headers; connects with the first message.
  task<void> open() override;
  // Returns when the exchange is over: for a request, when its answer has been given to the sink.
  task<void> send(outgoing what) override;
  void on_negotiated(const std::string& version) override;
  [[nodiscard]] std::string last_words() const override { return std::string(); }
  asio::awaitable<void> close() override;

 private:
  // An answer whose head has arrived, and the connection that its body comes on.
  struct exchange {
    exchange() {}
    std::unique_ptr<http_connection> connection;
    http_head head;
  };
  [[nodiscard]] http_request make_request(std::string method, std::string body) const;
  task<exchange> start(http_request what);
  task<void> take_answer(exchange on, std::uint64_t id);
  task<void> take_stream(exchange on, std::uint64_t id);
  task<void> take_refusal(exchange on);
  task<void> finish(exchange on);
  task<std::string> read_all(http_connection& from, std::size_t limit, bool cut);
  task<void> end_session();
  result<void> give_events(std::vector<sse_event> events);
  result<void> note_session(const http_head& head);

  asio::any_io_executor executor_;
  message_sink& sink_;
  http_target where_;
  std::string ca_file_, user_agent_;
  std::size_t max_message_;
  http_url url_;
  std::shared_ptr<asio::ssl::context> tls_;
  std::string version_;     // negotiated; empty before
  std::string session_id_;  // secret
  std::vector<std::unique_ptr<http_connection>> idle_;
};

}  // namespace mcpstate::mcp
