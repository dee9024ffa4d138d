// SPDX-License-Identifier: MIT
// The only file of the layer that includes Beast, which takes long to compile.
#include "mcp/http_connection.hh"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <optional>
#include <utility>
#include <vector>

namespace mcpstate::mcp {
namespace {

namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using tls_stream = asio::ssl::stream<tcp::socket>;
using error_code = boost::system::error_code;

constexpr std::uint32_t max_header_bytes = 64 * 1024;
constexpr std::size_t chunk_bytes = 64 * 1024;

error lost(const http_url& where, const error_code& ec) {
  const bool broke_off = ec == http::error::end_of_stream || ec == http::error::partial_message;
  if (!broke_off && ec.category() == http::make_error_code(http::error::bad_version).category()) {
    return error(errc::protocol, where.authority + " does not speak HTTP: " + ec.message());
  }
  return error(errc::connection_lost, "the connection to " + where.authority + " broke: " + ec.message());
}

http::request<http::string_body> to_beast(http_request what, const http_url& where) {
  http::request<http::string_body> out;
  out.version(11);
  out.method_string(what.method);
  out.target(what.target);
  out.set(http::field::host, where.authority);
  for (const auto& [name, value] : what.headers) out.insert(name, value);
  out.body() = std::move(what.body);
  if (what.method != "DELETE") out.prepare_payload();
  return out;
}

std::string header_of(const http::fields& headers, std::string_view name) {
  const auto value = headers[boost::string_view(name.data(), name.size())];
  return std::string(value.data(), value.size());
}

template <class Stream>
class connection_over final : public http_connection {
 public:
  connection_over(Stream stream, http_url where) : stream_(std::move(stream)), where_(std::move(where)) {}

  task<http_head> exchange(http_request what) override {
    co_await asio::this_coro::throw_if_cancelled(false);
    head_.reset();
    const auto request = to_beast(std::move(what), where_);
    auto [write_failed, written] = co_await http::async_write(stream_, request, aio::use_ec);
    static_cast<void>(written);
    // A server may answer and close before it has read everything: the answer counts more than the failed write.
    do {
      head_.emplace();
      head_->header_limit(max_header_bytes);
      head_->body_limit(boost::none);
      auto [ec, got] = co_await http::async_read_header(stream_, input_, *head_, aio::use_ec);
      static_cast<void>(got);
      if (ec) co_return lost(where_, write_failed ? write_failed : ec);
    } while (head_->get().result_int() < 200);  // 1xx: the answer is still to come
    sound_ = !write_failed;
    http_head out;
    out.status = head_->get().result_int();
    out.content_type = header_of(head_->get(), "Content-Type");
    out.session_id = header_of(head_->get(), "Mcp-Session-Id");
    out.location = header_of(head_->get(), "Location");
    co_return out;
  }

  task<std::string> read_body() override {
    co_await asio::this_coro::throw_if_cancelled(false);
    std::string out(chunk_bytes, '\0');
    while (!head_->is_done()) {
      auto& body = head_->get().body();
      body.data = out.data();
      body.size = out.size();
      auto [ec, got] = co_await http::async_read_some(stream_, input_, *head_, aio::use_ec);
      static_cast<void>(got);
      if (ec && ec != http::error::need_buffer) {
        sound_ = false;
        co_return lost(where_, ec);
      }
      const std::size_t filled = out.size() - body.size;
      if (filled == 0) continue;
      out.resize(filled);
      co_return out;
    }
    co_return std::string();
  }

  bool answered() const noexcept override { return input_.size() > 0 || (head_ && head_->got_some()); }
  bool reusable() const noexcept override { return sound_ && head_ && head_->is_done() && head_->keep_alive(); }

 private:
  Stream stream_;
  http_url where_;
  boost::beast::flat_buffer input_;
  std::optional<http::response_parser<http::buffer_body>> head_;
  bool sound_ = false;
};

// Why the handshake failed, in OpenSSL's words for certificates where it was the certificate.
error tls_error(const http_url& where, tls_stream& stream, const error_code& ec) {
  const long verdict = SSL_get_verify_result(stream.native_handle());
  const std::string why = verdict != X509_V_OK ? X509_verify_cert_error_string(verdict) : ec.message();
  return error(errc::tls_failed, "no TLS connection to " + where.authority + ": " + why);
}

task<tcp::socket> connect_tcp(asio::any_io_executor executor, const http_url& where) {
  tcp::resolver resolver(executor);
  auto [unresolved, found] = co_await resolver.async_resolve(where.host, where.port, aio::use_ec);
  if (unresolved) {
    co_return error(errc::resolve_failed, "the host name " + where.host + " cannot be resolved: " + unresolved.message());
  }
  tcp::socket socket(executor);
  auto [refused, peer] = co_await asio::async_connect(socket, found, aio::use_ec);
  static_cast<void>(peer);
  if (refused) {
    co_return error(errc::connect_failed,
                    "cannot connect to " + where.host + " port " + where.port + ": " + refused.message());
  }
  error_code ignored;  // slower, but right, without it
  socket.set_option(tcp::no_delay(true), ignored);
  co_return std::move(socket);
}

bool is_address(const std::string& host) {
  error_code ec;
  asio::ip::make_address(host, ec);
  return !ec;
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
  return out;
}

task<std::unique_ptr<http_connection>> open_http_connection(asio::any_io_executor executor, http_url where,
                                                            std::shared_ptr<asio::ssl::context> tls) {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto socket = co_await connect_tcp(executor, where);
  if (!socket) co_return socket.error();
  if (!where.tls) co_return std::make_unique<connection_over<tcp::socket>>(std::move(*socket), std::move(where));
  tls_stream stream(std::move(*socket), *tls);
  // The name is sent for names only: RFC 6066 has no addresses there.
  if (!is_address(where.host)) SSL_set_tlsext_host_name(stream.native_handle(), where.host.c_str());
  error_code ec;
  stream.set_verify_callback(asio::ssl::host_name_verification(where.host), ec);
  if (ec) co_return tls_error(where, stream, ec);
  auto [refused] = co_await stream.async_handshake(asio::ssl::stream_base::client, aio::use_ec);
  if (refused) co_return tls_error(where, stream, refused);
  co_return std::make_unique<connection_over<tls_stream>>(std::move(stream), std::move(where));
}

}  // namespace mcpstate::mcp
