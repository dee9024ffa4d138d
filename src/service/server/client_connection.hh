// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/cancellation_signal.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "service/gate/authorizer.hh"
#include "service/http/request_reader.hh"
#include "service/routes/request_context.hh"
#include "service/routes/shard.hh"
#include "service/server/client_socket.hh"
#include "service/server/frame_rooms.hh"
#include "service/server/service_options.hh"

// One HTTP connection of a client. Requests are served one after the other: each is answered before the next one is read.
namespace mcpstate::service {

// What all connections of a server share. It outlives them.
struct connection_context {
  connection_context(process_services& p, shard_set& s, const service::authorizer& a, const service_options& o)
      : process(p), shards(s), authorizer(a), options(o) {}
  process_services& process;
  shard_set& shards;
  const service::authorizer& authorizer;
  const service_options& options;
  frame_rooms rooms{process.answers};  // of the frames that event streams are being sent
  bool draining = false;               // the server closes: nothing new is begun

  [[nodiscard]] std::string next_request_id();

 private:
  std::uint64_t requests_ = 0;
};

// Executor: the socket's. Lifetime: await run() to its end before destroying it.
class client_connection {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  client_connection(asio::ip::tcp::socket socket, connection_context& shared);
  // Serves requests until the connection ends.
  asio::awaitable<void> run();

  // To be called several times a second: ends what has taken too long, and sends heartbeats.
  void tick(time_point now);
  // Marks an event stream whose token is not among these keys; the next tick ends it.
  void recheck_token(const access_keys& keys);
  // Nothing new is begun: an idle connection ends at once, and a request that waits for an outcome is answered with what is
  // known.
  void drain();

 private:
  asio::awaitable<bool> serve_request();
  asio::awaitable<bool> respond_at_once(http_response response);
  asio::awaitable<bool> serve_authorized(authorized_request authorized);
  asio::awaitable<bool> receive_body(std::size_t limit);
  asio::awaitable<bool> read_head();
  asio::awaitable<bool> read_body();
  asio::awaitable<void> respond_to_broken();
  asio::awaitable<http_response> handle(authorized_request authorized);
  asio::awaitable<bool> send(http_response response, bool keep_alive);
  asio::awaitable<void> stream(std::shared_ptr<subscription> events, std::string account);
  asio::awaitable<void> write_frames(std::shared_ptr<subscription> events, std::string account);
  http_response response_of(decision& decided);
  [[nodiscard]] std::optional<problem> hold_answer(const std::string& account, const http_response& response);
  [[nodiscard]] bool is_token_over() const;
  void begin_request();
  void record(const http_response& response);

  client_socket socket_;
  connection_context& shared_;
  request_reader reader_;
  asio::cancellation_signal stop_handler_;
  identity stream_reader_;      // who reads the event stream of this connection
  bool token_revoked_ = false;  // that reader's token is no longer valid
  bool streaming_ = false;
  byte_budget::reservation body_room_, answer_room_;  // of the present request
  bool body_refused_ = false;                         // its body has no room
  // Of the present request.
  time_point received_at_;
  unsigned version_ = 11;
  http_method method_ = http_method::other;
  std::string_view pattern_;
  std::string request_id_, cors_origin_;
  // What its path names, once it is allowed; for the log.
  std::optional<mcpstate::owner> owner_;
  std::optional<server_name> server_;
};

}  // namespace mcpstate::service
