// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <utility>

#include <mcpstate/core/error.hpp>

namespace mcpstate::service {

// The error for something that a client sent. The detail says what is wrong and never repeats what was sent.
[[nodiscard]] inline error bad_input(std::string detail) { return error(errc::bad_argument, std::move(detail)); }

}  // namespace mcpstate::service
