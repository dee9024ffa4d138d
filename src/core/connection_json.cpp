// SPDX-License-Identifier: MIT
#include <mcpstate/core/connection_json.hpp>

#include "core/details_json.hh"
#include "core/json/depth.hh"
#include "core/json/text.hh"

namespace mcpstate {
namespace {

void write_without_tools(object_writer& out, const connection& c) {
  out.text("owner", c.owner.text());
  out.text("server", c.server);
  if (is_foreign_member(c)) out.text("member", c.member);
  if (c.state) out.text("status", to_text(*c.state));
  out.number("revision", c.revision);
  out.time("connected_at", c.connected_at);
  if (!c.connected()) out.time("last_connected_at", c.info.last_connected_at);
  if (!c.connected()) out.time("status_changed_at", c.info.status_changed_at);
  out.time("expires_at", c.expires_at);
  out.time("checked_at", c.info.checked_at);
  if (c.info.managed) out.boolean("managed", true);
  if (c.info.restarts != 0) out.number("restarts", c.info.restarts);
  write_peer_facts(out, c.info);
  write_tools_facts(out, c.info);
  write_failure(out, c.info.error);
  if (!c.problems.empty()) out.raw("problems", json_array(c.problems));
}

}  // namespace

void append_connection_head(std::string& out, const connection& c) {
  object_writer members(out);
  write_without_tools(members, c);
}

std::string to_json(const connection& c) {
  // The tools key may hold junk of another program, and :info may vouch for it wrongly: only a JSON array goes out.
  const bool good_tools = c.tools && check_json(*c.tools, json_shape::array, json_depth_of_tools).ok;
  std::string out;
  out.reserve(512 + (good_tools ? c.tools->size() : 0));
  object_writer members(out);
  write_without_tools(members, c);
  if (good_tools) members.raw("tools", *c.tools);
  members.close();
  return out;
}

}  // namespace mcpstate
