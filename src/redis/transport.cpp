// SPDX-License-Identifier: MIT
#include "redis/transport.hh"

#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace mcpstate::redis {

using asio::ip::tcp;
using boost::system::error_code;
using any_socket = asio::generic::stream_protocol::socket;

namespace {

struct told_of_read {
  std::shared_ptr<transport::sink> who;
  void operator()(const error_code& ec, std::size_t n) { who->on_read(ec, n); }
};
struct told_of_write {
  std::shared_ptr<transport::sink> who;
  void operator()(const error_code& ec, std::size_t n) { who->on_written(ec, n); }
};

class plain_transport final : public transport {
 public:
  explicit plain_transport(any_socket socket) : socket_(std::move(socket)) {}
  void read_some(asio::mutable_buffer into, std::shared_ptr<sink> who) override {
    socket_.async_read_some(into, told_of_read{std::move(who)});
  }
  void write_some(asio::const_buffer from, std::shared_ptr<sink> who) override {
    socket_.async_write_some(from, told_of_write{std::move(who)});
  }
  void close() noexcept override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  any_socket socket_;
};

class tls_transport final : public transport {
 public:
  tls_transport(any_socket socket, asio::ssl::context& context) : stream(std::move(socket), context) {}
  void read_some(asio::mutable_buffer into, std::shared_ptr<sink> who) override {
    stream.async_read_some(into, told_of_read{std::move(who)});
  }
  void write_some(asio::const_buffer from, std::shared_ptr<sink> who) override {
    stream.async_write_some(from, told_of_write{std::move(who)});
  }
  // Without a closing handshake: every reply has its own length, so a cut stream cannot pass for a whole one.
  void close() noexcept override {
    error_code ignored;
    stream.lowest_layer().close(ignored);
  }

  asio::ssl::stream<any_socket> stream;
};

bool is_address(const std::string& host) {
  error_code ec;
  asio::ip::make_address(host, ec);
  return !ec;
}

// A look-up cannot be interrupted while the system's resolver works on it; who waits for it can go away all the same.
struct lookup {
  explicit lookup(const asio::any_io_executor& executor) : resolver(executor), done(executor) {
    done.expires_at(asio::steady_timer::time_point::max());
  }
  tcp::resolver resolver;
  asio::steady_timer done;
  bool ended = false;
  error_code ec;
  tcp::resolver::results_type found;
};

task<std::vector<tcp::endpoint>> resolve(asio::any_io_executor executor, const link_config& config) {
  error_code literal;
  const auto address = asio::ip::make_address(config.host, literal);
  if (!literal) co_return std::vector<tcp::endpoint>(1, tcp::endpoint(address, config.port));
  auto state = std::make_shared<lookup>(executor);
  auto told = [state](const error_code& ec, const tcp::resolver::results_type& found) {
    state->ended = true;
    state->ec = ec;
    state->found = found;
    state->done.cancel();
  };
  state->resolver.async_resolve(config.host, std::to_string(config.port), std::move(told));
  auto waited = co_await state->done.async_wait(aio::use_ec);
  static_cast<void>(waited);
  if (!state->ended) co_return error(errc::stopped, "looking up " + config.host);
  if (state->ec) co_return error(errc::resolve_failed, "cannot find the host " + config.host + ": " + state->ec.message());
  std::vector<tcp::endpoint> out;
  for (const auto& entry : state->found) out.push_back(entry.endpoint());
  co_return out;
}

error cannot_connect(const link_config& config, const error_code& ec) {
  return error(errc::connect_failed, "cannot connect to " + shown_address(config) + ": " + ec.message());
}

task<std::unique_ptr<any_socket>> connect_tcp(asio::any_io_executor executor, const link_config& config) {
  co_await asio::this_coro::throw_if_cancelled(false);
  MCPSTATE_CO_TRY(endpoints, co_await resolve(executor, config));
  tcp::socket socket(executor);
  auto connected = co_await asio::async_connect(socket, endpoints, aio::use_ec);
  error_code ec = std::get<0>(connected);
  if (!ec) socket.set_option(tcp::no_delay(true), ec);
  if (ec) co_return cannot_connect(config, ec);
  co_return std::make_unique<any_socket>(std::move(socket));
}

task<std::unique_ptr<any_socket>> connect_unix(asio::any_io_executor executor, const link_config& config) {
  co_await asio::this_coro::throw_if_cancelled(false);
  using local = asio::local::stream_protocol;
  if (config.unix_path.size() > 107) co_return error(errc::connect_failed, "the path of the unix socket is too long");
  local::socket socket(executor);
  const local::endpoint where(config.unix_path);
  auto connected = co_await socket.async_connect(where, aio::use_ec);
  const error_code ec = std::get<0>(connected);
  if (ec) co_return cannot_connect(config, ec);
  co_return std::make_unique<any_socket>(std::move(socket));
}

}  // namespace

