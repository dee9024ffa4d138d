// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/core/record.hpp>
#include <mcpstate/open_store.hpp>
#include <mcpstate/store/backend.hpp>

#include "redis/executor.hh"
#include "store/redis/script_call.hh"
#include "store/watch/hub.hh"

namespace mcpstate {

// The configuration of a link to the server that a URL names.
[[nodiscard]] redis::link_config link_config_of(const store_url& url, const store_options& options);

// The store on one Redis or Valkey server. One link carries the commands. The first watch opens a second link that tracks
// the keys of all owners (server-assisted invalidation in broadcast mode: ADR 6).
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
  task<managed_page> managed_of(std::string registered, std::string cursor) override;
  task<owner_page> scan(std::string cursor) override;
  task<owner_page> scan_owners(std::string cursor) override;
  task<store_stats> stats(progress_handler progress) override;
  task<std::vector<finding>> examine(bool fix, progress_handler progress) override;

  // run.cpp: sending
  [[nodiscard]] aio::deadline until() const { return aio::after(options().timeout); }
  task<replies> read(redis::request commands, std::string operation);
  task<replies> write(redis::request commands, std::string operation);
  // Runs a script and answers its reply. The commands of `before` are sent in the same flush and must succeed. `call`
  // outlives the operation.
  task<redis::reply> run(const script_call& call, redis::request before, std::string operation);
  // The keys of a member that a call declares.
  enum class declared_keys { record, record_and_lease };
  void declare(script_call& call, const owner& account, const std::string& member, declared_keys declared) const;
  // Runs a script about an owner. Where the script asks for the keys of further members, declares them and runs it again;
  // conflict after max_attempts. The answer is never {"members", …}.
  task<redis::reply> run_for(owner account, script_call call, declared_keys declared, redis::request before,
                             std::string operation);
  // Runs several scripts in one flush. Answers one reply for each, error replies included.
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

  // read.cpp Every member of the two sets, members without a record included.
  task<std::vector<raw_record>> read_all(owner account, tools_wanted want);
  task<std::vector<raw_record>> read_by_sort(owner account, tools_wanted want);
  task<std::vector<raw_record>> read_by_mget(owner account, tools_wanted want);
  task<std::vector<raw_record>> read_members(owner account, std::vector<std::string> members, tools_wanted want);
  // Adds what the first read does not show of unusual records: the expiry of foreign ones, and keys of a wrong type.
  task<void> complete_unusual(owner account, std::vector<connection>* found, tools_wanted want);

  task<void> add_unreadable(owner account, std::vector<std::string> members, std::vector<connection>* found);

  // leases.cpp
  [[nodiscard]] std::string lease_key(const managed_name& name) const;
  using owner_members =
      std::map<std::pair<std::string, unsigned>, std::vector<std::string>>;  // by registered name and shard
  task<std::vector<lease>> renew_some(std::vector<lease> granted, std::chrono::milliseconds time);
  asio::awaitable<void> index_renewed(std::vector<lease> lost, owner_members owners, std::string operation);

  // fleet.cpp. The indexes are hints: the lease keys alone decide.
  [[nodiscard]] script_call index_call(unsigned shard, std::string_view state, std::chrono::milliseconds time) const;
  [[nodiscard]] script_call owners_call(const server_name& registered, unsigned shard, std::string_view command) const;
  // Appends one call for each index part that lists any of the names.
  void add_index_calls(std::vector<script_call>& calls, const std::vector<managed_name>& names, std::string_view state,
                       std::chrono::milliseconds time) const;
  task<void> index(managed_name name, std::string state, std::chrono::milliseconds time, std::string registered);
  // Removes connections of an owner from the index. A failure is not reported: the next beat that reads the entries corrects
  // them.
  asio::awaitable<void> forget(owner account, std::vector<std::string> members);
  task<void> index_running(managed_name name, std::optional<std::uint64_t> ended);
  task<std::vector<managed_name>> check_owners(server_name registered, unsigned shard, std::vector<std::string> members);
  static constexpr std::size_t max_lease_value = 2048;  // no good value is longer

  // watch.cpp
  task<void> start_tracking();
  void invalidated(const redis::reply& push);

  // restore.cpp
  void add_restored(script_call& call, redis::request& before, const owner& account, const connection& one);

  // scan.cpp
  task<std::vector<owner_summary>> summaries(std::vector<owner> owners);
  task<std::vector<redis::reply>> scan_step(std::string cursor, std::vector<std::string> more_arguments);
  task<void> count_page(std::vector<redis::reply>* keys, store_stats* out);
  [[nodiscard]] std::string scan_pattern() const;
  friend class redis_examiner;
  friend class unheld_search;

  // The clock of Redis, which decides expiry and which all workers share. It is measured whenever a connection was made, and
  // when it seems to be wrong: this machine may have slept, or its clock was set.
  [[nodiscard]] timestamp now() const override;
  task<void> measure_clock(redis::request before, aio::deadline limit);
  asio::awaitable<void> measure_again();
  void measure_soon();

  key_space keys_;
  store_url url_;
  std::chrono::microseconds clock_ahead_{0};  // the clock of Redis less the local one
  std::uint64_t last_lease_number_ = 0;       // the highest that this store was given
  // Entries in front of each part of the index that were offered by the last beat, and are still there.
  std::array<std::size_t, key_space::index_shards> next_ranks_{};
  bool sort_refused_ = false;  // on a cluster, or to users without the right to read all keys
  std::mt19937_64 random_;
  std::shared_ptr<redis::executor> redis_;
  std::shared_ptr<redis::executor> tracking_;  // null until the first watch
  std::unique_ptr<watch_hub> hub_;
  bool measuring_ = false;
  aio::task_group work_;
};

}  // namespace mcpstate
