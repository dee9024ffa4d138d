// SPDX-License-Identifier: MIT
// How a session begins: what the server speaks, the handshake, and all of it again when the server has lost the session.
#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <utility>

#include "aio/backoff.hh"
#include "mcp/session/session.hh"
#include "mcp/transport/http_transport.hh"
#include "mcp/transport/sse_transport.hh"
#include "mcp/transport/stdio_transport.hh"

namespace mcpstate::mcp {
namespace {

using namespace std::chrono_literals;
using step = detect_fsm::step;

constexpr auto listen_patience = 2s;    // for the acknowledgement of a subscription, before the session is used without
constexpr auto first_listen_wait = 1s;  // after a subscription has ended
constexpr auto longest_listen_wait = 300s;
constexpr auto long_life = 5s;  // a subscription that lasted so long was no failure

std::string outcome_of(const observed& got) {
  switch (got.what) {
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

// Whether asking again would bring the same.
bool is_final(unsigned status) { return status >= 400 && status < 500 && status != 408 && status != 429; }

observed observed_of(const std::optional<error>& why_not) {
  observed out;
  out.what = why_not ? observed::kind::broken : observed::kind::answer;
  if (why_not) out.why = *why_not;
  return out;
}

transport_options transport_options_of(const client_options& options) {
  transport_options out;
  out.stop_timeout = options.stop_timeout;
  out.max_message_bytes = options.max_message_bytes;
  out.ca_file = options.ca_file;
  out.user_agent = http::user_agent(options.client_name, options.client_version);
  out.egress = options.egress;
  return out;
}

}  // namespace

void session::step_taken(std::string what, std::chrono::steady_clock::time_point begun, const observed& got,
                         const std::optional<http::answer>& refusal) const {
  if (!options_.on_step) return;
  connect_step out;
  out.what = std::move(what);
  out.ok = got.what == observed::kind::answer;
  out.outcome = outcome_of(got);
  out.peer = got.what == observed::kind::failure ? got.msg.error_message : got.why.peer_text();
  out.http_status = got.status;
  if (refusal) out.content_type = http::media_type(refusal->content_type);
  if (got.what == observed::kind::failure) {
    out.rpc_error = got.msg.error_code;
  } else if (!out.ok) {
    out.failure = got.why.code();
  }
  out.took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
  options_.on_step(out);
}

task<void> session::open() {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto opened = co_await establish();
  if (!opened) lost_ = opened.error();
  co_return opened;
}

// Lets go of the transport, if there is one. Who is inside a send() keeps it alive until he has left.
asio::awaitable<void> session::leave() {
  const std::shared_ptr<way> old = std::exchange(way_, nullptr);
  if (!old || !old->carrier) co_return;
  // In a chain of its own: it shields itself from cancellation, and the caller must stay as cancellable as before.
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await asio::co_spawn(executor_, old->carrier->close(), asio::use_awaitable);
}

// A new transport to the server, opened.
task<void> session::use(bool over_sse) {
  co_await leave();
  if (closed_) co_return error(errc::stopped, "the session with the server is closed");
  way_ = std::make_shared<way>(*this);
  if (const auto* program = std::get_if<stdio_target>(&where_)) {
    way_->carrier = std::make_unique<stdio_transport>(executor_, *way_, *program, transport_options_of(options_));
  } else if (over_sse) {
    way_->carrier =
        std::make_unique<sse_transport>(executor_, *way_, std::get<http_target>(where_), transport_options_of(options_));
  } else {
    way_->carrier =
        std::make_unique<http_transport>(executor_, *way_, std::get<http_target>(where_), transport_options_of(options_));
  }
  const std::shared_ptr<way> mine = way_;
  co_return co_await mine->carrier->open();
}

task<void> session::establish() {
  const aio::deadline until = aio::after(options_.connect_timeout);
  fsm_.restart();
  lost_.reset();
  replies_.clear();  // to a session that is no more
  reply_bytes_ = 0;
  const auto known = known_era();
  detect_fsm detecting(over_http() ? detect_fsm::carrier::http : detect_fsm::carrier::stdio, options_.protocol, known);
  auto walked = co_await walk(detecting, until);
  remember(detecting, known, walked.has_value());
  co_return walked;
}

// What this session has found out, if that was the modern era, which is not given up for any trouble; else what others have.
std::optional<era> session::known_era() const {
  const bool was_modern = !facts_.transport.empty() && facts_.protocol_era == era::modern;
  if (was_modern) return era::modern;
  return options_.eras ? options_.eras->find(era_key(where_), std::chrono::steady_clock::now()) : std::nullopt;
}

// A verdict has the date of when it was found out, not of when it was last of use. What the user asked for is none.
void session::remember(const detect_fsm& detecting, std::optional<era> known, bool opened) const {
  if (!options_.eras || options_.protocol != era_choice::automatic) return;
  if (detecting.contradicted()) options_.eras->forget(era_key(where_));
  const era found = facts_.protocol_era;
  const bool only_used = known == found && found != era::modern && !detecting.contradicted();
  if (opened && !only_used) options_.eras->keep(era_key(where_), found, std::chrono::steady_clock::now());
}

task<void> session::walk(detect_fsm& detecting, aio::deadline until) {
  step now = detecting.start();
  if (now.what != step::kind::open_sse) {
    const auto begun = std::chrono::steady_clock::now();
    auto ready_to_send = co_await use(false);
    observed got;
    got.what = ready_to_send ? observed::kind::answer : observed::kind::broken;
    if (!ready_to_send) got.why = ready_to_send.error();
    if (!over_http()) step_taken("start the program", begun, got);
    if (!ready_to_send) co_return ready_to_send.error();
  }
  while (now.what != step::kind::done && now.what != step::kind::fail) {
    auto next = co_await follow_step(detecting, std::move(now), until);
    if (!next) co_return next.error();
    now = std::move(*next);
  }
  if (now.what == step::kind::fail) co_return now.why;
  co_return co_await settle(now, until);
}

// Does what detection wants, and tells it what came of it.
task<step> session::follow_step(detect_fsm& detecting, step now, aio::deadline until) {
  observed got;
  switch (now.what) {
    case step::kind::discover:
      // Going back from HTTP+SSE: that transport has no such request.
      if (!way_ || way_->carrier->name() == "sse") MCPSTATE_CO_CHECK(co_await use(false));
      got = co_await try_discover(std::move(now.version), until);
      break;
    case step::kind::restart:
      MCPSTATE_CO_CHECK(co_await start_again());
      got = co_await try_initialize(until);
      break;
    case step::kind::initialize:
      got = co_await try_initialize(until);
      break;
    case step::kind::open_sse:
      got = co_await try_sse(until);
      break;
    case step::kind::done:
    case step::kind::fail:
      break;
  }
  const bool cancelled = !got.why.detail().empty() && got.why.is(cond::cancelled);
  if (cancelled) co_return got.why;
  last_answer_ = got.msg;
  co_return detecting.next(got);
}

// The program that did not like to be asked for the newest protocol; ending it may take a while.
task<void> session::start_again() {
  fsm_.restart();
  lost_.reset();
  const auto begun = std::chrono::steady_clock::now();
  auto started = co_await use(false);
  step_taken("start it again", begun, observed_of(started ? std::nullopt : std::optional<error>(started.error())));
  co_return started;
}

asio::awaitable<observed> session::try_discover(std::string version, aio::deadline until) {
  const auto begun = std::chrono::steady_clock::now();
  waiting rule;
  rule.name = "server/discover";
  // Over HTTP silence says nothing about the era, so there is nothing to save the time for.
  // Over a pipe silence means an old server, which is started once more and needs the rest of the time.
  rule.limit = over_http() ? options_.connect_timeout : std::min(options_.probe_timeout, options_.connect_timeout / 3);
  rule.until = rule.at_most = std::min(until, begun + rule.limit);
  outcome told;
  auto answer = co_await ask(fsm_.discover(version), rule, told);
  const observed got = observe(answer, told.refusal);
  step_taken("server/discover", begun, got, told.refusal);
  co_return got;
}

asio::awaitable<observed> session::try_initialize(aio::deadline until) {
  const auto begun = std::chrono::steady_clock::now();
  waiting rule;
  rule.name = "initialize";
  rule.limit = options_.connect_timeout;
  rule.until = rule.at_most = until;
  outcome told;
  auto answer = co_await ask(fsm_.initialize(), rule, told);
  const observed got = observe(answer, told.refusal);
  step_taken("initialize", begun, got, told.refusal);
  co_return got;
}

asio::awaitable<observed> session::try_sse(aio::deadline until) {
  const auto begun = std::chrono::steady_clock::now();
  fsm_.restart();
  stream_refusal_.reset();
  auto opening = use(true);
  auto opened = co_await aio::with_deadline(std::move(opening), until, "the server did not open its event stream in time");
  observed got;
  if (opened) {
    got.what = observed::kind::answer;
    step_taken("GET (event stream)", begun, got);
    co_return co_await try_initialize(until);
  }
  got = observe(opened.error(), stream_refusal_);
  step_taken("GET (event stream)", begun, got, stream_refusal_);
  co_return got;
}

task<void> session::settle(const step& verdict, aio::deadline until) {
  if (verdict.found == era::modern) co_return co_await settle_modern(verdict.version);
  co_return co_await settle_legacy(verdict.found, until);
}

task<void> session::settle_modern(const std::string& version) {
  auto told = read_discover(last_answer_->body);
  if (!told) co_return told.error();
  fsm_.become_modern(version, !over_http());
  told->server.protocol_version = version;
  learn(std::move(told->server), era::modern);
  if (options_.follow && facts_.tools_list_changed) {
    listening_ = std::make_shared<aio::latch>();
    const std::shared_ptr<aio::latch> listening = listening_;
    not_listening_.reset();
    const auto begun = std::chrono::steady_clock::now();
    group_.spawn("mcp subscription", listen());
    co_await listening->wait(aio::after(listen_patience));
    if (!listening->is_open()) not_listening_ = error(errc::deadline, "the server does not acknowledge the subscription");
    step_taken("subscriptions/listen", begun, observed_of(not_listening_));
  }
  co_return result<void>();
}

task<void> session::settle_legacy(era found, aio::deadline until) {
  auto told = fsm_.on_initialize_answer(*last_answer_);
  if (!told) co_return told.error();
  const bool announces = told->any_list_changed;
  const std::shared_ptr<way> through = way_;
  through->carrier->on_negotiated(told->protocol_version);
  learn(std::move(*told), found);
  auto announcing = through->carrier->send(fsm_.announce());
  auto announced =
      co_await aio::with_deadline(std::move(announcing), until, "the server did not take notifications/initialized");
  if (!announced) co_return announced.error();
  // What the server asks of us comes on that stream, too.
  const bool may_ask = fsm_.who().capabilities != "{}";
  if (!may_ask && !(options_.follow && announces)) co_return result<void>();
  const auto begun = std::chrono::steady_clock::now();
  auto following = co_await through->carrier->follow();
  // The other transports have the one stream anyway.
  const auto why_not = following ? std::nullopt : std::optional<error>(following.error());
  if (facts_.transport == "http") step_taken("GET (announcements)", begun, observed_of(why_not));
  co_return result<void>();
}

void session::learn(handshake told, era found) {
  facts_.transport = way_->carrier->name();
  facts_.protocol_era = found;
  facts_.protocol_version = std::move(told.protocol_version);
  facts_.title = std::move(told.server_name);
  facts_.version = std::move(told.server_version);
  facts_.capabilities = std::move(told.capabilities);
  facts_.instructions = std::move(told.instructions);
  facts_.has_tools = told.has_tools;
  facts_.tools_list_changed = told.tools_list_changed;
  tool_headers_.clear();
  listed_ = false;
}

// Keeps a subscription to the server's announcements, for as long as this session lasts.
asio::awaitable<void> session::listen() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const std::weak_ptr<way> mine = way_;
  const std::shared_ptr<aio::latch> settled = listening_;
  for (int failures = 0; !lost_ && way_ && mine.lock() == way_;) {
    const auto begun = std::chrono::steady_clock::now();
    waiting rule;
    rule.name = "subscriptions/listen";
    rule.until = rule.at_most = aio::deadline::max();
    auto request = fsm_.request("subscriptions/listen", R"({"notifications":{"toolsListChanged":true}})");
    if (!request) break;
    outcome told;
    auto ended = co_await ask(std::move(*request), rule, told);
    if (group_.stopping()) break;
    // It said no: it has none. Anything else is an end of the subscription, and changes may be missed until the next.
    if (ended && ended->what == message::kind::failure) {
      not_listening_ = error(errc::rpc_error, "the server refuses it with error " + std::to_string(ended->error_code),
                             ended->error_message);
      break;
    }
    gap_ = true;
    if (!way_ || mine.lock() != way_) break;
    if (!ended) not_listening_ = ended.error();
    if (told.refusal && is_final(told.refusal->status)) break;
    if (!told.refusal && !lost_ && options_.user) options_.user->told_stream_ended();
    settled->open();  // whoever waits for the first try need not wait for the next
    failures = std::chrono::steady_clock::now() - begun > long_life ? 1 : failures + 1;
    if (!co_await aio::wait_until(aio::after(aio::backoff(failures, first_listen_wait, longest_listen_wait)))) break;
  }
  settled->open();
}

// Waits until the session is open, opening it again where that is needed and wanted.
task<void> session::ready() {
  while (lost_ || reopening_) {
    if (closed_) co_return error(errc::stopped, "the session with the server is closed");
    if (reopening_) {
      const std::shared_ptr<aio::latch> other = reopening_;
      co_await other->wait();
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none) co_return error(errc::stopped, "the request was cancelled");
      continue;
    }
    if (!options_.reopen) co_return *lost_;
    if (!guard_.allow(std::chrono::steady_clock::now())) {
      co_return error(lost_->code(), "the server ended its session again and again; wait a minute: " + lost_->detail(),
                      lost_->peer_text());
    }
    auto opened = co_await reopen();
    if (!opened) co_return opened.error();
  }
  co_return result<void>();
}

// One caller opens, the others wait for it.
task<void> session::reopen() {
  const auto mine = std::make_shared<aio::latch>();
  reopening_ = mine;
  auto opened = co_await establish();
  if (!opened) lost_ = opened.error();
  reopening_.reset();
  mine->open();
  co_return opened;
}

}  // namespace mcpstate::mcp
