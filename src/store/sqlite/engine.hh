// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/sqlite/reserve.hh"
#include "store/sqlite/table.hh"

// The operations of the SQLite store without its coroutines, each in one transaction. Blocking; used by one thread at a
// time.
namespace mcpstate {

// Reading has a connection of its own, which never waits for the writer.
enum class sqlite_role { writer, reader };

class sqlite_engine {
 public:
  static result<std::unique_ptr<sqlite_engine>> open(const std::string& path, const store_options& options,
                                                     sqlite_role role = sqlite_role::writer);

  // The outcome of a write, and the numbers of its notices for watchers.
  template <class T>
  struct noted {
    noted(result<T> outcome, std::vector<std::int64_t> numbers) : value(std::move(outcome)), notices(std::move(numbers)) {}
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
  noted<std::vector<restore_outcome>> restore(const owner& account, const std::vector<connection>& records,
                                              restore_rule rule);
  // Runs fn(lease_steps&), which answers a result, in one transaction.
  template <class Fn>
  auto leases(Fn fn) -> decltype(fn(std::declval<lease_steps&>())) {
    return with_room(disk_need::frees, [&] { return attempt_leases(fn); });
  }
  result<std::optional<fleet>> beat_without_write(const instance_report& report, std::chrono::milliseconds time);
  result<bool> end_lease(const lease& granted, lease_end outcome, std::optional<std::uint64_t> revision);
  result<std::optional<lease>> lease_of(const managed_name& name);
  result<managed_page> managed_of(const std::string& registered, const std::string& cursor);
  result<owner_page> scan(const std::string& cursor);
  result<store_stats> stats();

  // The notices since the last call. Cheap when nothing was written. For a reader: it sees no writes of its own connection.
  result<sqlite_table::notices> poll();
  // The file is another one than before: the next poll() says that older notices were missed.
  void forget_position() noexcept { position_known_ = false; }
  // Moves the log into the database and cuts it off, as far as others let it.
  void checkpoint();

  [[nodiscard]] sqlite_db& db() noexcept { return *db_; }
  [[nodiscard]] sqlite_table& table() noexcept { return table_; }
  [[nodiscard]] timestamp now() const { return options_.clock->now(); }
  result<std::uint64_t> purge_all();
  // Gives rows whose revision cannot be read a new one. Answers how many there were.
  result<std::uint64_t> mend_revisions();

 private:
  // On a full disk: a write that takes room fails; one that frees room gets the reserve.
  enum class disk_need { takes, frees };
  sqlite_engine(std::unique_ptr<sqlite_db> db, const store_options& options, sqlite_role role)
      : options_(options), role_(role), db_(std::move(db)), table_(*db_), reserve_(db_->path()) {}
  result<bool> set_up();
  result<bool> check_encoding();
  result<bool> use_wal();
  result<bool> limit_log();
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
  // Runs attempt(), which answers a result, again where the disk is full and room can be made.
  template <class Fn>
  auto with_room(disk_need need, Fn attempt) -> decltype(attempt()) {
    auto outcome = attempt();
    if (outcome || outcome.error().code() != errc::disk_full) return outcome;
    write_back();
    outcome = attempt();
    if (need == disk_need::takes || outcome || outcome.error().code() != errc::disk_full) return outcome;
    give_up_reserve();
    outcome = attempt();
    take_reserve();
    return outcome;
  }
  void write_back();
  void give_up_reserve();
  void take_reserve();
  template <class Fn>
  auto attempt_leases(Fn& fn) -> decltype(fn(std::declval<lease_steps&>())) {
    if (auto begun = begin(); !begun) return begun.error();
    lease_steps steps(table_.leases(), options_.ttl, now());
    return commit(fn(steps));
  }
  // Runs fn(row_steps&) in one transaction.
  template <class Fn>
  auto transaction(disk_need need, Fn fn) -> decltype(fn(std::declval<row_steps&>()));
  template <class Fn>
  auto attempt(Fn& fn) -> decltype(fn(std::declval<row_steps&>()));
  template <class T, class Fn>
  noted<T> noted_transaction(disk_need need, std::vector<owner> changed, Fn fn);

  store_options options_;
  sqlite_role role_;
  std::unique_ptr<sqlite_db> db_;
  sqlite_table table_;
  disk_reserve reserve_;
  std::int64_t data_version_ = 0, last_notice_ = 0;
  bool position_known_ = true;
  bool overwrite_deleted_ = false;  // as it was before the reserve was given up
};

}  // namespace mcpstate
