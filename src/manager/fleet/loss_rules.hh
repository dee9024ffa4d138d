// SPDX-License-Identifier: MIT
#pragma once
#include <mcpstate/lease.hpp>

// What becomes of a connection whose record is gone. Pure.
namespace mcpstate {

// Whether the record is to be written again. before: what the store had lost when the record was there last.
[[nodiscard]] inline bool restores_record(loss_rule rule, const data_losses& before, const data_losses& now) noexcept {
  switch (rule) {
    case loss_rule::by_cause:
      return now.replaced != before.replaced;
    case loss_rule::restore:
      return now != before;
    case loss_rule::forget:
      break;
  }
  return false;
}

}  // namespace mcpstate
