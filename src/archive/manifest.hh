// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>
#include <mcpstate/core/time.hpp>

// What the first and the last section of a backup say: JSON objects, whose unknown members are passed over. Pure.
namespace mcpstate::archive {

inline constexpr std::string_view product_name = "mcpstate";

struct head {
  head() {}
  std::string version;     // of the program
  timestamp created_at{};  // by the clock of the store
  std::string store;       // its description, without secrets
};
[[nodiscard]] std::string encode_head(const head& from);
// bad_backup: it is none, or of another product.
[[nodiscard]] result<head> decode_head(std::string_view body);

// What is in a backup.
struct totals {
  totals() {}
  std::uint64_t owners = 0;  // that have a record in it
  std::uint64_t records = 0;
  std::uint64_t left_out = 0;  // records that could not be written down
  friend bool operator==(const totals&, const totals&) = default;
};
[[nodiscard]] std::string encode_totals(const totals& from);
[[nodiscard]] result<totals> decode_totals(std::string_view body);

}  // namespace mcpstate::archive
