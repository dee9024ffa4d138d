// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/aio/task.hpp>
#include <mcpstate/change.hpp>
#include <mcpstate/core/connection.hpp>
#include <mcpstate/core/connection_json.hpp>
#include <mcpstate/core/keys.hpp>
#include <mcpstate/lease.hpp>

// Where connections are kept: one interface, and no store has a behaviour of its own.
//
//     auto opened = co_await open_store(executor, "redis://localhost:6379/0", store_options{});   // open_store.hpp
//     change up(owner::user("42").value(), server_name::parse("github").value(), status::connected);
//     up.tools(list);
//     auto written = co_await store.put(std::move(up));      // result<connection>, with its new revision
//     auto all = co_await store.list(who, tools_wanted::no); // one round trip, whatever their number
//
// What every implementation guarantees (ARCHITECTURE.md, Invariants): every change is one atomic step; a change says what it
// was based on and is refused with cond::conflict when that no longer holds; everything expires; a name reaches no other
// record; the last good tools survive a failure; tool bytes are never changed.
namespace mcpstate {

struct store_options {
  std::chrono::milliseconds ttl = std::chrono::hours(24);       // sliding: refreshed by use; at least 1 s
  std::optional<std::chrono::milliseconds> max_lifetime;        // absolute: a record never outlives its first write by more,
                                                                // whatever those have who write or renew it later
  std::string prefix = "mcp";                                   // Redis keys
  key_layout layout = key_layout::plain;                        // Redis keys
  std::chrono::milliseconds timeout = std::chrono::seconds(5);  // per operation
  std::string ca_file;                                          // rediss: instead of the system's certificates
  bool tls_verify = true;                                       // rediss: off only for tests of one's own
  const clock_source* clock = &wall_clock();                    // memory and SQLite; Redis uses the server's
};

enum class tools_wanted { no, yes };

struct claim_result {
  claim_result() {}
  std::vector<std::string> moved;  // servers whose session record became the user's
  std::vector<std::string> kept;   // servers where the user's own record won
};

struct owner_summary {
  owner_summary(owner who) : whose(std::move(who)) {}
  owner whose;
  std::uint64_t connected = 0;  // servers CONNECTED
  std::uint64_t records = 0;
  std::optional<timestamp> expires_at;  // of the longest record
};
struct owner_page {
  owner_page() {}
  std::vector<owner_summary> owners;  // one page holds an owner once; across pages a changing store may repeat one
  std::string cursor;                 // pass it back for the next page; empty: that was all
};

struct store_stats {
  store_stats() {}
  std::string kind;     // "redis", "sqlite", "memory"
  std::string where;    // without secrets
  std::string version;  // of the server or library
  std::uint64_t users = 0, sessions = 0;
  std::uint64_t connected = 0, disconnected = 0, failed = 0;  // records by what their status key says
  std::uint64_t tools_bytes = 0;
  std::optional<std::uint64_t> memory_bytes;  // used by the store as a whole
};

// One line of what doctor found.
struct finding {
  finding() {}
  // repaired: was wrong, and is right now.
  enum class level { ok, repaired, note, warning, problem } severity = level::ok;
  std::string check;  // stable, snake_case
  std::string text;   // what is so, and what to do
  std::uint64_t count = 0;
  std::vector<std::string> examples;  // at most 5 key or record names
};

// A change as a watcher sees it.
struct event {
  event() {}
  enum class kind {
    present,  // a record as it is: of the first snapshot, or new or changed since
    removed,  // the record is gone: cleared, claimed or expired; only whose and server of record hold
    ready,    // the snapshot is complete
    resync,   // the link to the store was lost; what follows brings the difference; changes in between may have merged
  } what = kind::present;
  std::optional<connection> record;  // without tools
};

// A running watch. All members on the store's executor; the store outlives it. Changes that follow each other faster than
// they are read may be merged into their latest state; none is lost.
class watcher {
 public:
  virtual ~watcher() = default;
  // The next event; waits for it. cancelled after the store was closed or on cancellation; unavailable while the store
  // cannot be reached (the watch goes on: call again). Destroying the watcher ends one that waits, with cancelled.
  virtual task<event> next() = 0;
};

using progress_handler = std::function<void(std::uint64_t done, std::string_view what)>;

// Executor: every member on executor(). Lifetime: await close() before destroying. Cancellation: of a read, nothing
// happened; of a write that was already sent, the outcome is unknown: read to find out. Failure: each operation may report
// unavailable, timeout, unauthorized, corrupt (a wrong type in the way), exhausted; a write also outcome_unknown.
class store {
 public:
  virtual ~store() = default;
  store(const store&) = delete;
  store& operator=(const store&) = delete;

