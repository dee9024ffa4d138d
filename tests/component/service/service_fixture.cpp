// SPDX-License-Identifier: MIT
#include "component/service/service_fixture.hh"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/read.hpp>

#include <algorithm>

namespace mcpstate::test {

namespace {

using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;

constexpr auto patience = 10s;

}  // namespace

std::string raw_answer::field(const std::string& name) const {
  const auto at = head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  const auto from = at + name.size() + 4;
  return head.substr(from, head.find("\r\n", from) - from);
}

asio::awaitable<void> raw_client::connect(std::uint16_t port) {
  const tcp::endpoint there(asio::ip::address_v4::loopback(), port);
  co_await socket_.async_connect(there, asio::use_awaitable);
}

asio::awaitable<void> raw_client::send(std::string bytes) {
  auto [ec, size] = co_await asio::async_write(socket_, asio::buffer(bytes), aio::use_ec);
  static_cast<void>(size);
  if (ec) co_return;  // the server may have had enough
}

asio::awaitable<bool> raw_client::read_until(std::string text) {
  auto reading = asio::async_read_until(socket_, asio::dynamic_buffer(read_), text, aio::use_ec);
  auto either = co_await (std::move(reading) || aio::wait_until(aio::after(patience)));
  if (either.index() == 1) co_return false;
  co_return !std::get<0>(std::get<0>(either));
}

asio::awaitable<raw_answer> raw_client::answer(bool with_body) {
  raw_answer out;
  if (!co_await read_until("\r\n\r\n")) co_return out;
  const auto end = read_.find("\r\n\r\n") + 4;
  out.head = read_.substr(0, end);
  read_.erase(0, end);
  out.status = static_cast<unsigned>(std::stoul(out.head.substr(9, 3)));
  const auto length = out.field("Content-Length");
  if (!with_body || length.empty()) co_return out;
  const auto wanted = static_cast<std::size_t>(std::stoull(length));
  if (read_.size() < wanted) {
    const auto more = asio::transfer_exactly(wanted - read_.size());
    auto reading = asio::async_read(socket_, asio::dynamic_buffer(read_), more, aio::use_ec);
    static_cast<void>(co_await (std::move(reading) || aio::wait_until(aio::after(patience))));
  }
  out.body = read_.substr(0, wanted);
  read_.erase(0, wanted);
  co_return out;
}

asio::awaitable<raw_answer> raw_client::ask(std::string bytes) {
  co_await send(std::move(bytes));
  co_return co_await answer();
}

asio::awaitable<std::string> raw_client::rest() {
  auto reading = asio::async_read(socket_, asio::dynamic_buffer(read_), aio::use_ec);
  auto either = co_await (std::move(reading) || aio::wait_until(aio::after(patience)));
  std::string out = std::exchange(read_, std::string());
  if (either.index() == 1) co_return out + "(nothing)";
  const auto ec = std::get<0>(std::get<0>(either));
  co_return ec == asio::error::eof ? out : out + "(reset)";
}

asio::awaitable<std::string> raw_client::until(std::string text) {
  const bool found = co_await read_until(text);
  const auto end = found ? read_.find(text) + text.size() : read_.size();
  std::string out = read_.substr(0, end);
  read_.erase(0, end);
  co_return out;
}

std::string get(const std::string& target, const std::string& fields) {
  return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
}

std::string with_body(const std::string& method, const std::string& target, const std::string& body,
                      const std::string& fields) {
  return method + " " + target +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + fields + "\r\n" + body;
}

fixture_options quick_options() {
  fixture_options out;
  service::listen_address anywhere;
  anywhere.port = 0;
  out.listen.push_back(anywhere);
  return out;
}

namespace {

asio::awaitable<void> run_within(asio::io_context& io, fixture_options options, body_of_test body) {
  service_fixture f(io, std::move(options));
  co_await f.start();
  co_await body(f);
  co_await f.stop();
}

}  // namespace

void with_service(body_of_test body, fixture_options options) {
  run_co_test([&](asio::io_context& io) { return run_within(io, options, body); });
}

service_fixture::service_fixture(asio::io_context& io, fixture_options options)
    : store(std::make_unique<mcpstate::store>(
          make_trapped_backend(make_memory_backend(io.get_executor(), options.store), options.trap))),
      process(options.process, log) {
  manager_options managing;
  managing.egress_for_urls = mcp::egress_policy::open();
  managing.client.stop_timeout = 400ms;
  managing.observer = &process.metrics;
  manager = make_manager(*store, managing);
  shards.add(*store, *manager, process);
  server = std::make_unique<service::server>(process, shards, std::move(options));
}

asio::awaitable<void> service_fixture::start() {
  const auto listening = co_await server->listen();
  if (!listening) ADD_FAILURE() << listening.error().detail();
}

asio::awaitable<void> service_fixture::stop() {
  co_await server->close();
  co_await manager->close();
  co_await store->close();
}

asio::awaitable<std::unique_ptr<raw_client>> service_fixture::client() {
  auto out = std::make_unique<raw_client>(executor());
  co_await out->connect(port());
  co_return out;
}

}  // namespace mcpstate::test
