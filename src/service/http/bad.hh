// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <utility>

#include <mcpstate/core/error.hpp>

namespace mcpstate::service {

// What a client sent is wrong, and how; never what it sent.
[[nodiscard]] inline error bad(std::string what) { return error(errc::bad_argument, std::move(what)); }

}  // namespace mcpstate::service
