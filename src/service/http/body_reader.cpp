// SPDX-License-Identifier: MIT
#include "service/http/body_reader.hh"

#include <algorithm>

#include "core/text/quoted.hh"
#include "service/http/bad_input.hh"

namespace mcpstate::service {

namespace {

std::string listed(std::initializer_list<std::string_view> names) {
  std::string out;
  for (const auto name : names) out.append(out.empty() ? "" : ", ").append(name);
  return out.empty() ? "none" : out;
}

}  // namespace

result<body_reader> body_reader::parse(std::string_view body, std::initializer_list<std::string_view> known) {
  body_reader out;
  if (body.empty()) return out;
  if (const auto fault = mcp::validate_json(body)) return bad_input("the body is not valid JSON: " + *fault);
  mcp::json_walk walk(body);
  if (walk.kind() != mcp::json_kind::object) return bad_input("the body is not a JSON object");
  for (bool found = walk.enter(); found; found = walk.next()) {
    auto name = mcp::text_of(walk.take_key()).value_or(std::string());
    const auto value = walk.take();
    if (std::find(known.begin(), known.end(), name) == known.end())
      return bad_input("the member " + mcpstate::quoted(name) + " is not known here; known: " + listed(known));
    if (out.raw(name)) return bad_input("the member " + mcpstate::quoted(name) + " occurs twice");
    out.members_.push_back(member{std::move(name), value});
  }
  return out;
}

std::optional<std::string_view> body_reader::raw(std::string_view name) const noexcept {
  for (const auto& m : members_) {
    if (m.name == name) return m.value;
  }
  return std::nullopt;
}

result<std::optional<std::string>> body_reader::text(std::string_view name) const {
  const auto value = raw(name);
  if (!value) return std::optional<std::string>();
  if (mcp::kind_of(*value) != mcp::json_kind::string)
    return bad_input("the member " + mcpstate::quoted(name) + " is not a string");
  auto text = mcp::text_of(*value);
  // No path can have it, so that what was named so could not be reached.
  if (text && text->find('\0') != std::string::npos)
    return bad_input("the member " + mcpstate::quoted(name) + " has a NUL in it");
  return text;
}

result<bool> body_reader::flag(std::string_view name) const {
  const auto value = raw(name);
  if (!value || *value == "false") return false;
  if (*value != "true") return bad_input("the member " + mcpstate::quoted(name) + " is not true or false");
  return true;
}

}  // namespace mcpstate::service
