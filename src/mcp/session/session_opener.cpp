// SPDX-License-Identifier: MIT
#include "mcp/session/session_opener.hh"

#include <algorithm>
#include <utility>

namespace mcpstate::mcp {
namespace {

using step = detect_fsm::step;
using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto finish_limit = 5s;  // for what follows the answer to the handshake, also when that came at the last moment

std::string outcome_text(const observed& got) {
  switch (got.type) {
    case observed::kind::answer:
      return "ok";
    case observed::kind::failure:
      return (got.status != 0 ? "HTTP " + std::to_string(got.status) + ", " : std::string()) + "error " +
             std::to_string(got.msg.error_code);
    case observed::kind::refused:
    case observed::kind::denied:
      return "HTTP " + std::to_string(got.status);
    case observed::kind::silent:
    case observed::kind::ended:
    case observed::kind::broken:
      break;
  }
  return got.why.detail();
}

// The outcome of a step that only fails or succeeds.
observed observed_of(const std::optional<error>& failure) {
  observed out;
  out.type = failure ? observed::kind::broken : observed::kind::answer;
  if (failure) out.why = *failure;
  return out;
}

observed observed_of(const result<void>& got) {
  return observed_of(got ? std::optional<error>() : std::optional<error>(got.error()));
}

// The transport of HTTP+SSE does not have the request.
bool can_discover(const channel& messages) {
  const auto carrier = messages.current_transport();
  return carrier && carrier->name() != "sse";
}

}  // namespace

void session_opener::report_step(std::string name, time_point started, const observed& got,
                                 const std::optional<http::answer>& refusal) const {
  if (!options_.on_step) return;
  connect_step out;
  out.name = std::move(name);
  out.ok = got.type == observed::kind::answer;
  out.outcome = outcome_text(got);
  out.peer = got.type == observed::kind::failure ? got.msg.error_message : got.why.peer_text();
  out.http_status = got.status;
  if (refusal) out.content_type = http::media_type(refusal->content_type);
  if (got.type == observed::kind::failure) {
    out.rpc_error = got.msg.error_code;
  } else if (!out.ok) {
    out.failure = got.why.code();
  }
  out.took = std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - started);
  options_.on_step(out);
}

// From the start of a program, or from the first step, to the end of the handshake.
std::chrono::milliseconds session_opener::time_allowed() const {
  const bool own = !channel_.over_http() && options_.startup_timeout.count() > 0;
  return own ? options_.startup_timeout : options_.connect_timeout;
}

void session_opener::begin_start() {
  started_ = clock::now();
  until_ = started_ + time_allowed();
  ignores_probe_ = false;
}

task<void> session_opener::open() {
  channel_.restart();
  begin_start();
  const auto known = known_era();
  surely_modern_ =
      options_.protocol == era_choice::modern || (options_.protocol == era_choice::automatic && known == era::modern);
  const auto carrier = channel_.over_http() ? detect_fsm::carrier::http : detect_fsm::carrier::stdio;
  detect_fsm detection(carrier, options_.protocol, known);
  auto detected = co_await detect(detection);
  remember(detection, known, detected.has_value());
  co_return detected;
}

// The era that this session has found out before, if that was the modern one: it is not given up for any failure. Else the
// era that other sessions have found out.
std::optional<era> session_opener::known_era() const {
  const bool was_modern = !facts_.transport.empty() && facts_.protocol_era == era::modern;
  if (was_modern) return era::modern;
  return options_.eras ? options_.eras->find(era_key(channel_.server()), clock::now()) : std::nullopt;
}

// A verdict carries the time at which it was found out, so one that was only used again is not stored. Neither is the user's
// own choice.
void session_opener::remember(const detect_fsm& detection, std::optional<era> known, bool opened) const {
  if (!options_.eras || options_.protocol != era_choice::automatic) return;
  if (detection.contradicted()) options_.eras->forget(era_key(channel_.server()));
  const era found = facts_.protocol_era;
  const bool only_used = known == found && found != era::modern && !detection.contradicted();
  if (opened && detection.is_sure() && !only_used) options_.eras->keep(era_key(channel_.server()), found, clock::now());
}

