// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/core/record.hpp>
#include <mcpstate/open_store.hpp>
#include <mcpstate/store/backend.hpp>

#include "aio/event.hh"
#include "redis/executor.hh"
#include "store/redis/script_call.hh"
#include "store/redis/server_losses.hh"
#include "store/redis/servers.hh"
#include "store/watch/hub.hh"

namespace mcpstate {

struct claim_plan;
struct claimed_member;
struct scan_position;

// The configuration of a link to the server that a URL names.
[[nodiscard]] redis::link_config link_config_of(const store_url& url, const store_options& options);

// The store on a Redis or Valkey server, or on a cluster of them. One link to each server carries the commands. The first
// watch opens second links that track the keys of all owners (server-assisted invalidation in broadcast mode: ADR 6).
//
// A server that says that it belongs to a cluster is taken for all of it: the layout is tagged then, whatever was asked for,
// so that all keys of an owner lie in one slot, and each request goes to the server of its owner. The indexes of managed
// connections lie in the slots of their owners, too.
class redis_store final : public store_backend, public lease_store {
 public:
  redis_store(asio::any_io_executor executor, store_url url, key_space keys, store_options options);

  // Connects, checks the server, loads the scripts.
  task<void> open();
  asio::awaitable<void> close() override;
  [[nodiscard]] std::string description() const override;
  [[nodiscard]] lease_store& leases() noexcept override { return *this; }

 private:
  using replies = std::vector<redis::reply>;

  task<connection> put(change update, connection after) override;
  task<order_result> order(change update, connection after, lease_request wanted) override;
  task<std::optional<connection>> get(owner account, std::string member, tools_wanted want) override;
  task<owner_snapshot_ptr> list(owner account, tools_wanted want) override;
  task<std::vector<connection>> read_records(owner account, tools_wanted want);
  task<std::uint64_t> touch(owner account, std::optional<std::string> member) override;
  task<std::uint64_t> disconnect_all(owner account) override;
  task<std::uint64_t> erase(owner account) override;
  task<claim_result> claim(owner session, owner user) override;
  task<std::vector<restore_outcome>> restore(owner account, std::vector<connection> records, restore_rule rule) override;
  task<std::unique_ptr<watcher>> watch(std::optional<owner> account, watch_options options) override;
  task<std::optional<lease>> take_lease(managed_name name, std::string holder, std::string registered,
                                        std::chrono::milliseconds time) override;
  task<std::vector<lease>> renew_leases(std::vector<lease> granted, std::chrono::milliseconds time) override;
  task<void> end_lease(lease granted, lease_end outcome, std::optional<std::uint64_t> revision) override;
  using lease_store::end_lease;
  task<std::optional<lease>> lease_of(managed_name name) override;
  task<fleet> beat(instance_report report, std::chrono::milliseconds time) override;
  task<data_losses> losses() override;
  task<managed_page> managed_of(std::string registered, std::string cursor) override;
  task<owner_page> scan(std::string cursor) override;
  task<owner_page> scan_owners(std::string cursor) override;
  task<store_stats> stats(progress_handler progress) override;
  task<std::vector<finding>> examine(bool fix, progress_handler progress) override;

