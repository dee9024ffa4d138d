// SPDX-License-Identifier: MIT
#include "cli/view/probe_view.hh"

#include <array>
#include <cstdio>

#include "cli/view/json.hh"
#include "cli/view/probe_advice.hh"
#include "cli/view/table.hh"
#include "cli/view/text.hh"
#include "cli/view/tools_view.hh"
#include "core/text/printable.hh"

namespace mcpstate::cli {

namespace {

constexpr std::size_t instructions_shown = 200;
constexpr std::size_t peer_shown = 200;
constexpr std::size_t last_column = 100;  // where no terminal says how wide it is

// On one line: what was laid out for another place.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (!blank) out += c;
    if (blank && !out.empty() && out.back() != ' ') out += ' ';
  }
  return out;
}

// "HTTP 404, text/html (it says: Not here)"
std::string outcome_text(const mcp::connect_step& step) {
  std::string out = step.outcome;
  const bool informative = !step.content_type.empty() && step.content_type != "application/json";
  if (informative && step.http_status != 0 && out.find(step.content_type) == std::string::npos)
    out += ", " + step.content_type;
  if (!step.peer.empty()) out += " (it says: " + cut_to_width(one_line(step.peer), peer_shown) + ")";
  return out;
}

// "tools (listChanged), prompts": what a capabilities object declares.
std::string capabilities_text(const std::string& capabilities) {
  std::string out;
  if (mcp::validate_json(capabilities) || mcp::kind_of(capabilities) != mcp::json_kind::object) return out;
  for (const auto& each : mcp::members_of(capabilities)) {
    if (!out.empty()) out += ", ";
    out += mcp::text_of(each.key).value_or(std::string());
    if (mcp::kind_of(each.value) != mcp::json_kind::object) continue;
    std::string more;
    for (const auto& part : mcp::members_of(each.value)) {
      if (part.value == "false") continue;
      more += (more.empty() ? "" : ", ") + mcp::text_of(part.key).value_or(std::string());
    }
    if (!more.empty()) out += " (" + more + ")";
  }
  return out;
}

std::string milliseconds_text(std::chrono::microseconds took, const char* format) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, static_cast<double>(took.count()) / 1000);
  return buffer.data();
}

std::string transport_text(const std::string& name) {
  if (name == "http") return "Streamable HTTP";
  return name == "sse" ? "HTTP+SSE" : "stdio";
}

std::string tools_text(const mcp::tool_listing& listing) {
  std::string out = counted(listing.tools.count(), "tool") + ", " + bytes_text(listing.tools.bytes().size());
  if (listing.pages > 1) out += " in " + counted(listing.pages, "page");
  return out;
}

std::string freshness_text(const mcp::tool_listing& listing) {
  if (!listing.fresh_for) return {};
  return "for " + duration_text(*listing.fresh_for) +
         (listing.shared_by_users ? ", the same for all users" : ", for this user only");
}

std::string facts_text(const probe_report& report, bool colour) {
  const auto& facts = report.facts;
  sheet out(14, "  ", colour);
  out.head(report.address);
  out.fact("works", report.works() ? "yes" : "no", report.works() ? tone::good : tone::bad);
  if (!report.connected) return out.text();
  out.fact("server", facts.title + (facts.version.empty() ? "" : " " + facts.version));
  out.fact("era", std::string(mcp::name_of(facts.protocol_era)));
  out.fact("revision", facts.protocol_version);
  out.fact("transport", transport_text(facts.transport));
  out.fact("capabilities", capabilities_text(facts.capabilities));
  if (!facts.instructions.empty()) {
    const std::string text = one_line(facts.instructions);
    const bool cut = display_width(text) > instructions_shown;
    out.fact("instructions",
             cut_to_width(text, instructions_shown) + (cut ? " (" + bytes_text(facts.instructions.size()) + ")" : ""));
  }
  if (!report.works()) return out.text();
  out.fact("tools", tools_text(report.listing));
  out.fact("fresh", freshness_text(report.listing));
  return out.text();
}

std::string steps_text(const probe_report& report, bool colour, std::size_t max_width) {
  table out({"STEP", "TOOK", "OUTCOME"});
  for (const auto& step : report.steps) {
    const cell took(milliseconds_text(step.took, step.took < std::chrono::milliseconds(10) ? "%.1f ms" : "%.0f ms"),
                    tone::dim);
    out.add({step.name, took, outcome_text(step)});
  }
  return out.empty() ? "" : "\n" + out.text(colour, max_width);
}

