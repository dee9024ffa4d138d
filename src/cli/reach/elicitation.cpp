// SPDX-License-Identifier: MIT
#include "cli/reach/elicitation.hh"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "cli/view/json.hh"
#include "core/text/ascii.hh"
#include "core/text/printable.hh"
#include "core/text/trimmed.hh"
#include "core/text/utf8.hh"

namespace mcpstate::cli {

namespace {

using mcp::json_kind;
using kind = form_field::kind;

std::vector<std::string> text_elements(std::string_view schema, std::string_view name) {
  std::vector<std::string> out;
  for (const auto each : array_member(schema, name)) {
    if (auto text = mcp::text_of(each)) out.push_back(std::move(*text));
  }
  return out;
}

// The choices of a schema: enum (perhaps with enumNames), or oneOf/anyOf of {const, title}.
std::vector<form_field::option> parse_options(std::string_view schema) {
  std::vector<form_field::option> out;
  const auto labels = text_elements(schema, "enumNames");
  for (auto& value : text_elements(schema, "enum")) {
    const std::string label = out.size() < labels.size() ? labels[out.size()] : value;
    out.emplace_back(std::move(value), label);
  }
  for (const char* name : {"oneOf", "anyOf"}) {
    for (const auto each : array_member(schema, name)) {
      if (mcp::kind_of(each) != json_kind::object) continue;
      const std::string value = mcp::text_member(each, "const");
      const std::string title = mcp::text_member(each, "title");
      if (!value.empty()) out.emplace_back(value, title.empty() ? value : title);
    }
  }
  return out;
}

void parse_bounds(form_field& out, std::string_view schema, const char* minimum, const char* maximum) {
  const auto number = [schema](const char* name) {
    const auto value = mcp::find_member(schema, name);
    return value ? mcp::number_of(*value) : std::nullopt;
  };
  out.minimum = number(minimum);
  out.maximum = number(maximum);
}

void parse_type(form_field& out, std::string_view schema) {
  const std::string type = mcp::text_member(schema, "type");
  out.options = parse_options(schema);
  if (type == "array") {
    const auto items = object_member(schema, "items");
    out.type = kind::choices;
    out.options = items ? parse_options(*items) : std::vector<form_field::option>();
    parse_bounds(out, schema, "minItems", "maxItems");
  } else if (type == "number" || type == "integer") {
    out.type = type == "number" ? kind::number : kind::integer;
    parse_bounds(out, schema, "minimum", "maximum");
  } else if (type == "boolean") {
    out.type = kind::yes_no;
  } else if (!out.options.empty()) {
    out.type = kind::choice;
  } else {
    out.format = mcp::text_member(schema, "format");
    parse_bounds(out, schema, "minLength", "maxLength");
  }
}

form_field parse_field(std::string name, std::string_view schema) {
  form_field out;
  const std::string title = mcp::text_member(schema, "title");
  out.title = title.empty() ? name : title;
  out.name = std::move(name);
  out.description = mcp::text_member(schema, "description");
  out.default_value = mcp::find_member(schema, "default").value_or(std::string_view());
  parse_type(out, schema);
  return out;
}

std::string number_text(double value) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.15g", value);
  return buffer.data();
}

std::string bounds_text(const form_field& field) {
  if (field.minimum && field.maximum) return number_text(*field.minimum) + " to " + number_text(*field.maximum);
  if (field.minimum) return "at least " + number_text(*field.minimum);
  if (field.maximum) return "at most " + number_text(*field.maximum);
  return {};
}

std::string type_text(const form_field& field) {
  const std::string bounds = bounds_text(field);
  const auto with_bounds = [&bounds](const std::string& word) {
    return word + (word.empty() || bounds.empty() ? "" : ", ") + bounds;
  };
  std::string all;
  for (const auto& each : field.options) all += (all.empty() ? "" : ", ") + each.label;
  switch (field.type) {
    case kind::text:
      return with_bounds(field.format) + (bounds.empty() ? "" : " characters");
    case kind::number:
      return with_bounds("number");
    case kind::integer:
      return with_bounds("integer");
    case kind::yes_no:
      return "yes or no";
    case kind::choice:
      return "one of " + all;
    case kind::choices:
      return with_bounds("any of " + all) + "; with commas between";
  }
  return {};
}

// A default as a person would type it.
std::string default_text(const form_field& field, std::string_view raw) {
  if (raw == "true") return "yes";
  if (raw == "false") return "no";
  if (mcp::kind_of(raw) == json_kind::array) {
    std::string out;
    for (const auto each : mcp::elements_of(raw)) out += (out.empty() ? "" : ", ") + default_text(field, each);
    return out;
  }
  const auto text = mcp::text_of(raw);
  if (!text) return std::string(raw);
  const auto option =
      std::find_if(field.options.begin(), field.options.end(), [&](const auto& o) { return o.value == *text; });
  return option == field.options.end() ? *text : option->label;
}

error wrong(std::string cause) { return error(errc::bad_argument, std::move(cause)); }

bool is_within(const form_field& field, double value) {
  return (!field.minimum || value >= *field.minimum) && (!field.maximum || value <= *field.maximum);
}

// JSON has fewer spellings of a number than people: ".5", "+1" and "0x10" are none.
result<std::string> parse_number(const form_field& field, std::string_view typed) {
  const std::string array = "[" + std::string(typed) + "]";
  const bool json = !mcp::validate_json(array) && mcp::elements_of(array).size() == 1;
  const auto value = json ? mcp::number_of(typed) : std::nullopt;
  if (!value) return wrong("that is not a number");
  const bool whole = std::trunc(*value) == *value && typed.find_first_of(".eE") == std::string_view::npos;
  if (field.type == kind::integer && !whole) return wrong("that is not an integer");
  if (!is_within(field, *value)) return wrong("it must be " + bounds_text(field));
  return std::string(typed);
}

result<std::string> parse_option(const form_field& field, std::string_view typed) {
  for (const auto& option : field.options) {
    if (ascii_iequal(option.value, typed) || ascii_iequal(option.label, typed)) return mcp::quote_json(option.value);
  }
  return wrong("'" + printable(typed) + "' is not one of them");
}

result<std::string> parse_chosen(const form_field& field, std::string_view typed) {
  std::vector<std::string> chosen;
  while (!typed.empty()) {
    const auto comma = std::min(typed.find(','), typed.size());
    const auto each = parse_option(field, trimmed(typed.substr(0, comma)));
    if (!each) return each;
    chosen.push_back(*each);
    typed.remove_prefix(std::min(comma + 1, typed.size()));
  }
  if (!is_within(field, static_cast<double>(chosen.size())))
    return wrong("the number of them must be " + bounds_text(field));
  return json_list(chosen);
}

result<std::string> parse_yes_no(std::string_view typed) {
  for (const char* yes : {"y", "yes", "true", "1"}) {
    if (ascii_iequal(typed, yes)) return std::string("true");
  }
  for (const char* no : {"n", "no", "false", "0"}) {
    if (ascii_iequal(typed, no)) return std::string("false");
  }
  return wrong("answer yes or no");
}

result<std::string> parse_text(const form_field& field, std::string_view typed) {
  if (!is_valid_utf8(typed)) return wrong("that is not UTF-8");
  const auto characters = std::count_if(typed.begin(), typed.end(), [](char c) { return (c & 0xC0) != 0x80; });
  if (!is_within(field, static_cast<double>(characters))) return wrong("it must have " + bounds_text(field) + " characters");
  return mcp::quote_json(typed);
}

}  // namespace

