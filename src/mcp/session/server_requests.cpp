// SPDX-License-Identifier: MIT
#include "mcp/session/server_requests.hh"

#include <mcpstate/aio/deadline.hpp>

#include <utility>

#include "aio/scope_guard.hh"

namespace mcpstate::mcp {
namespace {

// A person can only be asked so much at a time, and over HTTP each answer takes a connection.
constexpr std::size_t max_requests = 16;
constexpr int max_senders = 2;
constexpr std::size_t max_reply_bytes = 384 * 1024;  // a server that does not read its answers gets no more of them

std::size_t size_of(const outgoing& reply) { return sizeof(outgoing) + reply.text.size(); }

}  // namespace

server_requests::server_requests(const client_options& options, aio::task_group& group, sender send,
                                 std::function<void()> on_answered)
    : options_(options), group_(group), send_(std::move(send)), on_answered_(std::move(on_answered)) {}

void server_requests::refuse(const message& request, std::int64_t code, std::string_view reason) {
  reply(outgoing(encode_failure(request.id, code, reason), 0));
}

void server_requests::receive(message request) {
  const std::size_t size = request.body.size();
  // Its answer could not be told from that of the other.
  if (cancelled_.contains(request.id))
    return refuse(request, rpc::invalid_request, "a request with this id is not answered yet");
  if (cancelled_.size() >= max_requests || request_bytes_ + size > options_.max_message_bytes)
    return refuse(request, rpc::rejected, "too many questions at once");
  request_bytes_ += size;
  auto cancelled = std::make_shared<aio::latch>();
  cancelled_[request.id] = cancelled;
  group_.spawn("mcp question", ask_host(std::move(request), std::move(cancelled)));
}

void server_requests::cancel(const std::string& id) {
  if (const auto found = cancelled_.find(id); found != cancelled_.end()) found->second->open();
}

void server_requests::cancel_all() {
  for (auto& [id, cancelled] : cancelled_) cancelled->open();
}

// The host's answer, or that the server has cancelled its request.
asio::awaitable<server_requests::outcome> server_requests::ask(std::string id, std::string method, std::string params,
                                                               std::shared_ptr<aio::latch> cancelled) {
  const std::size_t size = params.size();
  const aio::scope_guard over([this, &id, size] {
    cancelled_.erase(id);
    request_bytes_ -= size;
  });
  auto asking = options_.user->answer(std::move(method), std::move(params));
  auto both = aio::race(std::move(asking), cancelled->wait());
  co_return co_await std::move(both);
}

asio::awaitable<void> server_requests::ask_host(message request, std::shared_ptr<aio::latch> cancelled) {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto answering = ask(request.id, std::move(request.method), std::move(request.body), cancelled);
  auto either = co_await std::move(answering);
  on_answered_();
  if (either.index() != 0 || cancelled->is_open()) co_return;
  auto& answered = std::get<0>(either);
  const auto code = !answered && answered.error().is(cond::invalid) ? rpc::invalid_params : rpc::rejected;
  reply(outgoing(
      answered ? encode_result(request.id, *answered) : encode_failure(request.id, code, answered.error().detail()), 0));
}

void server_requests::reply(outgoing answer) {
  if (reply_bytes_ > 0 && reply_bytes_ + size_of(answer) > max_reply_bytes) {
    if (options_.on_oddity) options_.on_oddity("more requests than answers can be sent to", std::string());
    return;
  }
  reply_bytes_ += size_of(answer);
  replies_.push_back(std::move(answer));
  if (senders_ == max_senders) return;
  ++senders_;
  group_.spawn("mcp answers", send_replies());
}

void server_requests::drop_replies() {
  replies_.clear();
  reply_bytes_ = 0;
}

asio::awaitable<void> server_requests::send_replies() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const aio::scope_guard over([this] { --senders_; });
  while (!replies_.empty() && !group_.stopping()) {
    outgoing next = std::move(replies_.front());
    replies_.pop_front();
    reply_bytes_ -= size_of(next);
    co_await send_(std::move(next));
  }
}

}  // namespace mcpstate::mcp
