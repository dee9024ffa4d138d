// SPDX-License-Identifier: MIT
#include "mcp/session/server_requests.hh"

#include <mcpstate/aio/deadline.hpp>

#include <utility>

namespace mcpstate::mcp {
namespace {

// A person can only be asked so much at a time, and over HTTP each answer takes a connection.
constexpr std::size_t max_requests = 32;
constexpr int max_senders = 2;
constexpr std::size_t max_reply_bytes = 1024 * 1024;  // a server that does not read its answers gets no more of them

}  // namespace

server_requests::server_requests(const client_options& options, aio::task_group& group, sender send,
                                 std::function<void()> on_answered)
    : options_(options), group_(group), send_(std::move(send)), on_answered_(std::move(on_answered)) {}

void server_requests::receive(message request) {
  if (cancelled_.size() >= max_requests)
    return reply(outgoing(encode_failure(request.id, rpc::rejected, "too many questions at once"), 0));
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

asio::awaitable<void> server_requests::ask_host(message request, std::shared_ptr<aio::latch> cancelled) {
  using namespace asio::experimental::awaitable_operators;
  co_await asio::this_coro::throw_if_cancelled(false);
  auto asking = options_.user->answer(request.method, request.body);
  auto both = std::move(asking) || cancelled->wait();
  auto either = co_await std::move(both);
  if (const auto found = cancelled_.find(request.id); found != cancelled_.end() && found->second == cancelled) {
    cancelled_.erase(found);
  }
  on_answered_();
  if (either.index() != 0 || cancelled->is_open()) co_return;
  auto& answered = std::get<0>(either);
  const auto code = !answered && answered.error().is(cond::invalid) ? rpc::invalid_params : rpc::rejected;
  reply(outgoing(
      answered ? encode_result(request.id, *answered) : encode_failure(request.id, code, answered.error().detail()), 0));
}

void server_requests::reply(outgoing answer) {
  if (reply_bytes_ > 0 && reply_bytes_ + answer.text.size() > max_reply_bytes) {
    if (options_.on_oddity) options_.on_oddity("more requests than answers can be sent to", std::string());
    return;
  }
  reply_bytes_ += answer.text.size();
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
  while (!replies_.empty() && !group_.stopping()) {
    outgoing next = std::move(replies_.front());
    replies_.pop_front();
    reply_bytes_ -= next.text.size();
    co_await send_(std::move(next));
  }
  --senders_;
}

}  // namespace mcpstate::mcp
