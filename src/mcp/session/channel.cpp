// SPDX-License-Identifier: MIT
#include "mcp/session/channel.hh"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <utility>

#include "aio/scope_guard.hh"
#include "core/bug.hh"
#include "core/json/slice.hh"
#include "core/text/directions.hh"
#include "core/text/number.hh"
#include "mcp/transport/http_transport.hh"
#include "mcp/transport/sse_transport.hh"
#include "mcp/transport/stdio_transport.hh"

namespace mcpstate::mcp {
namespace {

using namespace std::chrono_literals;

constexpr auto deliver_limit = 10s;      // for a message without an answer
constexpr auto cancellation_limit = 1s;  // for cancellations that are being sent when the session is closed
constexpr auto answering_interval =
    1s;  // how often a request whose time is over looks whether the host is still being asked

std::string seconds_text(std::chrono::milliseconds span) {
  if (span.count() % 1000 == 0) return std::to_string(span.count() / 1000) + " s";
  return std::to_string(span.count()) + " ms";
}

std::optional<double> number_member(std::string_view object, std::string_view name) {
  const auto raw = find_member(object, name);
  if (!raw || kind_of(*raw) != json_kind::number) return std::nullopt;
  return parse_number<double>(*raw);
}

error session_ended() { return error(errc::connection_lost, "the server has ended the session"); }

client_identity identity_of(const client_options& options) {
  client_identity out;
  out.name = options.client_name;
  out.version = options.client_version;
  if (options.user) out.capabilities = options.user->capabilities();
  if (validate_json(out.capabilities) || kind_of(out.capabilities) != json_kind::object) out.capabilities = "{}";
  return out;
}

transport_options transport_options_of(const client_options& options) {
  transport_options out;
  out.stop_timeout = options.stop_timeout;
  out.max_message_bytes = options.max_message_bytes;
  out.message_budget = options.message_budget;
  out.message_owner = options.message_owner;
  out.ca_file = options.ca_file;
  out.user_agent = http::user_agent(options.client_name, options.client_version);
  out.egress = options.egress;
  return out;
}

}  // namespace

// A transport and the sink of its messages. Once the channel has moved on to another transport, what still comes is ignored.
class channel::attached_transport final : public message_sink {
 public:
  explicit attached_transport(channel& owner) : owner_(owner) {}

  result<void> on_text(std::string text, std::uint64_t on_request) override {
    return is_current() ? owner_.take_text(std::move(text), on_request) : result<void>();
  }
  void on_refused(std::uint64_t request, http::answer answer) override {
    if (request == 0 && is_current()) owner_.stream_refusal_ = answer;
    const auto found = owner_.pending_.find(request);
    if (found != owner_.pending_.end()) found->second->failure.refusal = std::move(answer);
  }
  void on_session_over(std::uint64_t request) override {
    const auto found = owner_.pending_.find(request);
    if (found != owner_.pending_.end()) found->second->failure.session_over = true;
    if (is_current()) owner_.lose(session_ended());
  }
  void on_no_room(const error& reason) override {
    if (is_current()) owner_.fail_pending(reason);
  }
  void on_oddity(const std::string& text, const std::string& peer) override {
    if (is_current() && owner_.options_.on_oddity) owner_.options_.on_oddity(text, without_directions(peer));
  }
  void on_stream_ended() override {
    const bool ready = owner_.fsm_.current_phase() == session_fsm::phase::ready && !owner_.lost_;
    if (is_current() && ready && owner_.options_.user) owner_.options_.user->told_stream_ended();
  }
  void on_gap() override {
    if (is_current() && owner_.options_.user) owner_.options_.user->told_list_changed("tools");
  }
  void on_lost(error reason) override {
    if (is_current()) owner_.lose(reason);
  }
  [[nodiscard]] bool is_waiting(std::uint64_t id) const override { return is_current() && owner_.fsm_.is_waiting(id); }

  std::unique_ptr<transport> carrier;

