// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/rows/steps.hh"
#include "store/sqlite/db.hh"
#include "store/sqlite/leases.hh"

// The tables of the SQLite file. Blocking; used by one thread at a time.
//
//     records     one row per connection
//     tools       tool lists, apart from the records, so that a write that leaves the tools as they are does not copy them
//     changes     notices for watchers in other processes; only the last few thousand
//     meta        revision_floor: the largest revision of a record that was removed; lease_number: the last that was given
//     leases      one row per managed connection (leases.hh)
//     instances   the reports of the instances that manage connections
namespace mcpstate {

class sqlite_table final : public row_table {
 public:
  explicit sqlite_table(sqlite_db& db) : db_(db), leases_(db) {}

  // Creates the tables that the file does not have. Refuses a file of a newer version, or of another program.
  result<bool> prepare();

  result<std::optional<row>> find(const owner& account, const std::string& member, tools_wanted want) override;
  result<std::vector<row>> all(const owner& account, tools_wanted want) override;
  result<bool> write(const owner& account, const row_write& planned) override;
  result<tools_sizes> measure_tools(const owner& account, const std::string& member, timestamp now) override;
  result<bool> remove(const owner& account, const std::string& member) override;
  result<std::uint64_t> revision_floor() override;
  result<bool> raise_revision_floor(std::uint64_t number) override;
  lease_table& leases() override { return leases_; }

  // Removes rows that have expired, at most this many. Answers how many.
  result<std::uint64_t> purge(timestamp now, std::int64_t limit);

  // Writes a notice that an owner was changed, for watchers in other processes. Answers its number.
  result<std::int64_t> note_change(const owner& account);
  struct notices {
    std::vector<std::pair<std::int64_t, owner>> changes;
    std::int64_t last = 0;
    bool missed = false;  // older notices were removed before they were read
  };
  result<notices> changes_since(std::int64_t number);
  result<std::int64_t> last_change();

  // A page of owners behind `last` (absent: from the start). Records that have expired by now do not count.
  result<std::vector<owner_summary>> owners_after(const std::optional<owner>& last, timestamp now, std::int64_t limit);
  result<store_stats> count(timestamp now);
  // Gives the rows whose revision cannot be read a new one. Answers how many there were.
  result<std::uint64_t> mend_revisions(timestamp now);
  // A page of all rows with their tools, by owner and member. faults: one for each row on the way that names no owner.
  using owned_row = std::pair<owner, row>;
  result<std::vector<owned_row>> rows_after(const std::optional<owned_row>& last, std::int64_t limit,
                                            std::vector<error>* faults);

 private:
  result<bool> create_or_update();
  result<bool> write_tools(std::int64_t record, const row_write& planned);
  sqlite_db& db_;
  sqlite_leases leases_;
};

}  // namespace mcpstate
