// SPDX-License-Identifier: MIT
#include "mcp/session/session.hh"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/json/slice.hh"

namespace mcpstate::mcp {
namespace {

using namespace std::chrono_literals;

constexpr auto deliver_limit = 10s;  // for a message that nobody waits for
constexpr auto farewell_limit = 1s;  // for cancellations that are under way when the session is closed
constexpr auto question_pause = 1s;  // how often a request looks whether somebody is still being asked
// What a server may ask for at a time: a person can only be asked so much, and each answer takes a connection over HTTP.
constexpr std::size_t max_questions = 32;
constexpr int max_repliers = 2;
constexpr std::size_t max_reply_bytes = 1024 * 1024;  // a server that does not take its answers gets no more of them

std::string seconds_text(std::chrono::milliseconds span) {
  if (span.count() % 1000 == 0) return std::to_string(span.count() / 1000) + " s";
  return std::to_string(span.count()) + " ms";
}

std::optional<double> number_member(std::string_view object, std::string_view name) {
  const auto raw = find_member(object, name);
  if (!raw || kind_of(*raw) != json_kind::number) return std::nullopt;
  double out = 0;
  const auto read = std::from_chars(raw->data(), raw->data() + raw->size(), out);
  return read.ec == std::errc() ? std::optional<double>(out) : std::nullopt;
}

client_identity identity_of(const client_options& options) {
  client_identity out;
  out.name = options.client_name;
  out.version = options.client_version;
  if (options.user) out.capabilities = options.user->capabilities();
  if (validate_json(out.capabilities) || kind_of(out.capabilities) != json_kind::object) out.capabilities = "{}";
  return out;
}

}  // namespace

session::session(asio::any_io_executor executor, target where, client_options options)
    : executor_(executor),
      where_(std::move(where)),
      options_(std::move(options)),
      fsm_(identity_of(options_)),
      nobody_waits_(executor, asio::steady_timer::time_point::max()),
      group_(executor) {}

session::~session() = default;

result<void> session::way::on_text(std::string text, std::uint64_t on_request) {
  return current() ? owner_.take_text(text, on_request) : result<void>();
}

void session::way::on_refused(std::uint64_t request, http::answer what) {
  if (request == 0 && current()) owner_.stream_refusal_ = what;
  const auto found = owner_.waiters_.find(request);
  if (found != owner_.waiters_.end()) found->second->refusal = std::move(what);
}

void session::way::on_session_over(std::uint64_t request) {
  const auto found = owner_.waiters_.find(request);
  if (found != owner_.waiters_.end()) found->second->session_over = true;
  if (current()) owner_.lose(error(errc::connection_lost, "the server has ended the session"));
}

void session::way::on_oddity(const std::string& what, const std::string& peer) {
  if (current() && owner_.options_.on_oddity) owner_.options_.on_oddity(what, peer);
}

void session::way::on_stream_ended() {
  const bool ready = owner_.fsm_.where() == session_fsm::phase::ready && !owner_.lost_;
  if (current() && ready && owner_.options_.user) owner_.options_.user->told_stream_ended();
}

void session::way::on_gap() {
  if (current() && owner_.options_.user) owner_.options_.user->told_list_changed("tools");
}

void session::way::on_lost(error why) {
  if (current()) owner_.lose(why);
}

bool session::way::is_waiting(std::uint64_t id) const { return current() && owner_.fsm_.is_waiting(id); }

result<void> session::take_text(const std::string& text, std::uint64_t on_request) {
  auto read = decode_messages(text, fsm_.batches());
  if (!read) return read.error();
  for (message& each : *read) react(fsm_.on_message(std::move(each), on_request));
  return result<void>();
}

void session::react(session_fsm::reaction what) {
  using kind = session_fsm::reaction::kind;
  host* const user = options_.user.get();
  switch (what.what) {
    case kind::none:
      return;
    case kind::send:
      return reply(std::move(what.reply));
    case kind::complete: {
      const auto found = waiters_.find(what.id);
      if (found == waiters_.end()) return;
      found->second->answer = std::move(what.msg);
      return found->second->answered.open();
    }
    case kind::ask: {
      if (questions_.size() >= max_questions) {
        return reply(outgoing(encode_failure(what.msg.id, rpc::rejected, "too many questions at once"), 0));
      }
      auto taken_back = std::make_shared<aio::latch>();
      questions_[what.msg.id] = taken_back;
      return group_.spawn("mcp question", answer_server(std::move(what.msg), std::move(taken_back)));
    }
    case kind::take_back:
      if (const auto found = questions_.find(what.text); found != questions_.end()) found->second->open();
      return;
    case kind::list_changed:
      if (user != nullptr) user->told_list_changed(what.text);
      return;
    case kind::progress:
      return take_progress(what.id, what.msg.body);
    case kind::told:
      if (what.msg.method == "notifications/subscriptions/acknowledged") {
        if (listening_) listening_->open();
        if (std::exchange(gap_, false) && user != nullptr) user->told_list_changed("tools");
      } else if (user != nullptr) {
        user->told(what.msg.method, what.msg.body);
      }
      return;
  }
}

void session::take_progress(std::uint64_t id, const std::string& params) {
  const auto found = waiters_.find(id);
  if (found == waiters_.end()) return;
  waiter& mine = *found->second;
  if (mine.patience.count() > 0) mine.until = std::min(mine.at_most, aio::after(mine.patience));
  if (!mine.on_progress) return;
  progress_report report;
  report.progress = number_member(params, "progress").value_or(0);
  report.total = number_member(params, "total");
  report.message = text_member(params, "message");
  mine.on_progress(report);
}

// Everybody who waits learns that nothing will come.
void session::lose(const error& why) {
  for (auto& [id, mine] : waiters_) {
    if (mine->answer) continue;
    mine->failure = why;
    mine->answered.open();
  }
  for (auto& [id, taken_back] : questions_) taken_back->open();
  const bool first = !lost_.has_value();
  lost_ = why;
  if (first && options_.user && fsm_.where() == session_fsm::phase::ready) options_.user->told_lost(why);
}

asio::awaitable<void> session::deliver(outgoing what) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const std::shared_ptr<way> through = way_;
  if (!through) co_return;
  auto sending = through->carrier->send(std::move(what));
  auto sent = co_await aio::with_deadline(std::move(sending), aio::after(deliver_limit), "a message to the server");
  // If it did not arrive, the connection has a problem that the next request reports.
  static_cast<void>(sent.has_value());
}

