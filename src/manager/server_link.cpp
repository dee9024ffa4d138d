// SPDX-License-Identifier: MIT
#include "manager/server_link.hh"

#include <utility>

namespace mcpstate {

namespace {

using kind = link_news::kind;
using namespace std::chrono_literals;

}  // namespace

class server_link::ears final : public mcp::host {
 public:
  explicit ears(server_link& of) : of_(&of) {}
  void told_list_changed(std::string_view what) override {
    if (of_ != nullptr && what == "tools") of_->tell(link_news(kind::list_changed));
  }
  void told_stream_ended() override {
    if (of_ != nullptr && of_->ready_) of_->tell(link_news(kind::stream_ended));
  }
  void told_lost(const error& why) override {
    if (of_ == nullptr || !of_->ready_ || std::exchange(of_->lost_, true)) return;
    of_->tell(of_->failure_news(kind::lost, why));
  }
  void deafen() noexcept { of_ = nullptr; }

 private:
  server_link* of_;
};

server_link::server_link(asio::any_io_executor executor, listener tell)
    : executor_(executor), tell_(std::move(tell)), ears_(std::make_shared<ears>(*this)), group_(executor) {}

server_link::~server_link() { ears_->deafen(); }

link_news server_link::failure_news(kind what, const error& why) const {
  link_news out(what);
  out.why = without_secrets(why, secrets_);
  return out;
}

void server_link::tell(link_news what) {
  if (tell_) tell_(std::move(what));
}

void server_link::open(destination where, mcp::client_options options, origin_limit& turns, std::string whose) {
  options.user = ears_;
  options.follow = true;
  options.reopen = false;  // a session that is lost is opened again by its keeper, in its turn
  options.protocol = where.protocol;
  options.egress = where.egress;
  secrets_ = where.secrets;
  group_.spawn("open a session", do_open(std::move(where), std::move(options), &turns, std::move(whose)));
}

void server_link::list() { group_.spawn("list tools", do_list()); }

void server_link::ping(std::chrono::milliseconds limit) { group_.spawn("check a session", do_ping(limit)); }

task<mcp::tool_listing> server_link::connect_and_list(destination where, mcp::client_options options) {
  co_await asio::this_coro::throw_if_cancelled(false);
  mcp::target target = std::move(where.where);
  auto connecting = mcp::connect(executor_, std::move(target), std::move(options));
  auto opened = co_await std::move(connecting);
  if (!opened) co_return opened.error();
  client_ = std::move(*opened);
  co_return co_await client_->list_tools();
}

asio::awaitable<void> server_link::do_open(destination where, mcp::client_options options, origin_limit* turns,
                                           std::string whose) {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::string origin = where.origin;
  auto waiting = turns->enter(std::move(origin), std::move(whose));
  const origin_limit::seat seat = co_await std::move(waiting);
  if (!seat || group_.stopping()) co_return;
  const auto begun = std::chrono::steady_clock::now();
  auto reached = co_await connect_and_list(std::move(where), std::move(options));
  if (group_.stopping()) co_return;
  link_news news = reached ? link_news(kind::opened) : failure_news(kind::failed, reached.error());
  news.took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
  if (reached) {
    ready_ = true;
    news.listing = std::move(*reached);
  }
  tell(std::move(news));
}

asio::awaitable<void> server_link::do_list() {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto listed = co_await client_->list_tools();
  if (group_.stopping()) co_return;
  if (!listed) {
    tell(failure_news(kind::list_failed, listed.error()));
    co_return;
  }
  link_news news(kind::listed);
  news.listing = std::move(*listed);
  tell(std::move(news));
}

asio::awaitable<void> server_link::do_ping(std::chrono::milliseconds limit) {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto pinging = client_->ping();
  auto bounded = aio::with_deadline(std::move(pinging), aio::after(limit), "the server did not answer a ping");
  auto answered = co_await std::move(bounded);
  if (group_.stopping()) co_return;
  tell(answered ? link_news(kind::checked) : failure_news(kind::check_failed, answered.error()));
}

asio::awaitable<void> server_link::shut() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  hush();
  ears_->deafen();
  co_await group_.stop();
  if (client_) co_await client_->close();
  is_shut_.open();
}

}  // namespace mcpstate