  // run.cpp: sending
  [[nodiscard]] aio::deadline until() const { return aio::after(options().timeout); }
  task<replies> read(redis::route where, redis::request commands, std::string operation);
  task<replies> write(redis::route where, redis::request commands, std::string operation);
  // The same for any server of the store.
  task<replies> read(redis::request commands, std::string operation) {
    return read(redis::route::to_any(), std::move(commands), std::move(operation));
  }
  task<replies> write(redis::request commands, std::string operation) {
    return write(redis::route::to_any(), std::move(commands), std::move(operation));
  }
  // The server that has an owner, and the one that has a key.
  [[nodiscard]] redis::route route_of(const owner& account) const;
  [[nodiscard]] redis::route route_of_key(const std::string& key) const;
  // Requests about several owners, which are sent together. On a single server they are one.
  using batch = std::vector<redis::routed_request>;
  using outcome = redis::executor::outcome;
  // The request to which commands about this owner are added, and the call of a script.
  redis::request& add_to(batch& requests, const owner& account) const;
  redis::request& add_for_key(batch& requests, const std::string& key) const;
  void add_to(batch& requests, const script_call& call, script_call::form command) const;
  // One outcome for each request.
  asio::awaitable<std::vector<outcome>> read_each(batch requests, std::string operation, aio::deadline limit);
  // The replies to all their commands, in order; an error where any request failed.
  task<replies> read_all_of(batch requests, std::string operation);
  // Runs a script and answers its reply. The commands of `before` are sent in the same flush and must succeed. `call`
  // outlives the operation.
  task<redis::reply> run(const script_call& call, redis::request before, std::string operation);
  // write() of a call that is durable, where the store is; copies: who has it.
  task<replies> write_confirmed(redis::request commands, std::string operation, redis::confirmation* copies);
  // The keys of a member that a call declares.
  enum class declared_keys { record, record_and_lease };
  void declare(script_call& call, const owner& account, const std::string& member, declared_keys declared) const;
  // Runs a script about an owner. Where the script asks for the keys of further members, declares them and runs it again;
  // conflict after max_attempts. The answer is never {"members", …}.
  task<redis::reply> run_for(owner account, script_call call, declared_keys declared, redis::request before,
                             std::string operation);
  // Runs several scripts at once, in their order where one server runs them. Answers for each its reply, error replies
  // included, or why there is none.
  asio::awaitable<std::vector<result<redis::reply>>> run_each(std::vector<script_call> calls, std::string operation,
                                                              aio::deadline limit);
  // The same; an error where any call has no reply.
  task<replies> run_all(std::vector<script_call> calls, std::string operation);
  // The members of an owner's two sets. A set of a wrong type counts as empty: the script that follows reports it.
  task<std::vector<std::string>> read_member_names(owner account, std::string operation);

  // store.cpp: records
  asio::awaitable<error> explain_wrong_type(owner account, std::string member, std::string operation);
  asio::awaitable<error> explain_wrong_index(managed_name name, std::vector<std::string> keys, std::string operation);
  void add_owner(script_call& call, const owner& account) const;
  [[nodiscard]] script_call order_call(const managed_name& name, const lease_request& wanted) const;
  void add_change(script_call& call, const change& update, const connection& after, const basis& seen,
                  std::string staged) const;
  [[nodiscard]] script_call owner_call(redis_scripts::script_id id, const owner& account) const;
  [[nodiscard]] script_call put_call(const change& update, const connection& after, const basis& seen,
                                     std::string staged) const;
  // Appends one record to a call of put. staged: the key of the staged tools; empty: there are none.
  void add_record(script_call& call, const connection& after, const basis& seen, std::string_view action,
                  std::string staged) const;
  // Appends all records of an owner: those to disconnect, and those that the script only compares. Answers how many change.
  std::uint64_t add_disconnects(script_call& call, const owner& account, std::vector<raw_record> all) const;
  redis::request stage(const change& update, std::string* staged);
  asio::awaitable<void> drop_staged(std::string key, error refused);
  std::string nonce();

  // claim.cpp
  void add_claimed(script_call& call, const owner& session, const owner& user, const raw_record& at_session,
                   const raw_record& at_user, claim_result& out) const;
  void add_claimed_lease(script_call& call, const owner& session, const owner& user, const std::optional<connection>& record,
                         const std::string& member) const;

  // claim_cluster.cpp: the same where session and user lie on two servers. only_begun: only the records that an earlier claim
  // has copied.
  task<claim_result> claim_on_cluster(owner session, owner user, bool only_begun);
  task<claim_plan> read_claim(owner session, owner user, bool only_begun, std::string operation);
  task<void> read_claimed_leases(claim_plan* plan, std::string operation);
  task<redis::request> stage_claimed(claim_plan* plan, std::string operation);
  task<bool> copy_claimed(claim_plan* plan, std::string operation);
  task<std::set<std::string>> release_claimed(claim_plan* plan, std::string operation);
  asio::awaitable<void> close_claimed(claim_plan* plan, std::string operation);
  [[nodiscard]] std::string claim_intent(const owner& user, const owner& session) const;  // its key
  [[nodiscard]] script_call copy_call(const claim_plan& plan) const;
  void add_copied(script_call& call, const claim_plan& plan, const claimed_member& one, unsigned part) const;
  [[nodiscard]] script_call release_call(const claim_plan& plan) const;
  // Ends a claim whose process has stopped, in the background.
  void end_claim_soon(owner session, owner user);
  asio::awaitable<void> end_claim(owner session, owner user);

