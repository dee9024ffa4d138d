// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "store/rows/row.hh"

// Counts the rows of a store, and checks the invariants over them. Pure.
namespace mcpstate {

class row_survey {
 public:
  explicit row_survey(timestamp now) : now_(now) {}

  // Takes a row with its tools loaded. The rows of one owner must follow each other.
  void add(const owner& account, const row& r);

  [[nodiscard]] std::uint64_t rows() const noexcept { return live_ + expired_; }
  [[nodiscard]] std::uint64_t expired_rows() const noexcept { return expired_; }
  // users, sessions, statuses and tools_bytes of the rows that have not expired.
  [[nodiscard]] const store_stats& counts() const noexcept { return counts_; }
  // One finding for each invariant: ok or problem.
  [[nodiscard]] std::vector<finding> findings() const;

 private:
  struct fault_list {
    std::uint64_t count = 0;
    std::vector<std::string> examples;
  };
  void count(const owner& account, const row& r);
  void check(const owner& account, const row& r);
  void check_tools(const std::string& shown, const row& r, const connection& c);
  void note(const std::string& check, const std::string& example);

  timestamp now_;
  std::uint64_t live_ = 0, expired_ = 0;
  std::optional<owner> last_;
  store_stats counts_;
  std::map<std::string, fault_list> faults_;
};

}  // namespace mcpstate
