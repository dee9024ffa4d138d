// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/connection.hpp>

// Records in the body of a records section. A record is its length and fields of a tag, a length and bytes; fields of unknown tags
// are passed over. Pure.
namespace mcpstate::archive {

struct archived_record {
  archived_record(connection one) : record(std::move(one)) {}
  connection record;  // expires_at is the time on the clock at which it would have expired
  // How long it had to live when it was written down. Absent: nobody knows.
  std::optional<std::chrono::milliseconds> remaining;
};

// What a section has in the place of a record that cannot be used, and why.
struct unusable_record {
  std::string name;  // "user:42 github", as far as it can be read; not harmless as it is
  std::string why;
};

// Appends a record, which must have a status. now: by the clock of its store.
void append_record(std::string& body, const connection& one, timestamp now);
// About how many bytes append_record() appends.
[[nodiscard]] std::size_t archived_bytes(const connection& one) noexcept;

struct archived_records {
  archived_records() {}
  std::vector<archived_record> records;
  std::vector<unusable_record> unusable;
};
// All records of a body. bad_backup: it is not made of records.
[[nodiscard]] result<archived_records> read_records(std::string_view body);

}  // namespace mcpstate::archive
