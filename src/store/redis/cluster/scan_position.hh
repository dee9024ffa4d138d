// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis/topology/cluster_map.hh"

// How far a scan over the primaries of a cluster has come. Pure; a value that travels as a cursor.
//
// A scan begins with the slots of every primary, and walks one primary after the other with SCAN. Keys can leave a slot in the
// meantime, into one that was walked before. So when a primary has been walked it is asked which of its slots it still has: those
// that it lost, or is losing, are walked once more one by one, on their new server, at the end. Keys may appear twice;
// none that was there all the time is missed.
namespace mcpstate {

struct scan_position {
  scan_position() {}
  struct primary {
    primary() {}
    std::string id;
    std::string cursor = "0";  // of SCAN there
    std::vector<redis::slot_range> slots;
  };
  std::vector<primary> left;         // the first is being walked
  std::vector<std::uint16_t> again;  // slots to be walked one by one

  [[nodiscard]] bool over() const noexcept { return left.empty() && again.empty(); }
  // The text of the cursor: printable, fit for URLs. Absent for a text that is none.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] static std::optional<scan_position> parse(std::string_view text);
};

}  // namespace mcpstate