task<void> session_opener::start_program() {
  auto connecting = channel_.connect(false);
  co_return co_await aio::with_deadline(std::move(connecting), until_, "the program could not be started in time");
}

task<void> session_opener::detect(detect_fsm& detection) {
  step next = detection.start();
  if (next.type != step::kind::open_sse) {
    const auto started = clock::now();
    auto connected = co_await start_program();
    if (!channel_.over_http()) report_step("start the program", started, observed_of(connected));
    if (!connected) co_return connected.error();
  }
  while (next.type != step::kind::done && next.type != step::kind::fail) {
    MCPSTATE_CO_TRY(following, co_await perform(detection, std::move(next)));
    next = std::move(following);
  }
  if (next.type == step::kind::fail) co_return next.why;
  auto finished = co_await finish(std::move(next));
  last_answer_.reset();
  co_return finished;
}

// Performs a step, and answers the one that follows from its outcome.
task<step> session_opener::perform(detect_fsm& detection, step next) {
  observed got;
  switch (next.type) {
    case step::kind::discover:
      if (!can_discover(channel_)) MCPSTATE_CO_CHECK(co_await channel_.connect(false));
      got = co_await discover(std::move(next.version), detection.may_fall_back());
      break;
    case step::kind::restart:
      MCPSTATE_CO_CHECK(co_await restart_program());
      got = co_await initialize(std::move(next.version));
      break;
    case step::kind::initialize:
      got = co_await initialize(std::move(next.version));
      break;
    case step::kind::open_sse:
      got = co_await open_sse(std::move(next.version));
      break;
    case step::kind::done:
    case step::kind::fail:
      break;
  }
  const bool cancelled = !got.why.detail().empty() && got.why.is(cond::cancelled);
  if (cancelled) co_return got.why;
  step following = detection.next(got);
  const bool in_time =
      following.type != step::kind::restart || options_.startup_timeout.count() > 0 || clock::now() < until_;
  if (!in_time) co_return got.why;
  last_answer_ = std::move(got.msg);
  co_return following;
}

// Starts the program anew, because the question for the newest protocol has broken it. Ending the old one may take a while.
// One that has time for its start gets as much again.
task<void> session_opener::restart_program() {
  channel_.restart();
  const aio::deadline before = until_;
  begin_start();
  if (options_.startup_timeout.count() == 0) until_ = before;
  const auto started = clock::now();
  auto connected = co_await start_program();
  report_step("start it again", started, observed_of(connected));
  co_return connected;
}

// may_fall_back: initialize follows if this brings no answer, and needs time, too.
asio::awaitable<observed> session_opener::discover(std::string version, bool may_fall_back) {
  const auto started = clock::now();
  request_limits limits;
  limits.method = "server/discover";
  // Over HTTP a server that stays silent may still be a slow one. Over a pipe silence means an old server, or one that is not
  // there yet: both are asked to initialize in the rest of the time.
  limits.limit = time_allowed();
  const auto share = may_fall_back ? limits.limit / 2 : limits.limit;
  if (!channel_.over_http() && !surely_modern_) limits.limit = std::min(options_.probe_timeout, limits.limit / 3);
  // An error names the whole time: nothing has answered in it, if this is the failure that is reported.
  limits.until = limits.at_most = std::min(until_, started + (channel_.over_http() ? share : limits.limit));
  request_failure details;
  auto answer = co_await channel_.ask(channel_.fsm().discover(version), limits, details);
  observed got = observe(std::move(answer), details.refusal, wall_clock().now());
  const auto carrier = channel_.current_transport();
  got.reads = !carrier || carrier->has_peer_read();
  ignores_probe_ = got.type == observed::kind::silent && got.reads;
  report_step("server/discover", started, got, details.refusal);
  co_return got;
}

