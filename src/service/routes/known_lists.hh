// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string_view>
#include <unordered_set>

// Remembers, by digest, which tool lists are valid JSON arrays. The store may hold junk that another program wrote, and no
// response may contain it. The same list is read again and again, so it is parsed once. Pure.
namespace mcpstate::service {

class known_lists {
 public:
  // Whether the bytes are a JSON array that is no deeper than the lists which the service accepts. digest: their
  // digest_of().
  [[nodiscard]] bool is_list(std::string_view bytes, std::uint64_t digest);
  [[nodiscard]] std::size_t size() const noexcept { return valid_.size(); }

  static constexpr std::size_t max_size = 8192;  // digests, under half a megabyte; a full set is emptied

 private:
  std::unordered_set<std::uint64_t> valid_;
};

}  // namespace mcpstate::service
