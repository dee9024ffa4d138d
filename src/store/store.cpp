// SPDX-License-Identifier: MIT
#include <mcpstate/store.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <mcpstate/core/keys.hpp>
#include <mcpstate/core/record_info.hpp>

#include "aio/caller_settings.hh"
#include "store/call_guard.hh"
#include "store/lease_store.hh"

namespace mcpstate {

namespace {

std::string shown(const change& update) { return update.owner().text() + " " + update.server(); }

error conflict_of(const change& update) {
  return error(errc::stale_basis, shown(update) + " has changed since it was read; read it again");
}

result<bool> check_input(const change& update) {
  // A change built from a name has a valid name. A change built from a record may have the name that a foreign program
  // wrote.
  if (const auto name = decode_name(update.member())) {
    MCPSTATE_CHECK(server_name::parse(*name));
  }
  if (update.required_lease() && (update.required_lease()->name.owner != update.owner() ||
                                  update.required_lease()->name.server.text() != update.server()))
    return error(errc::bad_argument, shown(update) + ": the lease is of another connection");
  if (!update.new_tools()) return true;
  if (update.state() == status::disconnected)
    return error(errc::bad_argument, shown(update) + ": a DISCONNECTED connection has no tools; leave them out");
  if (update.new_tools()->bytes().size() > default_tools_limit)
    return error(errc::too_large, shown(update) + ": the tools are over " + std::to_string(default_tools_limit) + " bytes");
  return true;
}

constexpr std::size_t most_restored = 1000;  // in one step

// Also gives each record the member that its name has, where none is said.
result<bool> check_restored(std::vector<connection>& records) {
  if (records.size() > most_restored)
    return error(errc::bad_argument, "at most " + std::to_string(most_restored) + " records are restored in one step");
  std::set<std::string_view> members;
  for (auto& one : records) {
    const std::string shown = one.owner.text() + " " + one.server;
    if (one.owner != records.front().owner)
      return error(errc::bad_argument, shown + ": the records to restore in one step are of one owner");
    if (!one.state) return error(errc::bad_argument, shown + ": a record of unknown status cannot be restored");
    if (one.revision > max_revision) return error(errc::bad_argument, shown + ": its revision is larger than any can be");
    if (one.tools && one.tools->size() > default_tools_limit)
      return error(errc::too_large, shown + ": the tools are over " + std::to_string(default_tools_limit) + " bytes");
    if (one.member.empty()) one.member = encode_name(one.server);
    if (one.member.empty()) MCPSTATE_CHECK(server_name::parse(one.server));
    if (one.member.size() > 3 * max_name_bytes || !members.insert(one.member).second)
      return error(errc::bad_argument, shown + ": its name is too long, or comes twice");
  }
  return true;
}

// What is there has to be read first, unless the change carries it or says that nothing is there.
bool needs_read(const change& update) {
  return !update.read_before() && !(update.expected() && *update.expected() == basis());
}

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

task<connection> store::put(change update) { return calls_->run(write(std::move(update))); }

task<connection> store::write(change update) {
  MCPSTATE_CO_CHECK(check_input(update));
  const bool takes_room = update.state() != status::disconnected;
  auto written = co_await write_until_based(std::move(update));
  record_refusal(written ? std::nullopt : std::optional(written.error().code()), takes_room);
  co_return written;
}

void store::record_refusal(std::optional<errc> code, bool takes_room) {
  const bool refused = code == errc::disk_full || code == errc::out_of_memory || code == errc::read_only;
  if (!refused && (code || !takes_room)) return;  // says nothing about room
  refusal_ = refused ? code : std::nullopt;
  refused_at_ = aio::deadline::clock::now();
}

std::optional<errc> store::refused_writes() const {
  constexpr std::chrono::seconds memory{30};
  return aio::deadline::clock::now() - refused_at_ < memory ? refusal_ : std::nullopt;
}

task<connection> store::write_until_based(change update) {
  if (update.expected()) co_return co_await put_once(std::move(update));
  for (int attempt = 1;; ++attempt) {
    change based = update;
    auto written = co_await put_once(std::move(based));
    if (written || !written.error().is(cond::conflict) || attempt == store_backend::max_attempts) co_return written;
    // A lost lease does not come back by trying again.
    if (written.error().code() == errc::lease_lost) co_return written;
  }
}

task<connection> store::put_once(change update) {
  MCPSTATE_CO_TRY(after, co_await decide(update));
  co_return co_await backend_->put(std::move(update), std::move(after));
}

task<order_result> store::order(change update, lease_request wanted) {
  return calls_->run(write_order(std::move(update), std::move(wanted)));
}

task<order_result> store::write_order(change update, lease_request wanted) {
  MCPSTATE_CO_CHECK(check_input(update));
  MCPSTATE_CO_CHECK(check_lease_request(wanted));
  if (update.required_lease()) co_return error(errc::bad_argument, shown(update) + ": an order takes its lease itself");
  MCPSTATE_CO_CHECK(server_name::parse(update.server()));
  const bool once = update.expected().has_value();
  for (int attempt = 1;; ++attempt) {
    change based = update;
    MCPSTATE_CO_TRY(after, co_await decide(based));
    lease_request asked = wanted;
    auto written = co_await backend_->order(std::move(based), std::move(after), std::move(asked));
    if (!written && written.error().is(cond::conflict) && !once && attempt < store_backend::max_attempts) continue;
    record_refusal(written ? std::nullopt : std::optional(written.error().code()), true);
    co_return written;
  }
}

// The record to write in one attempt. Reads what is there unless the change has it; that is the basis unless the change has
// one. update: outlives the call.
task<connection> store::decide(change& update) {
  std::optional<connection> found;
  if (needs_read(update)) {
    MCPSTATE_CO_TRY(got, co_await backend_->get(update.owner(), update.member(), tools_wanted::no));
    found = std::move(got);
  }
  const std::optional<connection>& before = update.read_before() ? update.read_before() : found;
  basis current = before ? before->seen : basis();
  if (update.expected() && *update.expected() != current) co_return conflict_of(update);
  connection after = update.apply_to(before, backend_->now());
  if (!update.expected()) update.based_on(std::move(current));
  co_return after;
}

task<std::optional<connection>> store::get(owner account, server_name server, tools_wanted want) {
  auto member = encode_name(server.text());
  return calls_->run(backend_->get(std::move(account), std::move(member), want));
}

task<owner_snapshot_ptr> store::list(owner account, tools_wanted want) {
  return calls_->run(backend_->list(std::move(account), want));
}

owner_snapshot_ptr store::peek(const owner& account, tools_wanted want) { return backend_->peek(account, want); }

task<std::uint64_t> store::touch(owner account, std::optional<server_name> server) {
  std::optional<std::string> member;
  if (server) member = encode_name(server->text());
  return calls_->run(backend_->touch(std::move(account), std::move(member)));
}

task<std::uint64_t> store::disconnect(owner account, std::optional<server_name> server, std::optional<basis> seen) {
  return calls_->run(write_disconnected(std::move(account), std::move(server), std::move(seen)));
}

task<std::uint64_t> store::write_disconnected(owner account, std::optional<server_name> server, std::optional<basis> seen) {
  if (!server) {
    if (seen) co_return error(errc::bad_argument, "what was seen of one record says nothing of all of them");
    co_return co_await backend_->disconnect_all(std::move(account));
  }
  const auto member = encode_name(server->text());
  for (int attempt = 1;; ++attempt) {
    MCPSTATE_CO_TRY(got, co_await backend_->get(account, member, tools_wanted::no));
    if (!got) co_return error(errc::no_record, account.text() + " has no connection to " + server->text());
    const connection& record = *got;
    if (seen && *seen != record.seen) co_return conflict_of(change(record, status::disconnected));
    if (record.state == status::disconnected) co_return std::uint64_t{0};
    change update(record, status::disconnected);
    auto written = co_await write(std::move(update));
    if (written) co_return std::uint64_t{1};
    if (seen || !written.error().is(cond::conflict) || attempt == store_backend::max_attempts) co_return written.error();
  }
}

task<std::uint64_t> store::erase(owner account) { return calls_->run(backend_->erase(std::move(account))); }

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
  // A claim that is repeated heals what an earlier one left without a lease. It has happened whether or not that succeeds.
  if (claimed->moved.empty()) co_await offer_unheld(std::move(user));
  co_return claimed;
}

task<std::vector<restore_outcome>> store::restore(std::vector<connection> records, restore_rule rule) {
  return calls_->run(write_restored(std::move(records), rule));
}

task<std::vector<restore_outcome>> store::write_restored(std::vector<connection> records, restore_rule rule) {
  if (records.empty()) co_return std::vector<restore_outcome>();
  MCPSTATE_CO_CHECK(check_restored(records));
  const owner account = records.front().owner;
  std::vector<bool> managed;
  for (const auto& one : records) managed.push_back(one.info.managed && one.state != status::disconnected);
  auto outcomes = co_await backend_->restore(account, std::move(records), rule);
  if (!outcomes) co_return outcomes.error();
  for (std::size_t i = 0; i < outcomes->size(); ++i) {
    if (!managed[i] || (*outcomes)[i] != restore_outcome::written) continue;
    co_await offer_unheld(account);
    break;
  }
  co_return outcomes;
}

// Managed connections without a lease wait for an instance. Takes each lease and hands it over at once, so that the next
// instance that beats finds the connection.
asio::awaitable<void> store::offer_unheld(owner account) {
  const std::optional<std::uint64_t> no_revision;
  const auto all = co_await backend_->list(account, tools_wanted::no);
  if (!all) co_return;
  for (const connection& one : **all) {
    auto server = server_name::parse(one.server);
    if (!server || !one.info.managed || one.state == status::disconnected) continue;
    managed_name name(account, std::move(*server));
    const auto granted = co_await backend_->leases().lease_of(name);
    if (!granted || *granted) continue;
    std::string holder = "claim";
    std::string registered = one.info.registered;
    auto taken = co_await backend_->leases().take_lease(std::move(name), std::move(holder), std::move(registered),
                                                        std::chrono::seconds(5));
    if (!taken || !*taken) continue;  // it has a managing instance
    auto ended = co_await backend_->leases().end_lease(std::move(**taken), lease_end::hand_over, no_revision);
    static_cast<void>(ended);  // it runs out
  }
}

task<std::unique_ptr<watcher>> store::watch(std::optional<owner> account) {
  return calls_->run(backend_->watch(std::move(account), watch_options()));
}

task<std::unique_ptr<watcher>> store::watch(std::optional<owner> account, watch_options options) {
  return calls_->run(backend_->watch(std::move(account), options));
}

task<owner_page> store::scan(std::string cursor) { return calls_->run(backend_->scan(std::move(cursor))); }

task<owner_page> store::scan_owners(std::string cursor) { return calls_->run(backend_->scan_owners(std::move(cursor))); }

task<store_stats> store::stats(progress_handler progress) { return calls_->run(backend_->stats(std::move(progress))); }

task<std::vector<finding>> store::examine(bool fix, progress_handler progress) {
  return calls_->run(backend_->examine(fix, std::move(progress)));
}

}  // namespace mcpstate
