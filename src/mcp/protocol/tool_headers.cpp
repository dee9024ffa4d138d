// SPDX-License-Identifier: MIT
#include "mcp/protocol/tool_headers.hh"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>

#include "core/json/depth.hh"
#include "core/json/slice.hh"
#include "core/text/quoted.hh"
#include "http/token.hh"
#include "mcp/protocol/header_value.hh"

namespace mcpstate::mcp {
namespace {

constexpr std::string_view annotation_key = "x-mcp-header", header_prefix = "Mcp-Param-";
constexpr std::size_t max_open_names = 128 * 1024;
constexpr std::size_t max_headers = 64, max_list_bytes = 8192, max_values_bytes = 65536;

// Keywords of every draft whose value is a schema or an array of schemas, and those whose value is an object of schemas.
// What is under any other is data (default, enum, …), and no annotation.
constexpr std::array<std::string_view, 16> schema_keywords = {"items",
                                                              "prefixItems",
                                                              "additionalItems",
                                                              "contains",
                                                              "additionalProperties",
                                                              "unevaluatedProperties",
                                                              "unevaluatedItems",
                                                              "propertyNames",
                                                              "contentSchema",
                                                              "oneOf",
                                                              "anyOf",
                                                              "allOf",
                                                              "not",
                                                              "if",
                                                              "then",
                                                              "else"};
constexpr std::array<std::string_view, 5> schema_map_keywords = {"patternProperties", "dependentSchemas", "dependencies",
                                                                 "$defs", "definitions"};

template <class List>
bool contains(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// A pointer that a server chose, on one line.
std::string shown(std::string_view pointer) {
  const std::string out = mcpstate::quoted(pointer);
  return out.substr(1, out.size() - 2);
}

// A pointer that is too long for a header stays so; there is no need to build the rest of it.
void append_step(std::string& pointer, std::string_view key) {
  if (pointer.size() > max_list_bytes) return;
  key = key.substr(0, max_list_bytes);
  pointer += '/';
  for (const char c : key) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
}

std::string key_of_step(std::string_view step) {
  std::string out;
  for (std::size_t i = 0; i < step.size(); ++i) {
    const bool escaped = step[i] == '~' && i + 1 < step.size();
    out += escaped ? (step[++i] == '1' ? '/' : '~') : step[i];
  }
  return out;
}

// Goes over a tool once and collects its annotations; stops at the first that is wrong.
class annotation_reader {
 public:
  explicit annotation_reader(std::string_view tool) : walk_(tool) {}

  result<tool_header_list> read() {
    if (walk_.kind() == json_kind::object) {
      bool seen = false;
      for (bool more = walk_.enter(); more && !fault_; more = walk_.next()) {
        if (text_of(walk_.take_key()) != "inputSchema") {
          walk_.take();
          continue;
        }
        note_twice(seen);
        schema(true);
      }
    }
    // Who reads the last of two, and who reads the first, would see different headers.
    if (!fault_ && annotated_ && twice_) fault("its schema has a key twice", *twice_);
    if (fault_) return std::move(*fault_);
    return std::move(found_);
  }

 private:
  void fault(std::string_view reason, std::string_view pointer) {
    if (!fault_)
      fault_ = error(errc::protocol, "x-mcp-header: " + std::string(reason), shown(pointer.empty() ? "the root" : pointer));
  }
  void note_twice(bool& seen) {
    if (seen && !twice_) twice_ = path_;
    seen = true;
  }

  // Whatever stands where a schema may. reached: its place is one in the arguments, too.
  void schema(bool reached) {
    if (++depth_ > json_depth_of_messages) fault("the schema is nested too deep", path_);
    if (fault_) return;
    const json_kind kind = walk_.kind();
    if (kind == json_kind::object) {
      schema_object(reached);
    } else if (kind == json_kind::array) {
      for (bool more = walk_.enter(); more && !fault_; more = walk_.next()) schema(false);
    } else {
      walk_.take();
    }
    --depth_;
  }

  void schema_object(bool reached) {
    std::optional<std::string_view> annotation, type;
    bool seen_annotation = false, seen_type = false, seen_properties = false;
    for (bool more = walk_.enter(); more && !fault_; more = walk_.next()) {
      const std::string key = text_of(walk_.take_key()).value_or(std::string());
      if (key == annotation_key) {
        note_twice(seen_annotation);
        annotation = walk_.take();
      } else if (key == "type") {
        note_twice(seen_type);
        type = walk_.take();
      } else if (key == "properties") {
        note_twice(seen_properties);
        schema_map(reached);
      } else if (contains(schema_keywords, key)) {
        below(key, [this] { schema(false); });
      } else if (contains(schema_map_keywords, key)) {
        below(key, [this] { schema_map(false); });
      } else {
        walk_.take();
      }
    }
    if (annotation && !fault_) declare(reached, *annotation, type.value_or(std::string_view()));
  }

  // The value of "properties" and its like: names, and a schema for each.
  void schema_map(bool reached) {
    if (walk_.kind() != json_kind::object) return schema(false);
    std::deque<std::size_t> names;  // their hashes: a name takes more room than its bytes
    for (bool more = walk_.enter(); more && !fault_; more = walk_.next()) {
      const std::string name = text_of(walk_.take_key()).value_or(std::string());
      names.push_back(std::hash<std::string>()(name));
      if (++open_names_ > max_open_names) fault("there are too many properties", path_);
      below(name, [this, reached] { schema(reached); });
    }
    open_names_ -= names.size();
    std::sort(names.begin(), names.end());
    bool seen = std::adjacent_find(names.begin(), names.end()) != names.end();
    if (seen) note_twice(seen);
  }

  template <class Read>
  void below(std::string_view step, const Read& read) {
    const std::size_t length = path_.size();
    append_step(path_, step);
    read();
    path_.resize(length);
  }

  void declare(bool reached, std::string_view annotation, std::string_view type) {
    annotated_ = true;
    if (!reached || path_.empty()) return fault("it is not on a property that \"properties\" alone lead to", path_);
    const std::string name = text_of(annotation).value_or(std::string());
    if (!http::is_token(name)) return fault("it is not an HTTP token", path_);
    const std::string wanted = text_of(type).value_or(std::string());
    if (wanted != "string" && wanted != "integer" && wanted != "boolean")
      return fault("the type is not exactly string, integer or boolean", path_);
    if (!names_.insert(ascii_lower(name)).second) return fault("two properties have the same one", path_);
    tool_header header;
    header.pointer = path_;
    header.name = std::string(header_prefix) + name;
    bytes_ += header.pointer.size() + header.name.size();
    if (found_.size() >= max_headers || bytes_ > max_list_bytes) return fault("there are too many", path_);
    found_.push_back(std::move(header));
  }

  json_walk walk_;
  std::size_t depth_ = 0, bytes_ = 0;
  std::size_t open_names_ = 0;  // in the maps that it is in
  std::string path_;            // of the schema it is in
  std::set<std::string> names_;
  tool_header_list found_;
  bool annotated_ = false;
  std::optional<std::string> twice_;  // where
  std::optional<error> fault_;
};

std::optional<std::string_view> value_at(std::string_view value, std::string_view pointer) {
  while (!pointer.empty()) {
    if (kind_of(value) != json_kind::object) return std::nullopt;
    pointer.remove_prefix(1);
    const std::string_view step = pointer.substr(0, pointer.find('/'));
    const auto found = find_member(value, key_of_step(step));
    if (!found) return std::nullopt;
    value = *found;
    pointer.remove_prefix(step.size());
  }
  return value;
}

std::optional<std::string> text_of_integer(std::string_view value) {
  constexpr double largest = 9007199254740991;  // 2^53-1: beyond it, not every program has the same number
  const auto number = number_of(value);
  if (!number || std::trunc(*number) != *number || std::abs(*number) > largest) return std::nullopt;
  return std::to_string(static_cast<std::int64_t>(*number));
}

std::optional<std::string> text_of_argument(std::string_view value) {
  switch (kind_of(value)) {
    case json_kind::string:
      return text_of(value);
    case json_kind::boolean:
      return std::string(value);
    case json_kind::number:
      return text_of_integer(value);
    default:
      return std::nullopt;
  }
}

}  // namespace

result<tool_header_list> read_tool_headers(std::string_view tool) {
  // Most tools have none. A key may be spelled with \u…, and in no other way.
  const bool maybe = tool.find(annotation_key) != std::string_view::npos || tool.find("\\u") != std::string_view::npos;
  if (!maybe) return tool_header_list();
  return annotation_reader(tool).read();
}

result<http::header_list> headers_of_call(const tool_header_list& wanted, std::string_view arguments) {
  http::header_list out;
  std::size_t bytes = 0;
  for (const tool_header& header : wanted) {
    const auto value = value_at(arguments, header.pointer);
    if (!value || kind_of(*value) == json_kind::null) continue;
    const auto text = text_of_argument(*value);
    if (!text) {
      return error(errc::bad_argument,
                   "an argument that the tool wants as a header is no string, boolean, or integer of at most 2^53-1",
                   shown(header.pointer));
    }
    std::string encoded = encode_header_value(*text);
    bytes += encoded.size();
    if (bytes > max_values_bytes) {
      return error(
          errc::too_large,
          "the arguments that the tool wants as headers take more than " + std::to_string(max_values_bytes) + " bytes",
          shown(header.pointer));
    }
    out.emplace_back(header.name, std::move(encoded));
  }
  return out;
}

}  // namespace mcpstate::mcp
