// SPDX-License-Identifier: MIT
#include <mcpstate/store/backend.hpp>

namespace mcpstate {

owner_snapshot_ptr store_backend::peek(const owner&, tools_wanted) { return nullptr; }

task<owner_page> store_backend::scan_owners(std::string cursor) { return scan(std::move(cursor)); }

}  // namespace mcpstate