// An answer to a request of the server: in its turn.
void session::reply(outgoing what) {
  if (reply_bytes_ > 0 && reply_bytes_ + what.text.size() > max_reply_bytes) {
    if (options_.on_oddity) options_.on_oddity("more requests than answers can be sent to", std::string());
    return;
  }
  reply_bytes_ += what.text.size();
  replies_.push_back(std::move(what));
  if (repliers_ == max_repliers) return;
  ++repliers_;
  group_.spawn("mcp answers", send_replies());
}

asio::awaitable<void> session::send_replies() {
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!replies_.empty() && !group_.stopping()) {
    outgoing next = std::move(replies_.front());
    replies_.pop_front();
    reply_bytes_ -= next.text.size();
    co_await deliver(std::move(next));
  }
  --repliers_;
}

// A cancellation. close() gives it the time to arrive: who cancels often closes next.
asio::awaitable<void> session::say_farewell(outgoing what) {
  co_await deliver(std::move(what));
  if (--farewells_ == 0) nobody_waits_.cancel();
}

// Asks the host what the server wants to know, and sends the answer, unless the server takes the question back.
asio::awaitable<void> session::answer_server(message question, std::shared_ptr<aio::latch> taken_back) {
  using namespace asio::experimental::awaitable_operators;
  co_await asio::this_coro::throw_if_cancelled(false);
  auto asking = options_.user->answer(question.method, question.body);
  auto both = std::move(asking) || taken_back->wait();
  auto either = co_await std::move(both);
  if (const auto mine = questions_.find(question.id); mine != questions_.end() && mine->second == taken_back) {
    questions_.erase(mine);
  }
  // Who had to wait for a person has as much time for the answer as before the question.
  for (auto& [id, each] : waiters_) {
    each->until = std::max(each->until, std::min(each->at_most, aio::after(each->limit)));
  }
  if (either.index() != 0 || taken_back->is_open()) co_return;
  auto& answered = std::get<0>(either);
  const auto code = !answered && answered.error().is(cond::invalid) ? rpc::invalid_params : rpc::rejected;
  reply(outgoing(
      answered ? encode_result(question.id, *answered) : encode_failure(question.id, code, answered.error().detail()), 0));
}

