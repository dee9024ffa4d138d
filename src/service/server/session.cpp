// SPDX-License-Identifier: MIT
#include "service/server/session.hh"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <exception>

#include "service/http/response_head.hh"

namespace mcpstate::service {

namespace {

// Handlers answer a cancellation with what is known; an exception is a bug of ours, and ends one request only.
reply handle_safely(api& by, asking& to) {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::string bug;
  try {
    co_return co_await handle(by, to);
  } catch (const std::exception& e) {
    bug = e.what();
  }
  co_return to.fail(problem_kind::internal, "a bug of ours: " + bug);
}

std::chrono::microseconds since(http_session::time_point then) {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - then);
}

http_response answer_to_options(const answered& what) {
  http_response out;
  out.status = 204;
  if (!what.preflight) {
    out.headers.emplace_back("Allow", what.allow);
    return out;
  }
  if (what.cors_origin.empty()) return out;
  out.headers.emplace_back("Access-Control-Allow-Methods", what.allow);
  out.headers.emplace_back("Access-Control-Allow-Headers",
                           "Authorization, Content-Type, If-Match, If-None-Match, X-Request-Id");
  out.headers.emplace_back("Access-Control-Max-Age", "600");
  return out;
}

http_response answer_to_refused(const refused& what, const std::string& request_id) {
  auto out = answer(what.why, request_id);
  if (!what.allow.empty()) out.headers.emplace_back("Allow", what.allow);
  if (what.retry_after) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*what.retry_after).count();
    out.headers.emplace_back("Retry-After", std::to_string(seconds));
  }
  return out;
}

}  // namespace

body_share session_world::set_aside(const http_request& asked, std::size_t limit) {
  const std::size_t needed = !asked.has_body ? 0 : std::min<std::uint64_t>(asked.content_length.value_or(limit), limit);
  if (needed > 0 && body_bytes + needed > options.bodies_bytes) return body_share();
  return body_share(body_bytes, needed);
}

http_session::http_session(asio::ip::tcp::socket socket, session_world& world)
    : socket_(std::move(socket)), world_(world), reader_(world.options.head_bytes) {
  boost::system::error_code ec;
  socket_.non_blocking(true, ec);
  socket_.set_option(asio::ip::tcp::no_delay(true), ec);
  enter(phase::idle, world_.options.timeouts.head);
}

asio::awaitable<void> http_session::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  bool more = true;
  while (more) more = co_await serve_one();
  boost::system::error_code ec;
  socket_.close(ec);
}

asio::awaitable<bool> http_session::serve_one() {
  const bool has_head = co_await read_head();
  if (!has_head) {
    co_await refuse_broken();
    co_return false;
  }
  begin_request();
  auto decided = world_.at.judge(reader_.request(), wall_clock().now(), began_);
  if (auto* let_in = std::get_if<admitted>(&decided)) {
    cors_origin_ = std::move(let_in->cors_origin);
    co_return co_await answer_admitted(std::move(*let_in));
  }
  // A body that nobody will read stands between this request and the next.
  const auto& asked = reader_.request();
  const bool keep = asked.keep_alive && !asked.has_body;
  http_response out;
  if (auto* no = std::get_if<refused>(&decided)) {
    cors_origin_ = std::move(no->cors_origin);
    pattern_ = no->pattern;
    if (no->why.kind == problem_kind::too_many_requests) world_.figures.rate_limited();
    out = answer_to_refused(*no, request_id_);
  } else {
    cors_origin_ = std::get<answered>(decided).cors_origin;
    out = answer_to_options(std::get<answered>(decided));
  }
  const bool left = asked.has_body;
  if (!left) {
    reader_.read_body(0);
    static_cast<void>(reader_.take());
  }
  const bool sent = co_await send(std::move(out), keep);
  if (sent && left) co_await linger();
  co_return sent&& keep;
}

