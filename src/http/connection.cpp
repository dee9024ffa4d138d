// SPDX-License-Identifier: MIT
#include "http/connection.hh"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>

#include <mcpstate/aio/deadline.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "http/answer_reader.hh"
#include "http/body_decoder.hh"

namespace mcpstate::http {
namespace {

using tcp = asio::ip::tcp;
using net::tls_stream;
using error_code = boost::system::error_code;

constexpr std::size_t read_bytes = 32UL * 1024;   // what a peer can put into one turn
constexpr std::size_t piece_bytes = 32UL * 1024;  // of a decoded body

error connection_broken(const std::string& server, const std::string& why) {
  return error(errc::connection_lost, "the connection to " + server + " broke: " + why);
}

// The whole request in one piece, so that it leaves in one packet, or TLS record, if it fits.
std::string wire_text(request what, const std::string& server) {
  std::string out;
  out.reserve(512 + what.body.size());
  out.append(what.method).append(" ").append(what.target).append(" HTTP/1.1\r\nHost: ").append(server).append("\r\n");
  for (const auto& [name, value] : what.headers) out.append(name).append(": ").append(value).append("\r\n");
  const bool has_body = what.method != "DELETE" && what.method != "GET";
  if (has_body) out.append("Content-Length: ").append(std::to_string(what.body.size())).append("\r\n");
  out.append("\r\n").append(what.body);
  return out;
}

// An exchange from its request to the end of the answer's body.
struct exchange_state {
  exchange_state(const std::string& server, std::span<const std::string> wanted) : reader(server, wanted) {}

  result<void> take(std::string_view bytes) { return reader.feed(bytes, body); }
  result<void> take_end(const error_code& ec, const std::string& server) {
    // Many servers end TLS without saying so. What they say in it has an end of its own: JSON, events, gzip.
    const bool ended = ec == asio::error::eof || ec == asio::ssl::error::stream_truncated;
    return ended ? reader.end() : result<void>(connection_broken(server, ec.message()));
  }
  // What the body holds so far, a piece of it; empty when more must be read, or at the end.
  result<std::string> next_piece() {
    if (body.empty() && !decoder) return std::string();
    if (coding == content_coding::identity) return std::exchange(body, std::string());
    if (coding == content_coding::unknown) {
      return error(errc::protocol, "the server compressed its answer in a way that was not asked for",
                   reader.head().content_encoding);
    }
    if (!decoder) decoder.emplace(coding);
    std::string_view rest = std::string_view(body).substr(decoded);
    auto out = decoder->decode(rest, piece_bytes);
    decoded = body.size() - rest.size();
    if (rest.empty()) {
      body = std::string();
      decoded = 0;
    }
    return out;
  }
  [[nodiscard]] result<void> finish() const { return decoder ? decoder->finish() : result<void>(); }

  answer_reader reader;
  content_coding coding = content_coding::identity;
  std::optional<body_decoder> decoder;
  std::string body;         // as it came, without its framing
  std::size_t decoded = 0;  // of body
};

tcp::socket& socket_of(tcp::socket& socket) noexcept { return socket; }
tcp::socket& socket_of(tls_stream& stream) noexcept { return stream.next_layer(); }
// What a read waits for: TLS may have to write first.
tcp::socket::wait_type read_wait_of(const tcp::socket&) noexcept { return tcp::socket::wait_read; }
tcp::socket::wait_type read_wait_of(const tls_stream& stream) noexcept { return stream.read_wait(); }

// All connections of a thread share it. No coroutine may call this: one that waits may go on in another thread, which the
// compiler does not expect of a thread_local.
std::array<char, read_bytes>& shared_buffer() {
  static thread_local const auto buffer = std::make_unique<std::array<char, read_bytes>>();
  return *buffer;
}

// Reads without waiting. False when nothing has arrived yet.
template <class Stream>
result<bool> read_available(Stream& stream, exchange_state& into, const std::string& server) {
  auto& buffer = shared_buffer();
  error_code ec;
  const std::size_t got = stream.read_some(asio::buffer(buffer), ec);
  if (ec == asio::error::would_block || ec == asio::error::try_again) return false;
  MCPSTATE_CHECK(ec ? into.take_end(ec, server) : into.take(std::string_view(buffer.data(), got)));
  return true;
}

// A cancellation that comes between two operations stops neither of them: call this before an operation that may wait.
task<void> check_not_cancelled(std::string what) {
  const bool cancelled = co_await aio::is_cancelled();
  if (cancelled) co_return error(errc::stopped, std::move(what));
  co_return result<void>();
}

// Reads once, and waits for bytes if none have arrived. No buffer is held meanwhile.
template <class Stream>
task<void> read_more(Stream& stream, exchange_state& into, const std::string& server) {
  MCPSTATE_CO_CHECK(co_await check_not_cancelled(server));
  MCPSTATE_CO_TRY(at_once, read_available(stream, into, server));
  if (at_once) {
    // A peer that sends as fast as we read must not keep other work of this executor waiting.
    co_await asio::post(asio::use_awaitable);
    co_return result<void>();
  }
  for (;;) {
    auto [ec] = co_await socket_of(stream).async_wait(read_wait_of(stream), aio::use_ec);
    if (ec) co_return connection_broken(server, ec.message());
    MCPSTATE_CO_TRY(taken, read_available(stream, into, server));
    if (taken) co_return result<void>();
  }
}

// Mostly the socket takes everything at once. If it refuses, the operation that follows reports why.
template <class Stream>
std::size_t write_what_fits(Stream& stream, const std::string& text) {
  error_code ec;
  return stream.write_some(asio::buffer(text), ec);
}

template <class Stream>
asio::awaitable<error_code> write_all(Stream& stream, std::string text) {
  const std::size_t begun = write_what_fits(stream, text);
  if (begun == text.size()) co_return error_code();
  auto [ec, written] = co_await asio::async_write(stream, asio::buffer(text) + begun, aio::use_ec);
  static_cast<void>(written);
  co_return ec;
}

// Whether a connection was closed while it was idle, or holds surplus bytes (some servers send a 408 before they close,
// which would pass for the answer to the next request).
bool is_stale(tcp::socket& socket) {
  char byte = 0;
  error_code ec;
  socket.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, ec);
  return ec != asio::error::would_block && ec != asio::error::try_again;
}

// In TLS there may be bytes that are no data.
bool is_stale(tls_stream& stream) {
  char byte = 0;
  error_code ec;
  stream.next_layer().receive(asio::buffer(&byte, 1), tcp::socket::message_peek, ec);
  return ec && ec != asio::error::would_block && ec != asio::error::try_again;
}

template <class Stream>
class stream_connection final : public connection {
 public:
  stream_connection(Stream stream, std::string server, std::shared_ptr<const connection_options> options)
      : stream_(std::move(stream)), server_(std::move(server)), options_(std::move(options)) {}

