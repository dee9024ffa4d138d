// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "service/gate/gate.hh"
#include "service/http/request_reader.hh"
#include "service/operations/log.hh"
#include "service/routes/api.hh"
#include "service/server/server.hh"

// One connection of a client: request after request, each answered before the next is looked at.
namespace mcpstate::service {

// Bytes of a budget that all connections share; given back when it is destroyed.
class body_share {
 public:
  body_share() {}
  body_share(std::size_t& budget, std::size_t bytes) : budget_(&budget), bytes_(bytes) { *budget_ += bytes_; }
  body_share(body_share&& other) noexcept : budget_(std::exchange(other.budget_, nullptr)), bytes_(other.bytes_) {}
  body_share& operator=(body_share&&) = delete;
  ~body_share() {
    if (budget_ != nullptr) *budget_ -= bytes_;
  }
  explicit operator bool() const noexcept { return budget_ != nullptr; }

 private:
  std::size_t* budget_ = nullptr;
  std::size_t bytes_ = 0;
};

// What all connections share; outlives them.
struct session_world {
  session_world(api& a, const gate& g, metrics& f, log& l, const service_options& o)
      : doing(a), at(g), figures(f), journal(l), options(o) {}
  api& doing;
  const gate& at;
  metrics& figures;
  log& journal;
  const service_options& options;
  bool draining = false;
  std::size_t body_bytes = 0;  // set aside for the bodies of requests under way

  [[nodiscard]] std::string new_request_id();
  // Room for the body of a request until its answer is there; empty: there is none now. What has no length may have any.
  [[nodiscard]] body_share set_aside(const http_request& asked, std::size_t limit);

 private:
  std::uint64_t requests_ = 0;
};

// Executor: the socket's. Lifetime: run() is awaited to its end before it is destroyed. Slow clients are ended by tick(),
// which somebody calls several times a second: no connection has a timer of its own.
class http_session {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  http_session(asio::ip::tcp::socket socket, session_world& world);
  asio::awaitable<void> run();

  // Ends what has taken too long; sends heartbeats.
  void tick(time_point now);
  // The tokens are others now: a stream of one that is none any more ends.
  void recheck(const access_keys& keys);
  // Nothing new is begun: an idle one ends at once, what waits for an outcome answers what is known.
  void drain();

 private:
  enum class phase { idle, head, body, working, waiting, writing, streaming, lingering };

  asio::awaitable<bool> serve_one();
  asio::awaitable<bool> answer_admitted(admitted what);
  asio::awaitable<void> refuse_broken();
  asio::awaitable<http_response> work(asking& to);
  asio::awaitable<bool> send(http_response what, bool keep);
  void begin_request();
  void note(const http_response& what);

  void enter(phase what, std::chrono::milliseconds most);
  asio::awaitable<bool> read_head();
  asio::awaitable<bool> read_body();
  asio::awaitable<bool> read_more();
  void read_the_rest();
  asio::awaitable<bool> write(std::string head, std::vector<asio::const_buffer> body);
  asio::awaitable<void> stream(std::shared_ptr<subscriber> from);
  asio::awaitable<void> write_frames(std::shared_ptr<subscriber> from);
  asio::awaitable<void> until_closed();
  asio::awaitable<void> linger();
  [[nodiscard]] bool client_is_gone();
  void send_heartbeat(time_point now);

  asio::ip::tcp::socket socket_;
  session_world& world_;
  request_reader reader_;
  phase phase_ = phase::idle;
  time_point deadline_, began_, last_write_;
  bool timed_out_ = false;
  identity streams_to_;   // who follows events here
  bool revoked_ = false;  // that one's token is none any more
  // Of the request that is being answered.
  unsigned version_ = 11;
  http_method method_ = http_method::other;
  std::string_view pattern_;
  asio::cancellation_signal stop_work_;
  std::string request_id_, cors_origin_;
  std::array<char, 1024> small_;  // most requests fit
};

}  // namespace mcpstate::service