  // read.cpp Every member of the two sets, members without a record included.
  task<std::vector<raw_record>> read_all(owner account, tools_wanted want);
  task<std::vector<raw_record>> read_by_sort(owner account, tools_wanted want);
  task<std::vector<raw_record>> read_by_mget(owner account, tools_wanted want);
  task<std::vector<raw_record>> read_members(owner account, std::vector<std::string> members, tools_wanted want);
  // Adds what the first read does not show of unusual records: the expiry of foreign ones, and keys of a wrong type.
  task<void> complete_unusual(owner account, std::vector<connection>* found, tools_wanted want);

  task<void> add_unreadable(owner account, std::vector<std::string> members, std::vector<connection>* found);

  // cluster.cpp
  task<redis::server_hello> connect(aio::deadline limit);
  task<redis::server_hello> connect_to_cluster(aio::deadline limit);
  void listen_to_servers();
  // The same commands for every server: one request each.
  [[nodiscard]] batch to_each_server(const redis::request& commands) const;
  // The indexes of managed connections have parts: key_space::index_shards of them on a single server, and on a cluster one
  // for each slot, which lists the owners in it.
  [[nodiscard]] unsigned index_parts() const noexcept;
  [[nodiscard]] unsigned part_of(const managed_name& name) const;
  [[nodiscard]] unsigned redis_part(const owner& account) const;  // of a cluster
  // The parts that a search for managed connections reads, the one that it begins with first: on a cluster those that are
  // known to have entries.
  [[nodiscard]] std::vector<unsigned> parts_to_search() const;
  // On a cluster: counts the managed connections, and learns which parts have any. Processes tell each other which parts they
  // begin. All are counted the first time, later those that are known, up to a limit, and of the others a portion.
  task<void> count_managed(fleet* out);
  [[nodiscard]] std::vector<unsigned> parts_to_count();
  // Tells the others of a part that this process did not know to have entries; and what the others have told.
  asio::awaitable<void> note_part(unsigned part);
  asio::awaitable<void> read_noted_parts();
  // For what is read again and again: a server that is away must not take the time of the others.
  [[nodiscard]] aio::deadline hint_limit() const;
  [[nodiscard]] std::string managed_key(unsigned part) const;
  [[nodiscard]] std::string owners_key(const server_name& registered, unsigned part) const;

  // leases.cpp
  [[nodiscard]] std::string lease_key(const managed_name& name) const;
  using owner_members = std::map<std::pair<std::string, unsigned>, std::vector<std::string>>;  // by registered name and part
  task<std::optional<lease>> take_on_cluster(managed_name name, std::string holder, std::string registered,
                                             std::chrono::milliseconds time);
  asio::awaitable<error> explain_wrong_lease(managed_name name, std::vector<std::string> keys, std::string operation);
  task<void> leave_owners(managed_name name, std::string registered);
  // What becomes of leases whose servers do not answer on a cluster: for a while the renewal fails, so that it is tried again;
  // then they are given up, so that those of other slots can go on. Absent: they are among `lost` now.
  std::optional<error> give_up_unanswered(std::vector<lease> unanswered, const error& why, std::chrono::milliseconds time,
                                          std::vector<lease>& lost);
  task<std::vector<lease>> renew_some(std::vector<lease> granted, std::chrono::milliseconds time);
  asio::awaitable<void> index_renewed(std::vector<lease> lost, owner_members owners, std::string operation);

  // fleet.cpp. The indexes are hints: the lease keys alone decide.
  [[nodiscard]] script_call index_call(unsigned part, std::string_view state, std::chrono::milliseconds time) const;
  [[nodiscard]] script_call owners_call(const server_name& registered, unsigned part, std::string_view command) const;
  // Appends one call for each index part that lists any of the names.
  void add_index_calls(std::vector<script_call>& calls, const std::vector<managed_name>& names, std::string_view state,
                       std::chrono::milliseconds time) const;
  task<void> index(managed_name name, std::string state, std::chrono::milliseconds time, std::string registered);
  // Removes connections of an owner from the index. A failure is not reported: the next beat that reads the entries corrects
  // them.
  asio::awaitable<void> forget(owner account, std::vector<std::string> members);
  task<void> index_running(managed_name name, std::optional<std::uint64_t> ended);
  using part_entry = std::pair<unsigned, std::string>;
  struct owners_step {
    owners_step() {}
    std::vector<part_entry> entries;
    unsigned part = 0;  // where the next step begins
    std::string position = "0";
  };
  task<owners_step> scan_index(server_name registered, unsigned first, unsigned last, std::string position);
  task<std::vector<managed_name>> check_owners(server_name registered, std::vector<part_entry> entries);
  static constexpr std::size_t max_lease_value = 2048;  // no good value is longer

