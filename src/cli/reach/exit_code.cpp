// SPDX-License-Identifier: MIT
#include "cli/reach/exit_code.hh"

namespace mcpstate::cli {

int exit_code_of(const error& e, error_source source) noexcept {
  if (source == error_source::input) return exit_code::usage;
  if (e.is(cond::invalid)) return exit_code::usage;
  // What an owner may have is a rule, and not the state of the store.
  if (e.code() == errc::tools_too_large || e.code() == errc::too_many_connections) return exit_code::no;
  const bool answer = e.is(cond::not_found) || e.is(cond::conflict) || e.is(cond::internal) || e.is(cond::cancelled);
  return answer ? exit_code::no : exit_code::unreachable;
}

}  // namespace mcpstate::cli
