// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/sqlite/table.hh"

// The SQLite store without its coroutines: every operation, each in one transaction. Blocking; used by one thread at a time.
namespace mcpstate {

class sqlite_engine {
 public:
  static result<std::unique_ptr<sqlite_engine>> open(const std::string& path, const store_options& options);

  // The outcome of a write, and the numbers of the notices that it left for watchers.
  template <class T>
  struct noted {
    result<T> value;
    std::vector<std::int64_t> notices;
  };

  result<std::optional<connection>> get(const owner& who, const std::string& member, tools_wanted want);
  result<std::vector<connection>> list(const owner& who, tools_wanted want);
  noted<connection> put(const change& what, const connection& after);
  result<std::uint64_t> touch(const owner& who, const std::optional<std::string>& member);
  noted<std::uint64_t> disconnect_all(const owner& who);
  noted<std::uint64_t> erase(const owner& who);
  noted<claim_result> claim(const owner& session, const owner& user);
  // Leases, each call in one transaction: fn(lease_steps&) answers a result.
  template <class Fn>
  auto leases(Fn fn) -> decltype(fn(std::declval<lease_steps&>())) {
    if (auto begun = begin(); !begun) return begun.error();
    lease_steps steps(table_.leases(), options_.ttl, now());
    return commit(fn(steps));
  }
  result<bool> end_lease(const lease& which, lease_end how, std::optional<std::uint64_t> seen);
  result<std::optional<lease>> lease_of(const managed_name& what);
  result<managed_page> managed_of(const std::string& registered, const std::string& cursor);
  result<owner_page> scan(const std::string& cursor);
  result<store_stats> stats();

  // Notices that have come since the last call. Cheap when nobody wrote. own: also look if only this connection wrote.
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
  // Whatever failed rolls everything back.
  template <class T>
  result<T> commit(result<T> outcome) {
    if (outcome) {
      if (auto committed = db_->run("COMMIT"); !committed) outcome = committed.error();
    }
    // After some errors SQLite has rolled back already.
    if (!outcome && db_->in_transaction()) static_cast<void>(db_->run("ROLLBACK"));
    return outcome;
  }
  // BEGIN IMMEDIATE, fn, COMMIT.
  template <class Fn>
  auto transaction(Fn fn) -> decltype(fn(std::declval<row_steps&>()));
  template <class T, class Fn>
  noted<T> noting(std::vector<owner> changed, Fn fn);

  store_options options_;
  std::unique_ptr<sqlite_db> db_;
  sqlite_table table_;
  std::int64_t data_version_ = 0, last_notice_ = 0;
};

}  // namespace mcpstate
