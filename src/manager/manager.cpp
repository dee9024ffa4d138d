// SPDX-License-Identifier: MIT
#include <mcpstate/manager.hpp>

#include <utility>

#include "aio/caller_settings.hh"
#include "manager/fleet/fleet_rules.hh"
#include "manager/fleet_member.hh"
#include "manager/lease_renewal.hh"
#include "manager/manager_context.hh"
#include "manager/record_sweep.hh"
#include "manager/supervisor_set.hh"
#include "manager/tool_calls.hh"

namespace mcpstate {

namespace {

using namespace std::chrono_literals;

constexpr int max_rounds = 100;          // as store::put
constexpr auto hand_over_limit = 700ms;  // with the limit of fleet_member::leave(): within a second

bool is_up_at(const connection& record, const destination& server) {
  return record.connected() && !record.altered && record.info.managed &&
         endpoint_key(endpoint_of(record.info)) == endpoint_key(endpoint_of(server));
}

// Orders, that is what users ask for; the parts do the rest.
class manager_impl final : public manager {
 public:
  manager_impl(store& records, manager_options options);

  task<connection> connect(owner account, server_name server, endpoint target, std::optional<basis> expected) override;
  task<connection> settled(owner account, server_name server, std::uint64_t since) override;
  task<connection> retry(owner account, server_name server) override;
  task<mcp::call_result> call(owner account, server_name server, std::string tool, std::string arguments,
                              mcp::call_options options) override {
    auto calling =
        calls_.call(std::move(account), std::move(server), std::move(tool), std::move(arguments), std::move(options));
    return aio::keep_settings_unless_cancelled(std::move(calling), "the call was cancelled; nothing was sent");
  }
  task<std::uint64_t> disconnect_everywhere(std::string registered, progress_handler progress) override;
  void set_servers(std::shared_ptr<const server_registry> servers) override;
  [[nodiscard]] const manager_options& options() const noexcept override { return context_.options(); }
  [[nodiscard]] manager_counts counts() const override;
  [[nodiscard]] const fleet& others() const noexcept override { return context_.members(); }
  asio::awaitable<void> close() override;

 private:
  enum class if_up { leave, reopen };
  task<connection> retry_record(owner account, server_name server);
  task<connection> wait_settled(owner account, server_name server, std::uint64_t since);
  task<std::uint64_t> disconnect_all(std::string registered, progress_handler progress);
  asio::awaitable<void> stop();
  task<lease> find_lease(managed_name name, std::string registered);
  task<connection> order(managed_name name, destination server, std::optional<basis> expected, if_up rule);
  void end_outdated(const lease& granted);
  task<std::uint64_t> disconnect_registered(managed_name name, std::string registered);

