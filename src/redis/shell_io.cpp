// SPDX-License-Identifier: MIT
// Bytes and time of a link; the life of its connection is in shell.cpp.
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

#include "redis/shell.hh"

namespace mcpstate::redis {
namespace {

constexpr std::size_t largest_read = 1024u * 1024;
constexpr std::size_t kept_output = 1024u * 1024;  // of a buffer that one large batch made
constexpr char tls_alert = 0x15;                   // the first byte of what a TLS server says to who does not speak it

}  // namespace

// Proves that the server answers; its answer matters to nobody.
class link::shell::ping_call final : public call {
 public:
  using call::call;
  void finish(std::unique_ptr<call> self, answer what, const asio::any_io_executor&, bool) override {
    static_cast<void>(what);
    self.reset();
  }
  void watch_cancellation(link::shell&, std::uint64_t) override {}
};

void link::shell::read_more() {
  reading_ = true;
  transport_->read_some(asio::buffer(in_), shared_from_this());
}

void link::shell::on_read(const boost::system::error_code& ec, std::size_t n) {
  reading_ = false;
  if (!live_) return settle();
  if (ec) {
    broke(read_failed(ec));
    return settle();
  }
  last_received_ = clock::now();
  suspicious_ = ping_asked_ = false;
  consume(std::string_view(in_.data(), n));
  if (!live_) return settle();
  if (n == in_.size() && n < largest_read) in_.resize(2 * n);
  flush();
  read_more();
}

void link::shell::consume(std::string_view in) {
  const char first_byte = in.front();
  consuming_ = true;
  parser::status got = parser::status::more;
  while (live_ && (got = parser_->feed(in)) == parser::status::ready) deliver(parser_->take());
  consuming_ = false;
  if (live_ && got == parser::status::failed) broke(not_redis(first_byte));
}

void link::shell::deliver(reply what) {
  const bool push = what.kind == reply::type::push;
  if (session_.now() == session_fsm::state::handshaking) {
    if (push) return;  // of before anybody could know that it is there
    switch (session_.on_reply(what)) {
      case session_fsm::progress::more:
        return;
      case session_fsm::progress::refused:
        return hang_up(false);
      case session_fsm::progress::ready:
        return on_ready();
    }
  }
  if (push) {
    if (push_handler) push_handler(what);
    return;
  }
  if (!requests_.owed()) return broke(error(errc::protocol, shown_address(config) + " sent a reply that nobody asked for"));
  auto complete = requests_.on_reply(std::move(what));
  if (!complete) return;
  std::unique_ptr<call> caller(static_cast<call*>(complete.release()));
  call& c = *caller;
  answer replies(std::move(c.replies));
  c.finish(std::move(caller), std::move(replies), executor, true);
}

// What is asked for within one turn of the executor goes out together.
void link::shell::flush_soon() {
  if (writing_ || consuming_ || flush_posted_ || session_.now() != session_fsm::state::ready) return;
  flush_posted_ = true;
  asio::post(executor, [self = shared_from_this()] {
    self->flush_posted_ = false;
    self->flush();
  });
}

void link::shell::flush() {
  if (writing_ || !live_ || session_.now() != session_fsm::state::ready || requests_.waiting() == 0) return;
  if (!requests_.owed()) owed_since_ = clock::now();
  out_.clear();
  requests_.stage(out_);
  out_done_ = 0;
  write_rest();
}

void link::shell::write_rest() {
  writing_ = true;
  transport_->write_some(asio::buffer(out_.data() + out_done_, out_.size() - out_done_), shared_from_this());
}

void link::shell::on_written(const boost::system::error_code& ec, std::size_t n) {
  writing_ = false;
  if (!live_) return settle();
  if (ec) {
    broke(read_failed(ec));
    return settle();
  }
  out_done_ += n;
  if (out_done_ < out_.size()) return write_rest();
  requests_.wrote();
  if (out_.capacity() > kept_output) out_ = std::string();
  flush();
}

error link::shell::read_failed(const boost::system::error_code& ec) const {
  const std::string where = shown_address(config);
  // TLS reports the end of the stream with a code of its own.
  const bool ended = ec == asio::error::eof || ec == asio::error::connection_reset || ec == asio::error::broken_pipe ||
                     ec == asio::ssl::error::stream_truncated;
  if (session_.now() != session_fsm::state::handshaking) {
    return error(errc::connection_lost, ended ? where + " closed the connection" : where + ": " + ec.message());
  }
  if (!ended) return error(errc::connect_failed, "handshake with " + where + ": " + ec.message());
  const char* hint = config.tls ? " (does it ask for a client certificate?)" : " (does this port expect TLS, rediss://?)";
  return error(errc::connect_failed, where + " closed the connection during the handshake" + hint);
}

error link::shell::not_redis(char first_byte) const {
  const std::string where = shown_address(config);
  if (session_.now() != session_fsm::state::handshaking) {
    return error(errc::protocol, where + " broke the protocol: " + parser_->why());
  }
  if (first_byte == tls_alert && !config.tls) {
    return error(errc::tls_failed, where + " speaks TLS: use rediss://");
  }
  return error(errc::protocol, "what answers on " + where + " is not a Redis server: " + parser_->why());
}

// One timer for everything; it is moved only to an earlier time, and finds out what is due when it goes off.
void link::shell::arm(time_point when) {
  if (when >= armed_) return;
  armed_ = when;
  tick_timer_.expires_at(when);
  tick_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
    if (!ec) self->tick();
  });
}

void link::shell::tick() {
  armed_ = time_point::max();
  if (stopping_) return;
  const time_point now = clock::now();
  auto expired = requests_.expire(now);
  if (!expired.empty()) suspicious_ = true;
  check_alive(now);
  finish(std::move(expired));
  if (!stopping_) arm(next_tick(clock::now()));
}

void link::shell::check_alive(time_point now) {
  if (!live_) return;
  const std::string where = shown_address(config);
  if (session_.now() == session_fsm::state::handshaking) {
    if (now >= attempt_until_) broke(error(errc::deadline, where + " did not answer the handshake in time"));
    return;
  }
  const time_point silent_since = std::max(last_received_, owed_since_);
  if (suspicious_ && requests_.owed() && now - silent_since >= config.connect_timeout) {
    return broke(error(errc::connection_lost, where + " has stopped answering"));
  }
  if (ping_asked_ || now - last_received_ < config.ping_after) return;
  ping_asked_ = true;
  request ping;
  ping.add("PING");
  begin(std::make_unique<ping_call>(std::move(ping), now + config.connect_timeout, effect::read));
}

link::shell::time_point link::shell::next_tick(time_point now) const {
  time_point next = requests_.earliest();
  if (live_ && session_.now() == session_fsm::state::handshaking) next = std::min(next, attempt_until_);
  if (live_ && session_.now() == session_fsm::state::ready) {
    if (!ping_asked_) next = std::min(next, last_received_ + config.ping_after);
    if (suspicious_ && requests_.owed()) {
      next = std::min(next, std::max(last_received_, owed_since_) + config.connect_timeout);
    }
  }
  // Many deadlines close to each other are looked at together: each look goes over all requests.
  return std::max(next, now + std::chrono::milliseconds(1));
}

}  // namespace mcpstate::redis
