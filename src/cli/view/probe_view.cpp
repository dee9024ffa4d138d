// SPDX-License-Identifier: MIT
#include <array>
#include <cstdio>

#include "cli/view/probe_report.hh"
#include "cli/view/text.hh"
#include "cli/view/tools_view.hh"
#include "core/json/slice.hh"
#include "core/json/text.hh"

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
  const bool telling = !step.content_type.empty() && step.content_type != "application/json";
  if (telling && step.http_status != 0 && out.find(step.content_type) == std::string::npos) out += ", " + step.content_type;
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

std::string took_text(std::chrono::microseconds took) {
  const double ms = static_cast<double>(took.count()) / 1000;
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), ms < 10 ? "%.1f ms" : "%.0f ms", ms);
  return buffer.data();
}

std::string milliseconds_json(std::chrono::microseconds took) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%lld.%03lld", static_cast<long long>(took.count() / 1000),
                static_cast<long long>(took.count() % 1000));
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

class sheet {
 public:
  explicit sheet(bool colour) : colour_(colour) {}
  void head(const std::string& text) { out_ += painted(shown(text), tone::head, colour_) + "\n"; }
  void fact(const std::string& name, const std::string& value, tone look = tone::plain) {
    if (value.empty()) return;
    out_ += "  " + name + std::string(14 - name.size(), ' ') + painted(shown(value), look, colour_) + "\n";
  }
  [[nodiscard]] const std::string& text() const noexcept { return out_; }

 private:
  bool colour_;
  std::string out_;
};

std::string facts_text(const probe_report& report, bool colour) {
  const auto& facts = report.facts;
  sheet out(colour);
  out.head(report.where);
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
    std::vector<cell> row;
    row.emplace_back(step.what);
    row.emplace_back(took_text(step.took), tone::dim);
    row.emplace_back(outcome_text(step));
    out.add(std::move(row));
  }
  return out.empty() ? "" : "\n" + out.text(colour, max_width);
}

std::string tools_table(const probe_report& report, bool colour, std::size_t max_width) {
  table out({"TOOL", "SIZE", "DESCRIPTION"});
  out.limit_last(last_column);
  for (const auto& tool : facts_of(report.listing.tools)) {
    std::vector<cell> row;
    row.emplace_back(tool.name);
    row.emplace_back(bytes_text(tool.raw.size()));
    row.emplace_back(tool.about, tone::dim);
    out.add(std::move(row));
  }
  std::string text = out.empty() ? "" : "\n" + out.text(colour, max_width);
  for (const auto& dropped : report.listing.dropped)
    text += painted("left out: " + shown(dropped), tone::warn, colour) + "\n";
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
    out += painted(name, look, colour) + std::string(9 - name.size(), ' ') + shown(each.text) + "\n";
  }
  return out.empty() ? out : "\n" + out;
}

std::string steps_json(const probe_report& report) {
  std::string out = "[";
  for (const auto& step : report.steps) {
    out += out.size() == 1 ? "{" : ",{";
    json_members members(out);
    members.text("step", step.what);
    members.raw("ok", step.ok ? "true" : "false");
    members.text("outcome", step.outcome);
    if (!step.peer.empty()) members.text("says", step.peer);
    members.raw("ms", milliseconds_json(step.took));
    if (step.http_status != 0) members.number("http_status", step.http_status);
    if (!step.content_type.empty()) members.text("content_type", step.content_type);
    if (step.rpc_error != 0) members.raw("rpc_error", std::to_string(step.rpc_error));
    out += "}";
  }
  return out + "]";
}

std::string tools_json(const probe_report& report) {
  std::string out = "[";
  for (const auto& tool : facts_of(report.listing.tools)) {
    out += out.size() == 1 ? "{" : ",{";
    json_members members(out);
    members.text("name", tool.name);
    members.number("bytes", tool.raw.size());
    out += "}";
  }
  return out + "]";
}

std::string advice_json(const probe_report& report) {
  std::string out = "[";
  for (const auto& each : advise(report)) {
    out += out.size() == 1 ? "{" : ",{";
    json_members members(out);
    members.text("level", name_of(each.severity));
    members.text("about", each.about);
    members.text("text", each.text);
    out += "}";
  }
  return out + "]";
}

void append_facts(json_members& members, const mcp::server_facts& facts) {
  members.text("transport", facts.transport);
  members.text("era", mcp::name_of(facts.protocol_era));
  members.text("protocol_version", facts.protocol_version);
  std::string info = "{";
  json_members parts(info);
  parts.text("name", facts.title);
  if (!facts.version.empty()) parts.text("version", facts.version);
  members.raw("server_info", info + "}");
  members.raw("capabilities", facts.capabilities.empty() ? "{}" : facts.capabilities);
  if (!facts.instructions.empty()) members.text("instructions", facts.instructions);
}

void append_listing(json_members& members, const probe_report& report) {
  const auto& listing = report.listing;
  members.raw("tools", tools_json(report));
  members.number("tool_count", listing.tools.count());
  members.number("tools_bytes", listing.tools.bytes().size());
  members.text("tools_hash", listing.tools.hash());
  members.number("pages", listing.pages);
  members.raw("dropped", json_array(listing.dropped));
  if (!listing.fresh_for) return;
  members.number("fresh_for_ms", static_cast<std::uint64_t>(listing.fresh_for->count()));
  members.raw("shared_by_users", listing.shared_by_users ? "true" : "false");
}

std::string error_json(const error& why) {
  std::string out = "{";
  json_members members(out);
  members.text("code", name_of(why.code()));
  members.text("message", why.detail());
  if (!why.peer_text().empty()) members.text("says", why.peer_text());
  return out + "}";
}

}  // namespace

std::string probe_text(const probe_report& report, bool colour, std::size_t max_width) {
  return facts_text(report, colour) + steps_text(report, colour, max_width) + tools_table(report, colour, max_width) +
         advice_text(report, colour);
}

std::string probe_json(const probe_report& report) {
  std::string out = "{";
  json_members members(out);
  members.text(report.over_http ? "url" : "program", report.where);
  members.raw("works", report.works() ? "true" : "false");
  if (report.connected) append_facts(members, report.facts);
  members.raw("steps", steps_json(report));
  if (report.works()) append_listing(members, report);
  if (report.oddities > 0) members.number("stdout_text_lines", report.oddities);
  if (report.why) members.raw("error", error_json(*report.why));
  members.raw("advice", advice_json(report));
  return out + "}";
}

}  // namespace mcpstate::cli
