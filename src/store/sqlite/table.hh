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

// The rows of the SQLite store, and what stands beside them in the file. Blocking; used by one thread at a time.
//
//     records   one row per connection; tools   their tool lists, apart, so that a write that keeps them does not copy them
//     changes   who was changed last, for watchers in other processes; the last few thousand are kept
//     meta      revision_floor: the largest revision of a record that is gone; lease_number: the last one given
//     leases    one row per managed connection; instances    the reports of those that keep them (sqlite_leases.hh)
namespace mcpstate {

class sqlite_table final : public row_table {
 public:
  explicit sqlite_table(sqlite_db& db) : db_(db), leases_(db) {}

  // Makes the tables, in a file that has none, and those that an older version did not have. A file of a newer version, or
  // of another program, is refused.
  result<bool> prepare();

  result<std::optional<row>> find(const owner& who, const std::string& member, tools_wanted want) override;
  result<std::vector<row>> all(const owner& who, tools_wanted want) override;
  result<bool> write(const owner& who, const row_write& what) override;
  result<bool> remove(const owner& who, const std::string& member) override;
  result<std::uint64_t> revision_floor() override;
  result<bool> raise_revision_floor(std::uint64_t to) override;
  lease_table& leases() override { return leases_; }

  // Removes rows that have expired, at most this many. Answers how many.
  result<std::uint64_t> purge(timestamp now, std::int64_t limit);

  // Says to watchers in other processes that an owner was changed; answers the number of the notice.
  result<std::int64_t> note_change(const owner& who);
  struct notices {
    std::vector<std::pair<std::int64_t, owner>> changes;
    std::int64_t last = 0;
    bool missed = false;  // some are not kept any more
  };
  result<notices> changes_since(std::int64_t number);
  result<std::int64_t> last_change();

  // A page of owners after this one (absent: from the start); records expired by now do not count.
  result<std::vector<owner_summary>> owners_after(const std::optional<owner>& last, timestamp now, std::int64_t limit);
  result<store_stats> count(timestamp now);
  // A page of all rows with their tools, by owner and member.
  using place = std::pair<owner, row>;
  result<std::vector<place>> rows_after(const std::optional<place>& last, std::int64_t limit);

 private:
  result<bool> create_or_update();
  result<bool> write_tools(std::int64_t record, const row_write& what);
  sqlite_db& db_;
  sqlite_leases leases_;
};

}  // namespace mcpstate
