// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/rows/lease_steps.hh"
#include "store/rows/row.hh"

// The operations of a store over any table of rows: what memory and SQLite share, so that neither has a behaviour of its
// own. Each step runs while the table is held (one thread, or one transaction), and is atomic exactly as the table is.
namespace mcpstate {

// Where rows are kept. Synchronous; used by one thread at a time. Rows that have expired stay until they are purged, and are
// among the answers: whether one counts is the caller's decision.
class row_table {
 public:
  virtual ~row_table() = default;
  // The row's tools are loaded only if asked for.
  virtual result<std::optional<row>> find(const owner& who, const std::string& member, tools_wanted want) = 0;
  virtual result<std::vector<row>> all(const owner& who, tools_wanted want) = 0;
  virtual result<bool> write(const owner& who, const row_write& what) = 0;
  virtual result<bool> remove(const owner& who, const std::string& member) = 0;
  // The largest revision of a row that was removed.
  virtual result<std::uint64_t> revision_floor() = 0;
  virtual result<bool> raise_revision_floor(std::uint64_t to) = 0;
  // Kept beside the rows, and held together with them.
  virtual lease_table& leases() = 0;
};

class row_steps {
 public:
  row_steps(row_table& table, const store_options& options, timestamp now) : table_(table), options_(options), now_(now) {}

  result<std::optional<connection>> get(const owner& who, const std::string& member, tools_wanted want);
  result<std::vector<connection>> list(const owner& who, tools_wanted want);
  // put in its two parts: what to write, and the writing of it.
  result<row_write> decide(const change& what, const connection& after);
  result<connection> write(const owner& who, const row_write& what);
  result<std::uint64_t> touch(const owner& who, const std::optional<std::string>& member);
  result<std::uint64_t> disconnect_all(const owner& who);
  result<std::uint64_t> erase(const owner& who);
  result<claim_result> claim(const owner& session, const owner& user);
  result<bool> end_lease(const lease& which, lease_end how, std::optional<std::uint64_t> seen);

 private:
  result<row_clock> clock();
  result<bool> claim_one(const owner& user, const row& sessions, claim_result& out);
  row_table& table_;
  const store_options& options_;
  timestamp now_;
};

}  // namespace mcpstate
