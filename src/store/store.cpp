// SPDX-License-Identifier: MIT
#include <mcpstate/store.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include <mcpstate/core/keys.hpp>

#include "aio/caller_settings.hh"
#include "store/call_guard.hh"
#include "store/lease_store.hh"

namespace mcpstate {

namespace {

std::string shown(const change& what) { return what.whose().text() + " " + what.server(); }

error conflict_of(const change& what) {
  return error(errc::stale_basis, shown(what) + " has changed since it was read; read it again");
}

result<bool> check_input(const change& what) {
  // Built from a name it is one; built from a record it may be what a foreign program wrote, which is not ours to judge.
  if (const auto name = decode_name(what.member())) {
    if (auto valid = server_name::parse(*name); !valid) return valid.error();
  }
  if (what.keeper() && (what.keeper()->what.whose != what.whose() || what.keeper()->what.server.text() != what.server()))
    return error(errc::bad_argument, shown(what) + ": the lease is of another connection");
  if (!what.new_tools()) return true;
  if (what.to() == status::disconnected)
    return error(errc::bad_argument, shown(what) + ": a DISCONNECTED connection has no tools; leave them out");
  if (what.new_tools()->bytes().size() > default_tools_limit)
    return error(errc::too_large, shown(what) + ": the tools are over " + std::to_string(default_tools_limit) + " bytes");
  return true;
}

// What is there has to be read first, unless the change carries it or says that nothing is there.
bool needs_read(const change& what) { return !what.read_before() && !(what.expected() && *what.expected() == basis()); }

}  // namespace

store::store(std::unique_ptr<store_backend> backend)
    : backend_(std::move(backend)), leases_(check_lease_input(backend_->leases())), calls_(std::make_unique<call_guard>()) {}

store::~store() {
  // In a child of fork() the backend's threads are missing, and its connections are the parent's: nothing of it is touched.
  if (calls_->forked()) static_cast<void>(backend_.release());
}

asio::awaitable<void> store::close() {
  calls_->close();
  if (calls_->forked()) co_return;
  auto closing = backend_->close();
  co_await aio::shield(backend_->executor(), std::move(closing));
}

task<connection> store::put(change what) { return calls_->run(write(std::move(what))); }

task<connection> store::write(change what) {
  MCPSTATE_CO_CHECK(check_input(what));
  if (what.expected()) co_return co_await put_once(std::move(what));
  for (int attempt = 1;; ++attempt) {
    change based = what;
    auto written = co_await put_once(std::move(based));
    if (written || !written.error().is(cond::conflict) || attempt == store_backend::max_attempts) co_return written;
    // To read again brings no lease back.
    if (written.error().code() == errc::lease_lost) co_return written;
  }
}

// One try: what is there is read unless the change carries it, and becomes the basis unless the change has one.
task<connection> store::put_once(change what) {
  std::optional<connection> found;
  if (needs_read(what)) {
    auto got = co_await backend_->get(what.whose(), what.member(), tools_wanted::no);
    if (!got) co_return got.error();
    found = std::move(*got);
  }
  const std::optional<connection>& before = what.read_before() ? what.read_before() : found;
  basis met = before ? before->seen : basis();
  if (what.expected() && *what.expected() != met) co_return conflict_of(what);
  connection after = what.apply_to(before, backend_->now());
  if (!what.expected()) what.based_on(std::move(met));
  co_return co_await backend_->put(std::move(what), std::move(after));
}

task<std::optional<connection>> store::get(owner who, server_name server, tools_wanted want) {
  auto member = encode_name(server.text());
  return calls_->run(backend_->get(std::move(who), std::move(member), want));
}

task<owner_snapshot_ptr> store::list(owner who, tools_wanted want) {
  return calls_->run(backend_->list(std::move(who), want));
}

owner_snapshot_ptr store::peek(const owner& who, tools_wanted want) { return backend_->peek(who, want); }

task<std::uint64_t> store::touch(owner who, std::optional<server_name> server) {
  std::optional<std::string> member;
  if (server) member = encode_name(server->text());
  return calls_->run(backend_->touch(std::move(who), std::move(member)));
}

task<std::uint64_t> store::disconnect(owner who, std::optional<server_name> server, std::optional<basis> seen) {
  return calls_->run(write_disconnected(std::move(who), std::move(server), std::move(seen)));
}

task<std::uint64_t> store::write_disconnected(owner who, std::optional<server_name> server, std::optional<basis> seen) {
  if (!server) {
    if (seen) co_return error(errc::bad_argument, "what was seen of one record says nothing of all of them");
    co_return co_await backend_->disconnect_all(std::move(who));
  }
  const auto member = encode_name(server->text());
  for (int attempt = 1;; ++attempt) {
    auto got = co_await backend_->get(who, member, tools_wanted::no);
    if (!got) co_return got.error();
    if (!*got) co_return error(errc::no_record, who.text() + " has no connection to " + server->text());
    const connection& there = **got;
    if (seen && *seen != there.seen) co_return conflict_of(change(there, status::disconnected));
    if (there.state == status::disconnected) co_return std::uint64_t{0};
    change down(there, status::disconnected);
    auto written = co_await write(std::move(down));
    if (written) co_return std::uint64_t{1};
    if (seen || !written.error().is(cond::conflict) || attempt == store_backend::max_attempts) co_return written.error();
  }
}

task<std::uint64_t> store::erase(owner who) { return calls_->run(backend_->erase(std::move(who))); }

task<claim_result> store::claim(owner session, owner user) {
  return calls_->run(move_to_user(std::move(session), std::move(user)));
}

task<claim_result> store::move_to_user(owner session, owner user) {
  if (session.kind() != owner_kind::session)
    co_return error(errc::bad_owner, session.text() + " is no session: claim moves a session's connections to a user");
  if (user.kind() != owner_kind::user)
    co_return error(errc::bad_owner, user.text() + " is no user: claim moves a session's connections to a user");
  auto claimed = co_await backend_->claim(std::move(session), user);
  if (!claimed) co_return claimed.error();
  std::sort(claimed->moved.begin(), claimed->moved.end());
  std::sort(claimed->kept.begin(), claimed->kept.end());
  // The claim has happened, whatever becomes of the offer: claiming again makes it again.
  auto offered = co_await offer_claimed(std::move(user), claimed->moved);
  if (!offered) co_return offered.error();
  co_return claimed;
}

// Managed connections that have a new owner need a managing instance. Each lease is taken for a moment and handed over, so
// that the next instance that beats finds it.
task<void> store::offer_claimed(owner user, std::vector<std::string> moved) {
  if (moved.empty()) co_return result<void>();
  const std::optional<std::uint64_t> nothing_seen;
  auto all = co_await backend_->list(user, tools_wanted::no);
  if (!all) co_return all.error();
  for (const connection& one : **all) {
    const bool was_moved = std::find(moved.begin(), moved.end(), one.server) != moved.end();
    if (!was_moved || !one.info.managed || one.state == status::disconnected) continue;
    auto name = server_name::parse(one.server);
    if (!name) continue;
    managed_name what(user, std::move(*name));
    std::string holder = "claim";
    std::string registered = one.info.registered;
    auto taken = co_await backend_->leases().take_lease(std::move(what), std::move(holder), std::move(registered),
                                                        std::chrono::seconds(5));
    if (!taken) co_return taken.error();
    if (!*taken) continue;  // somebody keeps it already
    auto given = co_await backend_->leases().end_lease(std::move(**taken), lease_end::hand_over, nothing_seen);
    if (!given) co_return given.error();
  }
  co_return result<void>();
}

task<std::unique_ptr<watcher>> store::watch(std::optional<owner> who) {
  return calls_->run(backend_->watch(std::move(who)));
}

task<owner_page> store::scan(std::string cursor) { return calls_->run(backend_->scan(std::move(cursor))); }

task<store_stats> store::stats(progress_handler progress) { return calls_->run(backend_->stats(std::move(progress))); }

task<std::vector<finding>> store::examine(bool fix, progress_handler progress) {
  return calls_->run(backend_->examine(fix, std::move(progress)));
}

}  // namespace mcpstate
