// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "cli/view/probe_report.hh"

// What is wrong with servers, in the field: each rule is about one thing that people have had to find out the hard way. Pure.
namespace mcpstate::cli {

// One thing to know about a server. note: nothing is wrong; warning: some hosts will have trouble; problem: none can use it.
struct advice {
  enum class level { note, warning, problem };
  advice(level how_bad, std::string id, std::string words)
      : severity(how_bad), topic(std::move(id)), text(std::move(words)) {}
  level severity;
  std::string topic;  // stable, snake_case
  std::string text;   // what is so, and what to do
};
[[nodiscard]] std::string_view name_of(advice::level severity) noexcept;
// The worst first.
[[nodiscard]] std::vector<advice> advise(const probe_report& report);

}  // namespace mcpstate::cli
