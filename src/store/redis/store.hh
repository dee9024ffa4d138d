// SPDX-License-Identifier: MIT
#pragma once
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/core/record.hpp>
#include <mcpstate/open_store.hpp>
#include <mcpstate/store/backend.hpp>

#include "redis/executor.hh"
#include "store/redis/script_call.hh"
#include "store/watch/hub.hh"

namespace mcpstate {

// How a link reaches the server that a URL names.
[[nodiscard]] redis::link_config link_config_of(const store_url& url, const store_options& options);

// The store on one Redis or Valkey server. Two links: one for commands, and, once somebody watches, one that tracks the
// keys of all owners (server-assisted invalidation in broadcast mode: ADR 6).
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

  task<connection> put(change what, connection after) override;
  task<std::optional<connection>> get(owner who, std::string member, tools_wanted want) override;
  task<owner_snapshot_ptr> list(owner who, tools_wanted want) override;
  task<std::vector<connection>> read_records(owner who, tools_wanted want);
  task<std::uint64_t> touch(owner who, std::optional<std::string> member) override;
  task<std::uint64_t> disconnect_all(owner who) override;
  task<std::uint64_t> erase(owner who) override;
  task<claim_result> claim(owner session, owner user) override;
  task<std::unique_ptr<watcher>> watch(std::optional<owner> who, watch_options options) override;
  task<std::optional<lease>> take_lease(managed_name what, std::string holder, std::string registered,
                                        std::chrono::milliseconds time) override;
  task<std::vector<lease>> renew_leases(std::vector<lease> held, std::chrono::milliseconds time) override;
  task<void> end_lease(lease which, lease_end how, std::optional<std::uint64_t> seen) override;
  using lease_store::end_lease;
  task<std::optional<lease>> lease_of(managed_name what) override;
  task<fleet> beat(instance_report me, std::chrono::milliseconds time) override;
  task<managed_page> managed_of(std::string registered, std::string cursor) override;
  task<owner_page> scan(std::string cursor) override;
  task<store_stats> stats(progress_handler progress) override;
  task<std::vector<finding>> examine(bool fix, progress_handler progress) override;

  // run.cpp: sending
  [[nodiscard]] aio::deadline until() const { return aio::after(options().timeout); }
  task<replies> read(redis::request commands, std::string doing);
  task<replies> write(redis::request commands, std::string doing);
  // The answer of the script. The commands before it go in the same flush and must succeed. `call` outlives the operation.
  task<redis::reply> run(const script_call& call, redis::request before, std::string doing);
  // Which keys of a member a call declares.
  enum class declared_keys { record, record_and_lease };
  void declare(script_call& to, const owner& who, const std::string& member, declared_keys which) const;
  // Runs a script about an owner. Where it answers that the keys of further members have to be declared, they are, and the
  // call is made again; conflict when that goes on. The answer is never {"members", …}.
  task<redis::reply> run_for(owner who, script_call call, declared_keys which, redis::request before, std::string doing);
  // Several scripts in one flush; an answer each, error replies among them.
  task<replies> run_all(std::vector<script_call> calls, std::string doing);
  // The members of an owner's two sets. A set of a wrong type counts as empty: the script that follows judges it.
  task<std::vector<std::string>> read_member_names(owner who, std::string doing);

  // store.cpp: records
  asio::awaitable<error> explain_wrong_type(owner who, std::string member, std::string doing);
  [[nodiscard]] script_call owner_call(redis_scripts::script_id id, const owner& who) const;
  [[nodiscard]] script_call put_call(const change& what, const connection& after, const basis& seen,
                                     std::string staged) const;
  // Appends one record to a call of put; `staged` is empty where no tools are staged.
  void add_record(script_call& to, const connection& after, const basis& seen, std::string_view action,
                  std::string staged) const;
  // Appends all records of an owner: those to disconnect, and those that have to stay as they are until then. Answers how
  // many change.
  std::uint64_t add_disconnects(script_call& to, const owner& who, std::vector<raw_record> all) const;
  redis::request stage(const change& what, std::string* staged);
  std::string nonce();

  // claim.cpp
  void add_claimed(script_call& to, const owner& session, const owner& user, const raw_record& at_session,
                   const raw_record& at_user, claim_result& out) const;

  // read.cpp
  // Every member of the two sets, also one without a record.
  task<std::vector<raw_record>> read_all(owner who, tools_wanted want);
  task<std::vector<raw_record>> read_by_sort(owner who, tools_wanted want);
  task<std::vector<raw_record>> read_by_mget(owner who, tools_wanted want);
  task<std::vector<raw_record>> read_members(owner who, std::vector<std::string> members, tools_wanted want);
  // Fills in what the main read cannot tell: expiry of foreign records, wrong types.
  task<void> look_closer(owner who, std::vector<connection>* found, tools_wanted want);

  // leases.cpp
  [[nodiscard]] std::string lease_key(const managed_name& what) const;
  using owner_members =
      std::map<std::pair<std::string, unsigned>, std::vector<std::string>>;  // by registered name and shard
  task<std::vector<lease>> renew_some(std::vector<lease> held, std::chrono::milliseconds time);
  asio::awaitable<void> index_renewed(std::vector<lease> lost, owner_members owners, std::string doing);

  // fleet.cpp. The indexes are hints: the lease keys alone decide what is held.
  [[nodiscard]] script_call index_call(unsigned shard, std::string_view what, std::chrono::milliseconds time) const;
  [[nodiscard]] script_call owners_call(const server_name& registered, unsigned shard, std::string_view command) const;
  // One call for each part of the index that has any of them.
  void add_index_calls(std::vector<script_call>& to, const std::vector<managed_name>& of, std::string_view what,
                       std::chrono::milliseconds time) const;
  task<void> index(managed_name what, std::string how, std::chrono::milliseconds time, std::string registered);
  // Takes connections of an owner out of the index. A failure is not reported: the next beat that meets the entries finds
  // out.
  asio::awaitable<void> forget(owner who, std::vector<std::string> members);
  task<std::vector<managed_name>> without_held(std::vector<managed_name> waiting);

  // watch.cpp
  task<void> start_tracking();
  void invalidated(const redis::reply& push);

  // scan.cpp
  task<std::vector<owner_summary>> summaries(std::vector<owner> owners);
  task<std::vector<redis::reply>> scan_step(std::string cursor, std::vector<std::string> more_arguments);
  task<void> count_page(std::vector<redis::reply>* keys, store_stats* out);
  [[nodiscard]] std::string scan_pattern() const;
  friend class redis_examiner;

  // By Redis's clock, not ours: expiry is decided there, and workers then agree on what is earlier.
  [[nodiscard]] timestamp now() const override;

  key_space keys_;
  store_url url_;
  std::chrono::microseconds clock_ahead_{0};  // Redis's clock less ours
  std::uint64_t last_lease_number_ = 0;       // the highest that was given to us
  bool sort_refused_ = false;                 // on a cluster, or to users who may not read all keys: found out once
  std::mt19937_64 random_;
  std::shared_ptr<redis::executor> redis_;
  std::shared_ptr<redis::executor> tracking_;  // while somebody watches, or has
  std::unique_ptr<watch_hub> hub_;
};

}  // namespace mcpstate