  task<head> send(request what) override {
    co_await asio::this_coro::throw_if_cancelled(false);
    exchange_.reset();
    answered_ = keeps_ = sent_ = false;
    if (std::exchange(used_, true) && is_stale(stream_))
      co_return connection_broken(server_, "the server closed it while it was idle");
    exchange_ = std::make_unique<exchange_state>(server_, options_->answer_headers);
    std::string text = wire_text(std::move(what), server_);
    sent_ = true;
    const error_code write_failed = co_await write_all(stream_, std::move(text));
    intact_ = !write_failed;
    // A server may answer and close before it has read everything: the answer counts more than the failed write.
    while (!exchange_->reader.has_head()) {
      auto more = co_await read_more(stream_, *exchange_, server_);
      if (more) continue;
      intact_ = false;
      answered_ = exchange_->reader.started();
      if (write_failed && !answered_) co_return connection_broken(server_, write_failed.message());
      co_return more.error();
    }
    answered_ = true;
    head out = exchange_->reader.head();
    exchange_->coding = content_coding_of(out.content_encoding);
    if (exchange_->reader.done() && exchange_->body.empty()) finish_exchange();
    co_return out;
  }

  task<std::string> read_body() override {
    co_await asio::this_coro::throw_if_cancelled(false);
    while (exchange_) {
      auto piece = exchange_->next_piece();
      if (!piece) co_return fail(piece.error());
      if (!piece->empty()) co_return std::move(piece);
      if (exchange_->reader.done()) {
        const auto whole = exchange_->finish();
        if (!whole) co_return fail(whole.error());
        finish_exchange();
        break;
      }
      const auto more = co_await read_more(stream_, *exchange_, server_);
      if (!more) co_return fail(more.error());
    }
    co_return std::string();
  }

  bool sent() const noexcept override { return sent_; }
  bool answered() const noexcept override { return answered_; }
  bool reusable() const noexcept override { return intact_ && keeps_; }

 private:
  error fail(error why) {
    intact_ = false;
    return why;
  }
  // The answer has been read: what was needed for that goes.
  void finish_exchange() {
    keeps_ = exchange_->reader.keeps_connection();
    exchange_.reset();
  }

  Stream stream_;
  std::string server_;
  std::shared_ptr<const connection_options> options_;
  std::unique_ptr<exchange_state> exchange_;
  bool used_ = false, sent_ = false, answered_ = false, intact_ = false, keeps_ = false;
};

net::dial_target dial_target_of(const url& target, const connection_options& options) {
  net::dial_target out;
  out.host = target.host;
  out.port = static_cast<std::uint16_t>(std::stoul(target.port));
  out.shown = target.host + " port " + target.port;
  out.look_up = options.look_up;
  out.check = [&egress = options.egress](const std::string& host, const aio::host_addresses& found) {
    return egress.check_addresses(host, found);
  };
  return out;
}

net::tls_peer peer_of(const url& target) {
  net::tls_peer out;
  out.host = target.host;
  out.shown = target.authority;
  out.plain_hint = "is it http://?";
  return out;
}

}  // namespace

task<std::unique_ptr<connection>> open_connection(asio::any_io_executor executor, url target, net::tls_context tls,
                                                  std::shared_ptr<const connection_options> options) {
  co_await asio::this_coro::throw_if_cancelled(false);
  MCPSTATE_CO_CHECK(options->egress.check_origin(target.tls, target.host));
  net::dial_target dialled = dial_target_of(target, *options);
  MCPSTATE_CO_TRY(socket, co_await net::dial_tcp(std::move(executor), std::move(dialled)));
  boost::system::error_code ec;
  socket.non_blocking(true, ec);
  if (ec) co_return error(errc::connect_failed, "the connection to " + target.authority + ": " + ec.message());
  if (!target.tls) {
    co_return std::make_unique<stream_connection<tcp::socket>>(std::move(socket), std::move(target.authority),
                                                               std::move(options));
  }
  net::tls_peer peer = peer_of(target);
  MCPSTATE_CO_TRY(stream, co_await net::shake_hands(std::move(socket), std::move(tls), std::move(peer)));
  co_return std::make_unique<stream_connection<net::tls_stream>>(std::move(stream), std::move(target.authority),
                                                                 std::move(options));
}

task<std::unique_ptr<connection>> open_connection(asio::any_io_executor executor, url target, net::tls_context tls) {
  return open_connection(std::move(executor), std::move(target), std::move(tls),
                         std::make_shared<const connection_options>());
}

}  // namespace mcpstate::http
