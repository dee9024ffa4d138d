// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/sqlite/table.hh"

// The operations of the SQLite store without its coroutines, each in one transaction. Blocking; used by one thread at a
// time.
namespace mcpstate {

class sqlite_engine {
 public:
  static result<std::unique_ptr<sqlite_engine>> open(const std::string& path, const store_options& options);

  // The outcome of a write, and the numbers of its notices for watchers.
  template <class T>
  struct noted {
    result<T> value;
    std::vector<std::int64_t> notices;
  };

  result<std::optional<connection>> get(const owner& account, const std::string& member, tools_wanted want);
  result<std::vector<connection>> list(const owner& account, tools_wanted want);
  noted<connection> put(const change& update, const connection& after);
  noted<order_result> order(const change& update, const connection& after, const lease_request& wanted);
  result<std::uint64_t> touch(const owner& account, const std::optional<std::string>& member);
  noted<std::uint64_t> disconnect_all(const owner& account);
  noted<std::uint64_t> erase(const owner& account);
  noted<claim_result> claim(const owner& session, const owner& user);
  // Runs fn(lease_steps&), which answers a result, in one transaction.
  template <class Fn>
  auto leases(Fn fn) -> decltype(fn(std::declval<lease_steps&>())) {
    if (auto begun = begin(); !begun) return begun.error();
    lease_steps steps(table_.leases(), options_.ttl, now());
    return commit(fn(steps));
  }
  result<bool> end_lease(const lease& granted, lease_end outcome, std::optional<std::uint64_t> revision);
  result<std::optional<lease>> lease_of(const managed_name& name);
  result<managed_page> managed_of(const std::string& registered, const std::string& cursor);
  result<owner_page> scan(const std::string& cursor);
  result<store_stats> stats();

  // The notices since the last call. Cheap when nothing was written. own: also looks if only this connection has written.
  result<sqlite_table::notices> poll(bool own);

  [[nodiscard]] sqlite_db& db() noexcept { return *db_; }
  [[nodiscard]] sqlite_table& table() noexcept { return table_; }
  [[nodiscard]] timestamp now() const { return options_.clock->now(); }
  result<std::uint64_t> purge_all();

 private:
  sqlite_engine(std::unique_ptr<sqlite_db> db, const store_options& options)
      : options_(options), db_(std::move(db)), table_(*db_) {}
  result<bool> set_up();
  result<bool> check_encoding();
  result<bool> use_wal();
  result<bool> begin() { return db_->run("BEGIN IMMEDIATE"); }
  // Commits, or rolls back where the outcome or the commit is a failure.
  template <class T>
  result<T> commit(result<T> outcome) {
    if (outcome) {
      if (auto committed = db_->run("COMMIT"); !committed) outcome = committed.error();
    }
    // After some errors SQLite has rolled back already.
    if (!outcome && db_->in_transaction()) static_cast<void>(db_->run("ROLLBACK"));
    return outcome;
  }
  // Runs fn(row_steps&) in one transaction.
  template <class Fn>
  auto transaction(Fn fn) -> decltype(fn(std::declval<row_steps&>()));
  template <class T, class Fn>
  noted<T> noted_transaction(std::vector<owner> changed, Fn fn);

  store_options options_;
  std::unique_ptr<sqlite_db> db_;
  sqlite_table table_;
  std::int64_t data_version_ = 0, last_notice_ = 0;
};

}  // namespace mcpstate
