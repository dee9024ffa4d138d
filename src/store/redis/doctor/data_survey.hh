// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <mcpstate/store/answers.hpp>

// What a walk over all records tells of their sizes and lifetimes: the largest owners and tool lists, bytes per connection,
// what one copy of each distinct list would save, and what expires soon. Its own memory is bounded, however large the store
// is. Pure.
namespace mcpstate {

class data_survey {
 public:
  // name: "user:42". connections: names in its set.
  void add_owner(const std::string& name, std::uint64_t connections);
  // name: "user:42 github". left: milliseconds until it expires; negative: it does not, or is gone.
  void add_record(const std::string& name, std::size_t info_bytes, std::int64_t left);
  // dropped: bytes of the list behind `tools` that were not read.
  void add_tools(const std::string& name, std::string_view tools, std::uint64_t dropped);

  [[nodiscard]] std::vector<finding> findings() const;

 private:
  static constexpr std::size_t max_distinct = 65'536;  // lists that are told apart; about 2 MB
  using ranking = std::vector<std::pair<std::uint64_t, std::string>>;
  static void rank(ranking& largest, std::uint64_t size, const std::string& name);

  std::uint64_t records_ = 0, info_bytes_ = 0;
  std::uint64_t tools_ = 0, tools_bytes_ = 0;
  std::uint64_t shareable_bytes_ = 0;  // of lists that are another's copy
  std::unordered_set<std::size_t> distinct_;
  std::uint64_t expiring_ = 0;
  std::vector<std::string> expiring_names_;
  ranking largest_owners_, largest_tools_;
};

}  // namespace mcpstate
