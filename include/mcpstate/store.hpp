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

// Executor: every member on executor(), one thread at a time. Lifetime: await close() before destroying; one that is destroyed
// under a call ends the process with a sentence. After fork() the child opens a store of its own; this one answers internal
// there. Cancellation: a read that is cancelled did nothing; the outcome of a write that was already sent is unknown, so read
// to find out. The caller's settings of cancellation stay as they are. Failure: each
// operation may report unavailable, timeout, unauthorized, corrupt (a wrong type in the way) or exhausted; a write also
// outcome_unknown. Throws: std::bad_alloc only. After close() every operation answers cancelled.
class store {
 public:
  explicit store(std::unique_ptr<store_backend> backend);
  ~store();
  store(const store&) = delete;
  store& operator=(const store&) = delete;

  // Writes one connection and answers it as it now stands (without tools). With a basis: conflict (stale_basis) and nothing
  // written if the record has changed since. Without: reads, applies, and tries again on conflict, up to 100 times.
  task<connection> put(change what);
  // One record, absent if there is none.
  task<std::optional<connection>> get(owner who, server_name server, tools_wanted want);
  // All records of an owner by server name; empty if there are none, never null. FAILED and DISCONNECTED records are among
  // them.
  task<owner_snapshot_ptr> list(owner who, tools_wanted want);
  // The answer of list() where it is at hand without waiting; else null, and list() finds out.
  [[nodiscard]] owner_snapshot_ptr peek(const owner& who, tools_wanted want);
  // Renews the expiry of one record (or all) of an owner: "it was used". Answers how many. One step; conflict and nothing
  // written while others never stop adding records.
  task<std::uint64_t> touch(owner who, std::optional<server_name> server);
  // Marks one CONNECTED, CONNECTING, … record (or all) DISCONNECTED and drops its tools; the record stays until it expires.
  // not_found if the named record does not exist. Answers how many changed. `seen` as in put, for one record only. All
  // records change in one step, which is tried again as put is; after that conflict, and nothing was written.
  task<std::uint64_t> disconnect(owner who, std::optional<server_name> server, std::optional<basis> seen);
  // Removes everything of an owner without a trace. Answers how many records there were. One step, as touch is.
  task<std::uint64_t> erase(owner who);
  // Moves everything a session holds to a user: where both have a record the user's wins if it is CONNECTED, else the
  // session's. One atomic step, tried again as put is. Repeating it after an unknown outcome is safe.
  task<claim_result> claim(owner session, owner user);
  // Opens a watch on one owner, or on all.
  task<std::unique_ptr<watcher>> watch(std::optional<owner> who);

  // For operators: owners, page by page, in no order. The whole key space is walked once over all pages.
  task<owner_page> scan(std::string cursor);
  task<store_stats> stats(progress_handler progress);
  // For doctor: how the store is set up, and every invariant over every record, with counts. fix repairs what can be
  // repaired without losing anything; the findings are then of the state after it.
  task<std::vector<finding>> examine(bool fix, progress_handler progress);
  // Ends watches and background work, then releases the connection. Await it once, last.
  asio::awaitable<void> close();

  // For a manager. Checks its input. Lives as long as the store.
  [[nodiscard]] lease_store& leases() noexcept { return *leases_; }

  // "redis localhost:6379/0", "sqlite …/state.db", "memory": for people, without secrets.
  [[nodiscard]] std::string description() const { return backend_->description(); }
  [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return backend_->executor(); }
  [[nodiscard]] const store_options& options() const noexcept { return backend_->options(); }

 private:
  task<connection> write(change what);
  task<connection> put_once(change what);
  task<std::uint64_t> write_disconnected(owner who, std::optional<server_name> server, std::optional<basis> seen);
  task<claim_result> move_to_user(owner session, owner user);
  task<void> offer_claimed(owner user, std::vector<std::string> moved);

  std::unique_ptr<store_backend> backend_;
  std::unique_ptr<lease_store> leases_;
  std::unique_ptr<call_guard> calls_;  // gone first
};

}  // namespace mcpstate
