// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/store/backend.hpp>

#include "store/sqlite/thread.hh"
#include "store/watch/hub.hh"

namespace mcpstate {

// The store on one SQLite file, which any number of processes share. One thread writes, another reads.
class sqlite_store final : public store_backend, public lease_store {
 public:
  sqlite_store(asio::any_io_executor executor, store_options options, std::shared_ptr<sqlite_threads> threads);

  asio::awaitable<void> close() override;
  [[nodiscard]] std::string description() const override;
  [[nodiscard]] lease_store& leases() noexcept override { return *this; }

 private:
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
  task<store_stats> stats(progress_handler progress) override;
  task<std::vector<finding>> examine(bool fix, progress_handler progress) override;

  watch_hub::source hub_source();
  void changed(const owner& account, std::int64_t notice);
  asio::awaitable<void> poll();
  void apply(const sqlite_table::notices& since);

  // Runs fn(sqlite_engine&) where it waits for no writer, or in the order of the writes.
  template <class Fn>
  auto read(Fn fn) {
    return threads_->reader.run(std::move(fn), sqlite_effect::read);
  }
  template <class Fn>
  auto write(Fn fn) {
    return threads_->writer.run(std::move(fn), sqlite_effect::write);
  }

  std::shared_ptr<sqlite_threads> threads_;
  bool closed_ = false, polling_ = false;
  std::set<std::int64_t> own_notices_;  // notices of this handle, which the hub knows already
  watch_hub hub_;
  aio::task_group work_;
};

}  // namespace mcpstate
