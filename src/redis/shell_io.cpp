// SPDX-License-Identifier: MIT
// Bytes and time of a link; the life of its connection is in shell.cpp.
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

#include "net/tls.hh"
#include "redis/shell.hh"

namespace mcpstate::redis {
namespace {

constexpr std::size_t largest_read = 1024u * 1024;
constexpr std::size_t kept_output = 1024u * 1024;  // of a buffer that one large batch made
constexpr char tls_alert = 0x15;                   // how a TLS server's answer to plain text begins

}  // namespace

// Asks the server who it is. One that is alive answers, be it by a refusal.
class shell::identity_call final : public call {
 public:
  identity_call(shell& asking, request asked, aio::deadline until)
      : call(std::move(asked), until, effect::read), shell_(asking) {}
  void finish(std::unique_ptr<call> self, outcome answer, const asio::any_io_executor&, bool) override {
    shell& asking = shell_;
    self.reset();
    asking.asking_identity_ = false;
    if (answer) asking.on_identity(answer->front());
  }

 private:
  shell& shell_;
};

void shell::read_more() {
  reading_ = true;
  transport_->read_some(asio::buffer(in_), shared_from_this());
}

void shell::on_read(const boost::system::error_code& ec, std::size_t n) {
  reading_ = false;
  if (!live_) return notify_if_over();
  if (ec) {
    session_failed(read_error(ec));
    return notify_if_over();
  }
  last_received_ = clock::now();
  suspicious_ = false;
  parse(std::string_view(in_.data(), n));
  if (!live_) return notify_if_over();
  if (n == in_.size() && n < largest_read) in_.resize(2 * n);
  flush();
  read_more();
}

void shell::parse(std::string_view bytes) {
  const char first_byte = bytes.front();
  parsing_ = true;
  parser::status got = parser::status::more;
  while (live_) {
    if (!parser_->in_reply()) parser_->limit_values(requests_.next_limits());
    got = parser_->feed(bytes);
    if (got != parser::status::ready) break;
    deliver(parser_->take());
  }
  parsing_ = false;
  if (live_ && got == parser::status::failed) session_failed(protocol_error(first_byte));
}

// Pushes and replies are handed on here, one after the other as they came: see exec_in_stream().
void shell::deliver(reply what) {
  const bool push = what.kind == reply::type::push;
  if (fsm_.now() == link_fsm::state::handshaking) {
    if (push && !fsm_.expects_push()) return;  // nothing has been read over this connection yet
    switch (fsm_.on_reply(what)) {
      case link_fsm::progress::more:
        return;
      case link_fsm::progress::refused:
        return end_session(false);
      case link_fsm::progress::ready:
        return session_ready();
    }
  }
  if (push) {
    if (push_handler_) push_handler_(node_, what);
    return;
  }
  if (!requests_.owed()) return session_failed(error(errc::protocol, node_.address + " sent a reply that nobody asked for"));
  const bool doubtful = what.is_error() && !config_.expected.replica_allowed && what.text.starts_with("READONLY");
  auto complete = requests_.on_reply(std::move(what));
  if (doubtful) ask_identity(clock::now());  // it has become a replica
  if (!complete) return;
  std::unique_ptr<call> caller(static_cast<call*>(complete.release()));
  call& completed = *caller;
  outcome replies(std::move(completed.replies));
  completed.finish(std::move(caller), std::move(replies), home_, true);
}

// Requests of one turn of the executor go out together.
void shell::flush_soon() {
  if (writing_ || parsing_ || flush_posted_ || !connected()) return;
  flush_posted_ = true;
  asio::post(home_, [self = shared_from_this()] {
    self->flush_posted_ = false;
    self->flush();
  });
}

void shell::flush() {
  if (writing_ || !live_ || !connected() || requests_.waiting() == 0) return;
  if (!requests_.owed()) owed_since_ = clock::now();
  out_.clear();
  requests_.stage(out_);
  out_done_ = 0;
  write_rest();
}

void shell::write_rest() {
  writing_ = true;
  transport_->write_some(asio::buffer(out_.data() + out_done_, out_.size() - out_done_), shared_from_this());
}

void shell::on_written(const boost::system::error_code& ec, std::size_t n) {
  writing_ = false;
  if (!live_) return notify_if_over();
  if (ec) {
    session_failed(read_error(ec));
    return notify_if_over();
  }
  out_done_ += n;
  if (out_done_ < out_.size()) return write_rest();
  requests_.wrote();
  if (out_.capacity() > kept_output) out_ = std::string();
  flush();
}

error shell::read_error(const boost::system::error_code& ec) const {
  const std::string where = node_.address;
  if (const auto fault = net::client_certificate_fault(ec); !fault.empty()) {
    return error(errc::tls_failed, "no TLS connection to " + where + ": " + fault + client_certificate_hint);
  }
  // TLS reports the end of the stream with a code of its own.
  const bool ended = ec == asio::error::eof || ec == asio::error::connection_reset || ec == asio::error::broken_pipe ||
                     ec == asio::ssl::error::stream_truncated;
  if (fsm_.now() != link_fsm::state::handshaking) {
    return error(errc::connection_lost, ended ? where + " closed the connection" : where + ": " + ec.message());
  }
  if (!ended) return error(errc::connect_failed, "handshake with " + where + ": " + ec.message());
  const char* const about_certificate =
      config_.cert_file.empty() ? " (does it ask for a client certificate?)" : " (does it refuse the client certificate?)";
  const char* const hint = config_.tls ? about_certificate : " (does this port expect TLS, rediss://?)";
  return error(errc::connect_failed, where + " closed the connection during the handshake" + hint);
}

error shell::protocol_error(char first_byte) const {
  const std::string where = node_.address;
  if (fsm_.now() != link_fsm::state::handshaking) {
    return error(errc::protocol, where + " broke the protocol: " + parser_->why());
  }
  if (first_byte == tls_alert && !config_.tls) {
    return error(errc::tls_failed, where + " speaks TLS: use rediss://");
  }
  return error(errc::protocol, "what answers on " + where + " is not a Redis server: " + parser_->why());
}

// One timer for everything; it is moved only to an earlier time, and finds out what is due when it goes off.
void shell::arm(time_point when) {
  if (when >= armed_) return;
  armed_ = when;
  tick_timer_.expires_at(when);
  tick_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
    if (!ec) self->tick();
  });
}

