// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/core/connection_json.hpp>
#include <mcpstate/store/backend.hpp>

// Where connections are stored: one interface, and no store has a behaviour of its own.
//
//     auto opened = co_await open_store(executor, "redis://localhost:6379/0", store_options{});   // open_store.hpp
//     store& connections = *opened.value();
//     const owner who = owner::user("42").value();
//     change up(who, server_name::parse("github").value(), status::connected);
//     up.tools(tools_list::parse(R"([{"name":"search"}])").value());
//     auto written = co_await connections.put(std::move(up));       // result<connection>, with its new revision
//     auto all = co_await connections.list(who, tools_wanted::no);  // one round trip, whatever their number
//     co_await connections.close();
//
// What every store guarantees (ARCHITECTURE.md, "Invariants"): every change is one atomic step; a change says what it was
// based on and is refused with cond::conflict when that no longer holds; everything expires; a name reaches no other record;
// the last good tools survive a failure; tool bytes are never changed.
namespace mcpstate {

class call_guard;

// Executor: every member on executor(), one thread at a time. Lifetime: await close() before destroying; a store that is
// destroyed under a call ends the process with a sentence. After fork() the child opens a store of its own; this one answers
// internal there. Cancellation: a read that is cancelled did nothing; the outcome of a write that was already sent is unknown,
// so read to find out. The caller's settings of cancellation stay as they are. Failure: each operation may report
// unavailable, timeout, unauthorized, corrupt (a key has a wrong type) or exhausted; a write also
// outcome_unknown. Throws: std::bad_alloc only. After close() every operation answers cancelled.
class store {
 public:
  explicit store(std::unique_ptr<store_backend> backend);
  ~store();
  store(const store&) = delete;
  store& operator=(const store&) = delete;

  // Writes one connection and answers it as it is now (without tools). A change with a basis is a conflict (stale_basis),
  // and nothing is written, if the record has changed since. A change without one reads, applies, and tries again on
  // conflict, up to 100 times.
  task<connection> put(change update);
  // Writes a record as put() does, and in the same step makes the holder its managing instance, unless the lease of another
  // one runs: that one sees the order. So an order is never without somebody who acts on it, or a lease that runs out.
  task<order_result> order(change update, lease_request wanted);
  // One record, absent if there is none.
  task<std::optional<connection>> get(owner account, server_name server, tools_wanted want);
  // All records of an owner by server name; empty if there are none, never null. FAILED and DISCONNECTED records are among
  // them.
  task<owner_snapshot_ptr> list(owner account, tools_wanted want);
  // The answer of list() where it is available without waiting; else null, and list() reads it.
  [[nodiscard]] owner_snapshot_ptr peek(const owner& account, tools_wanted want);
  // Renews the expiry of one record (or all) of an owner, because it was used. Answers how many. One step; conflict, and
  // nothing is written, if other writers never stop adding records.
  task<std::uint64_t> touch(owner account, std::optional<server_name> server);
  // Marks one CONNECTED, CONNECTING, … record (or all) DISCONNECTED and drops its tools; the record stays until it expires.
  // not_found if the named record does not exist. Answers how many changed. `seen`: the basis, as in put; for one record
  // only. All records change in one step, which is tried again as put is; after that conflict, and nothing was written.
  task<std::uint64_t> disconnect(owner account, std::optional<server_name> server, std::optional<basis> seen);
  // Removes all records of an owner. Answers how many there were. One step, as touch is.
  task<std::uint64_t> erase(owner account);
  // Moves all records of a session to a user. Where both have a record of a server, the user's wins if it is CONNECTED, else
  // the session's. The instance that manages a moved connection keeps its lease (claim_grace). One atomic step, tried again as
  // put is. Repeating it is safe, and finds an instance for what nobody manages.
  task<claim_result> claim(owner session, owner user);
  // Writes records of one owner as they were in another store, or in a backup: with their revision (0: the next one), expiry
  // (absent: that of a new record), absolute limit and tools (null: none). One step, for at most 1000 records, each server once.
  // A revision that is there and not lower is followed by the next one, so that revisions only grow. No lease is restored: what
  // was managed waits for an instance. Limits of an owner do not apply. Answers what became of each record, in order. Repeating
  // it is safe. bad_argument: the records are not of one owner, or hold what no store can.
  task<std::vector<restore_outcome>> restore(std::vector<connection> records, restore_rule rule);
  // Opens a watch on one owner, or on all. All watches of an owner share one log of its changes: a change costs one listing,
  // however many there are.
  task<std::unique_ptr<watcher>> watch(std::optional<owner> account);
  task<std::unique_ptr<watcher>> watch(std::optional<owner> account, watch_options options);

  // For operators: the owners, page by page, in no order. All pages together read the key space once.
  task<owner_page> scan(std::string cursor);
  // The same without a look at their records: counts may be 0, and an owner whose last record has expired may be among them.
  task<owner_page> scan_owners(std::string cursor);
  task<store_stats> stats(progress_handler progress);
  // For doctor: checks the settings of the store, and every invariant over every record. fix: repairs what can be repaired
  // without a loss first; the findings are then those after the repair.
  task<std::vector<finding>> examine(bool fix, progress_handler progress);
  // Ends watches and background work, then releases the connection. Await it once, last.
  asio::awaitable<void> close();

  // Why the store refuses writes that take room, as far as the last put() shows: disk_full, out_of_memory or read_only. Reads
  // work meanwhile, and so do writes that free room. Absent: it took the last one, or the last one was half a minute ago.
  [[nodiscard]] std::optional<errc> refused_writes() const;

  // For a manager. Checks its input. Valid as long as the store.
  [[nodiscard]] lease_store& leases() noexcept { return *leases_; }

  // The clock by which its records expire.
  [[nodiscard]] timestamp now() const { return backend_->now(); }
  // "redis localhost:6379/0", "sqlite …/state.db", "memory": for people, without secrets.
  [[nodiscard]] std::string description() const { return backend_->description(); }
  [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return backend_->executor(); }
  [[nodiscard]] const store_options& options() const noexcept { return backend_->options(); }

 private:
  task<connection> write(change update);
  task<connection> write_until_based(change update);
  void record_refusal(std::optional<errc> failure, bool takes_room);
  task<connection> put_once(change update);
  task<connection> decide(change& update);
  task<order_result> write_order(change update, lease_request wanted);
  task<std::uint64_t> write_disconnected(owner account, std::optional<server_name> server, std::optional<basis> seen);
  task<claim_result> move_to_user(owner session, owner user);
  task<std::vector<restore_outcome>> write_restored(std::vector<connection> records, restore_rule rule);
  asio::awaitable<void> offer_unheld(owner account);

  std::unique_ptr<store_backend> backend_;
  std::unique_ptr<lease_store> leases_;
  std::optional<errc> refusal_;  // of the last put, and when it was
  aio::deadline refused_at_;
  std::unique_ptr<call_guard> calls_;  // gone first
};

}  // namespace mcpstate
