// SPDX-License-Identifier: MIT
#include "http/connection.hh"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "http/answer_reader.hh"
#include "http/body_decoder.hh"

namespace mcpstate::mcp {
namespace {

using tcp = asio::ip::tcp;
using tls_stream = asio::ssl::stream<tcp::socket>;
using error_code = boost::system::error_code;

constexpr std::size_t read_bytes = 64 * 1024;
constexpr std::size_t tls_read_bytes = 16 * 1024;  // a TLS record
constexpr std::size_t piece_bytes = 64 * 1024;     // of a decoded body

error broke(const std::string& who, const std::string& why) {
  return error(errc::connection_lost, "the connection to " + who + " broke: " + why);
}

// The whole request in one piece, so that it leaves in one packet, or TLS record, if it fits.
std::string wire_text(http_request what, const std::string& who) {
  std::string out;
  out.reserve(512 + what.body.size());
  out.append(what.method).append(" ").append(what.target).append(" HTTP/1.1\r\nHost: ").append(who).append("\r\n");
  for (const auto& [name, value] : what.headers) out.append(name).append(": ").append(value).append("\r\n");
  const bool has_body = what.method != "DELETE" && what.method != "GET";
  if (has_body) out.append("Content-Length: ").append(std::to_string(what.body.size())).append("\r\n");
  out.append("\r\n").append(what.body);
  return out;
}

// An exchange from its request to the end of the answer's body.
struct exchange_state {
  explicit exchange_state(const std::string& who) : reader(who) {}

