// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mcpstate::transfer {

// What could not be copied: all are counted, the first ones are listed. A line names the record and says why; text of others in it
// is not harmless as it is.
class fault_list {
 public:
  static constexpr std::size_t most_listed = 20;

  void add(const std::string& name, const std::string& why);
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] const std::vector<std::string>& first() const noexcept { return first_; }

 private:
  std::uint64_t count_ = 0;
  std::vector<std::string> first_;
};

}  // namespace mcpstate::transfer
