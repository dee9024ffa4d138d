// SPDX-License-Identifier: MIT
#pragma once
#include <mcpstate/core/error.hpp>

// The exit codes of the program.
namespace mcpstate::cli {

namespace exit_code {
inline constexpr int done = 0;
inline constexpr int no = 1;           // connect failed, not found, conflict, doctor found something
inline constexpr int usage = 2;        // wrong usage
inline constexpr int unreachable = 3;  // the store cannot be reached, or cannot serve
inline constexpr int signal = 128;     // plus the signal's number: what shells expect
}  // namespace exit_code

// Who reported an error: the same condition means something else when it is about what was typed.
enum class error_source { input, store };
// The one place where an error becomes an exit code.
[[nodiscard]] int exit_code_of(const error& e, error_source source) noexcept;

}  // namespace mcpstate::cli
