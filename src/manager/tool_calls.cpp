// SPDX-License-Identifier: MIT
#include "manager/tool_calls.hh"

#include <algorithm>
#include <utility>
#include <variant>

#include "aio/scope_guard.hh"

namespace mcpstate {

namespace {

constexpr int max_sessions = 2;  // of the supervisor's: the one that was lost, and the next

// Whether the session broke before the call was sent, so that the call may be made on another one.
bool is_unsent(const error& reason) {
  return reason.code() == errc::connection_lost || reason.code() == errc::connect_failed;
}

}  // namespace

// The session of this process, if there is one or one is being opened; else null.
asio::awaitable<std::shared_ptr<server_link>> tool_calls::wait_for_session(managed_name name, aio::deadline until) {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    const supervisor_set::pointer supervisor = supervisors_.find(name);
    if (!supervisor) co_return nullptr;
    if (auto session = supervisor->session()) co_return session;
    if (!supervisor->is_opening() || std::chrono::steady_clock::now() >= until) co_return nullptr;
    co_await supervisor->wait_opened(until);
    const bool cancelled = co_await aio::is_cancelled();
    if (cancelled) co_return nullptr;
  }
}

// How long a call waits for a session that is being opened. A program may take long to start; only it can answer the call.
aio::deadline tool_calls::opening_deadline(const connection& record, const mcp::call_options& options) const {
  const auto& client = context_.options().client;
  const auto server = context_.find(endpoint_of(record.info));
  const bool program = server && std::holds_alternative<mcp::stdio_target>(server->target);
  if (options.timeout.count() > 0)
    return aio::after(program ? options.timeout : std::min(options.timeout, client.connect_timeout));
  return aio::after(program ? std::max(client.request_timeout, client.connect_timeout) : client.connect_timeout);
}

// Whether this process is about to manage the connection although it does not yet: a claim has just moved it, with its lease,
// or it is a program that waits for an instance. Returns when it does.
task<bool> tool_calls::await_supervisor(managed_name name, details info) {
  const bool is_program = info.transport == "stdio";
  if (supervisors_.find(name) || (!is_program && info.claimed_from.empty())) co_return false;
  MCPSTATE_CO_TRY(granted, co_await context_.leases().lease_of(name));
  if (!granted && is_program) {
    if (supervisors_.size() >= context_.options().max_connections) co_return false;
    MCPSTATE_CO_CHECK(co_await supervisors_.ensure_managed(name, info.registered));
    co_return true;
  }
  if (!granted || granted->holder != context_.options().instance) co_return false;
  const aio::deadline until = aio::after(claim_grace);
  bool waiting = true;
  while (waiting && !supervisors_.find(name)) waiting = co_await supervisors_.wait_changed(until);
  co_return supervisors_.find(name) != nullptr;
}

// Only the process that runs a program can call it. The error names that process.
task<mcp::call_result> tool_calls::refuse_program(managed_name name, std::string program) {
  MCPSTATE_CO_TRY(granted, co_await context_.leases().lease_of(name));
  const std::string text = name.text() + " is a program (" + program + ")";
  const auto supervisor = supervisors_.find(name);
  if (supervisor && supervisor->is_opening()) co_return error(errc::deadline, text + " that is still being started");
  if (!granted || granted->holder == context_.options().instance)
    co_return error(errc::connection_lost, text + " that does not run now; retry it");
  std::string holder = granted->holder;
  for (const instance_report& member : context_.members().instances) {
    if (member.name == granted->holder && !member.address.empty()) holder += " (" + member.address + ")";
  }
  co_return error(errc::kept_elsewhere, text + " that another process runs: " + holder);
}