 private:
  [[nodiscard]] bool is_current() const noexcept { return owner_.attached_.get() == this; }
  channel& owner_;
};

channel::channel(asio::any_io_executor executor, target server, const client_options& options)
    : executor_(executor),
      server_(std::move(server)),
      options_(options),
      fsm_(identity_of(options_)),
      server_requests_(
          options_, group_, [this](outgoing answer) { return deliver(std::move(answer)); }, [this] { extend_deadlines(); }),
      group_(executor, [this](const std::string&, const std::string& what) { lose(bug_error("the session", what)); }) {}

channel::~channel() = default;

std::shared_ptr<transport> channel::current_transport() const {
  if (!attached_) return nullptr;
  return std::shared_ptr<transport>(attached_, attached_->carrier.get());
}

// Lets go of the transport, if there is one. A send() under way keeps it alive until it returns.
asio::awaitable<void> channel::disconnect() {
  const std::shared_ptr<attached_transport> old = std::exchange(attached_, nullptr);
  if (!old || !old->carrier) co_return;
  // A chain of its own: close() shields itself from cancellation, and the caller must stay as cancellable as before.
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await asio::co_spawn(executor_, old->carrier->close(), asio::use_awaitable);
}

task<void> channel::connect(bool over_sse) {
  co_await disconnect();
  if (closed_) co_return error(errc::stopped, "the session with the server is closed");
  stream_refusal_.reset();
  const auto attached = std::make_shared<attached_transport>(*this);
  attached_ = attached;
  transport_options options = transport_options_of(options_);
  if (const auto* program = std::get_if<stdio_target>(&server_)) {
    attached->carrier = std::make_unique<stdio_transport>(executor_, *attached, *program, std::move(options));
  } else if (over_sse) {
    attached->carrier =
        std::make_unique<sse_transport>(executor_, *attached, std::get<http_target>(server_), std::move(options));
  } else {
    attached->carrier =
        std::make_unique<http_transport>(executor_, *attached, std::get<http_target>(server_), std::move(options));
  }
  co_return co_await attached->carrier->open();
}

void channel::restart() {
  fsm_.restart();
  lost_.reset();
  server_requests_.drop_replies();
}

result<void> channel::take_text(std::string text, std::uint64_t on_request) {
  const auto take = [this, on_request](message part) { react(fsm_.on_message(std::move(part), on_request)); };
  if (fsm_.batches()) return decode_messages(std::move(text), take);
  // An answer of its own is one message, whatever it is wrapped in.
  MCPSTATE_TRY(read, decode_message(on_request != 0 ? without_batch(std::move(text)) : std::move(text)));
  take(std::move(read));
  return result<void>();
}

void channel::react(session_fsm::reaction reaction) {
  using kind = session_fsm::reaction::kind;
  switch (reaction.type) {
    case kind::none:
      return;
    case kind::send:
      return server_requests_.reply(std::move(reaction.reply));
    case kind::complete: {
      const auto found = pending_.find(reaction.id);
      if (found == pending_.end()) return;
      found->second->answer = std::move(reaction.msg);
      return found->second->answered.open();
    }
    case kind::ask:
      return server_requests_.receive(std::move(reaction.msg));
    case kind::cancel:
      return server_requests_.cancel(reaction.text);
    case kind::list_changed:
      if (options_.user) options_.user->told_list_changed(reaction.text);
      return;
    case kind::progress:
      return take_progress(reaction.id, reaction.msg.body);
    case kind::notify:
      return take_notification(std::move(reaction.msg));
  }
}

void channel::take_notification(message notification) {
  if (notification.method == "notifications/subscriptions/acknowledged") {
    if (on_subscribed_) on_subscribed_();
  } else if (options_.user) {
    options_.user->told(notification.method, notification.body);
  }
}

void channel::take_progress(std::uint64_t id, const std::string& params) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;
  request_limits& limits = found->second->limits;
  const bool extends = limits.progress_extension.count() > 0;
  if (extends) limits.until = std::min(limits.at_most, aio::after(limits.progress_extension));
  if (!limits.on_progress) return;
  progress_report report;
  report.progress = number_member(params, "progress").value_or(0);
  report.total = number_member(params, "total");
  report.message = without_directions(text_member(params, "message"));
  limits.on_progress(report);
}

void channel::fail_pending(const error& reason) {
  for (auto& [id, pending] : pending_) {
    if (pending->answer) continue;
    pending->reason = reason;
    pending->answered.open();
    // The answer may still come on a stream of its own, unless nobody can be trusted to read it.
    if (reason.code() == errc::bug) pending->closed.open();
  }
}

void channel::lose(const error& reason) {
  fail_pending(reason);
  server_requests_.cancel_all();
  const bool first = !lost_.has_value();
  lost_ = reason;
  if (first && options_.user && fsm_.current_phase() == session_fsm::phase::ready) options_.user->told_lost(reason);
}

bool channel::has_session() const {
  const auto carrier = current_transport();
  return carrier && carrier->has_session();
}

void channel::lose_session() {
  if (const auto carrier = current_transport()) carrier->forget_session();
  lose(session_ended());
}

