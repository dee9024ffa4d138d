// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/owner.hpp>

#include "archive/archived_record.hh"
#include "archive/manifest.hh"
#include "archive/section.hh"

// A whole backup, read as its bytes come. Pure.
//
//     backup_reader from;
//     while (more bytes) {
//       from.feed(bytes);
//       for (;;) {
//         auto some = from.next();  // result<std::optional<archived_records>>
//         if (!some) …              // bad_backup
//         if (!*some) break;        // it needs more bytes
//       }
//     }
//     from.finish();                // whether it was whole
namespace mcpstate::archive {

class backup_reader {
 public:
  void feed(std::string_view bytes) { sections_.feed(bytes); }
  // The records of the next section that has any. Absent: more bytes are needed. An error is bad_backup, and final.
  [[nodiscard]] result<std::optional<archived_records>> next();
  // Whether the backup was whole.
  [[nodiscard]] result<void> finish() const;

  // Absent until it was read.
  [[nodiscard]] const std::optional<head>& first() const noexcept { return head_; }
  [[nodiscard]] const std::optional<totals>& last() const noexcept { return totals_; }
  // Of what was read so far. Records that cannot be used count.
  [[nodiscard]] const totals& counted() const noexcept { return counted_; }
  // How many sections of each unknown type were passed over.
  [[nodiscard]] const std::map<std::string, std::uint64_t>& unknown() const noexcept { return unknown_; }
  // How many bytes were read.
  [[nodiscard]] std::uint64_t position() const noexcept { return sections_.position(); }

 private:
  [[nodiscard]] result<std::optional<archived_records>> take(const section& one);
  [[nodiscard]] result<bool> take_end(const section& one);
  void count(const archived_records& some);

  section_reader sections_;
  std::optional<head> head_;
  std::optional<totals> totals_;
  totals counted_;
  std::optional<owner> last_owner_;
  std::map<std::string, std::uint64_t> unknown_;
  std::optional<error> failure_;
};

}  // namespace mcpstate::archive
