// SPDX-License-Identifier: MIT
#include "mcp/protocol/revisions.hh"

#include <algorithm>
#include <array>

#include "core/json/slice.hh"
#include "core/text/ascii.hh"
#include "core/text/directions.hh"
#include "mcp/protocol/header_value.hh"

namespace mcpstate::mcp {
namespace {

constexpr std::array<std::string_view, 4> legacy_versions = {newest_legacy_version, "2025-06-18", "2025-03-26",
                                                             "2024-11-05"};
constexpr std::string_view usual_version = "2025-06-18";
constexpr std::size_t max_versions = 100, max_version_bytes = 100;
constexpr std::size_t max_title_bytes = 4096, max_instructions_bytes = 64 * 1024, max_capabilities_bytes = 64 * 1024;
constexpr std::string_view meta_prefix = "io.modelcontextprotocol/";

bool is_object(const std::optional<std::string_view>& value) { return value && kind_of(*value) == json_kind::object; }

bool changes_announced(std::string_view capabilities, std::string_view list) {
  const auto part = find_member(capabilities, list);
  return is_object(part) && find_member(*part, "listChanged") == "true";
}

// At most so much of a text, up to the end of a character: what a session keeps of a server's words about itself.
std::string beginning(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80) --limit;
  return text.substr(0, limit);
}

void read_capabilities(std::string_view result, handshake& out) {
  const auto capabilities = find_member(result, "capabilities");
  if (!is_object(capabilities)) return;
  if (capabilities->size() <= max_capabilities_bytes) out.capabilities = *capabilities;
  out.has_tools = is_object(find_member(*capabilities, "tools"));
  out.tools_list_changed = changes_announced(*capabilities, "tools");
  out.any_list_changed =
      out.tools_list_changed || changes_announced(*capabilities, "prompts") || changes_announced(*capabilities, "resources");
}

void read_server_info(const std::optional<std::string_view>& info, handshake& out) {
  if (!is_object(info)) return;
  out.server_name = without_directions(beginning(text_member(*info, "name"), max_title_bytes));
  out.server_version = without_directions(beginning(text_member(*info, "version"), max_title_bytes));
}

// Versions, as a server lists them: as many as a server could know.
std::vector<std::string> versions_of(const std::optional<std::string_view>& array) {
  std::vector<std::string> out;
  if (!array || kind_of(*array) != json_kind::array) return out;
  json_walk walk(*array);
  for (bool more = walk.enter(); more && out.size() < max_versions; more = walk.next()) {
    const std::string_view element = walk.take();
    auto text = element.size() <= max_version_bytes ? text_of(element) : std::nullopt;
    if (text) out.push_back(std::move(*text));
  }
  return out;
}

// The members of an object but those named, then `more` (raw members without braces).
std::string with_members(std::string_view object, const std::vector<std::string_view>& without, std::string_view more) {
  std::string out = "{";
  const auto add = [&out](std::string_view member) {
    if (out.size() > 1) out += ',';
    out += member;
  };
  if (!object.empty()) {
    for (const json_member& member : members_of(object)) {
      const std::string key = text_of(member.key).value_or(std::string());
      if (std::find(without.begin(), without.end(), key) != without.end()) continue;
      add(std::string(member.key) + ":" + std::string(member.value));
    }
  }
  if (!more.empty()) add(more);
  return out + "}";
}

std::string_view meta_of(std::string_view params) {
  if (params.empty()) return {};
  const auto meta = find_member(params, "_meta");
  return is_object(meta) ? *meta : std::string_view();
}

std::string meta_key(std::string_view name) { return quote_json(std::string(meta_prefix) + std::string(name)); }

std::string info_json(const client_identity& identity) {
  return "{\"name\":" + quote_json(identity.name) + ",\"version\":" + quote_json(identity.version) + "}";
}

}  // namespace

bool is_modern_version(std::string_view version) noexcept { return version == modern_version; }

bool is_legacy_version(std::string_view version) noexcept {
  return std::find(legacy_versions.begin(), legacy_versions.end(), version) != legacy_versions.end();
}

bool declares(std::string_view capabilities, std::string_view method) {
  const std::string_view needed = method == "elicitation/create"       ? "elicitation"
                                  : method == "sampling/createMessage" ? "sampling"
                                  : method == "roots/list"             ? "roots"
                                                                       : "";
  return !needed.empty() && is_object(find_member(capabilities, needed));
}

bool declares_elicitation_mode(std::string_view capabilities, std::string_view mode) {
  const auto declared = find_member(capabilities, "elicitation");
  if (!is_object(declared)) return false;
  if (members_of(*declared).empty()) return mode == "form";
  return is_object(find_member(*declared, mode));
}

bool declares_mode_of(std::string_view capabilities, std::string_view method, std::string_view params) {
  if (method != "elicitation/create") return true;
  const bool sound = !params.empty() && kind_of(params) == json_kind::object;
  const std::string mode = sound ? text_member(params, "mode") : std::string();
  return declares_elicitation_mode(capabilities, mode.empty() ? "form" : mode);
}

