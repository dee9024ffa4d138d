// SPDX-License-Identifier: MIT
#include "service/server/server.hh"

#include <boost/asio/ip/v6_only.hpp>

#include <algorithm>
#include <list>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/aio/task_group.hpp>

#include "aio/name_lookup.hh"
#include "service/server/session.hh"

namespace mcpstate::service {

namespace {

using tcp = asio::ip::tcp;
using namespace std::chrono_literals;
using error_code = boost::system::error_code;

constexpr auto accept_pause = 100ms;  // when there are no descriptors left

gate_limits limits_of(const service_options& options) {
  gate_limits out;
  out.body_bytes = options.body_bytes;
  out.state_body_bytes = options.state_body_bytes;
  return out;
}

// Several times within the shortest time that has to be kept, but not too often for thousands of connections.
std::chrono::milliseconds tick_time(const service_timeouts& t) {
  const auto shortest = std::min({t.head, t.body, t.idle, t.write, t.heartbeat});
  return std::clamp<std::chrono::milliseconds>(shortest / 8, 5ms, 250ms);
}

error cannot_listen(const std::string& where, const error_code& why) {
  const bool missing = why == asio::error::address_family_not_supported || why == boost::system::errc::address_not_available;
  const char* advice = why == asio::error::address_in_use ? "; is mcpstate running already? --listen names another address"
                                                          : "; --listen names another address";
  return error(missing ? errc::unsupported : errc::connect_failed,
               "cannot listen on " + where + ": " + why.message() + advice);
}

}  // namespace

struct server::inside {
  inside(store& records, manager& keeping, service_options o, metrics& figures, log& journal)
      : options(std::move(o)),
        events(records, feed_limits(), &figures),
        doing(records, keeping, figures, events, options.keys),
        rate(options.owner_requests_per_second, options.owner_burst),
        door(who, options.keys, rate, limits_of(options)),
        world(doing, door, figures, journal, options),
        executor(records.executor()),
        work(executor) {}

  result<void> bind(const tcp::endpoint& where);
  asio::awaitable<void> accept(tcp::acceptor& from);
  asio::awaitable<void> serve(tcp::socket socket);
  asio::awaitable<void> turn_away(tcp::socket socket);
  asio::awaitable<void> keep_time();

  service_options options;
  feeds events;
  api doing;
  rate_limit rate;
  admission who;
  gate door;
  session_world world;
  asio::any_io_executor executor;
  std::list<tcp::acceptor> acceptors;
  std::list<http_session> sessions;
  bool stopped = false;
  aio::task_group work;
};

result<void> server::inside::bind(const tcp::endpoint& where) {
  const std::string shown = where.address().to_string() + ":" + std::to_string(where.port());
  error_code ec;
  tcp::acceptor a(executor);
  a.open(where.protocol(), ec);
  if (!ec) a.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec && where.address().is_v6()) a.set_option(asio::ip::v6_only(true), ec);
  if (!ec) a.bind(where, ec);
  if (!ec) a.listen(1024, ec);
  if (ec) return cannot_listen(shown, ec);
  who.add_bound(where.address().to_string());
  acceptors.push_back(std::move(a));
  return {};
}

asio::awaitable<void> server::inside::accept(tcp::acceptor& from) {
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!world.draining) {
    tcp::socket socket(executor);
    auto [ec] = co_await from.async_accept(socket, aio::use_ec);
    if (world.draining) break;
    if (!ec && sessions.size() < options.connections) {
      work.spawn("connection", serve(std::move(socket)));
    } else if (!ec) {
      work.spawn("turned away", turn_away(std::move(socket)));
    } else if (ec != asio::error::operation_aborted) {
      // The next accept would fail, too, and at once.
      world.journal.warn("cannot accept", {{"why", ec.message()}});
      co_await aio::wait_until(aio::after(accept_pause));
    }
  }
}

