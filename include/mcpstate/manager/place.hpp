// SPDX-License-Identifier: MIT
#pragma once
#include <mcpstate/manager/endpoint.hpp>

namespace mcpstate {

// The name that endpoint had in 0.1. It goes with the next release.
using place = endpoint;

}  // namespace mcpstate
