// SPDX-License-Identifier: MIT
// The event streams of Streamable HTTP: reading them, taking them up again after a break, and the one for announcements.
#include <mcpstate/aio/deadline.hpp>

#include <algorithm>
#include <utility>

#include "aio/backoff.hh"
#include "mcp/transport/http_transport.hh"

namespace mcpstate::mcp {
namespace {

using namespace std::chrono_literals;

constexpr int max_take_ups = 5;     // of one request's stream, before it counts as lost
constexpr auto first_wait = 1s;     // when the server named no time
constexpr auto least_wait = 100ms;  // whatever time it named, from the second time on
constexpr auto longest_wait = 30s;
constexpr auto longest_floor = 5s;
constexpr auto longest_follow_wait = 300s;
constexpr auto long_life = 5s;        // a stream that lasted so long is no failure: servers and proxies end idle ones
constexpr auto longest_retry = 5min;  // what a server may ask for
constexpr auto follow_patience = 2s;  // some servers send the head of the stream with its first event

// Servers may do without that stream, so this is no fault of theirs.
error no_stream(const http::head& head) {
  return error(errc::http_status, "the server offers no stream of announcements (HTTP " + std::to_string(head.status) + ")");
}

error no_answer() { return error(errc::connection_lost, "the server ended its stream without an answer to the request"); }

}  // namespace

result<void> http_transport::give_events(std::vector<http::sse_event> events, std::uint64_t id) {
  for (http::sse_event& event : events) {
    if (!event.is_message()) continue;
    const auto taken = sink_.on_text(std::move(event.data), id);
    if (!taken) return taken.error();
  }
  return result<void>();
}

// Events up to the answer to the request: a server may keep the stream open behind it. id 0: until the stream ends.
task<void> http_transport::read_events(http::exchange& on, std::uint64_t id, stream_place& place) {
  http::sse_parser parser(max_message_, place.last_event_id);
  while (id == 0 || sink_.is_waiting(id)) {
    auto part = co_await on.connection->read_body();
    if (part && !part->empty()) {
      MCPSTATE_CO_TRY(events, parser.feed(*part));
      place.last_event_id = parser.last_event_id();
      if (parser.retry()) place.retry = parser.retry();
      MCPSTATE_CO_CHECK(give_events(std::move(events), id));
      continue;
    }
    // Servers forget the blank line that ends the last event.
    if (auto last = parser.finish(); last && last->is_message())
      static_cast<void>(sink_.on_text(std::move(last->data), id).has_value());
    if (id != 0 && !sink_.is_waiting(id)) break;
    if (!part) co_return part.error();
    co_return no_answer();
  }
  co_return result<void>();
}

task<void> http_transport::take_stream(http::exchange on, std::uint64_t id) {
  stream_place place;
  auto read = co_await read_events(on, id, place);
  if (read) {
    has_worked_ = legacy_;
    co_return co_await pool_.drain(std::move(on));
  }
  const bool broke = read.error().code() == errc::connection_lost;
  if (!broke || !legacy_ || place.last_event_id.empty()) co_return read.error();
  on.connection.reset();
  auto rest = co_await take_up(id, std::move(place), read.error());
  if (rest) has_worked_ = true;
  co_return rest;
}

// The rest of a stream that broke before the answer, by GET, as the server offered with its event ids.
task<void> http_transport::take_up(std::uint64_t id, stream_place place, error why) {
  std::chrono::milliseconds least{0};
  int rounds = 0;
  for (int failures = 1; failures <= max_take_ups && sink_.is_waiting(id) && !place.last_event_id.empty(); ++failures) {
    const auto wait = place.retry ? std::clamp<std::chrono::milliseconds>(*place.retry, least, longest_retry)
                                  : aio::backoff(failures, first_wait, longest_wait);
    // A server that ends stream after stream is asked less and less often.
    ++rounds;
    least = rounds < max_take_ups ? least_wait : aio::backoff(rounds - max_take_ups + 1, first_wait, longest_floor);
    if (!co_await aio::wait_until(aio::after(wait))) co_return why;
    auto opened = co_await get_stream(place.last_event_id);
    if (!opened) continue;  // as often as it may be tried
    if (!http::is_success(opened->head) || http::media_type(opened->head.content_type) != "text/event-stream") co_return why;
    const std::string before = place.last_event_id;
    auto read = co_await read_events(*opened, id, place);
    if (read) co_return result<void>();  // this stream may go on for ever: it ends with its connection
    if (read.error().code() != errc::connection_lost) co_return read.error();
    if (place.last_event_id != before) failures = 0;  // it brought something
  }
  co_return why;
}

task<http::exchange> http_transport::get_stream(std::string last_event_id) {
  http::header_list headers = session_headers();
  headers.emplace_back("Accept", "text/event-stream");
  if (!last_event_id.empty()) headers.emplace_back("Last-Event-ID", std::move(last_event_id));
  co_return co_await pool_.start("GET", std::move(headers), std::string(), http::request_kind::stream);
}

task<void> http_transport::follow() {
  co_await asio::this_coro::throw_if_cancelled(false);
  group_.spawn("mcp announcements", keep_following());
  co_await first_try_.wait(aio::after(follow_patience));
  if (!first_try_.is_open()) co_return error(errc::deadline, "the server takes long to open its stream of announcements");
  if (not_following_) co_return *not_following_;
  co_return result<void>();
}

asio::awaitable<void> http_transport::keep_following() {
  co_await asio::this_coro::throw_if_cancelled(false);
  stream_place place;
  int failures = 0;
  for (bool first = true;; first = false) {
    if (!first) {
      const auto wait = place.retry && failures <= 1 ? std::min<std::chrono::milliseconds>(*place.retry, longest_retry)
                                                     : aio::backoff(std::max(failures, 1), first_wait, longest_follow_wait);
      if (!co_await aio::wait_until(aio::after(wait))) break;
    }
    const bool go_on = co_await follow_once(place, failures);
    first_try_.open();
    if (!go_on || group_.stopping()) break;
  }
  first_try_.open();
}

// One stream, from its opening to its end. False when the server does not offer one.
asio::awaitable<bool> http_transport::follow_once(stream_place& place, int& failures) {
  const bool resumed = !place.last_event_id.empty();
  auto opened = co_await get_stream(place.last_event_id);
  if (!opened) {
    ++failures;
    if (!first_try_.is_open()) not_following_ = opened.error();
    co_return true;
  }
  const unsigned status = opened->head.status;
  if (status == 200 && http::media_type(opened->head.content_type) == "text/event-stream") {
    first_try_.open();
    stream_stood_ = true;
    if (failures > 0 && !resumed) sink_.on_gap();
    const auto begun = std::chrono::steady_clock::now();
    auto read = co_await read_events(*opened, 0, place);
    static_cast<void>(read.has_value());  // however it ended, it is opened again
    failures = std::chrono::steady_clock::now() - begun > long_life ? 1 : failures + 1;
    if (!group_.stopping()) sink_.on_stream_ended();
    co_return true;
  }
  ++failures;
  if (!first_try_.is_open()) not_following_ = no_stream(opened->head);
  // The event id is not known any more: begin anew. 409: the server has not yet noticed that the last stream is gone.
  if (resumed && (status == 400 || status == 404)) {
    place = stream_place();
    co_return true;
  }
  // The server has forgotten more than the stream. Where there never was one, 404 only means that it has none.
  if (status == 404 && stream_stood_ && !session_id_.empty()) {
    session_id_.clear();
    sink_.on_session_over(0);
  }
  co_return status == 409 || status == 429 || status >= 500;
}

}  // namespace mcpstate::mcp
