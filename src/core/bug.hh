// SPDX-License-Identifier: MIT
#pragma once
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <mcpstate/core/error.hpp>

namespace mcpstate {

// For an exception that nobody expected. ended: what it has ended, "the session". what: of the exception; it may hold a
// peer's words.
inline error bug_error(std::string_view ended, std::string what) {
  std::string told("a bug of mcpstate ended ");
  told.append(ended).append("; please report it");
  return error(errc::bug, std::move(told), std::move(what));
}

// What an exception says, of any type. Called in a catch (...) block.
inline std::string caught_text() {
  try {
    throw;
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "something that is no exception";
  }
}

}  // namespace mcpstate