class tls_settings {
 public:
  // Reads the certificates at the first use, so that a file that cannot be read is an error of connecting.
  result<asio::ssl::context*> context(const link_config& config) {
    if (context_) return &*context_;
    asio::ssl::context made(asio::ssl::context::tls_client);
    error_code ec;
    SSL_CTX_set_min_proto_version(made.native_handle(), TLS1_2_VERSION);
    if (config.ca_file.empty()) {
      made.set_default_verify_paths(ec);
    } else {
      made.load_verify_file(config.ca_file, ec);
    }
    if (ec) {
      const std::string which = config.ca_file.empty() ? "the system's certificates" : config.ca_file;
      return error(errc::tls_failed, "cannot read " + which + ": " + ec.message());
    }
    made.set_verify_mode(config.tls_verify ? asio::ssl::verify_peer : asio::ssl::verify_none, ec);
    context_.emplace(std::move(made));
    return &*context_;
  }

 private:
  std::optional<asio::ssl::context> context_;
};

std::shared_ptr<tls_settings> make_tls_settings() { return std::make_shared<tls_settings>(); }

namespace {

error tls_refused(const link_config& config, SSL* ssl, const error_code& ec) {
  const std::string where = "TLS with " + shown_address(config) + ": ";
  const long verdict = SSL_get_verify_result(ssl);
  if (config.tls_verify && verdict != X509_V_OK) {
    return error(errc::tls_failed, where + "its certificate is refused: " + X509_verify_cert_error_string(verdict));
  }
  if (ec.category() == asio::error::get_ssl_category() &&
      ERR_GET_REASON(static_cast<unsigned long>(ec.value())) == SSL_R_WRONG_VERSION_NUMBER) {
    return error(errc::tls_failed, where + "what answers on this port does not speak TLS (is it redis:// there?)");
  }
  return error(errc::tls_failed, where + ec.message());
}

task<std::unique_ptr<transport>> wrap_tls(any_socket socket, const link_config& config, tls_settings& tls) {
  co_await asio::this_coro::throw_if_cancelled(false);
  MCPSTATE_CO_TRY(context, tls.context(config));
  auto wrapped = std::make_unique<tls_transport>(std::move(socket), *context);
  SSL* const ssl = wrapped->stream.native_handle();
  if (!is_address(config.host)) SSL_set_tlsext_host_name(ssl, config.host.c_str());
  if (config.tls_verify) wrapped->stream.set_verify_callback(asio::ssl::host_name_verification(config.host));
  auto shaken = co_await wrapped->stream.async_handshake(asio::ssl::stream_base::client, aio::use_ec);
  const error_code ec = std::get<0>(shaken);
  if (ec) co_return tls_refused(config, ssl, ec);
  co_return std::unique_ptr<transport>(std::move(wrapped));
}

}  // namespace

std::string shown_address(const link_config& config) {
  if (!config.unix_path.empty()) return "unix:" + config.unix_path;
  const bool colons = config.host.find(':') != std::string::npos;
  return (colons ? "[" + config.host + "]" : config.host) + ":" + std::to_string(config.port);
}

task<std::unique_ptr<transport>> open_transport(asio::any_io_executor executor, const link_config& config, tls_settings& tls,
                                                aio::deadline until) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const std::string where = shown_address(config);
  const bool local = !config.unix_path.empty();
  auto opening = local ? connect_unix(executor, config) : connect_tcp(executor, config);
  auto connecting = aio::with_deadline(std::move(opening), until, "no answer in time from " + where);
  MCPSTATE_CO_TRY(socket, co_await std::move(connecting));
  if (config.tls && !local) {
    // A plain server may wait for more of what it takes for a command.
    auto wrapping = wrap_tls(std::move(*socket), config, tls);
    auto shaking =
        aio::with_deadline(std::move(wrapping), until, "no TLS answer in time from " + where + " (is it redis:// there?)");
    co_return co_await std::move(shaking);
  }
  co_return std::unique_ptr<transport>(std::make_unique<plain_transport>(std::move(*socket)));
}

}  // namespace mcpstate::redis