asio::awaitable<bool> http_session::answer_admitted(admitted what) {
  const body_share room = world_.set_aside(reader_.request(), what.body_limit);
  if (!room) {
    auto no = answer(problem(problem_kind::unavailable, "too many large requests are under way; try again"), request_id_);
    const bool told = co_await send(std::move(no), false);
    if (told) co_await linger();
    co_return false;
  }
  const bool expects = reader_.request().expect && reader_.request().version >= 11;
  if (expects && reader_.request().has_body && !reader_.has_more()) {
    std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    std::vector<asio::const_buffer> nothing_more;
    const bool told = co_await write(std::move(go_on), std::move(nothing_more));
    if (!told) co_return false;
  }
  reader_.read_body(what.body_limit);
  const bool has_body = co_await read_body();
  if (!has_body) {
    co_await refuse_broken();
    co_return false;
  }
  pattern_ = what.where->pattern;
  bool keep = reader_.request().keep_alive;
  streams_to_ = what.who;
  revoked_ = false;
  http_response out;
  {
    asking to(std::move(what), reader_.take(), request_id_);
    out = co_await work(to);
  }
  keep = keep && !world_.draining;
  const auto events = out.events;
  if (events) keep = false;
  const bool sent = co_await send(std::move(out), keep);
  if (sent && events) co_await stream(events);
  co_return sent&& keep;
}

asio::awaitable<http_response> http_session::work(asking& to) {
  if (!to.of.where->waits) {
    enter(phase::working, std::chrono::hours(24));
    co_return co_await handle_safely(world_.doing, to);
  }
  // tick() and drain() end this one alone, so that it can still be answered.
  enter(phase::waiting, std::chrono::hours(24));
  auto done = asio::bind_cancellation_slot(stop_work_.slot(), asio::use_awaitable);
  auto working = asio::co_spawn(socket_.get_executor(), handle_safely(world_.doing, to), std::move(done));
  co_return co_await std::move(working);
}

asio::awaitable<bool> http_session::send(http_response what, bool keep) {
  note(what);
  head_facts facts;
  facts.keep = keep;
  facts.old_client = version_ < 11;
  facts.head_only = method_ == http_method::head;
  facts.request_id = request_id_;
  facts.cors_origin = cors_origin_;
  std::string head = response_head(what, facts);
  const bool bodiless = facts.head_only || what.status == 304 || what.status == 204 || what.events;
  std::vector<asio::const_buffer> body;
  if (!bodiless) {
    for (const std::string_view piece : what.pieces()) body.push_back(asio::buffer(piece));
  }
  co_return co_await write(std::move(head), std::move(body));
}

// After read_head() or read_body() has failed: says why, if there is somebody to say it to.
asio::awaitable<void> http_session::refuse_broken() {
  std::optional<problem> why;
  if (reader_.at() == request_reader::stage::broken) {
    why = reader_.fault();
  } else if (timed_out_ && (phase_ == phase::head || phase_ == phase::body)) {
    why.emplace(problem_kind::request_timeout, "the request did not come in time");
  }
  if (!why) co_return;
  if (phase_ != phase::body) begin_request();
  auto out = answer(*why, request_id_);
  const bool sent = co_await send(std::move(out), false);
  if (sent) co_await linger();
}

void http_session::begin_request() {
  began_ = std::chrono::steady_clock::now();
  version_ = reader_.request().version;
  method_ = reader_.request().method;
  pattern_ = "none";
  cors_origin_.clear();
  const auto& given = reader_.request().request_id;
  request_id_ = given && is_request_id(*given) ? *given : world_.new_request_id();
}

void http_session::note(const http_response& what) {
  const unsigned status = what.status;
  const auto took = since(began_);
  world_.figures.http_done(pattern_, name_of(method_), status, took);
  const bool reads = method_ == http_method::get || method_ == http_method::head || method_ == http_method::options;
  const auto level = status >= 500 ? log_level::warn : reads ? log_level::debug : log_level::info;
  if (!world_.journal.writes(level)) return;
  if (level == log_level::warn) {
    world_.journal.warn("request", {{"method", name_of(method_)},
                                    {"route", pattern_},
                                    {"status", status},
                                    {"took_us", took.count()},
                                    {"request_id", request_id_},
                                    {"cause", what.cause}});
    return;
  }
  const log_fields fields = {{"method", name_of(method_)},
                             {"route", pattern_},
                             {"status", status},
                             {"took_us", took.count()},
                             {"request_id", request_id_}};
  if (level == log_level::info) {
    world_.journal.info("request", fields);
  } else {
    world_.journal.debug("request", fields);
  }
}

}  // namespace mcpstate::service
