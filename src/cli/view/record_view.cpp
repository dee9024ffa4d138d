// SPDX-License-Identifier: MIT
#include "cli/view/record_view.hh"

#include <mcpstate/core/connection_json.hpp>

#include "cli/view/text.hh"

namespace mcpstate::cli {

namespace {

constexpr std::size_t remark_width = 100;  // where no terminal limits it; show and --json have all of it

// What a reader should know first: what is odd, else why it is not up, else where it is.
cell remark(const connection& c) {
  if (!c.problems.empty()) return {"! " + c.problems.front(), tone::warn};
  if (c.info.error) return {c.info.error->message, tone::dim};
  return {c.info.url.empty() ? c.info.transport : c.info.url, tone::dim};
}

// Since when the status is what it is.
std::optional<timestamp> status_time(const connection& c) {
  return c.connected() ? c.connected_at : c.info.status_changed_at;
}

std::string relative_and_exact(const std::optional<timestamp>& t, timestamp now) {
  return t ? relative_time(*t, now) + " (" + to_iso8601(*t) + ")" : std::string();
}

std::string program(const details& d) { return d.server_title + (d.server_version.empty() ? "" : " " + d.server_version); }

std::string tools_line(const details& d) {
  if (!d.tool_count) return {};
  return counted(*d.tool_count, "tool") + (d.tools_hash.empty() ? "" : ", " + d.tools_hash);
}

std::string error_line(const failure& f, timestamp now) {
  std::string out = f.code + ": " + f.message;
  if (f.time != timestamp{}) out += ", " + relative_time(f.time, now);
  if (f.attempt > 0) out += ", attempt " + std::to_string(f.attempt);
  if (f.retry_at) out += ", next attempt " + relative_time(*f.retry_at, now);
  return out;
}

}  // namespace

tone status_tone(std::optional<status> s) noexcept {
  if (!s) return tone::bad;
  if (s == status::connected) return tone::good;
  if (s == status::failed) return tone::bad;
  return s == status::disconnected ? tone::dim : tone::warn;
}

std::string connection_label(const owner& account, const std::string& server) { return account.text() + " " + server; }

error managed_refusal(const connection& record) {
  return error(errc::kept_elsewhere, "mcpstate itself manages " + connection_label(record.owner, record.server) +
                                         "; disconnect it first, or say --take-over");
}

table connection_table(const std::vector<connection>& records, timestamp now) {
  table out({"SERVER", "STATUS", "TOOLS", "SINCE", "EXPIRES", "REMARK"});
  out.limit_last(remark_width);
  for (const auto& c : records) {
    const std::string tools = c.info.tool_count ? std::to_string(*c.info.tool_count) : "-";
    const cell state(std::string(to_text(c.state)), status_tone(c.state));
    out.add({c.server, state, tools, relative_time(status_time(c), now), relative_time(c.expires_at, now), remark(c)});
  }
  return out;
}

std::string connection_sheet(const connection& c, timestamp now, bool colour) {
  sheet out(18, "  ", colour);
  out.head(c.owner.text() + "  " + c.server);
  out.fact("status", std::string(to_text(c.state)), status_tone(c.state));
  out.fact(c.connected() ? "connected" : "since", relative_and_exact(status_time(c), now));
  if (!c.connected()) out.fact("last connected", relative_and_exact(c.info.last_connected_at, now));
  out.fact("handshake", relative_and_exact(c.info.checked_at, now));
  if (c.info.error) out.fact("error", error_line(*c.info.error, now), tone::bad);
  out.fact("expires", relative_and_exact(c.expires_at, now));
  out.fact("transport", c.info.transport);
  out.fact("url", c.info.url);
  out.fact("server", program(c.info));
  out.fact("protocol", c.info.protocol_version);
  out.fact("capabilities", c.info.capabilities);
  out.fact("tools", tools_line(c.info));
  out.fact("managed", c.info.managed ? "yes" : "no");
  if (c.info.restarts > 0) out.fact("restarts", std::to_string(c.info.restarts));
  out.fact("revision", std::to_string(c.revision));
  for (const auto& problem : c.problems) out.fact("problem", problem, tone::warn);
  return out.text();
}

}  // namespace mcpstate::cli
