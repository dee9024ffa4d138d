// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <utility>

namespace mcpstate {

// A file beside the database that does nothing but take room on the disk. On a full disk it is given up for the writes that
// free room: SQLite needs room to delete. Blocking; used by one thread at a time.
class disk_reserve {
 public:
  // It holds what the log has between two checkpoints, so that one always succeeds. Less where the disk has little room.
  static constexpr std::int64_t full_size = 4 * 1024 * 1024;

  explicit disk_reserve(const std::string& database) : path_(database + "-reserve") {}
  // Takes room, up to the full size or an eighth of what is free. A failure leaves it as large as it is.
  void fill() const noexcept;
  void release() const noexcept;

 private:
  std::string path_;
};

}  // namespace mcpstate
