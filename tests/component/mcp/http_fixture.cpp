// SPDX-License-Identifier: MIT
#include "component/mcp/http_fixture.hh"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <sstream>

#include <mcpstate/aio/deadline.hpp>

namespace mcpstate::test {
namespace {

using tcp = asio::ip::tcp;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

http_seen read_head(const std::string& head) {
  http_seen out;
  std::istringstream lines(head);
  lines >> out.method >> out.target;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && line != "\r") {
    const std::size_t colon = line.find(':');
    if (!line.empty() && line.back() == '\r') line.pop_back();
    out.headers[lower(line.substr(0, colon))] = line.substr(std::min(line.size(), colon + 2));
  }
  return out;
}

void read_body(http_seen& out) {
  boost::system::error_code ec;
  const auto value = boost::json::parse(out.body, ec);
  if (ec || !value.is_object()) return;
  if (const auto* method = value.get_object().if_contains("method")) out.rpc_method = method->as_string().c_str();
  if (const auto* id = value.get_object().if_contains("id")) out.rpc_id = boost::json::serialize(*id);
}

template <class Stream>
asio::awaitable<bool> read_request(Stream& stream, std::string& buffer, http_seen& out) {
  auto [ec, size] = co_await asio::async_read_until(stream, asio::dynamic_buffer(buffer), "\r\n\r\n", aio::use_ec);
  if (ec) co_return false;
  out = read_head(buffer.substr(0, size));
  buffer.erase(0, size);
  const auto found = out.headers.find("content-length");
  const std::size_t length = found == out.headers.end() ? 0 : std::stoul(found->second);
  if (buffer.size() < length) {
    auto [failed, more] = co_await asio::async_read(stream, asio::dynamic_buffer(buffer),
                                                    asio::transfer_at_least(length - buffer.size()), aio::use_ec);
    static_cast<void>(more);
    if (failed) co_return false;
  }
  out.body = buffer.substr(0, length);
  buffer.erase(0, length);
  read_body(out);
  co_return true;
}

template <class Stream>
asio::awaitable<bool> write_reply(Stream& stream, const http_reply& reply) {
  const std::size_t step = reply.byte_by_byte ? 1 : std::max<std::size_t>(reply.bytes.size(), 1);
  for (std::size_t from = 0; from < reply.bytes.size(); from += step) {
    auto [ec, size] = co_await asio::async_write(stream, asio::buffer(reply.bytes.data() + from, step), aio::use_ec);
    static_cast<void>(size);
    if (ec) co_return false;
  }
  co_return true;
}

// A client that waits for an answer sends nothing: what ends this is its closing.
template <class Stream>
asio::awaitable<void> read_some(Stream& stream) {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::string byte(1, '\0');
  auto [ec, size] = co_await stream.async_read_some(asio::buffer(byte), aio::use_ec);
  static_cast<void>(ec);
  static_cast<void>(size);
}

std::string pem_of(const std::function<void(BIO*)>& write) {
  BIO* const memory = BIO_new(BIO_s_mem());
  write(memory);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(memory);
  return out;
}

}  // namespace