task<mcp::call_result> tool_calls::call_on_new_session(connection record, std::string tool, std::string arguments,
                                                       mcp::call_options options, aio::deadline until) {
  MCPSTATE_CO_TRY(server, context_.find(endpoint_of(record.info)));
  managed_name name(record.owner, server_name::parse(record.server).value());
  if (std::holds_alternative<mcp::stdio_target>(server.target))
    co_return co_await refuse_program(std::move(name), server.registered);
  mcp::client_options client_options = context_.client_options_of(name);
  client_options.protocol = server.protocol;
  client_options.egress = server.egress;
  const std::string origin = server.origin;
  auto waiting = context_.attempts().acquire(origin, name.owner.text(), until);
  origin_limit::slot slot = co_await std::move(waiting);
  const bool cancelled = co_await aio::is_cancelled();
  if (cancelled) co_return error(errc::stopped, "the call was cancelled");
  if (!slot)
    co_return error(errc::deadline,
                    "too many others are connecting to the server of " + name.text() + "; nothing was called");
  if (const auto pause = context_.pauses().find(origin, origin_pauses::clock::now())) co_return *pause;
  mcp::target target = server.target;
  auto connecting = mcp::connect(context_.records().executor(), std::move(target), std::move(client_options));
  auto opened = co_await std::move(connecting);
  slot = origin_limit::slot();
  if (!opened) {
    context_.pauses().note_failure(origin, opened.error(), origin_pauses::clock::now());
    co_return without_secrets(opened.error(), server.secrets);
  }
  co_return co_await call_on_client(std::move(*opened), std::move(server), std::move(tool), std::move(arguments),
                                    std::move(options));
}

task<mcp::call_result> tool_calls::call_on_client(std::unique_ptr<mcp::client> client, destination server, std::string tool,
                                                  std::string arguments, mcp::call_options options) {
  const aio::scope_guard over([this, &client] { context_.close_later(std::move(client)); });
  auto called = co_await client->call_tool(std::move(tool), std::move(arguments), std::move(options));
  if (called) co_return called;
  context_.pauses().note_failure(server.origin, called.error(), origin_pauses::clock::now());
  co_return without_secrets(called.error(), server.secrets);
}

// The record of a connection whose tools may be called. This counts as use.
task<connection> tool_calls::find_usable(managed_name name) {
  MCPSTATE_CO_TRY(got, co_await context_.records().get(name.owner, name.server, tools_wanted::no));
  if (!got) co_return error(errc::no_record, name.owner.text() + " has no connection to " + name.server.text());
  connection record = std::move(*got);
  if (record.state == status::disconnected) co_return error(errc::no_record, name.text() + " is DISCONNECTED");
  if (!record.info.managed)
    co_return error(errc::bad_argument, name.text() + " is only recorded here; connect it to call its tools");
  std::optional<server_name> server = name.server;
  MCPSTATE_CO_CHECK(co_await context_.records().touch(name.owner, std::move(server)));
  co_return record;
}

// A session that was lost before the call was sent is reported, so that its supervisor opens the next one.
task<mcp::call_result> tool_calls::call_on_session(std::shared_ptr<server_link> session, managed_name name, std::string tool,
                                                   std::string arguments, mcp::call_options options) {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto called = co_await session->client()->call_tool(std::move(tool), std::move(arguments), std::move(options));
  const auto supervisor = supervisors_.find(name);
  if (called && supervisor) supervisor->note_use();
  if (called) co_return called;
  const bool by_caller = co_await aio::is_cancelled();
  if (called.error().is(cond::cancelled) && !by_caller)
    co_return error(errc::outcome_unknown, name.text() + " was closed while the call was under way");
  context_.pauses().note_failure(session->origin(), called.error(), origin_pauses::clock::now());
  error reason = without_secrets(called.error(), session->secrets());
  if (supervisor && !by_caller && is_unsent(reason)) supervisor->note_loss(session, reason);
  co_return reason;
}

task<mcp::call_result> tool_calls::call(owner account, server_name server, std::string tool, std::string arguments,
                                        mcp::call_options options) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const managed_name name(std::move(account), std::move(server));
  if (!context_.messages().has_room(name.owner.text()))
    co_return error(errc::busy,
                    "too many large results are under way for " + name.owner.text() + "; nothing was called; try again");
  MCPSTATE_CO_TRY(record, co_await find_usable(name));
  MCPSTATE_CO_CHECK(co_await await_supervisor(name, record.info));
  const aio::deadline until = opening_deadline(record, options);
  for (int sessions = 1; sessions <= max_sessions; ++sessions) {
    auto session = co_await wait_for_session(name, until);
    if (!session) break;
    auto called = co_await call_on_session(std::move(session), name, tool, arguments, options);
    const bool by_caller = co_await aio::is_cancelled();
    if (called || by_caller || !is_unsent(called.error())) co_return called;
  }
  co_return co_await call_on_new_session(std::move(record), std::move(tool), std::move(arguments), std::move(options),
                                         until);
}

}  // namespace mcpstate
