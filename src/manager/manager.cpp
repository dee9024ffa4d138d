// SPDX-License-Identifier: MIT
#include <mcpstate/manager.hpp>

#include <utility>

#include "manager/fleet_rules.hh"
#include "manager/manager_impl.hh"

namespace mcpstate {

namespace {

constexpr int most_rounds = 100;  // as store::put

std::string shown(const managed_name& of) { return of.whose.text() + " " + of.server.text(); }

bool is_up_there(const connection& record, const destination& there) {
  const place where = there.registered.empty() ? by_url(there.url) : by_registration(there.registered);
  return record.connected() && !record.altered && record.info.managed &&
         place_key(place_of(record.info)) == place_key(where);
}

}  // namespace

result<destination> manager_impl::destination_of(const place& where) {
  return find_destination(where, rules_, options_.servers.get());
}

bool manager_impl::may_others_reach() const { return !other_reaches(fleet_, report()).empty(); }

mcp::client_options manager_impl::client_options_of(const managed_name& of) {
  mcp::client_options out = options_.client;
  out.eras = eras_;
  if (options_.observer == nullptr) return out;
  out.on_oddity = [observer = options_.observer, of](const std::string& what, const std::string& peer) {
    observer->on_remark(&of, what, peer);
  };
  return out;
}

keeper_fsm::moment manager_impl::moment() {
  std::uniform_real_distribution<double> even(0, 1);
  return {clock::now(), even(dice_)};
}

manager_impl::keeper_ptr manager_impl::find(const managed_name& of) const {
  const auto found = keepers_.find(of);
  return found == keepers_.end() ? nullptr : found->second;
}

task<connection> manager_impl::connect(owner who, server_name server, place where, std::optional<basis> seen) {
  auto there = destination_of(where);
  if (!there) co_return there.error();
  managed_name of(std::move(who), std::move(server));
  co_return co_await order(std::move(of), std::move(*there), std::move(seen), false);
}

// The lease that an order is written under: ours, or that of whoever keeps the connection. While it runs, whoever has it
// learns of the order; and when it ends, others do. So no order is ever left that nobody knows of, whoever dies.
task<lease> manager_impl::lease_for(managed_name of, std::string registered) {
  if (const keeper_ptr mine = find(of); mine && mine->is_keeping()) co_return mine->held();
  for (int tries = 1; tries <= most_rounds; ++tries) {
    auto taken = co_await store_.take_lease(of, options_.instance, registered, lease_span(options_));
    if (!taken) co_return taken.error();
    if (*taken) co_return std::move(**taken);
    auto theirs = co_await store_.lease_of(of);
    if (!theirs) co_return theirs.error();
    if (*theirs) co_return std::move(**theirs);
  }
  co_return error(errc::lease_lost, shown(of) + ": those who keep it let it go again and again; try again");
}

// The lease is taken again afterwards, as whoever kept the connection until now may have let it go in between.
task<connection> manager_impl::order(managed_name of, destination there, std::optional<basis> seen, bool even_if_up) {
  if (stopping_) co_return error(errc::stopped, "this process is stopping");
  if (!find(of) && keepers_.size() >= options_.max_connections)
    co_return error(errc::queue_full, "this process keeps " + std::to_string(keepers_.size()) + " connections, its limit");
  result<connection> written = error(errc::bug, "not tried");
  for (int tries = 1; tries <= most_rounds; ++tries) {
    auto keeper = co_await lease_for(of, there.registered);
    if (!keeper) co_return keeper.error();
    auto before = co_await store_.get(of.whose, of.server, tools_wanted::no);
    if (!before) co_return before.error();
    const basis met = *before ? (*before)->seen : basis();
    if (seen && *seen != met) {
      written = error(errc::stale_basis, shown(of) + " has changed since it was read; read it again");
      break;
    }
    if (!even_if_up && *before && is_up_there(**before, there)) {
      std::optional<server_name> one = of.server;
      auto touched = co_await store_.touch(of.whose, std::move(one));
      written = touched ? result<connection>(std::move(**before)) : result<connection>(touched.error());
      break;
    }
    change wanted = order_of(of, *before, there);
    wanted.under(*keeper);
    written = co_await store_.put(std::move(wanted));
    if (written || !written.error().is(cond::conflict)) break;
    const bool let_go = written.error().code() == errc::lease_lost;
    if (seen && !let_go) break;
    if (const keeper_ptr mine = find(of); let_go && mine && mine->is_keeping() && mine->held() == *keeper) mine->lose();
  }
  auto kept = co_await ensure_kept(of, there.registered);
  if (!written) co_return written.error();
  if (!kept) co_return kept.error();
  co_return written;
}

task<connection> manager_impl::retry(owner who, server_name server) {
  managed_name of(std::move(who), std::move(server));
  auto got = co_await store_.get(of.whose, of.server, tools_wanted::no);
  if (!got) co_return got.error();
  if (!*got) co_return error(errc::no_record, of.whose.text() + " has no connection to " + of.server.text());
  const connection& record = **got;
  if (!record.info.managed || record.state == status::disconnected)
    co_return error(errc::bad_argument, shown(of) + (record.info.managed ? " is DISCONNECTED; connect it again"
                                                                         : " is only recorded here; connect it first"));
  auto there = destination_of(place_of(record.info));
  if (!there) co_return there.error();
  std::optional<basis> whatever;
  co_return co_await order(std::move(of), std::move(*there), std::move(whatever), true);
}

task<connection> manager_impl::settled(owner who, server_name server, std::uint64_t since) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const error none(errc::no_record, who.text() + " has no connection to " + server.text());
  std::optional<owner> of = who;
  auto opening = store_.watch(std::move(of));
  auto watching = co_await std::move(opening);
  if (!watching) co_return watching.error();
  std::optional<connection> last;
  for (;;) {
    auto got = co_await (*watching)->next();
    if (!got) {
      if (!got.error().is(cond::cancelled) || !last) co_return got.error();
      co_return std::move(*last);
    }
    if (got->what == event::kind::ready && !last) co_return none;
    if (!got->record || got->record->server != server.text()) continue;
    if (got->what == event::kind::removed) co_return none;
    last = std::move(got->record);
    if (last->state != status::connecting && last->revision >= since) co_return std::move(*last);
  }
}

