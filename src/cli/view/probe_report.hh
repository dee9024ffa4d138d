// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/mcp/client.hpp>

#include "cli/view/table.hh"

// What `mcpstate probe` finds out, what to make of it, and how it is shown. Pure; the command itself is command_probe.cpp.
namespace mcpstate::cli {

struct probe_report {
  probe_report() {}
  std::string where;  // the URL as it may be shown, or the program
  bool over_http = false;
  bool has_headers = false;  // some were sent
  mcp::era_choice protocol = mcp::era_choice::automatic;
  std::vector<mcp::connect_step> steps;  // of connecting, then tools/list and close
  bool connected = false;
  mcp::server_facts facts;  // once connected
  mcp::tool_listing listing;
  std::optional<error> why;  // why a client cannot work with it
  std::size_t oddities = 0;  // lines on standard output that are no message
  std::string first_oddity;
  [[nodiscard]] bool works() const noexcept { return connected && !why; }
};

// One thing to know about a server. note: nothing is wrong; warning: some hosts will have trouble; problem: none can use it.
struct advice {
  enum class level { note, warning, problem };
  advice(level how_bad, std::string what, std::string words)
      : severity(how_bad), about(std::move(what)), text(std::move(words)) {}
  level severity;
  std::string about;  // stable, snake_case
  std::string text;   // what is so, and what to do
};
[[nodiscard]] std::string_view name_of(advice::level severity) noexcept;
// The worst first.
[[nodiscard]] std::vector<advice> advise(const probe_report& report);

// For people. max_width: of the terminal; 0: not limited.
[[nodiscard]] std::string probe_text(const probe_report& report, bool colour, std::size_t max_width);
// One JSON object; docs/mcp.md says what its members mean.
[[nodiscard]] std::string probe_json(const probe_report& report);

}  // namespace mcpstate::cli
