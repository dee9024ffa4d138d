// SPDX-License-Identifier: MIT
#include "mcp/session/subscription.hh"

#include <mcpstate/aio/deadline.hpp>

#include <utility>

#include "aio/backoff.hh"

namespace mcpstate::mcp {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 2s;  // for the acknowledgement; then the session is used without
constexpr auto first_retry_pause = 1s;
constexpr auto longest_retry_pause = 300s;
constexpr auto long_subscription = 5s;  // a subscription that lasted so long was no failure

// Whether asking again would bring the same answer.
bool is_final(unsigned status) { return status >= 400 && status < 500 && status != 408 && status != 429; }

}  // namespace

subscription::subscription(channel& messages, const client_options& options) : channel_(messages), options_(options) {
  channel_.on_subscribed([this] { acknowledged(); });
}

void subscription::acknowledged() {
  if (decided_) decided_->open();
  if (std::exchange(gap_, false) && options_.user) options_.user->told_list_changed("tools");
}

asio::awaitable<std::optional<error>> subscription::start() {
  const auto decided = std::make_shared<aio::latch>();
  decided_ = decided;
  failure_.reset();
  channel_.group().spawn("mcp subscription", follow());
  co_await decided->wait(aio::after(patience));
  if (!decided->is_open()) failure_ = error(errc::deadline, "the server does not acknowledge the subscription");
  co_return failure_;
}

asio::awaitable<void> subscription::follow() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const std::weak_ptr<transport> own = channel_.current_transport();
  const auto is_current = [this, &own] {
    const auto now = channel_.current_transport();
    return now && own.lock() == now;
  };
  const std::shared_ptr<aio::latch> decided = decided_;
  for (int failures = 0; !channel_.lost() && is_current();) {
    const auto started = std::chrono::steady_clock::now();
    request_limits limits;
    limits.method = "subscriptions/listen";
    limits.until = limits.at_most = aio::deadline::max();
    auto request = channel_.fsm().request(limits.method, R"({"notifications":{"toolsListChanged":true}})");
    if (!request) break;
    request_failure details;
    auto ended = co_await channel_.ask(std::move(*request), std::move(limits), details);
    if (channel_.group().stopping()) break;
    // An error says that the server has no subscriptions. Anything else is the end of this one.
    if (ended && ended->type == message::kind::failure) {
      failure_ = error(errc::rpc_error, "the server refuses it with error " + std::to_string(ended->error_code),
                       ended->error_message);
      break;
    }
    gap_ = true;
    if (!is_current()) break;
    if (!ended) failure_ = ended.error();
    if (details.refusal && is_final(details.refusal->status)) break;
    if (!details.refusal && !channel_.lost() && options_.user) options_.user->told_stream_ended();
    decided->open();  // start() does not wait for the next attempt
    failures = std::chrono::steady_clock::now() - started > long_subscription ? 1 : failures + 1;
    if (!co_await aio::wait_until(aio::after(aio::backoff(failures, first_retry_pause, longest_retry_pause)))) break;
  }
  decided->open();
}

}  // namespace mcpstate::mcp
