// SPDX-License-Identifier: MIT
#include "transfer/backup_input.hh"

#include <utility>

namespace mcpstate::transfer {

namespace {

constexpr std::size_t read_at_once = std::size_t{256} * 1024;

}  // namespace

result<std::optional<archive::archived_records>> backup_input::next() {
  for (;;) {
    auto some = reader_.next();
    if (!some || *some) return some;
    MCPSTATE_TRY(bytes, from_.read(read_at_once));
    if (bytes.empty()) {
      MCPSTATE_CHECK(reader_.finish());
      return std::optional<archive::archived_records>();
    }
    reader_.feed(bytes);
  }
}

}  // namespace mcpstate::transfer
