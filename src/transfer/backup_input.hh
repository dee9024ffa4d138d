// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>

#include "archive/backup_reader.hh"
#include "transfer/byte_stream.hh"

namespace mcpstate::transfer {

// A backup that is read from a source. Blocking; one thread at a time. Holds one section and its records, whatever the size of
// the backup.
class backup_input {
 public:
  // from: outlives this.
  explicit backup_input(byte_source& from) : from_(from) {}

  // The records of the next section. Absent: that was all, and it was whole.
  [[nodiscard]] result<std::optional<archive::archived_records>> next();
  [[nodiscard]] const archive::backup_reader& reader() const noexcept { return reader_; }

 private:
  byte_source& from_;
  archive::backup_reader reader_;
};

}  // namespace mcpstate::transfer
