// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string_view>
#include <unordered_set>

// Which tool lists have been found to be JSON arrays, by digest: what a store holds may be junk of another program, and an
// answer must not contain that; but the same list is read again and again, and is parsed once. Pure.
namespace mcpstate::service {

class known_lists {
 public:
  // Whether these bytes, whose digest_of() this is, are a JSON array as deep as the lists that we accept ourselves.
  [[nodiscard]] bool is_list(std::string_view bytes, std::uint64_t digest);
  [[nodiscard]] std::size_t size() const noexcept { return good_.size(); }

  static constexpr std::size_t most = 8192;  // then it begins anew: under half a megabyte

 private:
  std::unordered_set<std::uint64_t> good_;
};

}  // namespace mcpstate::service
