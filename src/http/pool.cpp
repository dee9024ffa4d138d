// SPDX-License-Identifier: MIT
#include "http/pool.hh"

#include <utility>

#include "http/body_decoder.hh"
#include "http/same_origin.hh"

namespace mcpstate::http {
namespace {

std::shared_ptr<const connection_options> connection_options_of(const pool_options& options) {
  auto out = std::make_shared<connection_options>();
  out->egress = options.egress;
  out->answer_headers = options.answer_headers;
  return out;
}

using namespace std::chrono_literals;

constexpr std::size_t max_idle = 2;  // connections: one for requests, one for answers to the server's own
constexpr std::size_t drained_bytes = 64 * 1024;
constexpr auto drain_limit = 250ms;  // for the rest of a stream that has given its answer
// Servers close idle connections after seconds (Node: 5): one that was in use less long ago is still open.
constexpr auto surely_open = 1s;

bool is_redirect(const head& answered) noexcept { return answered.status == 307 || answered.status == 308; }

}  // namespace

pool::pool(asio::any_io_executor executor, pool_options options)
    : executor_(std::move(executor)), options_(std::move(options)), connecting_(connection_options_of(options_)) {}

result<void> pool::prepare() {
  auto sound = check_headers(options_.headers);
  if (!sound) return sound;
  MCPSTATE_TRY(parsed, parse_url(options_.url));
  url_ = std::move(parsed);
  auto allowed = connecting_->egress.check_origin(url_.tls, url_.host);
  if (!allowed) return allowed;
  if (!url_.tls) return result<void>();
  auto context = net::shared_tls_context(net::tls_files(options_.ca_file));
  if (!context) return error(errc::bad_argument, context.error().detail());
  tls_ = std::move(*context);
  return result<void>();
}

request pool::make_request(std::string method, header_list own, std::string body) const {
  request out;
  out.method = std::move(method);
  out.target = url_.target;
  out.headers = std::move(own);
  out.body = std::move(body);
  add_common_headers(out);
  return out;
}

// Every request passes here once, each that follows a redirect too: headers that change from one request to the next belong
// here (a credential that was renewed).
void pool::add_common_headers(request& out) const {
  out.headers.insert(out.headers.begin(), options_.headers.begin(), options_.headers.end());
  // Not for streams that stay open: a decoder for each takes 40 KB, and some servers hold compressed events back.
  if (!out.body.empty()) out.headers.emplace_back("Accept-Encoding", std::string(accepted_encodings));
  if (!has_header(options_.headers, "User-Agent")) out.headers.emplace_back("User-Agent", options_.user_agent);
}

std::unique_ptr<connection> pool::take_idle(request_kind kind) {
  if (idle_.empty() || kind == request_kind::stream) return nullptr;
  idle_connection last = std::move(idle_.back());
  idle_.pop_back();
  const auto idle_for = std::chrono::steady_clock::now() - last.since;
  if (kind == request_kind::at_most_once && idle_for > surely_open) return nullptr;
  return std::move(last.connection);
}

// Sends on a kept connection, else on a new one. When a kept one breaks before any byte of an answer, it was closed before
// the request arrived, and the request goes over a new one.
task<exchange> pool::send_once(request what, request_kind kind) {
  exchange out;
  out.connection = take_idle(kind);
  if (out.connection) {
    auto answered = co_await out.connection->send(what);  // a copy: it may be sent once more
    const bool stopped = co_await aio::is_cancelled();
    const bool once = kind == request_kind::at_most_once && out.connection->sent();
    const bool final = once || out.connection->answered() || stopped;
    if (!answered && final) co_return answered.error();
    if (answered) {
      out.head = std::move(*answered);
      co_return std::move(out);
    }
    idle_.clear();  // as old as the one that broke, or older
  }
  MCPSTATE_CO_TRY(opened, co_await open_connection(executor_, url_, tls_, connecting_));
  out.connection = std::move(opened);
  MCPSTATE_CO_TRY(answered, co_await out.connection->send(std::move(what)));
  out.head = std::move(answered);
  co_return std::move(out);
}

// True if the answer is a redirect that may be followed; the target is then the new one.
result<bool> pool::follow_redirect(const head& answered, unsigned followed) {
  if (!is_redirect(answered) || answered.location.empty()) return false;
  MCPSTATE_TRY(there, check_redirect(connecting_->egress, url_, answered.location, followed));
  url_.target = std::move(there.target);
  return true;
}

task<exchange> pool::start(std::string method, header_list own, std::string body, request_kind kind) {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (unsigned followed = 0;; ++followed) {
    request next = make_request(method, own, body);
    MCPSTATE_CO_TRY(sent, co_await send_once(std::move(next), kind));
    MCPSTATE_CO_TRY(redirected, follow_redirect(sent.head, followed));
    if (!redirected) co_return std::move(sent);
    auto drained = co_await drain(std::move(sent));
    static_cast<void>(drained.has_value());
  }
}

void pool::release(exchange done) {
  if (!done.connection->reusable() || idle_.size() >= max_idle) return;
  idle_connection kept;
  kept.connection = std::move(done.connection);
  kept.since = std::chrono::steady_clock::now();
  idle_.push_back(std::move(kept));
}

task<void> pool::drain(exchange rest) {
  auto reading = read_all(*rest.connection, drained_bytes, false);
  auto drained = co_await aio::with_deadline(std::move(reading), aio::after(drain_limit), "the rest of an answer");
  if (drained) release(std::move(rest));
  co_return result<void>();
}

task<std::string> read_all(connection& source, std::size_t limit, bool cut) {
  return read_all(source, limit, cut, size_check());
}

task<std::string> read_all(connection& source, std::size_t limit, bool cut, size_check check) {
  std::string out;
  for (;;) {
    MCPSTATE_CO_TRY(part, co_await source.read_body());
    if (part.empty()) co_return std::move(out);
    if (out.empty()) {
      out = std::move(part);
    } else {
      out += part;
    }
    if (check) MCPSTATE_CO_CHECK(check(out.size()));
    if (out.size() <= limit) continue;
    if (!cut) co_return error(errc::too_large, "the server's answer is larger than " + std::to_string(limit) + " bytes");
    out.resize(limit);
    co_return std::move(out);
  }
}

}  // namespace mcpstate::http