std::string tools_table(const probe_report& report, bool colour, std::size_t max_width) {
  table out({"TOOL", "SIZE", "DESCRIPTION"});
  out.limit_last(last_column);
  for (const auto& tool : inspect_tools(report.listing.tools)) {
    out.add({tool.name, bytes_text(tool.raw.size()), cell(tool.description, tone::dim)});
  }
  std::string text = out.empty() ? "" : "\n" + out.text(colour, max_width);
  for (const auto& dropped : report.listing.dropped) {
    text += painted("left out: " + printable(dropped), tone::warn, colour) + "\n";
  }
  return text;
}

// Not a table: what is to be done must not be cut off.
std::string advice_text(const probe_report& report, bool colour) {
  std::string out;
  for (const auto& each : advise(report)) {
    const tone look = each.severity == advice::level::problem   ? tone::bad
                      : each.severity == advice::level::warning ? tone::warn
                                                                : tone::dim;
    const std::string name(name_of(each.severity));
    out += painted(name, look, colour) + std::string(9 - name.size(), ' ') + printable(each.text) + "\n";
  }
  return out.empty() ? out : "\n" + out;
}

std::string step_json(const mcp::connect_step& step) {
  object_writer out;
  out.text("step", step.name).boolean("ok", step.ok).text("outcome", step.outcome);
  if (!step.peer.empty()) out.text("says", step.peer);
  out.raw("ms", milliseconds_text(step.took, "%.3f"));
  if (step.http_status != 0) out.number("http_status", step.http_status);
  if (!step.content_type.empty()) out.text("content_type", step.content_type);
  if (step.rpc_error != 0) out.raw("rpc_error", std::to_string(step.rpc_error));
  return out.str();
}

std::string tool_json(const tool_facts& tool) {
  return object_writer().text("name", tool.name).number("bytes", tool.raw.size()).str();
}

std::string advice_json(const advice& each) {
  return object_writer().text("level", name_of(each.severity)).text("about", each.topic).text("text", each.text).str();
}

void append_facts(object_writer& out, const mcp::server_facts& facts) {
  out.text("transport", facts.transport);
  out.text("era", mcp::name_of(facts.protocol_era));
  out.text("protocol_version", facts.protocol_version);
  object_writer info;
  info.text("name", facts.title);
  if (!facts.version.empty()) info.text("version", facts.version);
  out.raw("server_info", info.str());
  out.raw("capabilities", facts.capabilities.empty() ? "{}" : facts.capabilities);
  if (!facts.instructions.empty()) out.text("instructions", facts.instructions);
}

void append_listing(object_writer& out, const mcp::tool_listing& listing) {
  out.raw("tools", json_list(inspect_tools(listing.tools), tool_json));
  out.number("tool_count", listing.tools.count());
  out.number("tools_bytes", listing.tools.bytes().size());
  out.text("tools_hash", listing.tools.hash());
  out.number("pages", listing.pages);
  out.raw("dropped", json_array(listing.dropped));
  if (!listing.fresh_for) return;
  out.number("fresh_for_ms", static_cast<std::uint64_t>(listing.fresh_for->count()));
  out.boolean("shared_by_users", listing.shared_by_users);
}

std::string error_json(const error& e) {
  object_writer out;
  out.text("code", name_of(e.code())).text("message", e.detail());
  if (!e.peer_text().empty()) out.text("says", e.peer_text());
  return out.str();
}

}  // namespace

std::string probe_text(const probe_report& report, bool colour, std::size_t max_width) {
  return facts_text(report, colour) + steps_text(report, colour, max_width) + tools_table(report, colour, max_width) +
         advice_text(report, colour);
}

std::string probe_json(const probe_report& report) {
  object_writer out;
  out.text(report.over_http ? "url" : "program", report.address).boolean("works", report.works());
  if (report.connected) append_facts(out, report.facts);
  out.raw("steps", json_list(report.steps, step_json));
  if (report.works()) append_listing(out, report.listing);
  if (report.oddities > 0) out.number("stdout_text_lines", report.oddities);
  if (report.fault) out.raw("error", error_json(*report.fault));
  out.raw("advice", json_list(advise(report), advice_json));
  return out.str();
}

}  // namespace mcpstate::cli
