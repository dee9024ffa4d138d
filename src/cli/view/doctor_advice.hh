// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string_view>

// What each check of doctor is about: its section, what a finding means for users, and the command that puts it right. Pure.
namespace mcpstate::cli {

struct check_advice {
  std::string_view check;    // finding::check
  std::string_view section;  // one of doctor_sections
  std::string_view meaning;
  std::string_view command;  // for a warning or problem; empty where no single command helps
};

// In the order in which they are shown. "other": a check that has no advice.
inline constexpr std::array<std::string_view, 6> doctor_sections{"connection", "server", "data", "host", "servers", "other"};

// Never null: a check that is not listed has an advice without words.
[[nodiscard]] const check_advice& advice_about(std::string_view check);

}  // namespace mcpstate::cli
