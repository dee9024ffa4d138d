// SPDX-License-Identifier: MIT
#include "service/server/server.hh"

#include <boost/asio/ip/v6_only.hpp>

#include <algorithm>
#include <list>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/aio/task_group.hpp>

#include "aio/executor_check.hh"
#include "aio/name_lookup.hh"
#include "core/bug.hh"
#include "service/server/client_connection.hh"
#include "service/server/peer_limit.hh"

namespace mcpstate::service {

namespace {

using tcp = asio::ip::tcp;
using namespace std::chrono_literals;
using error_code = boost::system::error_code;

constexpr auto accept_pause = 100ms;  // when there are no descriptors left

body_limits limits_of(const service_options& options) {
  body_limits out;
  out.default_bytes = options.body_bytes;
  out.state_bytes = options.state_body_bytes;
  return out;
}

// How often deadlines are checked: several times within the shortest one, but not too often for thousands of connections.
std::chrono::milliseconds tick_interval(const service_timeouts& t) {
  const auto shortest = std::min({t.head, t.body, t.idle, t.write, t.heartbeat});
  return std::clamp<std::chrono::milliseconds>(shortest / 8, 5ms, 250ms);
}

error cannot_listen(const std::string& address, const error_code& ec) {
  const bool missing = ec == asio::error::address_family_not_supported || ec == boost::system::errc::address_not_available;
  const char* advice = ec == asio::error::address_in_use ? "; is mcpstate running already? --listen names another address"
                                                         : "; --listen names another address";
  return error(missing ? errc::unsupported : errc::connect_failed,
               "cannot listen on " + address + ": " + ec.message() + advice);
}

error needs_token(const asio::ip::address& address) {
  return error(errc::bad_argument, "listening on " + address.to_string() +
                                       " needs a token: set MCPSTATE_TOKEN or --token-file; without one only loopback "
                                       "addresses are served");
}

}  // namespace

struct server::state {
  state(process_services& p, shard_set& s, service_options o, asio::any_io_executor ex)
      : process(p),
        shards(s),
        options(std::move(o)),
        authorizer(hosts, owner_limits(p.owner_rate, p.owner_connects), limits_of(options)),
        shared(p, s, authorizer, options),
        peers(options.connections_per_second, options.connection_burst),
        executor(std::move(ex)),
        work(executor, aio::end_process) {}

  task<void> bind_address(listen_address address);
  result<void> bind(const tcp::endpoint& endpoint);
  asio::awaitable<void> accept(tcp::acceptor& acceptor);
  void take(tcp::socket socket);
  asio::awaitable<void> serve(tcp::socket socket);
  [[nodiscard]] std::string refusal(const tcp::socket& socket);
  asio::awaitable<void> turn_away(tcp::socket socket, std::string response);
  asio::awaitable<void> check_deadlines();
  void drain_connections();

  process_services& process;
  shard_set& shards;
  service_options options;
  host_policy hosts;
  service::authorizer authorizer;
  connection_context shared;
  peer_limit peers;
  asio::any_io_executor executor;
  std::list<tcp::acceptor> acceptors;
  std::list<client_connection> connections;
  bool stopped = false;
  aio::task_group work;
};

result<void> server::state::bind(const tcp::endpoint& endpoint) {
  error_code ec;
  tcp::acceptor acceptor(executor);
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(1024, ec);
  const std::string address = endpoint.address().to_string();
  if (ec) return cannot_listen(address + ":" + std::to_string(endpoint.port()), ec);
  hosts.add_bound(address);
  acceptors.push_back(std::move(acceptor));
  return {};
}

// Binds all addresses that a name resolves to.
task<void> server::state::bind_address(listen_address address) {
  std::string host = address.host;
  const auto found = co_await aio::look_up(std::move(host));
  if (!found) co_return error(found.error().code(), found.error().detail() + "; --listen names another address");
  for (const auto& resolved : *found) {
    if (process.keys()->empty() && !resolved.is_loopback()) co_return needs_token(resolved);
    const auto bound = bind(tcp::endpoint(resolved, address.port));
    // "localhost" resolves to ::1 too, even on a machine without IPv6.
    if (!bound && bound.error().code() == errc::unsupported && found->size() > 1) continue;
    if (!bound) co_return bound.error();
  }
  co_return result<void>();
}

asio::awaitable<void> server::state::accept(tcp::acceptor& acceptor) {
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!shared.draining) {
    tcp::socket socket(executor);
    auto [ec] = co_await acceptor.async_accept(socket, aio::use_ec);
    if (shared.draining) break;
    if (!ec) {
      take(std::move(socket));
    } else if (ec != asio::error::operation_aborted) {
      // The next accept would fail at once, too.
      process.log.warn("cannot accept", {{"why", ec.message()}});
      co_await aio::wait_until(aio::after(accept_pause));
    }
  }
}

