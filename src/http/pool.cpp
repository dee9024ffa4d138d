// SPDX-License-Identifier: MIT
#include "http/pool.hh"

#include <utility>

#include "http/body_decoder.hh"
#include "http/same_origin.hh"

namespace mcpstate::mcp {
namespace {

std::shared_ptr<const outbound> way_out(const pool_options& options) {
  auto out = std::make_shared<outbound>();
  out->policy = options.egress;
  return out;
}

using namespace std::chrono_literals;

constexpr std::size_t max_idle = 2;  // connections: one for requests, one for answers to the server's own
constexpr std::size_t drained_bytes = 64 * 1024;
constexpr auto drain_limit = 250ms;  // for the rest of a stream that has given its answer
// Servers close idle connections after seconds (Node: 5): one that was in use less long ago is still open.
constexpr auto surely_open = 1s;

bool is_redirect(const http_head& head) noexcept { return head.status == 307 || head.status == 308; }

}  // namespace

bool is_success(const http_head& head) noexcept { return head.status >= 200 && head.status < 300; }

http_answer summary(const http_head& head, std::string body) {
  http_answer out;
  out.status = head.status;
  out.content_type = head.content_type;
  out.location = head.location;
  out.retry_after = head.retry_after;
  out.www_authenticate = head.www_authenticate;
  out.body = std::move(body);
  return out;
}

http_pool::http_pool(asio::any_io_executor executor, pool_options options)
    : executor_(executor), options_(std::move(options)), way_out_(way_out(options_)) {}

result<void> http_pool::prepare() {
  auto sound = check_headers(options_.headers);
  if (!sound) return sound;
  auto url = parse_http_url(options_.url);
  if (!url) return url.error();
  url_ = std::move(*url);
  auto allowed = way_out_->policy.check_origin(url_.tls, url_.host);
  if (!allowed) return allowed;
  if (!url_.tls) return result<void>();
  auto context = make_tls_context(options_.ca_file);
  if (!context) return context.error();
  tls_ = std::move(*context);
  return result<void>();
}

http_request http_pool::make_request(std::string method, header_list more, std::string body) const {
  http_request out;
  out.method = std::move(method);
  out.target = url_.target;
  out.headers = options_.headers;
  out.headers.insert(out.headers.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  // Not for streams that stay open: a decoder for each takes 40 KB, and some servers hold compressed events back.
  if (!body.empty()) out.headers.emplace_back("Accept-Encoding", std::string(accepted_encodings));
  if (!has_header(options_.headers, "User-Agent")) out.headers.emplace_back("User-Agent", options_.user_agent);
  out.body = std::move(body);
  return out;
}

std::unique_ptr<http_connection> http_pool::take(care how) {
  if (idle_.empty() || how == care::stream) return nullptr;
  kept last = std::move(idle_.back());
  idle_.pop_back();
  if (how == care::once && std::chrono::steady_clock::now() - last.since > surely_open) return nullptr;
  return std::move(last.connection);
}

// On a connection kept from before, else on a new one. A kept one that broke before any byte of an answer was closed before
// the request arrived, and a new one gets it.
task<http_exchange> http_pool::send_once(http_request what, care how) {
  http_exchange out;
  out.connection = take(how);
  if (out.connection) {
    auto head = co_await out.connection->exchange(what);  // a copy: it may be sent once more
    const auto state = co_await asio::this_coro::cancellation_state;
    const bool stopped = state.cancelled() != asio::cancellation_type::none;
    const bool once = how == care::once && out.connection->sent();
    const bool final = once || out.connection->answered() || stopped;
    if (!head && final) co_return head.error();
    if (head) {
      out.head = std::move(*head);
      co_return std::move(out);
    }
    idle_.clear();  // as old as the one that broke, or older
  }
  auto opened = co_await open_http_connection(executor_, url_, tls_, way_out_);
  if (!opened) co_return opened.error();
  out.connection = std::move(*opened);
  auto head = co_await out.connection->exchange(std::move(what));
  if (!head) co_return head.error();
  out.head = std::move(*head);
  co_return std::move(out);
}

// Follows 307 and 308 within the origin, and remembers where they led. True if there is a new target.
result<bool> http_pool::redirect(const http_head& head, unsigned followed) {
  if (!is_redirect(head) || head.location.empty()) return false;
  auto there = check_redirect(way_out_->policy, url_, head.location, followed);
  if (!there) return there.error();
  url_.target = std::move(there->target);
  return true;
}

task<http_exchange> http_pool::start(std::string method, header_list more, std::string body, care how) {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (unsigned followed = 0;; ++followed) {
    http_request request = make_request(method, more, body);
    auto sent = co_await send_once(std::move(request), how);
    if (!sent) co_return sent.error();
    auto elsewhere = redirect(sent->head, followed);
    if (!elsewhere) co_return elsewhere.error();
    if (!*elsewhere) co_return std::move(*sent);
    auto drained = co_await drain(std::move(*sent));
    static_cast<void>(drained.has_value());
  }
}

void http_pool::keep(http_exchange done) {
  if (!done.connection->reusable() || idle_.size() >= max_idle) return;
  kept each;
  each.connection = std::move(done.connection);
  each.since = std::chrono::steady_clock::now();
  idle_.push_back(std::move(each));
}

task<void> http_pool::drain(http_exchange rest) {
  auto reading = read_all(*rest.connection, drained_bytes, false);
  auto drained = co_await aio::with_deadline(std::move(reading), aio::after(drain_limit), "the rest of an answer");
  if (drained) keep(std::move(rest));
  co_return result<void>();
}

task<std::string> read_all(http_connection& from, std::size_t limit, bool cut) {
  std::string out;
  for (;;) {
    auto part = co_await from.read_body();
    if (!part) co_return part.error();
    if (part->empty()) co_return std::move(out);
    if (out.empty()) {
      out = std::move(*part);
    } else {
      out += *part;
    }
    if (out.size() <= limit) continue;
    if (!cut) co_return error(errc::too_large, "the server's answer is larger than " + std::to_string(limit) + " bytes");
    out.resize(limit);
    co_return std::move(out);
  }
}

}  // namespace mcpstate::mcp