http_reply text_reply(int status, const std::string& type, const std::string& body) {
  return http_reply("HTTP/1.1 " + std::to_string(status) + " Some Words\r\nContent-Type: " + type +
                    "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}

http_reply json_reply(int status, const std::string& body, const std::string& more_headers) {
  http_reply out = text_reply(status, "application/json", body);
  out.bytes.insert(out.bytes.find("\r\n") + 2, more_headers);
  return out;
}

http_reply stream_reply(const std::string& events) {
  http_reply out("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + events);
  out.after = http_reply::then::close;
  return out;
}

http_reply open_stream_reply(const std::string& events, std::shared_ptr<http_rest> rest) {
  http_reply out = stream_reply(events);
  out.after = http_reply::then::hang;
  out.rest = std::move(rest);
  return out;
}

http_reply empty_reply(int status, const std::string& more_headers) {
  return http_reply("HTTP/1.1 " + std::to_string(status) + " Some Words\r\n" + more_headers + "Content-Length: 0\r\n\r\n");
}

http_reply result_reply(const http_seen& request, const std::string& result) {
  return json_reply(200, R"({"jsonrpc":"2.0","id":)" + request.rpc_id + R"(,"result":)" + result + "}");
}

http_reply usual_reply(const http_seen& request) {
  if (request.method == "GET") return empty_reply(405);
  if (request.method == "DELETE") return empty_reply(200);
  if (request.rpc_method.empty() || request.rpc_id.empty()) return empty_reply(202);
  if (request.rpc_method == "initialize") return result_reply(request, initialize_result);
  if (request.rpc_method == "tools/list") return result_reply(request, R"({"tools":[)" + plain_tool + "]}");
  return result_reply(request, "{}");
}

test_certificate make_certificate() {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* const name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("mcpstate test"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* const names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(certificate, key, EVP_sha256());
  test_certificate out;
  out.certificate_pem = pem_of([&](BIO* to) { PEM_write_bio_X509(to, certificate); });
  out.key_pem = pem_of([&](BIO* to) { PEM_write_bio_PrivateKey(to, key, nullptr, nullptr, 0, nullptr, nullptr); });
  X509_free(certificate);
  EVP_PKEY_free(key);
  return out;
}

scripted_server::scripted_server(asio::any_io_executor executor, handler answer, std::uint16_t port)
    : answer_(std::move(answer)),
      acceptor_(executor, tcp::endpoint(asio::ip::address_v4::loopback(), port)),
      group_(executor, aio::end_process) {
  group_.spawn("accept", accept());
}

scripted_server::scripted_server(asio::any_io_executor executor, handler answer, const test_certificate& identity)
    : scripted_server(std::move(executor), std::move(answer)) {
  tls_ = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  tls_->use_certificate_chain(asio::buffer(identity.certificate_pem));
  tls_->use_private_key(asio::buffer(identity.key_pem), asio::ssl::context::pem);
}

std::string scripted_server::url(const std::string& host) const {
  return (tls_ ? "https://" : "http://") + host + ":" + std::to_string(port()) + "/mcp";
}

asio::awaitable<void> scripted_server::close() {
  acceptor_.close();
  co_await group_.stop();
}

asio::awaitable<void> scripted_server::accept() {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    auto [ec, socket] = co_await acceptor_.async_accept(aio::use_ec);
    if (ec) co_return;
    const int number = ++connections;
    if (refuse_ > 0) {
      --refuse_;
      continue;
    }
    group_.spawn("connection", tls_ ? serve_tls(std::move(socket), number) : serve_plain(std::move(socket), number));
  }
}

asio::awaitable<void> scripted_server::serve_plain(tcp::socket socket, int number) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await serve(socket, number);
  ++ended;
}

asio::awaitable<void> scripted_server::serve_tls(tcp::socket socket, int number) {
  co_await asio::this_coro::throw_if_cancelled(false);
  asio::ssl::stream<tcp::socket> stream(std::move(socket), *tls_);
  auto [ec] = co_await stream.async_handshake(asio::ssl::stream_base::server, aio::use_ec);
  if (!ec) co_await serve(stream, number);
  ++ended;
}

template <class Stream>
asio::awaitable<void> scripted_server::serve(Stream& stream, int number) {
  std::string buffer;
  http_seen request;
  while (co_await read_request(stream, buffer, request)) {
    request.connection = number;
    seen.push_back(request);
    const http_reply reply = answer_(request);
    if (!co_await write_reply(stream, reply)) co_return;
    if (reply.after == http_reply::then::close) co_return;
    if (reply.after == http_reply::then::hang) co_return co_await hang(stream, reply.rest);
  }
}

// Until the client closes, or the test ends it.
template <class Stream>
asio::awaitable<void> scripted_server::hang(Stream& stream, std::shared_ptr<http_rest> rest) {
  using namespace asio::experimental::awaitable_operators;
  if (!rest) {
    co_await read_some(stream);
    co_return;
  }
  rest->begun = true;
  while (!rest->ended_ || !rest->bytes_.empty()) {
    const std::string now = std::exchange(rest->bytes_, std::string());
    if (!now.empty()) {
      auto [ec, size] = co_await asio::async_write(stream, asio::buffer(now), aio::use_ec);
      static_cast<void>(size);
      if (ec) break;
      continue;
    }
    auto both = rest->wait() || read_some(stream);
    auto either = co_await std::move(both);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (either.index() == 1 || state.cancelled() != asio::cancellation_type::none) {
      rest->gone = either.index() == 1;
      break;
    }
  }
}

void http_rest::add(const std::string& bytes) {
  bytes_ += bytes;
  if (waiting_ != nullptr) waiting_->cancel();
}

void http_rest::end() {
  ended_ = true;
  if (waiting_ != nullptr) waiting_->cancel();
}

asio::awaitable<void> http_rest::wait() {
  co_await asio::this_coro::throw_if_cancelled(false);
  asio::steady_timer timer(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
  waiting_ = &timer;
  auto [ec] = co_await timer.async_wait(aio::use_ec);
  static_cast<void>(ec);
  waiting_ = nullptr;
}

long scripted_server::count(const std::string& rpc_method) const {
  return std::count_if(seen.begin(), seen.end(), [&](const http_seen& request) { return request.rpc_method == rpc_method; });
}

http_seen scripted_server::nth(const std::string& method, std::size_t n) const {
  for (const http_seen& request : seen) {
    if (request.rpc_method != method && request.method != method) continue;
    if (n-- == 0) return request;
  }
  return http_seen();
}

}  // namespace mcpstate::test