  // Writes one connection and answers it as it now stands (without tools). With a basis: conflict (stale_basis) and nothing
  // written if the record has changed since. Without: reads, applies, and tries again on conflict, up to 100 times.
  task<connection> put(change what);
  // One record, absent if there is none.
  task<std::optional<connection>> get(owner who, server_name server, tools_wanted want);
  // All records of an owner by server name; empty if there are none. FAILED and DISCONNECTED records are among them.
  task<std::vector<connection>> list(owner who, tools_wanted want);
  // Renews the expiry of one record (or all) of an owner: "it was used". Answers how many. One step; conflict and nothing
  // written while others never stop adding records.
  task<std::uint64_t> touch(owner who, std::optional<server_name> server);
  // Marks one CONNECTED, CONNECTING, … record (or all) DISCONNECTED and drops its tools; the record stays until it expires.
  // One that is named and not there: not_found. Answers how many changed. `seen` as in put, for one record only. All are one
  // step that spares none, however late it came: it is tried again as put is, then conflict and nothing written.
  task<std::uint64_t> disconnect(owner who, std::optional<server_name> server, std::optional<basis> seen);
  // Removes everything of an owner without a trace. Answers how many records there were. One step, as touch is.
  task<std::uint64_t> erase(owner who);
  // Moves everything a session holds to a user: where both have a record the user's wins if it is CONNECTED, else the
  // session's. One atomic step, tried again as put is. Repeating it after an unknown outcome is safe.
  task<claim_result> claim(owner session, owner user);
  // Opens a watch on one owner, or on all.
  task<std::unique_ptr<watcher>> watch(std::optional<owner> who);

  // Leases of managed connections. A lease says nothing about the record, and lives apart from it; erase and claim end those
  // of the records they take away. Times are over 0 and at most a day; holders and instances have 1 to 256 bytes: else
  // bad_argument.
  //
  // Becomes the keeper for this long; absent while the lease of another holder runs; one's own is renewed and answered.
  // registered: under which name of the host's servers the connection is found by managed_of(); empty: under none.
  task<std::optional<lease>> take_lease(managed_name what, std::string holder, std::string registered,
                                        std::chrono::milliseconds time);
  // Answers those that were lost: another's, or run out. Those have to be taken again.
  task<std::vector<lease>> renew_leases(std::vector<lease> held, std::chrono::milliseconds time);
  // One that is not ours any more: nothing happens. seen: which revision of the record it is over for (0: there is none). If
  // the record has another one in the step that ends the lease, it was ordered again: then it is handed over.
  task<void> end_lease(lease which, lease_end how, std::optional<std::uint64_t> seen = std::nullopt);
  // Who keeps it now; absent: nobody.
  task<std::optional<lease>> lease_of(managed_name what);
  // "I am here, and keep so many": holds for `time`; answers who else does, and what waits for a keeper. After a clean stop:
  // time 0.
  task<fleet> beat(instance_report me, std::chrono::milliseconds time);
  // The managed connections of one registered server. May name some that are over; check the record.
  task<managed_page> managed_of(std::string registered, std::string cursor);

  // For operators: owners, page by page, in no order. The whole key space is walked once over all pages.
  task<owner_page> scan(std::string cursor);
  task<store_stats> stats(progress_handler progress);
  // For doctor: how the store is set up, and every invariant over every record, with counts. fix repairs what can be
  // repaired without losing anything; the findings are then of the state after it.
  task<std::vector<finding>> examine(bool fix, progress_handler progress);
  // Ends watches and background work, then releases the connection. Await it once, last.
  virtual asio::awaitable<void> close() = 0;

  // "redis localhost:6379/0", "sqlite …/state.db", "memory": for people, without secrets.
  [[nodiscard]] virtual std::string description() const = 0;
  [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }
  [[nodiscard]] const store_options& options() const noexcept { return options_; }

 protected:
  store(asio::any_io_executor executor, store_options options)
      : executor_(std::move(executor)), options_(std::move(options)) {}
  // Of a step that reads, decides and writes. Somebody who is faster a hundred times in a row is a loop, not a race.
  static constexpr int max_attempts = 100;
  // The time by which expiry and revisions are decided.
  [[nodiscard]] virtual timestamp now() const { return options_.clock->now(); }
  // What every step answers after close().
  [[nodiscard]] static error closed() { return error(errc::stopped, "the store was closed"); }

 private:
  task<connection> put_once(change what);
  task<void> offer_claimed(owner user, std::vector<std::string> moved);
  // `after` is the record to write (details, connected_at decided), `what` says the basis (always set) and the tools.
  virtual task<connection> do_put(change what, connection after) = 0;
  virtual task<std::optional<connection>> do_get(owner who, std::string member, tools_wanted want) = 0;
  virtual task<std::vector<connection>> do_list(owner who, tools_wanted want) = 0;
  virtual task<std::uint64_t> do_touch(owner who, std::optional<std::string> member) = 0;
  virtual task<std::uint64_t> do_disconnect_all(owner who) = 0;
  virtual task<std::uint64_t> do_erase(owner who) = 0;
  virtual task<claim_result> do_claim(owner session, owner user) = 0;
  virtual task<std::unique_ptr<watcher>> do_watch(std::optional<owner> who) = 0;
  virtual task<std::optional<lease>> do_take_lease(managed_name what, std::string holder, std::string registered,
                                                   std::chrono::milliseconds time) = 0;
  virtual task<std::vector<lease>> do_renew_leases(std::vector<lease> held, std::chrono::milliseconds time) = 0;
  virtual task<void> do_end_lease(lease which, lease_end how, std::optional<std::uint64_t> seen) = 0;
  virtual task<std::optional<lease>> do_lease_of(managed_name what) = 0;
  virtual task<fleet> do_beat(instance_report me, std::chrono::milliseconds time) = 0;
  virtual task<managed_page> do_managed_of(server_name registered, std::string cursor) = 0;
  virtual task<owner_page> do_scan(std::string cursor) = 0;
  virtual task<store_stats> do_stats(progress_handler progress) = 0;
  virtual task<std::vector<finding>> do_examine(bool fix, progress_handler progress) = 0;

  asio::any_io_executor executor_;
  store_options options_;
};

}  // namespace mcpstate
