// SPDX-License-Identifier: MIT
#include "store/rows/owner_limits.hh"

#include <string>

namespace mcpstate {

error too_many_connections(const owner& account, std::size_t most) {
  return error(
      errc::too_many_connections,
      account.text() + " has " + std::to_string(most) +
          " connections, the most that one owner may make; those that are disconnected count until they expire or are "
          "cleared");
}

error tools_too_large(const owner& account, std::uint64_t most) {
  return error(errc::tools_too_large, "the tools of all connections of " + account.text() + " would have over " +
                                          std::to_string(most) + " bytes together; those that are stored stay");
}

}  // namespace mcpstate
