// SPDX-License-Identifier: MIT
// Calls of tools.
#include <utility>

#include "manager/manager_impl.hh"

namespace mcpstate {

namespace {

using namespace std::chrono_literals;

std::string shown(const connection& record) { return record.whose.text() + " " + record.server; }

// Whether the session broke before the call could be sent, so that it may be made on another one.
bool was_not_sent(const error& why) { return why.code() == errc::connection_lost || why.code() == errc::connect_failed; }

}  // namespace

// The session of our keeper, for as long as one is being opened.
asio::awaitable<std::shared_ptr<server_link>> manager_impl::wait_for_session(managed_name of) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const aio::deadline until = aio::after(options_.client.connect_timeout);
  for (;;) {
    const keeper_ptr mine = find(of);
    if (!mine) co_return nullptr;
    if (auto session = mine->session()) co_return session;
    if (!mine->is_coming() || std::chrono::steady_clock::now() >= until) co_return nullptr;
    co_await mine->outcome(until);
    const bool cancelled = co_await aio::is_cancelled();
    if (cancelled) co_return nullptr;
  }
}

asio::awaitable<void> manager_impl::shut_client(std::unique_ptr<mcp::client> what) { co_await what->close(); }

// Only the process that runs a program can call it.
task<mcp::call_result> manager_impl::refuse_program(managed_name of, std::string program) {
  auto kept = co_await store_.lease_of(of);
  if (!kept) co_return kept.error();
  const std::string what = of.whose.text() + " " + of.server.text() + " is a program (" + program + ")";
  if (!*kept || (*kept)->holder == options_.instance)
    co_return error(errc::connection_lost, what + " that does not run now; retry it");
  std::string where = (*kept)->holder;
  for (const instance_report& each : fleet_.instances) {
    if (each.name == (*kept)->holder && !each.address.empty()) where += " (" + each.address + ")";
  }
  co_return error(errc::kept_elsewhere, what + " that another process runs: " + where);
}

// A session for one call.
task<mcp::call_result> manager_impl::call_once(connection record, std::string tool, std::string arguments,
                                               mcp::call_options options) {
  auto there = destination_of(place_of(record.info));
  if (!there) co_return there.error();
  managed_name of(record.whose, server_name::parse(record.server).value());
  if (std::holds_alternative<mcp::stdio_target>(there->where))
    co_return co_await refuse_program(std::move(of), there->registered);
  mcp::client_options how = client_options_of(of);
  how.protocol = there->protocol;
  how.egress = there->egress;
  std::string origin = there->origin, whose = of.whose.text();
  const secret_list secrets = there->secrets;
  auto waiting = turns_.enter(std::move(origin), std::move(whose));
  origin_limit::seat seat = co_await std::move(waiting);
  if (!seat) co_return error(errc::stopped, "the call was cancelled");
  auto connecting = mcp::connect(store_.executor(), std::move(there->where), std::move(how));
  auto opened = co_await std::move(connecting);
  seat = origin_limit::seat();
  if (!opened) co_return without_secrets(opened.error(), secrets);
  std::unique_ptr<mcp::client> client = std::move(*opened);
  auto called = co_await client->call_tool(std::move(tool), std::move(arguments), std::move(options));
  graves_.spawn("end a session", shut_client(std::move(client)));
  if (!called) co_return without_secrets(called.error(), secrets);
  co_return called;
}

task<mcp::call_result> manager_impl::call(owner who, server_name server, std::string tool, std::string arguments,
                                          mcp::call_options options) {
  co_await asio::this_coro::throw_if_cancelled(false);
  managed_name of(who, server);
  auto got = co_await store_.get(who, server, tools_wanted::no);
  if (!got) co_return got.error();
  if (!*got) co_return error(errc::no_record, who.text() + " has no connection to " + server.text());
  connection record = std::move(**got);
  if (record.state == status::disconnected) co_return error(errc::no_record, shown(record) + " is DISCONNECTED");
  if (!record.info.managed)
    co_return error(errc::bad_argument, shown(record) + " is only recorded here; connect it to call its tools");
  std::optional<server_name> one = server;
  auto touched = co_await store_.touch(who, std::move(one));
  if (!touched) co_return touched.error();
  if (auto session = co_await wait_for_session(of)) {
    auto called = co_await session->client()->call_tool(tool, arguments, options);
    if (const keeper_ptr mine = find(of); called && mine) mine->used();
    const auto state = co_await asio::this_coro::cancellation_state;
    const bool by_caller = state.cancelled() != asio::cancellation_type::none;
    if (!called && called.error().is(cond::cancelled) && !by_caller) {
      co_return error(errc::outcome_unknown, shown(record) + " was closed while the call was under way");
    }
    if (called) co_return called;
    if (by_caller || !was_not_sent(called.error())) co_return without_secrets(called.error(), session->secrets());
  }
  co_return co_await call_once(std::move(record), std::move(tool), std::move(arguments), std::move(options));
}

}  // namespace mcpstate