void shell::tick() {
  armed_ = time_point::max();
  if (stopping_) return;
  const time_point now = clock::now();
  auto expired = requests_.expire(now);
  if (!expired.empty()) suspicious_ = true;
  check_alive(now);
  finish(std::move(expired));
  if (!stopping_) arm(next_tick(clock::now()));
}

void shell::check_alive(time_point now) {
  if (!live_) return;
  const std::string where = node_.address;
  if (fsm_.now() == link_fsm::state::handshaking) {
    if (now >= attempt_until_) session_failed(error(errc::deadline, where + " did not answer the handshake in time"));
    return;
  }
  const time_point silent_since = std::max(last_received_, owed_since_);
  if (suspicious_ && requests_.owed() && now - silent_since >= patience()) {
    return session_failed(error(errc::connection_lost, where + " has stopped answering"));
  }
  if (now - identity_asked_at_ >= config_.ping_after) ask_identity(now);
}

void shell::ask_identity(time_point now) {
  if (asking_identity_ || !live_ || !connected()) return;
  asking_identity_ = true;
  identity_asked_at_ = now;
  request who;
  who.add("HELLO");
  submit(std::make_unique<identity_call>(*this, std::move(who), now + patience()));
}

void shell::on_identity(const reply& answer) {
  if (!live_ || !connected()) return;
  if (auto why = fsm_.on_identity(answer)) session_failed(std::move(*why));
}

std::chrono::milliseconds shell::patience() const noexcept {
  return config_.answer_within.count() > 0 ? config_.answer_within : config_.connect_timeout;
}

shell::time_point shell::next_tick(time_point now) const {
  time_point next = requests_.earliest();
  if (live_ && fsm_.now() == link_fsm::state::handshaking) next = std::min(next, attempt_until_);
  if (live_ && connected()) {
    if (!asking_identity_) next = std::min(next, identity_asked_at_ + config_.ping_after);
    if (suspicious_ && requests_.owed()) next = std::min(next, std::max(last_received_, owed_since_) + patience());
  }
  // Many deadlines close to each other are looked at together: each look goes over all requests.
  return std::max(next, now + std::chrono::milliseconds(1));
}

}  // namespace mcpstate::redis