asio::awaitable<void> server::inside::serve(tcp::socket socket) {
  const auto here = sessions.emplace(sessions.end(), std::move(socket), world);
  std::string bug;
  try {
    co_await here->run();
  } catch (const std::exception& e) {
    bug = e.what();
  }
  sessions.erase(here);
  if (!bug.empty()) world.journal.error("a connection failed", {{"why", bug}});
}

asio::awaitable<void> server::inside::turn_away(tcp::socket socket) {
  static const std::string text =
      "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  error_code ec;
  socket.non_blocking(true, ec);
  socket.write_some(asio::buffer(text), ec);
  socket.shutdown(tcp::socket::shutdown_both, ec);
  co_return;
}

asio::awaitable<void> server::inside::keep_time() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto every = tick_time(options.timeouts);
  while (!stopped && co_await aio::wait_until(aio::after(every))) {
    const auto now = std::chrono::steady_clock::now();
    for (auto it = sessions.begin(); it != sessions.end();) (it++)->tick(now);
  }
}

server::server(store& records, manager& keeping, service_options options, metrics& figures, log& journal)
    : inside_(std::make_unique<inside>(records, keeping, std::move(options), figures, journal)) {}
server::~server() = default;

task<void> server::listen() {
  auto& in = *inside_;
  for (const auto& name : in.options.allowed_hosts) in.who.add_host(name);
  for (const auto& origin : in.options.allowed_origins) in.who.add_origin(origin);
  for (const auto& place : in.options.listen) {
    std::string host = place.host;
    const auto found = co_await aio::look_up(std::move(host));
    if (!found) co_return error(found.error().code(), found.error().detail() + "; --listen names another address");
    for (const auto& address : *found) {
      if (in.options.keys.empty() && !address.is_loopback())
        co_return error(errc::bad_argument, "listening on " + address.to_string() +
                                                " needs a token: set MCPSTATE_TOKEN or --token-file; without one only "
                                                "loopback addresses are served");
      const auto bound = in.bind(tcp::endpoint(address, place.port));
      // localhost is ::1 too, even where there is no IPv6.
      if (!bound && bound.error().code() == errc::unsupported && found->size() > 1) continue;
      if (!bound) {
        in.acceptors.clear();
        co_return bound.error();
      }
    }
  }
  for (auto& a : in.acceptors) in.work.spawn("acceptor", in.accept(a));
  in.work.spawn("timeouts", in.keep_time());
  co_return result<void>();
}

std::vector<tcp::endpoint> server::endpoints() const {
  std::vector<tcp::endpoint> out;
  for (const auto& a : inside_->acceptors) out.push_back(a.local_endpoint());
  return out;
}

void server::set_keys(access_keys keys) {
  auto& in = *inside_;
  in.options.keys = std::move(keys);
  for (http_session& each : in.sessions) each.recheck(in.options.keys);
}
std::size_t server::connections() const noexcept { return inside_->sessions.size(); }

asio::awaitable<void> server::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  auto& in = *inside_;
  in.world.draining = true;
  error_code ec;
  for (auto& a : in.acceptors) a.close(ec);
  for (auto it = in.sessions.begin(); it != in.sessions.end();) (it++)->drain();
  co_await in.events.close();
  const auto until = aio::after(in.options.timeouts.shutdown);
  while (!in.sessions.empty() && std::chrono::steady_clock::now() < until) {
    co_await aio::wait_until(aio::after(5ms));
  }
  in.stopped = true;
  for (auto it = in.sessions.begin(); it != in.sessions.end();) (it++)->drain();
  co_await in.work.stop();
  in.acceptors.clear();
}

std::string session_world::new_request_id() {
  static const std::uint64_t random = static_cast<std::uint64_t>(wall_clock().now().time_since_epoch().count());
  constexpr std::string_view digits = "0123456789abcdef";
  std::uint64_t n = (random << 20) + ++requests_;
  std::string out(16, '0');
  for (auto digit = out.rbegin(); digit != out.rend(); ++digit, n >>= 4) *digit = digits[n & 15];
  return out;
}

}  // namespace mcpstate::service
