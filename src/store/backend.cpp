// SPDX-License-Identifier: MIT
#include <mcpstate/store/backend.hpp>

namespace mcpstate {

owner_snapshot_ptr store_backend::peek(const owner&, tools_wanted) { return nullptr; }

}  // namespace mcpstate
