// SPDX-License-Identifier: MIT
#include <mcpstate/manager.hpp>

#include <algorithm>
#include <map>
#include <utility>

#include "aio/caller_settings.hh"
#include "aio/scope_guard.hh"
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

  task<connection> connect(owner account, server_name server, endpoint target, std::optional<basis> expected,
                           std::size_t owner_limit) override;
  task<connection> settled(owner account, server_name server, std::uint64_t since) override;
  task<connection> retry(owner account, server_name server) override;
  task<mcp::call_result> call(owner account, server_name server, std::string tool, std::string arguments,
                              mcp::call_options options) override {
    auto calling =
        calls_.call(std::move(account), std::move(server), std::move(tool), std::move(arguments), std::move(options));
    return aio::keep_settings_unless_cancelled(std::move(calling), "the call was cancelled; nothing was sent");
  }
  task<claim_result> claim(owner session, owner user) override {
    return aio::keep_settings(claim_and_follow(std::move(session), std::move(user)));
  }
  task<std::uint64_t> disconnect_everywhere(std::string registered, progress_handler progress) override;
  void set_servers(std::shared_ptr<const server_registry> servers) override;
  [[nodiscard]] const manager_options& options() const noexcept override { return context_.options(); }
  [[nodiscard]] manager_counts counts() const override;
  [[nodiscard]] const fleet& others() const noexcept override { return context_.members(); }
  asio::awaitable<void> close() override;

 private:
  enum class if_up { leave, reopen };
  struct order_rules {
    explicit order_rules(if_up present) : up(present) {}
    if_up up;
    std::optional<basis> expected;
    std::size_t owner_limit = 0;
  };
  task<connection> retry_record(owner account, server_name server);
  task<claim_result> claim_and_follow(owner session, owner user);
  task<connection> wait_settled(owner account, server_name server, std::uint64_t since);
  task<std::uint64_t> disconnect_all(std::string registered, progress_handler progress);
  asio::awaitable<void> stop();
  task<connection> order(managed_name name, destination server, order_rules rules);
  task<connection> order_within_limit(managed_name name, destination server, order_rules rules);
  task<connection> use_as_it_is(managed_name name, destination server, connection record);
  task<std::uint64_t> disconnect_registered(managed_name name, std::string registered);

  store& records_;
  manager_context context_;
  supervisor_set supervisors_;
  tool_calls calls_;
  adoption adopting_;
  record_sweep sweep_;
  fleet_member member_;
  lease_renewal renewal_;
  std::map<managed_name, std::size_t> ordering_;  // orders under way of connections that were not managed here: how many
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

task<connection> manager_impl::connect(owner account, server_name server, endpoint target, std::optional<basis> expected,
                                       std::size_t owner_limit) {
  MCPSTATE_CO_TRY(found, context_.find(target));
  managed_name name(std::move(account), std::move(server));
  order_rules rules(if_up::leave);
  rules.expected = std::move(expected);
  rules.owner_limit = owner_limit;
  auto ordering = order_within_limit(std::move(name), std::move(found), std::move(rules));
  co_return co_await aio::keep_settings(std::move(ordering));
}

// Orders under way count as connections, so that any number of them at a time stay within the limit.
task<connection> manager_impl::order_within_limit(managed_name name, destination server, order_rules rules) {
  if (context_.stopping()) co_return error(errc::stopped, "this process is stopping");
  if (supervisors_.find(name)) co_return co_await order(std::move(name), std::move(server), std::move(rules));
  const std::size_t managed = supervisors_.size() + ordering_.size();
  if (!ordering_.contains(name) && managed >= options().max_connections)
    co_return error(errc::queue_full, "this process manages " + std::to_string(managed) + " connections, its limit");
  const auto entry = ordering_.try_emplace(name, 0).first;
  ++entry->second;
  const aio::scope_guard over([this, entry] {
    if (--entry->second == 0) ordering_.erase(entry);
  });
  co_return co_await order(std::move(name), std::move(server), std::move(rules));
}

// The record and its lease are written in one step: under our lease, or under that of the instance that manages the
// connection. While that lease holds, its holder sees the order; when it ends, others see that nobody manages the connection.
// So an order is never left unnoticed, whichever process dies.
task<connection> manager_impl::order(managed_name name, destination server, order_rules rules) {
  for (int round = 1;; ++round) {
    MCPSTATE_CO_TRY(before, co_await records_.get(name.owner, name.server, tools_wanted::no));
    const basis present = before ? before->seen : basis();
    if (rules.expected && *rules.expected != present)
      co_return error(errc::stale_basis, name.text() + " has changed since it was read; read it again");
    if (rules.up == if_up::leave && before && is_up_at(*before, server))
      co_return co_await use_as_it_is(std::move(name), std::move(server), std::move(*before));
    change wanted = make_order(name, before, server);
    wanted.limit_connections(rules.owner_limit);
    const auto span = context_.lease_span();
    lease_request asked(options().instance, server.registered, span);
    const auto until = connection_supervisor::clock::now() + span;
    auto written = co_await records_.order(std::move(wanted), std::move(asked));
    if (written) {
      connection record = written->record;
      auto begun = co_await supervisors_.act_on(std::move(*written), server.registered, until);
      if (!begun) co_return begun.error();
      co_return record;
    }
    if (!written.error().is(cond::conflict) || rules.expected || round == max_rounds) co_return written.error();
  }
}

// A connection that is up where it is to lead counts as used, and somebody is to manage it.
task<connection> manager_impl::use_as_it_is(managed_name name, destination server, connection record) {
  std::optional<server_name> one = name.server;
  MCPSTATE_CO_CHECK(co_await records_.touch(name.owner, std::move(one)));
  MCPSTATE_CO_CHECK(co_await supervisors_.ensure_managed(name, server.registered));
  co_return record;
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
  order_rules rules(if_up::reopen);
  co_return co_await order_within_limit(std::move(name), std::move(found), std::move(rules));
}

// A supervisor whose record a claim has moved reads it, and goes on at the user or ends.
task<claim_result> manager_impl::claim_and_follow(owner session, owner user) {
  MCPSTATE_CO_TRY(claimed, co_await records_.claim(session, std::move(user)));
  std::vector<managed_name> moved;
  for (const std::string& server : claimed.moved) {
    auto name = server_name::parse(server);
    if (name) moved.emplace_back(session, std::move(*name));
  }
  for (const managed_name& name : moved) {
    if (const auto supervisor = supervisors_.find(name)) supervisor->request_read();
  }
  const auto is_managed = [this](const managed_name& name) { return supervisors_.find(name) != nullptr; };
  const aio::deadline until = aio::after(claim_grace);
  bool waiting = true;
  while (waiting && std::any_of(moved.begin(), moved.end(), is_managed)) waiting = co_await supervisors_.wait_changed(until);
  co_return claimed;
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
  out.reported = connection_supervisor::clock::now() < context_.reported_until();
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
