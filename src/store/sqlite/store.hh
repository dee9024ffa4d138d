// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/aio/offload.hpp>
#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/store.hpp>

#include "store/sqlite/engine.hh"
#include "store/watch/hub.hh"

namespace mcpstate {

// One SQLite file, shared with any number of other processes. The engine and its connection belong to the one thread of the
// pool; whatever a job touches stays until the pool has been joined.
class sqlite_store final : public store {
 public:
  sqlite_store(asio::any_io_executor executor, store_options options, std::unique_ptr<asio::thread_pool> pool,
               std::unique_ptr<sqlite_engine> engine);
  ~sqlite_store() override;

  asio::awaitable<void> close() override;
  [[nodiscard]] std::string description() const override;

 private:
  task<connection> do_put(change what, connection after) override;
  task<std::optional<connection>> do_get(owner who, std::string member, tools_wanted want) override;
  task<std::vector<connection>> do_list(owner who, tools_wanted want) override;
  task<std::uint64_t> do_touch(owner who, std::optional<std::string> member) override;
  task<std::uint64_t> do_disconnect_all(owner who) override;
  task<std::uint64_t> do_erase(owner who) override;
  task<claim_result> do_claim(owner session, owner user) override;
  task<std::unique_ptr<watcher>> do_watch(std::optional<owner> who) override;
  task<std::optional<lease>> do_take_lease(managed_name what, std::string holder, std::string registered,
                                           std::chrono::milliseconds time) override;
  task<std::vector<lease>> do_renew_leases(std::vector<lease> held, std::chrono::milliseconds time) override;
  task<void> do_end_lease(lease which, lease_end how, std::optional<std::uint64_t> seen) override;
  task<std::optional<lease>> do_lease_of(managed_name what) override;
  task<fleet> do_beat(instance_report me, std::chrono::milliseconds time) override;
  task<managed_page> do_managed_of(server_name registered, std::string cursor) override;
  task<owner_page> do_scan(std::string cursor) override;
  task<store_stats> do_stats(progress_handler progress) override;
  task<std::vector<finding>> do_examine(bool fix, progress_handler progress) override;

  watch_hub::source hub_source();
  void changed(const owner& who, std::int64_t notice);
  asio::awaitable<void> poll();
  void apply(const sqlite_table::notices& since);

  std::string path_;
  std::unique_ptr<asio::thread_pool> pool_;
  std::unique_ptr<sqlite_engine> engine_;
  bool closed_ = false, polling_ = false;
  std::set<std::int64_t> own_;  // notices of ours that the hub knows of already
  watch_hub hub_;
  aio::task_group work_;
};

}  // namespace mcpstate
