// SPDX-License-Identifier: MIT
#include "core/variables.hh"

#include <algorithm>

#include "core/text/ascii.hh"

namespace mcpstate {

bool is_variable_name(std::string_view name) noexcept {
  const auto ok = [](char c) { return c == '_' || is_letter(c) || is_digit(c); };
  return !name.empty() && !is_digit(name[0]) && std::all_of(name.begin(), name.end(), ok);
}

result<std::string> expand_variables(const std::string& text,
                                     const std::function<std::optional<std::string>(const std::string& name)>& value_of,
                                     const std::function<void(const std::string& value)>& on_value) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto begin = text.find("${", at);
    out.append(text, at, begin == std::string::npos ? std::string::npos : begin - at);
    if (begin == std::string::npos) break;
    const auto end = text.find('}', begin);
    if (end == std::string::npos) return error(errc::bad_argument, "a ${ without its }");
    const std::string inside = text.substr(begin + 2, end - begin - 2);
    const auto mark = inside.find(":-");
    const std::string name = inside.substr(0, mark);
    if (!is_variable_name(name)) return error(errc::bad_argument, "what stands in ${} is not the name of a variable");
    const auto value = value_of(name);
    const bool use_default = mark != std::string::npos && (!value || value->empty());
    if (!value && !use_default) return error(errc::bad_argument, "the environment variable " + name + " is not set");
    out += use_default ? inside.substr(mark + 2) : *value;
    if (!use_default && on_value) on_value(*value);
    at = end + 1;
  }
  return out;
}

}  // namespace mcpstate