// A program that the probe has stuck is started again, which needs a part of the time. Where a program has time of its own to
// start, that comes first.
aio::deadline session_opener::initialize_deadline() const {
  const bool spare = !channel_.over_http() && ignores_probe_ && options_.startup_timeout.count() == 0;
  return spare ? std::min<aio::deadline>(until_, started_ + options_.connect_timeout * 2 / 3) : until_;
}

asio::awaitable<observed> session_opener::initialize(std::string version) {
  const auto started = clock::now();
  request_limits limits;
  limits.method = "initialize";
  limits.limit = time_allowed();
  limits.until = limits.at_most = initialize_deadline();
  request_failure details;
  auto answer = co_await channel_.ask(channel_.fsm().initialize(version), limits, details);
  observed got = observe(std::move(answer), details.refusal, wall_clock().now());
  const auto carrier = channel_.current_transport();
  got.reads = !carrier || carrier->has_peer_read();
  report_step("initialize", started, got, details.refusal);
  co_return got;
}

asio::awaitable<observed> session_opener::open_sse(std::string version) {
  const auto started = clock::now();
  channel_.fsm().restart();
  auto connecting = channel_.connect(true);
  auto connected =
      co_await aio::with_deadline(std::move(connecting), until_, "the server did not open its event stream in time");
  if (connected) {
    report_step("GET (event stream)", started, observed_of(connected));
    co_return co_await initialize(std::move(version));
  }
  const std::optional<http::answer> refusal = channel_.stream_refusal();
  const observed got = observe(connected.error(), refusal);
  report_step("GET (event stream)", started, got, refusal);
  co_return got;
}

task<void> session_opener::finish(step outcome) {
  until_ = std::max(until_, aio::after(finish_limit));
  if (outcome.found == era::modern) co_return co_await finish_modern(std::move(outcome.version));
  co_return co_await finish_legacy(outcome.found);
}

task<void> session_opener::finish_modern(std::string version) {
  MCPSTATE_CO_TRY(answer, read_discover(last_answer_->body));
  channel_.fsm().become_modern(version, !channel_.over_http());
  answer.server.protocol_version = std::move(version);
  set_facts(std::move(answer.server), era::modern);
  if (options_.follow && facts_.tools_list_changed) {
    const auto started = clock::now();
    const std::optional<error> failure = co_await subscription_.start();
    report_step("subscriptions/listen", started, observed_of(failure));
  }
  co_return result<void>();
}

task<void> session_opener::finish_legacy(era found) {
  MCPSTATE_CO_TRY(answer, channel_.fsm().on_initialize_answer(*last_answer_));
  const bool announces = answer.any_list_changed;
  const auto carrier = channel_.current_transport();
  carrier->on_negotiated(answer.protocol_version);
  set_facts(std::move(answer), found);
  auto announcing = carrier->send(channel_.fsm().announce());
  MCPSTATE_CO_CHECK(
      co_await aio::with_deadline(std::move(announcing), until_, "the server did not take notifications/initialized"));
  // The requests of the server come on the stream of announcements, too.
  const bool may_ask = channel_.fsm().identity().capabilities != "{}";
  if (!may_ask && !(options_.follow && announces)) co_return result<void>();
  const auto started = clock::now();
  auto following = co_await carrier->follow();
  // The other transports have their one stream anyway.
  if (facts_.transport == "http") report_step("GET (announcements)", started, observed_of(following));
  co_return result<void>();
}

void session_opener::set_facts(handshake answer, era found) {
  facts_.transport = channel_.current_transport()->name();
  facts_.protocol_era = found;
  facts_.protocol_version = std::move(answer.protocol_version);
  facts_.title = std::move(answer.server_name);
  facts_.version = std::move(answer.server_version);
  facts_.capabilities = std::move(answer.capabilities);
  facts_.instructions = std::move(answer.instructions);
  facts_.has_tools = answer.has_tools;
  facts_.tools_list_changed = answer.tools_list_changed;
}

}  // namespace mcpstate::mcp