// 1 if it was disconnected, 0 if there was nothing to do.
task<std::uint64_t> manager_impl::disconnect_registered(managed_name of, std::string registered) {
  for (int tries = 1;; ++tries) {
    // Not every store lets a request end early, and there may be very many of these.
    const bool cancelled = co_await aio::is_cancelled();
    if (cancelled || stopping_)
      co_return error(errc::stopped, "stopped before '" + registered + "' was disconnected everywhere");
    auto got = co_await store_.get(of.whose, of.server, tools_wanted::no);
    if (!got) co_return got.error();
    const bool there = *got && (*got)->info.managed && (*got)->info.registered == registered;
    if (!there || (*got)->state == status::disconnected) co_return std::uint64_t{0};
    std::optional<server_name> one = of.server;
    std::optional<basis> seen = (*got)->seen;
    auto down = co_await store_.disconnect(of.whose, std::move(one), std::move(seen));
    if (down || !down.error().is(cond::conflict) || tries == most_rounds) co_return down;
  }
}

task<std::uint64_t> manager_impl::disconnect_everywhere(std::string registered, progress_handler progress) {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::uint64_t looked_at = 0, count = 0;
  std::string cursor;
  do {
    co_await asio::post(store_.executor(), asio::use_awaitable);  // a store in memory never waits: others have their turn
    auto page = co_await store_.managed_of(registered, cursor);
    if (!page) co_return page.error();
    for (const managed_name& each : page->names) {
      auto down = co_await disconnect_registered(each, registered);
      if (!down) co_return down.error();
      count += *down;
      if (progress) progress(++looked_at, "connections");
    }
    cursor = std::move(page->cursor);
  } while (!cursor.empty());
  co_return count;
}

void manager_impl::set_servers(std::shared_ptr<const server_registry> servers) {
  const auto before = std::exchange(options_.servers, std::move(servers));
  reach_ = reach_of(rules_, options_.servers.get());
  const auto in = [](const std::shared_ptr<const server_registry>& all, const std::string& name) {
    return all ? all->find(name) : nullptr;
  };
  for (const auto& [of, mine] : keepers_) {
    const std::string& name = mine->registered();
    if (!name.empty() && !same_server(in(before, name), in(options_.servers, name))) mine->moved();
  }
}

manager_counts manager_impl::counts() const {
  manager_counts out;
  out.kept = keepers_.size();
  for (const auto& [of, mine] : keepers_) {
    out.connected += mine->where() == keeper_fsm::phase::up ? 1U : 0U;
    out.waiting += mine->where() == keeper_fsm::phase::waiting ? 1U : 0U;
  }
  out.instances = fleet_.instances.size();
  out.managed = fleet_.managed;
  return out;
}

std::unique_ptr<manager> make_manager(store& records, manager_options options) {
  return std::make_unique<manager_impl>(records, std::move(options));
}

}  // namespace mcpstate