asio::awaitable<void> channel::deliver(outgoing text) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const std::shared_ptr<transport> carrier = current_transport();
  if (!carrier) co_return;
  auto sending = carrier->send(std::move(text));
  auto sent = co_await aio::with_deadline(std::move(sending), aio::after(deliver_limit), "a message to the server");
  // If the message did not arrive, the connection has a problem that the next request reports.
  static_cast<void>(sent.has_value());
}

// Sends a cancellation. close() gives it the time to arrive: callers that cancel often close next.
asio::awaitable<void> channel::send_cancellation(outgoing notification) {
  ++cancellations_;
  const aio::scope_guard sent([this] {
    if (--cancellations_ == 0) idle_.notify();
  });
  co_await deliver(std::move(notification));
}

// A request that waited while a person was asked has as much time for its answer as before the question.
void channel::extend_deadlines() {
  for (auto& [id, pending] : pending_) {
    request_limits& limits = pending->limits;
    limits.until = std::max(limits.until, std::min(limits.at_most, aio::after(limits.limit)));
  }
}

// What the transport throws ends this session, and nothing else.
task<void> channel::send(std::shared_ptr<transport> carrier, outgoing request) {
  error failure(errc::bug, std::string());
  try {
    auto sending = carrier->send(std::move(request));
    co_return co_await std::move(sending);
  } catch (...) {
    failure = bug_error("the session", caught_text());
  }
  lose(failure);
  co_return failure;
}

// Sends the request, and waits for the answer.
task<message> channel::exchange(outgoing request, pending_request& pending) {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto sending = send(current_transport(), std::move(request));
  auto sent = co_await std::move(sending);
  if (sent) co_await pending.answered.wait();
  if (pending.answer) co_return std::move(*pending.answer);
  if (!sent && !pending.reason) co_return sent.error();
  if (pending.reason) co_return *pending.reason;
  co_return error(errc::stopped, "the request was cancelled");
}

// Returns when the time for the answer is over, which progress puts off, or the session is closed.
asio::awaitable<void> channel::wait_time_over(pending_request& pending) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const request_limits& limits = pending.limits;
  for (auto now = std::chrono::steady_clock::now(); !pending.closed.is_open(); now = std::chrono::steady_clock::now()) {
    const bool answering = server_requests_.answering() && now < limits.at_most;
    if (now >= limits.until && !answering) break;
    const bool closed = co_await pending.closed.wait(std::max(limits.until, answering ? now + answering_interval : now));
    const bool cancelled = co_await aio::is_cancelled();
    if (closed || cancelled) break;
  }
}

task<message> channel::ask(outgoing request, request_limits limits, request_failure& details) {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (lost_) co_return *lost_;
  const std::uint64_t id = request.id;
  pending_request pending(std::move(limits));
  pending_.emplace(id, &pending);
  const aio::scope_guard over([this, id] {
    pending_.erase(id);
    if (pending_.empty()) idle_.notify();
  });
  auto both = aio::race(exchange(std::move(request), pending), wait_time_over(pending));
  auto either = co_await std::move(both);
  const bool cancelled = co_await aio::is_cancelled();
  details = std::move(pending.failure);
  const auto notification = fsm_.abandon(id, cancelled ? "cancelled by the user" : "no answer in time");
  const bool finished = either.index() == 0 && !cancelled;
  if (finished) co_return std::get<0>(std::move(either));
  if (pending.reason && !cancelled) co_return *pending.reason;
  if (notification) group_.spawn("mcp cancellation", send_cancellation(*notification));
  co_return no_answer(pending, cancelled);
}

error channel::no_answer(const pending_request& pending, bool cancelled) const {
  const request_limits& limits = pending.limits;
  if (cancelled) return error(errc::stopped, limits.method + " was cancelled");
  if (pending.closed.is_open()) return error(errc::stopped, "the session with the server was closed");
  return error(errc::deadline, "the server did not answer " + limits.method + " within " + seconds_text(limits.limit),
               attached_ ? attached_->carrier->diagnostics() : std::string());
}

asio::awaitable<void> channel::close() {
  // A chain of its own, so that shielding it from cancellation does not change the caller's.
  const bool throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await asio::co_spawn(executor_, do_close(), asio::use_awaitable);
  co_await asio::this_coro::throw_if_cancelled(throws);
}

asio::awaitable<void> channel::do_close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  closed_ = true;
  fsm_.close();
  server_requests_.cancel_all();
  for (auto& [id, pending] : pending_) pending->closed.open();
  while (!pending_.empty()) co_await idle_.wait();
  const aio::deadline polite = aio::after(cancellation_limit);
  while (cancellations_ > 0 && std::chrono::steady_clock::now() < polite) co_await idle_.wait(polite);
  co_await group_.stop();
  co_await disconnect();
}

}  // namespace mcpstate::mcp