std::string initialize_params(const client_identity& identity, std::string_view version) {
  return "{\"protocolVersion\":" + quote_json(version) + ",\"capabilities\":" + identity.capabilities +
         ",\"clientInfo\":" + info_json(identity) + "}";
}

result<handshake> read_initialize(const message& answer) {
  if (answer.type == message::kind::failure) {
    const std::string code = std::to_string(answer.error_code);
    return error(errc::rpc_error, "the server refused initialize with error " + code, answer.error_message);
  }
  if (kind_of(answer.body) != json_kind::object) return error(errc::protocol, "the answer to initialize is not an object");
  handshake out;
  out.protocol_version = beginning(text_member(answer.body, "protocolVersion"), max_title_bytes);
  if (out.protocol_version.empty()) return error(errc::protocol, "the answer to initialize names no protocol version");
  if (!is_legacy_version(out.protocol_version)) {
    return error(errc::unsupported, "the server wants a protocol version that mcpstate does not speak",
                 out.protocol_version);
  }
  read_server_info(find_member(answer.body, "serverInfo"), out);
  out.instructions = without_directions(beginning(text_member(answer.body, "instructions"), max_instructions_bytes));
  read_capabilities(answer.body, out);
  return out;
}

result<discovery> read_discover(std::string_view body) {
  const error not_it(errc::protocol, "the answer to server/discover is not of its form");
  if (kind_of(body) != json_kind::object) return not_it;
  const auto versions = find_member(body, "supportedVersions");
  if (!versions || kind_of(*versions) != json_kind::array) return not_it;
  discovery out;
  out.versions = versions_of(versions);
  const std::string_view meta = meta_of(body);
  // Drafts of the revision had serverInfo in the body.
  auto info = meta.empty() ? std::nullopt : find_member(meta, std::string(meta_prefix) + "serverInfo");
  if (!info) info = find_member(body, "serverInfo");
  read_server_info(info, out.server);
  out.server.instructions = without_directions(beginning(text_member(body, "instructions"), max_instructions_bytes));
  read_capabilities(body, out.server);
  return out;
}

std::optional<std::string> revision_to_offer(std::string_view words) {
  for (const std::string_view version : legacy_versions) {  // the newest first
    if (version != newest_legacy_version && words.find(version) != std::string_view::npos) return std::string(version);
  }
  if (ascii_lower(words).find("version") == std::string::npos) return std::nullopt;
  return std::string(usual_version);
}

std::vector<std::string> versions_of_refusal(const message& failure) {
  if (failure.error_data.empty() || kind_of(failure.error_data) != json_kind::object) return {};
  return versions_of(find_member(failure.error_data, "supported"));
}

std::string with_request_meta(std::string_view params, const client_identity& identity, std::string_view version,
                              std::uint64_t progress_token) {
  const std::string version_key = std::string(meta_prefix) + "protocolVersion";
  const std::string info_key = std::string(meta_prefix) + "clientInfo";
  const std::string capabilities_key = std::string(meta_prefix) + "clientCapabilities";
  std::string ours = meta_key("protocolVersion") + ":" + quote_json(version) + "," + meta_key("clientInfo") + ":" +
                     info_json(identity) + "," + meta_key("clientCapabilities") + ":" + identity.capabilities;
  std::vector<std::string_view> replaced = {version_key, info_key, capabilities_key};
  if (progress_token != 0) {
    ours += ",\"progressToken\":" + std::to_string(progress_token);
    replaced.push_back("progressToken");
  }
  const std::string meta = with_members(meta_of(params), replaced, ours);
  return with_members(params, {"_meta"}, "\"_meta\":" + meta);
}

std::string with_progress_token(std::string_view params, std::uint64_t token) {
  const std::string meta = with_members(meta_of(params), {"progressToken"}, "\"progressToken\":" + std::to_string(token));
  return with_members(params, {"_meta"}, "\"_meta\":" + meta);
}

std::vector<std::pair<std::string, std::string>> request_headers(std::string_view method, std::string_view params) {
  std::vector<std::pair<std::string, std::string>> out;
  out.emplace_back("Mcp-Method", std::string(method));
  const std::string_view member = method == "tools/call" || method == "prompts/get" ? "name"
                                  : method == "resources/read"                      ? "uri"
                                                                                    : "";
  if (member.empty() || params.empty()) return out;
  const auto value = find_member(params, member);
  if (const auto text = value ? text_of(*value) : std::nullopt) out.emplace_back("Mcp-Name", encode_header_value(*text));
  return out;
}

bool is_repeatable(std::string_view method) noexcept { return method != "tools/call"; }

std::string cancel_params(std::uint64_t id, std::string_view reason) {
  return "{\"requestId\":" + std::to_string(id) + ",\"reason\":" + quote_json(reason) + "}";
}

}  // namespace mcpstate::mcp
