// SPDX-License-Identifier: MIT
#include "mcp/session.hh"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <utility>

#include "mcp/tool_pages.hh"

namespace mcpstate::mcp {
namespace {

using namespace std::chrono_literals;

constexpr auto deliver_limit = 10s;     // for a message that nobody waits for
constexpr auto whole_list_limit = 60s;  // for all pages together, unless one request may take longer

std::string seconds_text(std::chrono::milliseconds span) {
  if (span.count() % 1000 == 0) return std::to_string(span.count() / 1000) + " s";
  return std::to_string(span.count()) + " ms";
}

}  // namespace

session::session(asio::any_io_executor executor, client_options options)
    : executor_(executor),
      options_(std::move(options)),
      fsm_(options_.client_name, options_.client_version),
      nobody_waits_(executor, asio::steady_timer::time_point::max()),
      group_(executor) {}

task<void> session::open() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const aio::deadline until = aio::after(options_.connect_timeout);
  auto opened = co_await way_->open();
  if (!opened) co_return opened.error();
  auto answer = co_await ask(fsm_.start(), until, "initialize");
  if (!answer) co_return answer.error();
  auto told = fsm_.on_initialize_answer(*answer);
  if (!told) co_return told.error();
  way_->on_negotiated(told->protocol_version);
  learn(std::move(*told));
  auto announcing = way_->send(fsm_.announce());
  auto announced =
      co_await aio::with_deadline(std::move(announcing), until, "the server did not take notifications/initialized");
  if (!announced) co_return announced.error();
  co_return result<void>();
}

void session::learn(handshake told) {
  facts_.transport = way_->name();
  facts_.protocol_version = std::move(told.protocol_version);
  facts_.title = std::move(told.server_name);
  facts_.version = std::move(told.server_version);
  facts_.capabilities = std::move(told.capabilities);
  facts_.instructions = std::move(told.instructions);
  facts_.has_tools = told.has_tools;
  facts_.tools_list_changed = told.tools_list_changed;
}

result<void> session::on_text(std::string text) {
  auto read = decode_messages(text, fsm_.batches());
  if (!read) return read.error();
  for (message& each : *read) {
    auto reaction = fsm_.on_message(std::move(each));
    if (reaction.what == session_fsm::reaction::kind::send) group_.spawn("mcp answer", deliver(std::move(reaction.reply)));
    if (reaction.what != session_fsm::reaction::kind::complete) continue;
    const auto found = waiters_.find(reaction.id);
    if (found == waiters_.end()) continue;
    found->second->answer = std::move(reaction.answer);
    found->second->answered.open();
  }
  return result<void>();
}

void session::on_lost(error why) {
  for (auto& [id, mine] : waiters_) {
    mine->failure = why;
    mine->answered.open();
  }
  lost_ = std::move(why);
}

asio::awaitable<void> session::deliver(outgoing what) {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto sending = way_->send(std::move(what));
  auto sent = co_await aio::with_deadline(std::move(sending), aio::after(deliver_limit), "a message to the server");
  // If it did not arrive, the connection has a problem that the next request reports.
  static_cast<void>(sent.has_value());
}

// Sends, and waits for the answer.
task<message> session::exchange(outgoing what, waiter& mine) {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto sent = co_await way_->send(std::move(what));
  if (sent) co_await mine.answered.wait();
  if (mine.answer) co_return std::move(*mine.answer);
  if (mine.failure) co_return *mine.failure;
  if (!sent) co_return sent.error();
  co_return error(errc::stopped, "the request was cancelled");
}

task<message> session::ask(outgoing what, aio::deadline until, std::string name) {
  using namespace asio::experimental::awaitable_operators;
  co_await asio::this_coro::throw_if_cancelled(false);
  if (lost_) co_return *lost_;
  const std::uint64_t id = what.id;
  waiter mine;
  waiters_.emplace(id, &mine);
  auto both = exchange(std::move(what), mine) || mine.over.wait(until);
  auto either = co_await std::move(both);
  waiters_.erase(id);
  if (waiters_.empty()) nobody_waits_.cancel();
  const auto state = co_await asio::this_coro::cancellation_state;
  const bool cancelled = state.cancelled() != asio::cancellation_type::none;
  const bool finished = either.index() == 0 && !cancelled;
  const auto note = fsm_.abandon(id, "no answer in time");
  if (finished) co_return std::move(std::get<0>(either));
  if (note) group_.spawn("mcp cancellation", deliver(*note));
  co_return why_unanswered(mine, name, cancelled);
}

error session::why_unanswered(const waiter& mine, const std::string& name, bool cancelled) const {
  if (cancelled) return error(errc::stopped, name + " was cancelled");
  if (mine.over.is_open()) return error(errc::stopped, "the session with the server was closed");
  const auto limit = name == "initialize" ? options_.connect_timeout : options_.request_timeout;
  return error(errc::deadline, "the server did not answer " + name + " within " + seconds_text(limit), way_->last_words());
}

task<message> session::call(std::string method, std::string params, aio::deadline until) {
  auto request = fsm_.request(method, params);
  if (!request) co_return request.error();
  co_return co_await ask(std::move(*request), until, std::move(method));
}

task<tool_listing> session::list_tools() {
  tool_listing out;
  if (!facts_.has_tools) co_return std::move(out);
  tool_pages::limits bounds;
  bounds.max_pages = options_.max_pages;
  bounds.max_tools = options_.max_tools;
  bounds.max_bytes = options_.max_tools_bytes;
  tool_pages pages(bounds);
  const aio::deadline whole = aio::after(std::max<std::chrono::milliseconds>(whole_list_limit, options_.request_timeout));
  for (bool more = true; more;) {
    const aio::deadline until = std::min(whole, aio::after(options_.request_timeout));
    auto answer = co_await call("tools/list", pages.next_params(), until);
    if (!answer) co_return answer.error();
    if (answer->what == message::kind::failure) {
      const bool cursor_refused = answer->error_code == rpc::invalid_params && pages.has_cursor();
      if (cursor_refused && pages.restart()) continue;
      const std::string code = std::to_string(answer->error_code);
      co_return error(errc::rpc_error, "the server refused tools/list with error " + code, std::move(answer->error_message));
    }
    auto added = pages.add(answer->body);
    if (!added) co_return added.error();
    more = *added == tool_pages::verdict::more;
  }
  out.pages = pages.pages();
  out.dropped = pages.dropped();
  auto tools = std::move(pages).finish();
  if (!tools) co_return tools.error();
  out.tools = std::move(*tools);
  co_return std::move(out);
}

task<void> session::ping() {
  // An error is an answer too: whoever refuses to be pinged is alive.
  auto answer = co_await call("ping", std::string(), aio::after(options_.request_timeout));
  if (!answer) co_return answer.error();
  co_return result<void>();
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
  fsm_.close();
  for (auto& [id, mine] : waiters_) mine->over.open();
  while (!waiters_.empty()) {
    auto [ec] = co_await nobody_waits_.async_wait(aio::use_ec);
    static_cast<void>(ec);
  }
  co_await group_.stop();
  if (way_) co_await way_->close();
}

}  // namespace mcpstate::mcp