// Sends, and waits for the answer.
task<message> session::exchange(outgoing what, waiter& mine) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const std::shared_ptr<way> through = way_;
  auto sent = co_await through->carrier->send(std::move(what));
  if (sent) co_await mine.answered.wait();
  if (mine.answer) co_return std::move(*mine.answer);
  if (!sent && !mine.failure) co_return sent.error();
  if (mine.failure) co_return *mine.failure;
  co_return error(errc::stopped, "the request was cancelled");
}

// Ends when the time for the answer is over, which signs of progress put off, or the session is.
asio::awaitable<void> session::run_out(waiter& mine) {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (auto now = std::chrono::steady_clock::now(); !mine.over.is_open(); now = std::chrono::steady_clock::now()) {
    const bool asking = !questions_.empty() && now < mine.at_most;
    if (now >= mine.until && !asking) break;
    const bool ended = co_await mine.over.wait(std::max(mine.until, asking ? now + question_pause : now));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (ended || state.cancelled() != asio::cancellation_type::none) break;
  }
}

task<message> session::ask(outgoing what, waiting rule, outcome& told) {
  using namespace asio::experimental::awaitable_operators;
  co_await asio::this_coro::throw_if_cancelled(false);
  if (lost_) co_return *lost_;
  const std::uint64_t id = what.id;
  waiter mine;
  mine.until = rule.until;
  mine.at_most = rule.at_most;
  mine.limit = rule.limit;
  mine.patience = rule.patience;
  mine.on_progress = rule.on_progress;
  waiters_.emplace(id, &mine);
  auto both = exchange(std::move(what), mine) || run_out(mine);
  auto either = co_await std::move(both);
  waiters_.erase(id);
  if (waiters_.empty()) nobody_waits_.cancel();
  const auto state = co_await asio::this_coro::cancellation_state;
  const bool cancelled = state.cancelled() != asio::cancellation_type::none;
  const bool finished = either.index() == 0 && !cancelled;
  told.refusal = std::move(mine.refusal);
  told.session_over = mine.session_over;
  const auto note = fsm_.abandon(id, cancelled ? "cancelled by the user" : "no answer in time");
  if (finished) co_return std::move(std::get<0>(either));
  if (note && !group_.stopping()) {
    ++farewells_;
    group_.spawn("mcp cancellation", say_farewell(*note));
  }
  co_return why_unanswered(mine, rule, cancelled);
}

error session::why_unanswered(const waiter& mine, const waiting& rule, bool cancelled) const {
  if (cancelled) return error(errc::stopped, rule.name + " was cancelled");
  if (mine.over.is_open()) return error(errc::stopped, "the session with the server was closed");
  return error(errc::deadline, "the server did not answer " + rule.name + " within " + seconds_text(rule.limit),
               way_ ? way_->carrier->last_words() : std::string());
}

asio::awaitable<void> session::close() {
  // In a chain of its own, so that shielding it from cancellation does not change the caller's.
  const bool throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await asio::co_spawn(executor_, do_close(), asio::use_awaitable);
  co_await asio::this_coro::throw_if_cancelled(throws);
}

asio::awaitable<void> session::do_close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  closed_ = true;
  fsm_.close();
  for (auto& [id, taken_back] : questions_) taken_back->open();
  for (auto& [id, mine] : waiters_) mine->over.open();
  while (!waiters_.empty()) {
    auto [ec] = co_await nobody_waits_.async_wait(aio::use_ec);
    static_cast<void>(ec);
  }
  const aio::deadline polite = aio::after(farewell_limit);
  while (farewells_ > 0 && std::chrono::steady_clock::now() < polite) {
    nobody_waits_.expires_at(polite);
    auto [ec] = co_await nobody_waits_.async_wait(aio::use_ec);
    static_cast<void>(ec);
  }
  co_await group_.stop();
  co_await leave();
}

}  // namespace mcpstate::mcp