  store& records_;
  manager_context context_;
  supervisor_set supervisors_;
  tool_calls calls_;
  adoption adopting_;
  record_sweep sweep_;
  fleet_member member_;
  lease_renewal renewal_;
  aio::task_group loops_;
};

manager_impl::manager_impl(store& records, manager_options options)
    : records_(records),
      context_(records, std::move(options)),
      supervisors_(context_),
      calls_(context_, supervisors_),
      adopting_(context_, supervisors_),
      sweep_(context_, supervisors_),
      member_(context_, supervisors_, adopting_),
      renewal_(context_, supervisors_),
      loops_(records.executor(), aio::end_process) {
  loops_.spawn("beat", member_.run());
  loops_.spawn("renew leases", renewal_.run());
  loops_.spawn("sweep", sweep_.run());
  loops_.spawn("watch deadlines", renewal_.watch_deadlines());
}

task<connection> manager_impl::connect(owner account, server_name server, endpoint target, std::optional<basis> expected) {
  MCPSTATE_CO_TRY(found, context_.find(target));
  managed_name name(std::move(account), std::move(server));
  auto ordering = order(std::move(name), std::move(found), std::move(expected), if_up::leave);
  co_return co_await aio::keep_settings(std::move(ordering));
}

// The lease that an order is written under: ours, or that of the instance that manages the connection. While that lease
// holds, its holder sees the order; when it ends, others see that nobody manages the connection. So an order is never left
// unnoticed, whichever process dies.
task<lease> manager_impl::find_lease(managed_name name, std::string registered) {
  const auto supervisor = supervisors_.find(name);
  if (supervisor && supervisor->is_managing()) co_return supervisor->granted();
  for (int round = 1; round <= max_rounds; ++round) {
    MCPSTATE_CO_TRY(taken,
                    co_await records_.leases().take_lease(name, options().instance, registered, context_.lease_span()));
    if (taken) co_return std::move(*taken);
    MCPSTATE_CO_TRY(granted, co_await records_.leases().lease_of(name));
    if (granted) co_return std::move(*granted);
  }
  co_return error(errc::lease_lost, name.text() + ": other instances hand it over again and again; try again");
}

// The lease is taken again at the end, because the instance that managed the connection may have given it up since.
task<connection> manager_impl::order(managed_name name, destination server, std::optional<basis> expected, if_up rule) {
  if (context_.stopping()) co_return error(errc::stopped, "this process is stopping");
  const std::size_t managed = supervisors_.size();
  if (!supervisors_.find(name) && managed >= options().max_connections)
    co_return error(errc::queue_full, "this process manages " + std::to_string(managed) + " connections, its limit");
  result<connection> written = error(errc::bug, "not tried");
  for (int round = 1; round <= max_rounds; ++round) {
    MCPSTATE_CO_TRY(granted, co_await find_lease(name, server.registered));
    MCPSTATE_CO_TRY(before, co_await records_.get(name.owner, name.server, tools_wanted::no));
    const basis present = before ? before->seen : basis();
    if (expected && *expected != present) {
      written = error(errc::stale_basis, name.text() + " has changed since it was read; read it again");
      break;
    }
    if (rule == if_up::leave && before && is_up_at(*before, server)) {
      std::optional<server_name> one = name.server;
      auto touched = co_await records_.touch(name.owner, std::move(one));
      written = touched ? result<connection>(std::move(*before)) : result<connection>(touched.error());
      break;
    }
    change wanted = make_order(name, before, server);
    wanted.require_lease(granted);
    written = co_await records_.put(std::move(wanted));
    if (written || !written.error().is(cond::conflict)) break;
    const bool lease_lost = written.error().code() == errc::lease_lost;
    if (expected && !lease_lost) break;
    if (lease_lost) end_outdated(granted);
  }
  auto ensured = co_await supervisors_.ensure_managed(name, server.registered);
  if (!written) co_return written.error();
  if (!ensured) co_return ensured.error();
  co_return written;
}

// The store says that this lease is lost. Ends the supervisor that still has it, if there is one.
void manager_impl::end_outdated(const lease& granted) {
  const auto supervisor = supervisors_.find(granted.name);
  if (supervisor && supervisor->is_managing() && supervisor->granted() == granted) supervisor->lose_lease();
}

task<connection> manager_impl::retry(owner account, server_name server) {
  return aio::keep_settings(retry_record(std::move(account), std::move(server)));
}

task<connection> manager_impl::retry_record(owner account, server_name server) {
  managed_name name(std::move(account), std::move(server));
  MCPSTATE_CO_TRY(got, co_await records_.get(name.owner, name.server, tools_wanted::no));
  if (!got) co_return error(errc::no_record, name.owner.text() + " has no connection to " + name.server.text());
  const connection& record = *got;
  if (!record.info.managed || record.state == status::disconnected)
    co_return error(errc::bad_argument, name.text() + (record.info.managed ? " is DISCONNECTED; connect it again"
                                                                           : " is only recorded here; connect it first"));
  MCPSTATE_CO_TRY(found, context_.find(endpoint_of(record.info)));
  std::optional<basis> any;
  co_return co_await order(std::move(name), std::move(found), std::move(any), if_up::reopen);
}

task<connection> manager_impl::settled(owner account, server_name server, std::uint64_t since) {
  auto waiting = wait_settled(std::move(account), std::move(server), since);
  return aio::keep_settings_unless_cancelled(std::move(waiting), "waiting for a connection to settle was cancelled");
}

task<connection> manager_impl::wait_settled(owner account, server_name server, std::uint64_t since) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const error none(errc::no_record, account.text() + " has no connection to " + server.text());
  std::optional<owner> watched = account;
  auto opening = records_.watch(std::move(watched));
  MCPSTATE_CO_TRY(watching, co_await std::move(opening));
  std::shared_ptr<const connection> last;
  for (;;) {
    auto got = co_await watching->next();
    if (!got) {
      if (!got.error().is(cond::cancelled) || !last) co_return got.error();
      co_return *last;
    }
    if (got->what == event::kind::ready && !last) co_return none;
    if (!got->record || got->record->server != server.text() || is_foreign_member(*got->record)) continue;
    if (got->what == event::kind::removed) co_return none;
    last = std::move(got->record);
    if (last->state != status::connecting && last->revision >= since) co_return *last;
  }
}

// Answers 1 if (the) connection was disconnected, 0 if there was nothing to do.
task<std::uint64_t> manager_impl::disconnect_registered(managed_name name, std::string registered) {
  for (int round = 1;; ++round) {
    // Not every store lets a request end early, and there may be very many of these.
    const bool cancelled = co_await aio::is_cancelled();
    if (cancelled || context_.stopping())
      co_return error(errc::stopped, "stopped before '" + registered + "' was disconnected everywhere");
    MCPSTATE_CO_TRY(got, co_await records_.get(name.owner, name.server, tools_wanted::no));
    const bool affected = got && got->info.managed && got->info.registered == registered;
    if (!affected || got->state == status::disconnected) co_return std::uint64_t{0};
    std::optional<server_name> one = name.server;
    std::optional<basis> expected = got->seen;
    auto down = co_await records_.disconnect(name.owner, std::move(one), std::move(expected));
    if (down || !down.error().is(cond::conflict) || round == max_rounds) co_return down;
  }
}

task<std::uint64_t> manager_impl::disconnect_everywhere(std::string registered, progress_handler progress) {
  auto disconnecting = disconnect_all(std::move(registered), std::move(progress));
  return aio::keep_settings_unless_cancelled(std::move(disconnecting), "disconnecting a server everywhere was cancelled");
}

task<std::uint64_t> manager_impl::disconnect_all(std::string registered, progress_handler progress) {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::uint64_t looked_at = 0, count = 0;
  std::string cursor;
  do {
    co_await asio::post(records_.executor(), asio::use_awaitable);  // a store in memory never waits: let others run
    MCPSTATE_CO_TRY(page, co_await records_.leases().managed_of(registered, cursor));
    for (const managed_name& name : page.names) {
      MCPSTATE_CO_TRY(down, co_await disconnect_registered(name, registered));
      count += down;
      if (progress) progress(++looked_at, "connections");
    }
    cursor = std::move(page.cursor);
  } while (!cursor.empty());
  co_return count;
}

void manager_impl::set_servers(std::shared_ptr<const server_registry> servers) {
  const auto before = context_.set_servers(std::move(servers));
  const auto find = [](const std::shared_ptr<const server_registry>& registry, const std::string& name) {
    return registry ? registry->find(name) : nullptr;
  };
  for (const auto& [name, supervisor] : supervisors_.all()) {
    const std::string& registered = supervisor->registered();
    const bool same = same_server(find(before, registered), find(options().servers, registered));
    if (!registered.empty() && !same) supervisor->request_reopening();
  }
}

manager_counts manager_impl::counts() const {
  using phase = connection_supervisor::phase;
  manager_counts out;
  out.managed_here = supervisors_.size();
  for (const auto& [name, supervisor] : supervisors_.all()) {
    out.connected += supervisor->current_phase() == phase::up ? 1U : 0U;
    out.waiting += supervisor->current_phase() == phase::waiting ? 1U : 0U;
  }
  out.instances = context_.members().instances.size();
  out.managed = context_.members().managed;
  return out;
}

asio::awaitable<void> manager_impl::close() { return aio::shield(records_.executor(), stop()); }

asio::awaitable<void> manager_impl::stop() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (!context_.begin_stopping()) co_return;
  co_await loops_.stop();
  co_await adopting_.close();
  co_await member_.leave();
  co_await supervisors_.close(hand_over_limit);
  co_await context_.join_closing();
}

}  // namespace

std::unique_ptr<manager> make_manager(store& records, manager_options options) {
  return std::make_unique<manager_impl>(records, std::move(options));
}

}  // namespace mcpstate
