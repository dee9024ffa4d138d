// SPDX-License-Identifier: MIT
#include <mcpstate/core/record.hpp>

#include <algorithm>

#include <mcpstate/core/keys.hpp>

#include "core/json/depth.hh"
#include "core/json/text.hh"
#include "core/text/quoted.hh"

namespace mcpstate {
namespace {

// The three words of the status key, and nothing else.
std::optional<status> from_key_text(std::string_view text) noexcept {
  for (const status s : {status::connected, status::disconnected, status::failed}) {
    if (to_text(s) == text) return s;
  }
  return std::nullopt;
}

// Whether :info was written together with the status and connected_at that stand beside it.
bool belongs(const info_record& info, const raw_record& raw) {
  return info.state && raw.status && to_key_text(*info.state) == *raw.status && info.connected_at == raw.connected_at;
}

// What stays true of a record that a foreign program has changed since: who the server is, not how it is.
details surviving(details info) {
  details out;
  out.managed = info.managed;
  out.registered = std::move(info.registered);
  out.transport = std::move(info.transport);
  out.url = std::move(info.url);
  out.protocol_version = std::move(info.protocol_version);
  out.server_title = std::move(info.server_title);
  out.server_version = std::move(info.server_version);
  out.last_connected_at = info.last_connected_at;
  return out;
}

void read_status(connection& c, const raw_record& raw) {
  if (!raw.status) return;
  const std::optional<status> known = from_key_text(*raw.status);
  c.state = known;
}

void read_info(connection& c, const raw_record& raw) {
  if (!raw.info) return;
  const std::optional<std::uint64_t> revision = revision_of_info(*raw.info);
  c.revision = c.seen.revision = revision.value_or(0);
  std::optional<info_record> info = revision ? decode_info(*raw.info) : std::nullopt;
  if (!info) {
    c.altered = true;
    c.problems.emplace_back("info cannot be read");
    return;
  }
  c.expires_latest = info->expires_latest;
  if (!belongs(*info, raw)) {
    c.altered = true;
    c.info = surviving(std::move(info->info));
    return;
  }
  c.state = *info->state;
  c.expires_at = info->expires_at;
  c.info = std::move(info->info);
}

void read_connected_at(connection& c, const raw_record& raw) {
  if (!c.connected()) return;
  if (!raw.connected_at) {
    c.problems.emplace_back("connected_at is missing");
    return;
  }
  const std::optional<parsed_time> when = from_iso8601(*raw.connected_at);
  if (!when) {
    c.problems.push_back("connected_at is " + mcpstate::quoted(*raw.connected_at) + ", not an ISO 8601 time");
    return;
  }
  c.connected_at = when->time;
  if (when->naive) c.problems.emplace_back("connected_at has no time zone; read as UTC");
}

bool looks_like_array(std::string_view bytes) noexcept {
  constexpr std::string_view space = " \t\r\n";
  const std::size_t first = bytes.find_first_not_of(space);
  return first != std::string_view::npos && bytes[first] == '[' && bytes[bytes.find_last_not_of(space)] == ']';
}

void count_tools(connection& c) {
  c.info.tool_count.reset();
  c.info.tools_hash.clear();
  c.info.tools_bytes.reset();
  if (!c.tools) return;
  const json_check check = check_json(*c.tools, json_shape::array, json_depth_of_tools);
  if (!check.ok) {
    c.problems.push_back("tools are not a JSON array: " + check.fault + " at byte " + std::to_string(check.offset));
    return;
  }
  c.info.tool_count = check.elements;
  c.info.tools_hash = sha256_tag(*c.tools);
  c.info.tools_bytes = c.tools->size();
}

// A list that :info vouches for is not parsed again: that costs many times the read.
void read_tools(connection& c, raw_record& raw) {
  if (!raw.tools_asked) return;
  if (raw.tools_too_long || (raw.tools && raw.tools->size() > default_tools_limit)) {
    c.problems.push_back("tools are over " + std::to_string(default_tools_limit) + " bytes");
    return count_tools(c);
  }
  c.tools = std::move(raw.tools);
  const bool same_length = c.tools && c.info.tools_bytes.value_or(c.tools->size()) == c.tools->size();
  const bool vouched = c.info.tool_count && !c.info.tools_hash.empty() && same_length;
  if (c.tools && vouched && looks_like_array(*c.tools)) return;
  if (!c.tools && c.info.tool_count) c.problems.emplace_back("tools are missing");
  count_tools(c);
}

}  // namespace

std::optional<connection> read_record(const owner& account, raw_record raw) {
  if (!raw.status && !raw.info) return std::nullopt;
  member_name name = name_of_member(raw.member);
  connection c(account, std::move(name.text));
  c.member = raw.member;
  if (name.foreign)
    c.problems.push_back("the server name " + mcpstate::quoted(raw.member) + " is not written as mcpstate writes names");
  read_status(c, raw);
  read_info(c, raw);
  read_connected_at(c, raw);
  read_tools(c, raw);
  if (!c.state)
    set_unknown_status(c, errc::junk_record,
                       "status is " + mcpstate::quoted(*raw.status) + ", not one of CONNECTED, DISCONNECTED, FAILED");
  if (raw.status) c.seen.status_bytes = basis_bytes(*raw.status);
  if (raw.connected_at) c.seen.connected_at_bytes = basis_bytes(*raw.connected_at);
  return c;
}

void set_unknown_status(connection& c, errc code, std::string why) {
  c.state.reset();
  c.connected_at.reset();
  c.info.error.emplace();
  c.info.error->code = std::string(name_of(code));
  c.info.error->message = why;
  c.problems.push_back(std::move(why));
}

std::string basis_bytes(std::string_view value) { return std::string(value.substr(0, max_short_value)); }

void recount_tools(connection& c) {
  if (c.tools && c.info.tool_count && sha256_tag(*c.tools) != c.info.tools_hash) count_tools(c);
}

std::uint64_t next_revision(std::uint64_t stored, timestamp now) noexcept {
  const auto micros = now.time_since_epoch().count();
  const std::uint64_t clock = micros > 0 ? static_cast<std::uint64_t>(micros) : 0;
  return readable_revision(stored) < max_revision ? std::max(readable_revision(stored) + 1, clock)
                                                  : std::max<std::uint64_t>(clock, 1);
}

}  // namespace mcpstate
