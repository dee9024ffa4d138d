// SPDX-License-Identifier: MIT
#include "cli/view/record_view.hh"

#include <mcpstate/core/connection_json.hpp>

#include "cli/view/text.hh"

namespace mcpstate::cli {

namespace {

constexpr std::size_t remark_width = 100;  // where no terminal limits it; show and --json have all of it

std::string tool_count(const connection& c) { return c.info.tool_count ? std::to_string(*c.info.tool_count) : "-"; }

// What a reader should know first: what is odd, else why it is not up, else where it is.
cell remark(const connection& c) {
  if (!c.problems.empty()) return {"! " + c.problems.front(), tone::warn};
  if (c.info.error) return {c.info.error->message, tone::dim};
  if (!c.info.url.empty()) return {c.info.url, tone::dim};
  return {c.info.transport, tone::dim};
}

std::string both(const std::optional<timestamp>& t, timestamp now) {
  return t ? relative_time(*t, now) + " (" + to_iso8601(*t) + ")" : std::string();
}

std::string program(const details& d) { return d.server_title + (d.server_version.empty() ? "" : " " + d.server_version); }

std::string tools_line(const connection& c) {
  if (!c.info.tool_count) return {};
  return counted(*c.info.tool_count, "tool") + (c.info.tools_hash.empty() ? "" : ", " + c.info.tools_hash);
}

std::string error_line(const failure& f, timestamp now) {
  std::string out = f.code + ": " + f.message;
  if (f.at != timestamp{}) out += ", " + relative_time(f.at, now);
  if (f.attempt > 0) out += ", attempt " + std::to_string(f.attempt);
  if (f.retry_at) out += ", next attempt " + relative_time(*f.retry_at, now);
  return out;
}

}  // namespace

tone tone_of(status s) noexcept {
  switch (s) {
    case status::connected:
      return tone::good;
    case status::failed:
      return tone::bad;
    case status::auth_required:
    case status::connecting:
      return tone::warn;
    case status::disconnected:
      return tone::dim;
  }
  return tone::plain;
}

table table_of(const std::vector<connection>& records, timestamp now) {
  table out({"SERVER", "STATUS", "TOOLS", "CONNECTED", "EXPIRES", "REMARK"});
  out.limit_last(remark_width);
  for (const auto& c : records) {
    std::vector<cell> row;
    row.emplace_back(c.server);
    row.emplace_back(std::string(to_text(c.state)), tone_of(c.state));
    row.emplace_back(tool_count(c));
    row.emplace_back(relative_time(c.connected_at, now));
    row.emplace_back(relative_time(c.expires_at, now));
    row.push_back(remark(c));
    out.add(std::move(row));
  }
  return out;
}

std::string sheet_of(const connection& c, timestamp now, bool colour) {
  std::string out = painted(shown(c.whose.text() + "  " + c.server), tone::head, colour) + "\n";
  const auto fact = [&](const std::string& name, const std::string& value, tone look = tone::plain) {
    if (value.empty()) return;
    out += "  " + name + std::string(18 - name.size(), ' ') + painted(shown(value), look, colour) + "\n";
  };
  fact("status", std::string(to_text(c.state)), tone_of(c.state));
  fact("connected", both(c.connected_at, now));
  if (!c.connected()) fact("last connected", both(c.info.last_connected_at, now));
  fact("handshake", both(c.info.checked_at, now));
  if (c.info.error) fact("error", error_line(*c.info.error, now), tone::bad);
  fact("expires", both(c.expires_at, now));
  fact("transport", c.info.transport);
  fact("url", c.info.url);
  fact("server", program(c.info));
  fact("protocol", c.info.protocol_version);
  fact("capabilities", c.info.capabilities);
  fact("tools", tools_line(c));
  fact("managed", c.info.managed ? "yes" : "no");
  fact("revision", std::to_string(c.revision));
  for (const auto& p : c.problems) fact("problem", p, tone::warn);
  return out;
}

std::string json_of(const std::vector<connection>& records) {
  std::string out = "[";
  for (const auto& c : records) out += (out.size() == 1 ? "\n" : ",\n") + to_json(c);
  return out + (records.empty() ? "]\n" : "\n]\n");
}

}  // namespace mcpstate::cli
