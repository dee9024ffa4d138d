// SPDX-License-Identifier: MIT
#include "manager/server_link.hh"

#include <utility>
#include <variant>

#include "core/bug.hh"

namespace mcpstate {

namespace {

using namespace std::chrono_literals;

}  // namespace

// The host of the client: turns what the server says into events of the link.
class server_link::client_host final : public mcp::host {
 public:
  explicit client_host(server_link& link) : link_(&link) {}
  void told_list_changed(std::string_view list) override {
    if (link_ != nullptr && list == "tools") link_->report(link_event(link_event::kind::list_changed));
  }
  void told_stream_ended() override {
    if (link_ != nullptr && link_->ready_) link_->report(link_event(link_event::kind::stream_ended));
  }
  void told_lost(const error& reason) override {
    if (link_ != nullptr && link_->ready_) link_->report_loss(reason);
  }
  void detach() noexcept { link_ = nullptr; }

 private:
  server_link* link_;
};

server_link::server_link(asio::any_io_executor executor, listener on_event)
    : executor_(executor),
      on_event_(std::move(on_event)),
      host_(std::make_shared<client_host>(*this)),
      group_(executor,
             [this](const std::string&, const std::string& what) { report_loss(bug_error("the session", what)); }) {}

server_link::~server_link() { host_->detach(); }

link_event server_link::failure_event(link_event::kind type, const error& reason) const {
  link_event out(type);
  out.reason = without_secrets(reason, secrets_);
  return out;
}

void server_link::report_loss(const error& reason) {
  if (!std::exchange(lost_, true))
    report(failure_event(ready_ ? link_event::kind::lost : link_event::kind::open_failed, reason));
}

void server_link::report(link_event event) {
  if (on_event_) on_event_(std::move(event));
}

void server_link::open(destination server, mcp::client_options options, attempt_services services, std::string owner) {
  options.user = host_;
  options.follow = true;
  options.reopen = false;  // a lost session is opened again by its supervisor, which waits for a slot
  options.protocol = server.protocol;
  options.egress = server.egress;
  secrets_ = server.secrets;
  origin_ = server.origin;
  group_.spawn("open a session", do_open(std::move(server), std::move(options), services, std::move(owner)));
}

void server_link::list() { group_.spawn("list tools", do_list()); }

void server_link::ping() { group_.spawn("check a session", do_ping()); }

task<mcp::tool_listing> server_link::connect_and_list(destination server, mcp::client_options options,
                                                      startup_times& startups) {
  co_await asio::this_coro::throw_if_cancelled(false);
  mcp::target target = std::move(server.target);
  const bool program = std::holds_alternative<mcp::stdio_target>(target);
  const std::string command = mcp::era_key(target);
  if (program) options.startup_timeout = startups.next(command, server.startup_timeout);
  const std::chrono::milliseconds given = options.startup_timeout;
  auto connecting = mcp::connect(executor_, std::move(target), std::move(options));
  auto opened = co_await std::move(connecting);
  if (program && opened) startups.started(command);
  if (program && !opened && opened.error().code() == errc::deadline) startups.ended_silent(command, given);
  if (!opened) co_return opened.error();
  client_ = std::move(*opened);
  co_return co_await client_->list_tools();
}

asio::awaitable<void> server_link::do_open(destination server, mcp::client_options options, attempt_services services,
                                           std::string owner) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const std::string origin = server.origin;
  auto waiting = services.limit->acquire(origin, std::move(owner));
  const origin_limit::slot slot = co_await std::move(waiting);
  if (!slot || group_.stopping()) co_return;
  const auto started = std::chrono::steady_clock::now();
  if (const auto pause = services.pauses->find(origin, started)) {
    link_event refused = failure_event(link_event::kind::open_failed, *pause);
    refused.attempted = false;
    report(std::move(refused));
    co_return;
  }
  auto reached = co_await connect_and_list(std::move(server), std::move(options), *services.startups);
  if (group_.stopping()) co_return;
  link_event event =
      reached ? link_event(link_event::kind::opened) : failure_event(link_event::kind::open_failed, reached.error());
  event.took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started);
  if (reached) {
    ready_ = true;
    event.listing = std::move(*reached);
  }
  report(std::move(event));
}

asio::awaitable<void> server_link::do_list() {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto listed = co_await client_->list_tools();
  if (group_.stopping()) co_return;
  if (!listed) {
    report(failure_event(link_event::kind::list_failed, listed.error()));
    co_return;
  }
  link_event event(link_event::kind::listed);
  event.listing = std::move(*listed);
  report(std::move(event));
}

asio::awaitable<void> server_link::do_ping() {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto answered = co_await client_->ping();
  if (group_.stopping()) co_return;
  report(answered ? link_event(link_event::kind::checked) : failure_event(link_event::kind::check_failed, answered.error()));
}

asio::awaitable<void> server_link::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  remove_listener();
  host_->detach();
  co_await group_.stop();
  if (client_) co_await client_->close();
  closed_.open();
}

}  // namespace mcpstate
