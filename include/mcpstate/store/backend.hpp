// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/aio/task.hpp>
#include <mcpstate/change.hpp>
#include <mcpstate/core/connection.hpp>
#include <mcpstate/store/answers.hpp>
#include <mcpstate/store/lease_store.hpp>
#include <mcpstate/store/options.hpp>
#include <mcpstate/store/order.hpp>
#include <mcpstate/store/snapshot.hpp>
#include <mcpstate/store/watcher.hpp>

namespace mcpstate {

// What a store implements, and what a decorator (a cache, say) wraps. `store` checks every input before it calls a backend,
// reads what a change needs, and tries again on conflict; a backend does one step at a time.
//
// A member is the name of a server as sets and keys spell it (encode_name, or the bytes of a foreign program).
//
// Executor: every member on executor(). Lifetime: await close() before destroying; a decorator closes the backend inside.
// Cancellation and failure: as `store` says.
class store_backend {
 public:
  virtual ~store_backend() = default;
  store_backend(const store_backend&) = delete;
  store_backend& operator=(const store_backend&) = delete;

  // Writes one record in one step, and answers it as it is now (without tools). after: the record to write, with details and
  // connected_at decided. update: has the basis (always set), the tools and the lease. stale_basis, lease_lost or
  // empty_tools, too_many_connections, tools_too_large: nothing was written.
  virtual task<connection> put(change update, connection after) = 0;
  // The same, and in the same step the lease and its index entry. Where another holder's lease runs, the record is written and
  // the lease stays as it is.
  virtual task<order_result> order(change update, connection after, lease_request wanted) = 0;
  virtual task<std::optional<connection>> get(owner account, std::string member, tools_wanted want) = 0;
  // Never null. Empty if the owner has no records.
  virtual task<owner_snapshot_ptr> list(owner account, tools_wanted want) = 0;
  // The answer of list() if it is available without waiting, else null. It is as current as one from list().
  [[nodiscard]] virtual owner_snapshot_ptr peek(const owner& account, tools_wanted want);
  virtual task<std::uint64_t> touch(owner account, std::optional<std::string> member) = 0;
  virtual task<std::uint64_t> disconnect_all(owner account) = 0;
  virtual task<std::uint64_t> erase(owner account) = 0;
  // `moved` and `kept` in any order.
  virtual task<claim_result> claim(owner session, owner user) = 0;
  // Writes records of one owner as store::restore says. Each member comes once.
  virtual task<std::vector<restore_outcome>> restore(owner account, std::vector<connection> records, restore_rule rule) = 0;
  virtual task<std::unique_ptr<watcher>> watch(std::optional<owner> account, watch_options options) = 0;
  virtual task<owner_page> scan(std::string cursor) = 0;
  // The owners alone: what scan() answers, with counts that may be 0. One that has no record any more may be among them.
  virtual task<owner_page> scan_owners(std::string cursor);
  virtual task<store_stats> stats(progress_handler progress) = 0;
  virtual task<std::vector<finding>> examine(bool fix, progress_handler progress) = 0;

  // Valid as long as the backend.
  [[nodiscard]] virtual lease_store& leases() noexcept = 0;

  // The clock by which expiry and revisions are decided.
  [[nodiscard]] virtual timestamp now() const { return options_.clock->now(); }
  [[nodiscard]] virtual std::string description() const = 0;
  virtual asio::awaitable<void> close() = 0;

  [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }
  [[nodiscard]] const store_options& options() const noexcept { return options_; }

  // How often a step that reads, decides and writes is tried. A writer that loses a hundred times in a row is in a loop, not
  // in a race.
  static constexpr int max_attempts = 100;

 protected:
  store_backend(asio::any_io_executor executor, store_options options)
      : executor_(std::move(executor)), options_(std::move(options)) {}
  // The answer of every step after close().
  [[nodiscard]] static error closed() { return error(errc::stopped, "the store was closed"); }

 private:
  asio::any_io_executor executor_;
  store_options options_;
};

}  // namespace mcpstate
