// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/rows/lease_steps.hh"
#include "store/rows/row.hh"

// The operations of a store over any table of rows, which memory and SQLite share, so that neither has a behaviour of its
// own. A step is atomic because nothing else uses the table meanwhile: it runs on one thread, or in one transaction.
namespace mcpstate {

// A table of rows. Synchronous; used by one thread at a time. Expired rows stay until they are purged, and are among the
// answers: the caller decides whether one counts.
class row_table {
 public:
  virtual ~row_table() = default;
  // The row's tools are loaded only if asked for.
  virtual result<std::optional<row>> find(const owner& account, const std::string& member, tools_wanted want) = 0;
  virtual result<std::vector<row>> all(const owner& account, tools_wanted want) = 0;
  virtual result<bool> write(const owner& account, const row_write& planned) = 0;
  // How many bytes the tools of a row have, and those of all other rows of the owner that have not expired by now.
  struct tools_sizes {
    std::uint64_t row = 0, others = 0;
  };
  virtual result<tools_sizes> measure_tools(const owner& account, const std::string& member, timestamp now) = 0;
  virtual result<bool> remove(const owner& account, const std::string& member) = 0;
  // The largest revision of a row that was removed.
  virtual result<std::uint64_t> revision_floor() = 0;
  virtual result<bool> raise_revision_floor(std::uint64_t number) = 0;
  // In the same thread or transaction as the rows.
  virtual lease_table& leases() = 0;
};

class row_steps {
 public:
  row_steps(row_table& table, const store_options& options, timestamp now) : table_(table), options_(options), now_(now) {}

  result<std::optional<connection>> get(const owner& account, const std::string& member, tools_wanted want);
  result<std::vector<connection>> list(const owner& account, tools_wanted want);
  // The two parts of put.
  result<row_write> decide(const change& update, const connection& after);
  result<connection> write(const owner& account, const row_write& planned);
  // The lease of an order; also a part of its step, after decide().
  result<lease> take_ordered(const change& update, const lease_request& wanted);
  result<std::uint64_t> touch(const owner& account, const std::optional<std::string>& member);
  result<std::uint64_t> disconnect_all(const owner& account);
  result<std::uint64_t> erase(const owner& account);
  result<claim_result> claim(const owner& session, const owner& user);
  result<std::vector<restore_outcome>> restore(const owner& account, const std::vector<connection>& records,
                                               restore_rule rule);
  result<bool> end_lease(const lease& granted, lease_end outcome, std::optional<std::uint64_t> revision);

 private:
  result<row_clock> clock();
  result<bool> check_count(const change& update, const std::optional<row>& stored);
  result<bool> check_bytes(const change& update);
  result<std::optional<lease_row>> claim_one(const owner& session, const owner& user, const row& session_row,
                                             claim_result& out);
  row_table& table_;
  const store_options& options_;
  timestamp now_;
};

}  // namespace mcpstate
