// SPDX-License-Identifier: MIT
#pragma once
#include <mcpstate/store.hpp>

namespace mcpstate {

// Whether a store can be opened with these: bad_argument says what is wrong.
[[nodiscard]] result<bool> check_options(const store_options& options);

}  // namespace mcpstate