result<form> parse_form(std::string_view params) {
  const error no_form(errc::protocol, "the server's question is not of the form of one");
  if (mcp::validate_json(params) || mcp::kind_of(params) != json_kind::object) return no_form;
  const std::string mode = mcp::text_member(params, "mode");
  if (!mode.empty() && mode != "form") {
    return error(errc::unsupported, "the server wants more than answers to questions, which is not offered here", mode);
  }
  const auto schema = object_member(params, "requestedSchema");
  if (!schema) return no_form;
  form out;
  out.message = mcp::text_member(params, "message");
  const auto required = text_elements(*schema, "required");
  const auto properties = object_member(*schema, "properties");
  if (!properties) return out;
  for (const auto& property : mcp::members_of(*properties)) {
    if (mcp::kind_of(property.value) != json_kind::object) continue;
    auto field = parse_field(mcp::text_of(property.key).value_or(std::string()), property.value);
    field.required = std::find(required.begin(), required.end(), field.name) != required.end();
    out.fields.push_back(std::move(field));
  }
  return out;
}

std::string question_text(const form_field& field) {
  std::string hint = type_text(field);
  if (!field.required && field.default_value.empty()) hint += hint.empty() ? "may be left out" : "; may be left out";
  std::string out = field.title;
  if (!field.description.empty() && field.description != field.title) out += ", " + field.description;
  if (!hint.empty()) out += " (" + hint + ")";
  if (!field.default_value.empty()) out += " [" + default_text(field, field.default_value) + "]";
  return printable(out) + ": ";
}

result<std::string> parse_answer(const form_field& field, std::string_view typed) {
  const std::string_view word = trimmed(typed);
  if (word.empty()) {
    if (field.required && field.default_value.empty()) return wrong("an answer is needed");
    return std::string();
  }
  switch (field.type) {
    case kind::text:
      return parse_text(field, word);
    case kind::number:
    case kind::integer:
      return parse_number(field, word);
    case kind::yes_no:
      return parse_yes_no(word);
    case kind::choice:
      return parse_option(field, word);
    case kind::choices:
      return parse_chosen(field, word);
  }
  return wrong("it cannot be asked");
}

}  // namespace mcpstate::cli