// Without memory, this connection is closed.
void server::state::take(tcp::socket socket) {
  try {
    std::string refused = refusal(socket);
    if (refused.empty()) {
      work.spawn("connection", serve(std::move(socket)));
    } else {
      work.spawn("turned away", turn_away(std::move(socket), std::move(refused)));
    }
  } catch (...) {
    process.log.error("a connection failed", {{"why", caught_text()}});
  }
}

asio::awaitable<void> server::state::serve(tcp::socket socket) {
  auto position = connections.end();
  std::string bug;
  try {
    position = connections.emplace(connections.end(), std::move(socket), shared);
    co_await position->run();
  } catch (...) {
    bug = caught_text();
  }
  if (position != connections.end()) connections.erase(position);
  if (!bug.empty()) process.log.error("a connection failed", {{"why", bug}});
}

// The answer to a connection that is not served; empty: it is served.
std::string server::state::refusal(const tcp::socket& socket) {
  constexpr const char* rest = "\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  error_code ec;
  const auto peer = socket.remote_endpoint(ec);
  if (!ec && peers.take(peer.address(), std::chrono::steady_clock::now())) {
    process.metrics.count_rate_limited();
    return std::string("HTTP/1.1 429 Too Many Requests") + rest;
  }
  if (connections.size() < options.connections) return {};
  return std::string("HTTP/1.1 503 Service Unavailable") + rest;
}

asio::awaitable<void> server::state::turn_away(tcp::socket socket, std::string response) {
  error_code ec;
  socket.non_blocking(true, ec);
  socket.write_some(asio::buffer(response), ec);
  socket.shutdown(tcp::socket::shutdown_both, ec);
  co_return;
}

asio::awaitable<void> server::state::check_deadlines() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto interval = tick_interval(options.timeouts);
  while (!stopped && co_await aio::wait_until(aio::after(interval))) {
    const auto now = std::chrono::steady_clock::now();
    for (auto it = connections.begin(); it != connections.end();) (it++)->tick(now);
  }
}

void server::state::drain_connections() {
  for (auto it = connections.begin(); it != connections.end();) (it++)->drain();
}

server::server(process_services& process, shard_set& shards, service_options options)
    : server(process, shards, std::move(options), shards.front().executor) {}
server::server(process_services& process, shard_set& shards, service_options options, asio::any_io_executor executor)
    : state_(std::make_unique<state>(process, shards, std::move(options), std::move(executor))) {
  for (const auto& route : routes()) process.metrics.expect_requests(route.pattern, name_of(route.method));
}
server::~server() = default;

task<void> server::listen() {
  auto& s = *state_;
  aio::assert_on_executor(s.executor);
  for (const auto& name : s.options.allowed_hosts) s.hosts.add_host(name);
  for (const auto& peer : s.options.unlimited_peers) MCPSTATE_CO_CHECK(s.peers.exempt(peer));
  for (const auto& origin : s.options.allowed_origins) s.hosts.add_origin(origin);
  for (const auto& address : s.options.listen) {
    auto binding = s.bind_address(address);
    auto bound = co_await std::move(binding);
    if (!bound) {
      s.acceptors.clear();
      co_return bound.error();
    }
  }
  for (auto& acceptor : s.acceptors) s.work.spawn("acceptor", s.accept(acceptor));
  s.work.spawn("timeouts", s.check_deadlines());
  co_return result<void>();
}

std::vector<tcp::endpoint> server::endpoints() const {
  std::vector<tcp::endpoint> out;
  for (const auto& acceptor : state_->acceptors) out.push_back(acceptor.local_endpoint());
  return out;
}

void server::recheck_tokens() {
  const auto keys = state_->process.keys();
  for (client_connection& connection : state_->connections) connection.recheck_token(*keys);
}

std::size_t server::connections() const noexcept { return state_->connections.size(); }

asio::awaitable<void> server::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  auto& s = *state_;
  aio::assert_on_executor(s.executor);
  s.shared.draining = true;
  error_code ec;
  for (auto& acceptor : s.acceptors) acceptor.close(ec);
  s.drain_connections();
  for (const auto& shard : s.shards.all()) co_await shard->events.close();
  const auto deadline = aio::after(s.options.timeouts.shutdown);
  while (!s.connections.empty() && std::chrono::steady_clock::now() < deadline) {
    co_await aio::wait_until(aio::after(5ms));
  }
  s.stopped = true;
  s.drain_connections();
  co_await s.work.stop();
  s.acceptors.clear();
}

}  // namespace mcpstate::service
