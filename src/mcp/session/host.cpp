// SPDX-License-Identifier: MIT
#include <mcpstate/mcp/host.hpp>

#include "core/json/slice.hh"

namespace mcpstate::mcp {
namespace {

bool is_object_text(std::string_view text) { return !validate_json(text) && kind_of(text) == json_kind::object; }

}  // namespace

task<std::string> host::answer(std::string method, std::string params) {
  static_cast<void>(params);
  co_return error(errc::unsupported, "nobody here answers " + method);
}

result<std::string> with_defaults(std::string_view params, std::string_view content) {
  if (!is_object_text(params)) return error(errc::protocol, "the parameters of an elicitation are not an object");
  if (!is_object_text(content)) return error(errc::bad_argument, "the content of an elicitation is a JSON object");
  const auto schema = find_member(params, "requestedSchema");
  if (!schema || kind_of(*schema) != json_kind::object) {
    return error(errc::protocol, "the elicitation has no requestedSchema");
  }
  const auto given = members_of(content);
  std::string out = "{";
  for (const json_member& member : given) {
    out.append(out.size() > 1 ? "," : "").append(member.key).append(":").append(member.value);
  }
  const auto properties = find_member(*schema, "properties");
  if (properties && kind_of(*properties) == json_kind::object) {
    json_walk walk(*properties);
    for (bool more = walk.enter(); more; more = walk.next()) {
      const std::string_view key = walk.take_key();
      const std::string_view property = walk.take();
      const auto preset = kind_of(property) == json_kind::object ? find_member(property, "default") : std::nullopt;
      if (!preset || find_member(content, text_of(key).value_or(std::string()))) continue;
      out.append(out.size() > 1 ? "," : "").append(key).append(":").append(*preset);
    }
  }
  return out + "}";
}

}  // namespace mcpstate::mcp