  // watch.cpp
  task<void> start_tracking();
  void on_tracking_state(bool ready);
  asio::awaitable<void> end_outage();
  void note_losses(const redis::reply& info);
  void tell_losses();
  static void add_losses_question(redis::request& to);
  asio::awaitable<void> wait_for_primaries();
  void listen_to_primaries();
  void check_tracking();
  void invalidated(const redis::reply& push);

  // restore.cpp
  void add_restored(script_call& call, redis::request& before, const owner& account, const connection& one);

  // scan.cpp
  task<std::vector<owner_summary>> summaries(std::vector<owner> owners);
  task<std::vector<redis::reply>> scan_step(std::string cursor, std::vector<std::string> more_arguments);
  // scan_cluster.cpp: the same over all primaries, with a cursor that survives resharding. "0": that was all.
  task<std::vector<redis::reply>> scan_cluster(std::string cursor, std::vector<std::string> more_arguments);
  [[nodiscard]] result<scan_position> begin_scan() const;
  task<std::vector<redis::reply>> scan_primary(scan_position* position, std::vector<std::string> more_arguments);
  task<std::vector<redis::reply>> walk_slots(scan_position* position);
  task<void> walk_slot(std::uint16_t slot, std::vector<redis::reply>* keys);
  task<void> count_page(std::vector<redis::reply>* keys, store_stats* out);
  [[nodiscard]] std::string scan_pattern() const;
  friend class redis_examiner;
  friend class unheld_search;

  // The clock of Redis, which decides expiry and which all workers share. It is measured whenever a connection was made, and
  // when it seems to be wrong: this machine may have slept, or its clock was set.
  [[nodiscard]] timestamp now() const override;
  task<void> measure_clock(redis::request before, aio::deadline limit);
  [[nodiscard]] result<std::chrono::microseconds> clock_ahead_by(const redis::reply& time, timestamp then) const;
  asio::awaitable<void> measure_again();
  void measure_soon();

  key_space keys_;
  store_url url_;
  std::chrono::microseconds clock_ahead_{0};  // the clock of Redis less the local one
  std::uint64_t last_lease_number_ = 0;       // the highest that this store was given
  // By part of the index: entries in front of it that were offered by the last beat, and are still there.
  std::map<unsigned, std::size_t> next_ranks_;
  // On a cluster, the parts that have entries, as far as it is known: how many.
  std::map<unsigned, std::uint64_t> managed_counts_;
  std::chrono::milliseconds noted_since_{0};  // what was told before is known
  unsigned count_from_ = 0;                   // the part with which the next portion begins
  unsigned search_from_ = 0;                  // and the next search
  bool counted_all_ = false;                  // every part has been counted once
  bool sort_refused_ = false;  // by an old server of a cluster, or to users without the right to read all keys
  bool on_cluster_ = false;    // constant once it is open
  std::mt19937_64 random_;
  redis_servers servers_;
  std::shared_ptr<redis::executor> redis_;
  std::unique_ptr<redis::durable_writer> durable_;  // null unless asked for
  std::shared_ptr<redis::executor> tracking_;       // null until the first watch
  std::set<std::string> tracked_;                   // on a cluster: servers whose pushes come in
  bool tracking_complete_ = false;                  // all primaries are among them
  bool tracking_waited_ = false;
  aio::event tracking_changed_;
  std::unique_ptr<watch_hub> hub_;
  std::map<managed_name, aio::deadline> unanswered_;  // leases that could not be renewed, since when
  bool measuring_ = false;
  // What was lost, and of what watchers know. They are told when the second link is there, and after an outage with its end.
  server_losses losses_;
  data_losses told_losses_;
  bool watching_ = false, tracking_lost_ = false, ending_outage_ = false;
  bool may_ask_losses_ = true;  // a user without the right is not refused again and again
  aio::deadline next_eviction_remark_{};
  std::set<std::string> ending_;  // claims that are being ended
  aio::task_group work_;
};

}  // namespace mcpstate
