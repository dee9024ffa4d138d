// SPDX-License-Identifier: MIT
#include "redis/transport.hh"

#include <boost/asio/generic/stream_protocol.hpp>

#include <utility>

#include "net/tls.hh"

namespace mcpstate::redis {

using boost::system::error_code;
using any_socket = asio::generic::stream_protocol::socket;

namespace {

struct read_handler {
  std::shared_ptr<transport::sink> receiver;
  void operator()(const error_code& ec, std::size_t n) { receiver->on_read(ec, n); }
};
struct write_handler {
  std::shared_ptr<transport::sink> receiver;
  void operator()(const error_code& ec, std::size_t n) { receiver->on_written(ec, n); }
};

class plain_transport final : public transport {
 public:
  explicit plain_transport(any_socket socket) : socket_(std::move(socket)) {}
  void read_some(asio::mutable_buffer into, std::shared_ptr<sink> receiver) override {
    socket_.async_read_some(into, read_handler{std::move(receiver)});
  }
  void write_some(asio::const_buffer from, std::shared_ptr<sink> receiver) override {
    socket_.async_write_some(from, write_handler{std::move(receiver)});
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
  explicit tls_transport(net::tls_stream stream) : stream_(std::move(stream)) {}
  void read_some(asio::mutable_buffer into, std::shared_ptr<sink> receiver) override {
    stream_.async_read_some(into, read_handler{std::move(receiver)});
  }
  void write_some(asio::const_buffer from, std::shared_ptr<sink> receiver) override {
    stream_.async_write_some(from, write_handler{std::move(receiver)});
  }
  // Without a closing handshake: every reply has its own length, so a cut stream cannot pass for a whole one.
  void close() noexcept override {
    error_code ignored;
    stream_.lowest_layer().close(ignored);
  }

 private:
  net::tls_stream stream_;
};

task<std::unique_ptr<transport>> open_unix(asio::any_io_executor executor, link_config config) {
  co_await asio::this_coro::throw_if_cancelled(false);
  MCPSTATE_CO_TRY(socket, co_await net::dial_unix(std::move(executor), std::move(config.unix_path)));
  co_return std::unique_ptr<transport>(std::make_unique<plain_transport>(any_socket(std::move(socket))));
}

task<net::tcp_socket> connect(asio::any_io_executor executor, const link_config& config, net::resolver look_up) {
  net::dial_target target;
  target.host = config.host;
  target.port = config.port;
  target.shown = shown_address(config);
  target.look_up = std::move(look_up);
  return net::dial_tcp(std::move(executor), std::move(target));
}

task<std::unique_ptr<transport>> wrap_tls(net::tcp_socket socket, net::tls_context context, net::tls_peer peer) {
  co_await asio::this_coro::throw_if_cancelled(false);
  MCPSTATE_CO_TRY(stream, co_await net::shake_hands(std::move(socket), std::move(context), std::move(peer)));
  co_return std::unique_ptr<transport>(std::make_unique<tls_transport>(std::move(stream)));
}

net::tls_peer peer_of(const link_config& config) {
  net::tls_peer out;
  out.host = config.host;
  out.shown = shown_address(config);
  out.verify = config.tls_verify;
  out.verify_host = config.tls_verify_host;
  out.partial_wildcards = true;
  out.plain_hint = "is it redis:// there?";
  out.client_certificate_hint = client_certificate_hint;
  return out;
}

net::tls_files files_of(const link_config& config) {
  net::tls_files out(config.ca_file);
  out.cert_file = config.cert_file;
  out.key_file = config.key_file;
  return out;
}

}  // namespace

std::string shown_address(const link_config& config) {
  if (!config.unix_path.empty()) return "unix:" + config.unix_path;
  const bool colons = config.host.find(':') != std::string::npos;
  return (colons ? "[" + config.host + "]" : config.host) + ":" + std::to_string(config.port);
}

task<std::unique_ptr<transport>> open_transport(asio::any_io_executor executor, link_config config, net::resolver look_up,
                                                aio::deadline until) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const std::string late = "no answer in time from " + shown_address(config);
  if (!config.unix_path.empty()) {
    auto opening = aio::with_deadline(open_unix(std::move(executor), std::move(config)), until, late);
    co_return co_await std::move(opening);
  }
  auto connecting = aio::with_deadline(connect(std::move(executor), config, std::move(look_up)), until, late);
  MCPSTATE_CO_TRY(socket, co_await std::move(connecting));
  if (!config.tls) co_return std::unique_ptr<transport>(std::make_unique<plain_transport>(any_socket(std::move(socket))));
  MCPSTATE_CO_TRY(context, net::shared_tls_context(files_of(config), config.on_stale_credentials));
  // A plain server may wait for more of what it takes for a command.
  const std::string no_tls = "no TLS answer in time from " + shown_address(config) + " (is it redis:// there?)";
  auto shaking = aio::with_deadline(wrap_tls(std::move(socket), context, peer_of(config)), until, no_tls);
  co_return co_await std::move(shaking);
}

}  // namespace mcpstate::redis
