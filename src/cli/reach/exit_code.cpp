// SPDX-License-Identifier: MIT
#include "cli/reach/exit_code.hh"

namespace mcpstate::cli {

int exit_code_of(const error& e, error_source source) noexcept {
  if (source == error_source::input) return exit_code::usage;
  switch (e.condition()) {
    case cond::not_found:
    case cond::conflict:
    case cond::internal:
    case cond::cancelled:
      return exit_code::no;
    case cond::invalid:
      return exit_code::usage;
    case cond::unauthorized:
    case cond::unavailable:
    case cond::unknown_outcome:
    case cond::timeout:
    case cond::corrupt:
    case cond::exhausted:
      return exit_code::unreachable;
  }
  return exit_code::no;
}

}  // namespace mcpstate::cli