  result<void> take(std::string_view bytes) { return reader.feed(bytes, body); }
  result<void> take_end(const error_code& ec, const std::string& who) {
    // Many servers end TLS without saying so. What they say in it has an end of its own: JSON, events, gzip.
    const bool ended = ec == asio::error::eof || ec == asio::ssl::error::stream_truncated;
    return ended ? reader.end() : result<void>(broke(who, ec.message()));
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

// One read that does not wait, out of a buffer that all connections of a thread share. False: nothing is there yet. Not part
// of a coroutine: one that waits may go on in another thread, which the compiler does not expect of a thread_local.
result<bool> take_what_is_there(tcp::socket& from, exchange_state& to, const std::string& who) {
  static thread_local const auto buffer = std::make_unique<std::array<char, read_bytes>>();
  error_code ec;
  const std::size_t got = from.read_some(asio::buffer(*buffer), ec);
  if (ec == asio::error::would_block || ec == asio::error::try_again) return false;
  const auto taken = ec ? to.take_end(ec, who) : to.take(std::string_view(buffer->data(), got));
  if (!taken) return taken.error();
  return true;
}

// A cancellation that comes between two operations stops neither of them: whoever begins one that may wait asks first.
task<void> check_wanted(std::string what) {
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return error(errc::stopped, std::move(what));
  co_return result<void>();
}

// Reads once, waiting for it if need be. No buffer is held meanwhile.
task<void> take_more(tcp::socket& from, exchange_state& to, const std::string& who) {
  MCPSTATE_CO_CHECK(co_await check_wanted(who));
  MCPSTATE_CO_TRY(at_once, take_what_is_there(from, to, who));
  if (at_once) {
    // A peer that sends as fast as we read must not keep everybody else waiting.
    co_await asio::post(asio::use_awaitable);
    co_return result<void>();
  }
  for (;;) {
    auto [ec] = co_await from.async_wait(tcp::socket::wait_read, aio::use_ec);
    if (ec) co_return broke(who, ec.message());
    MCPSTATE_CO_TRY(taken, take_what_is_there(from, to, who));
    if (taken) co_return result<void>();
  }
}

task<void> take_more(tls_stream& from, exchange_state& to, const std::string& who) {
  MCPSTATE_CO_CHECK(co_await check_wanted(who));
  std::string buffer(tls_read_bytes, '\0');
  auto [ec, got] = co_await from.async_read_some(asio::buffer(buffer), aio::use_ec);
  if (ec) co_return to.take_end(ec, who);
  co_return to.take(std::string_view(buffer).substr(0, got));
}

// Mostly the socket takes everything at once. If it refuses, the operation that waits says why.
std::size_t write_what_fits(tcp::socket& to, const std::string& text) {
  error_code ec;
  return to.write_some(asio::buffer(text), ec);
}

std::size_t write_what_fits(tls_stream&, const std::string&) { return 0; }

template <class Stream>
asio::awaitable<error_code> write_all(Stream& to, std::string text) {
  const std::size_t begun = write_what_fits(to, text);
  if (begun == text.size()) co_return error_code();
  auto [ec, written] = co_await asio::async_write(to, asio::buffer(text) + begun, aio::use_ec);
  static_cast<void>(written);
  co_return ec;
}

// Whether a connection that was left alone has been closed, or holds what nobody asked for (some servers say goodbye with a
// 408, which would pass for the answer to the next request).
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
class connection_over final : public http_connection {
 public:
  connection_over(Stream stream, std::string who) : stream_(std::move(stream)), who_(std::move(who)) {}

  task<http_head> exchange(http_request what) override {
    co_await asio::this_coro::throw_if_cancelled(false);
    now_.reset();
    answered_ = keeps_ = sent_ = false;
    if (std::exchange(used_, true) && is_stale(stream_)) co_return broke(who_, "the server closed it while it was idle");
    now_ = std::make_unique<exchange_state>(who_);
    std::string text = wire_text(std::move(what), who_);
    sent_ = true;
    const error_code write_failed = co_await write_all(stream_, std::move(text));
    sound_ = !write_failed;
    // A server may answer and close before it has read everything: the answer counts more than the failed write.
    while (!now_->reader.has_head()) {
      auto more = co_await take_more(stream_, *now_, who_);
      if (more) continue;
      sound_ = false;
      answered_ = now_->reader.started();
      if (write_failed && !answered_) co_return broke(who_, write_failed.message());
      co_return more.error();
    }
    answered_ = true;
    http_head out = now_->reader.head();
    now_->coding = content_coding_of(out.content_encoding);
    if (now_->reader.done() && now_->body.empty()) settle();
    co_return out;
  }

  task<std::string> read_body() override {
    co_await asio::this_coro::throw_if_cancelled(false);
    while (now_) {
      auto piece = now_->next_piece();
      if (!piece) co_return fail(piece.error());
      if (!piece->empty()) co_return std::move(piece);
      if (now_->reader.done()) {
        const auto whole = now_->finish();
        if (!whole) co_return fail(whole.error());
        settle();
        break;
      }
      const auto more = co_await take_more(stream_, *now_, who_);
      if (!more) co_return fail(more.error());
    }
    co_return std::string();
  }

  bool sent() const noexcept override { return sent_; }
  bool answered() const noexcept override { return answered_; }
  bool reusable() const noexcept override { return sound_ && keeps_; }

 private:
  error fail(error why) {
    sound_ = false;
    return why;
  }
  // The answer has been read: what was needed for that goes.
  void settle() {
    keeps_ = now_->reader.keeps_connection();
    now_.reset();
  }

  Stream stream_;
  std::string who_;
  std::unique_ptr<exchange_state> now_;
  bool used_ = false, sent_ = false, answered_ = false, sound_ = false, keeps_ = false;
};

bool is_address(const std::string& host) {
  error_code ec;
  asio::ip::make_address(host, ec);
  return !ec;
}

// Whose certificate it must be. The name is also sent, for names only: RFC 6066 has no addresses there.
bool expect_name(SSL* tls, const std::string& host) {
  if (is_address(host)) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host.c_str()) == 1;
  SSL_set_hostflags(tls, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(tls, host.c_str()) == 1 && SSL_set_tlsext_host_name(tls, host.c_str()) == 1;
}

// Why the handshake failed, in OpenSSL's words for certificates where it was the certificate.
error tls_error(const http_url& where, tls_stream& stream, const error_code& ec) {
  const long verdict = SSL_get_verify_result(stream.native_handle());
  std::string why = verdict != X509_V_OK ? X509_verify_cert_error_string(verdict) : ec.message();
  const bool other_name = verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH;
  if (other_name) why = "its certificate is for another name";
  const bool not_tls = ec.category() == asio::error::get_ssl_category() &&
                       ERR_GET_REASON(static_cast<unsigned long>(ec.value())) == SSL_R_WRONG_VERSION_NUMBER;
  if (not_tls) why = "what answers there does not speak TLS (is it http://?)";
  return error(errc::tls_failed, "no TLS connection to " + where.authority + ": " + why);
}

task<tcp::socket> connect_tcp(asio::any_io_executor executor, const http_url& where, const outbound& way) {
  MCPSTATE_CO_CHECK(way.policy.check_origin(where.tls, where.host));
  MCPSTATE_CO_TRY(found, co_await way.look_up(where.host));
  MCPSTATE_CO_CHECK(way.policy.check_addresses(where.host, found));
  std::vector<tcp::endpoint> endpoints;
  const auto port = static_cast<std::uint16_t>(std::stoul(where.port));
  for (const auto& address : found) endpoints.emplace_back(address, port);
  MCPSTATE_CO_CHECK(co_await check_wanted(where.authority));
  tcp::socket socket(executor);
  auto [refused, peer] = co_await asio::async_connect(socket, endpoints, aio::use_ec);
  static_cast<void>(peer);
  if (refused) {
    co_return error(errc::connect_failed,
                    "cannot connect to " + where.host + " port " + where.port + ": " + refused.message());
  }
  error_code ec;
  socket.set_option(tcp::no_delay(true), ec);  // slower, but right, without it
  socket.non_blocking(true, ec);
  if (ec) co_return error(errc::connect_failed, "the connection to " + where.authority + ": " + ec.message());
  co_return std::move(socket);
}

}  // namespace

result<std::shared_ptr<asio::ssl::context>> make_tls_context(const std::string& ca_file) {
  auto out = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  error_code ec;
  out->set_verify_mode(asio::ssl::verify_peer, ec);
  if (!ec && ca_file.empty()) out->set_default_verify_paths(ec);
  if (!ec && !ca_file.empty()) out->load_verify_file(ca_file, ec);
  if (ec) return error(errc::bad_argument, "the certificates to trust cannot be read: " + ec.message());
  SSL_CTX_set_min_proto_version(out->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_mode(out->native_handle(), SSL_MODE_RELEASE_BUFFERS);  // 34 KB less for each idle connection
  return out;
}

task<std::unique_ptr<http_connection>> open_http_connection(asio::any_io_executor executor, http_url where,
                                                            std::shared_ptr<asio::ssl::context> tls,
                                                            std::shared_ptr<const outbound> way) {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto socket = co_await connect_tcp(executor, where, *way);
  if (!socket) co_return socket.error();
  if (!where.tls) {
    co_return std::make_unique<connection_over<tcp::socket>>(std::move(*socket), std::move(where.authority));
  }
  tls_stream stream(std::move(*socket), *tls);
  if (!expect_name(stream.native_handle(), where.host)) {
    co_return error(errc::tls_failed, "no certificate can be for the name " + where.host);
  }
  MCPSTATE_CO_CHECK(co_await check_wanted(where.authority));
  auto [refused] = co_await stream.async_handshake(asio::ssl::stream_base::client, aio::use_ec);
  if (refused) co_return tls_error(where, stream, refused);
  co_return std::make_unique<connection_over<tls_stream>>(std::move(stream), std::move(where.authority));
}

task<std::unique_ptr<http_connection>> open_http_connection(asio::any_io_executor executor, http_url where,
                                                            std::shared_ptr<asio::ssl::context> tls) {
  return open_http_connection(std::move(executor), std::move(where), std::move(tls), std::make_shared<const outbound>());
}

}  // namespace mcpstate::mcp
