// SPDX-License-Identifier: MIT
#include "cli/reach/elicitation.hh"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>

#include <mcpstate/core/owner.hpp>

#include "cli/view/text.hh"
#include "core/json/slice.hh"
#include "core/text/trimmed.hh"
#include "core/text/utf8.hh"

namespace mcpstate::cli {

namespace {

using mcp::json_kind;
using kind = form_field::kind;

bool is_object(const std::optional<std::string_view>& value) { return value && mcp::kind_of(*value) == json_kind::object; }
bool is_array(const std::optional<std::string_view>& value) { return value && mcp::kind_of(*value) == json_kind::array; }

std::optional<double> number_in(std::string_view schema, std::string_view name) {
  const auto value = mcp::find_member(schema, name);
  return value ? mcp::number_of(*value) : std::nullopt;
}

std::vector<std::string> texts_in(std::string_view schema, std::string_view name) {
  std::vector<std::string> out;
  const auto array = mcp::find_member(schema, name);
  if (!is_array(array)) return out;
  for (const auto each : mcp::elements_of(*array)) {
    if (auto text = mcp::text_of(each)) out.push_back(std::move(*text));
  }
  return out;
}

// The choices of a schema: enum (perhaps with enumNames), or oneOf/anyOf of {const, title}.
std::vector<form_field::option> options_of(std::string_view schema) {
  std::vector<form_field::option> out;
  const auto labels = texts_in(schema, "enumNames");
  for (auto& value : texts_in(schema, "enum")) {
    const std::string label = out.size() < labels.size() ? labels[out.size()] : value;
    out.emplace_back(std::move(value), label);
  }
  for (const char* name : {"oneOf", "anyOf"}) {
    const auto list = mcp::find_member(schema, name);
    if (!is_array(list)) continue;
    for (const auto each : mcp::elements_of(*list)) {
      if (mcp::kind_of(each) != json_kind::object) continue;
      const std::string value = mcp::text_member(each, "const");
      const std::string title = mcp::text_member(each, "title");
      if (!value.empty()) out.emplace_back(value, title.empty() ? value : title);
    }
  }
  return out;
}

void read_kind(form_field& out, std::string_view schema) {
  const std::string type = mcp::text_member(schema, "type");
  out.options = options_of(schema);
  if (type == "array") {
    const auto items = mcp::find_member(schema, "items");
    out.what = kind::choices;
    out.options = is_object(items) ? options_of(*items) : std::vector<form_field::option>();
    out.least = number_in(schema, "minItems");
    out.most = number_in(schema, "maxItems");
  } else if (type == "number" || type == "integer") {
    out.what = type == "number" ? kind::number : kind::integer;
    out.least = number_in(schema, "minimum");
    out.most = number_in(schema, "maximum");
  } else if (type == "boolean") {
    out.what = kind::yes_no;
  } else if (!out.options.empty()) {
    out.what = kind::choice;
  } else {
    out.format = mcp::text_member(schema, "format");
    out.least = number_in(schema, "minLength");
    out.most = number_in(schema, "maxLength");
  }
}

form_field read_field(std::string name, std::string_view schema) {
  form_field out;
  out.name = std::move(name);
  out.title = mcp::text_member(schema, "title");
  if (out.title.empty()) out.title = out.name;
  out.about = mcp::text_member(schema, "description");
  out.preset = mcp::find_member(schema, "default").value_or(std::string_view());
  read_kind(out, schema);
  return out;
}

std::string number_text(double value) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.15g", value);
  return buffer.data();
}

std::string bounds_text(const form_field& field) {
  if (field.least && field.most) return number_text(*field.least) + " to " + number_text(*field.most);
  if (field.least) return "at least " + number_text(*field.least);
  if (field.most) return "at most " + number_text(*field.most);
  return {};
}

std::string kind_text(const form_field& field) {
  const std::string bounds = bounds_text(field);
  const auto with = [&bounds](std::string word, const char* unit) {
    return bounds.empty() ? word : word + (word.empty() ? "" : ", ") + bounds + unit;
  };
  std::string all;
  for (const auto& each : field.options) all += (all.empty() ? "" : ", ") + each.label;
  switch (field.what) {
    case kind::text:
      return with(field.format, " characters");
    case kind::number:
      return with("number", "");
    case kind::integer:
      return with("integer", "");
    case kind::yes_no:
      return "yes or no";
    case kind::choice:
      return "one of " + all;
    case kind::choices:
      return with("any of " + all, "") + "; with commas between";
  }
  return {};
}

// A default as a person would type it.
std::string preset_text(const form_field& field, std::string_view raw) {
  if (raw == "true") return "yes";
  if (raw == "false") return "no";
  if (mcp::kind_of(raw) == json_kind::array) {
    std::string out;
    for (const auto each : mcp::elements_of(raw)) out += (out.empty() ? "" : ", ") + preset_text(field, each);
    return out;
  }
  const auto text = mcp::text_of(raw);
  if (!text) return std::string(raw);
  for (const auto& option : field.options) {
    if (option.value == *text) return option.label;
  }
  return *text;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return out;
}

error wrong(std::string why) { return error(errc::bad_argument, std::move(why)); }

bool within(const form_field& field, double value) {
  return (!field.least || value >= *field.least) && (!field.most || value <= *field.most);
}

// JSON has fewer spellings of a number than people: ".5", "+1" and "0x10" are none.
result<std::string> read_number(const form_field& field, std::string_view typed) {
  const std::string array = "[" + std::string(typed) + "]";
  const bool json = !mcp::validate_json(array) && mcp::elements_of(array).size() == 1;
  const auto value = json ? mcp::number_of(typed) : std::nullopt;
  if (!value) return wrong("that is not a number");
  const bool whole = std::trunc(*value) == *value && typed.find_first_of(".eE") == std::string_view::npos;
  if (field.what == kind::integer && !whole) return wrong("that is not an integer");
  if (!within(field, *value)) return wrong("it must be " + bounds_text(field));
  return std::string(typed);
}

result<std::string> read_option(const form_field& field, std::string_view typed) {
  for (const auto& option : field.options) {
    if (lowered(option.value) == lowered(typed) || lowered(option.label) == lowered(typed)) {
      return mcp::quote_json(option.value);
    }
  }
  return wrong("'" + shown(typed) + "' is not one of them");
}

result<std::string> read_options(const form_field& field, std::string_view typed) {
  std::string out = "[";
  double chosen = 0;
  while (!typed.empty()) {
    const auto comma = std::min(typed.find(','), typed.size());
    const auto each = read_option(field, trimmed(typed.substr(0, comma)));
    if (!each) return each;
    out += (chosen > 0 ? "," : "") + *each;
    ++chosen;
    typed.remove_prefix(std::min(comma + 1, typed.size()));
  }
  if (!within(field, chosen)) return wrong("the number of them must be " + bounds_text(field));
  return out + "]";
}

result<std::string> read_yes_no(std::string_view typed) {
  const std::string word = lowered(typed);
  for (const char* yes : {"y", "yes", "true", "1"}) {
    if (word == yes) return std::string("true");
  }
  for (const char* no : {"n", "no", "false", "0"}) {
    if (word == no) return std::string("false");
  }
  return wrong("answer yes or no");
}

result<std::string> read_text(const form_field& field, std::string_view typed) {
  if (!is_valid_utf8(typed)) return wrong("that is not UTF-8");
  const auto characters = std::count_if(typed.begin(), typed.end(), [](char c) { return (c & 0xC0) != 0x80; });
  if (!within(field, static_cast<double>(characters))) return wrong("it must have " + bounds_text(field) + " characters");
  return mcp::quote_json(typed);
}

}  // namespace

result<form> read_form(std::string_view params) {
  const error no_form(errc::protocol, "the server's question is not of the form of one");
  if (mcp::validate_json(params) || mcp::kind_of(params) != json_kind::object) return no_form;
  const std::string mode = mcp::text_member(params, "mode");
  if (!mode.empty() && mode != "form") {
    return error(errc::unsupported, "the server wants more than answers to questions, which is not offered here", mode);
  }
  const auto schema = mcp::find_member(params, "requestedSchema");
  if (!is_object(schema)) return no_form;
  form out;
  out.message = mcp::text_member(params, "message");
  const auto required = texts_in(*schema, "required");
  const auto properties = mcp::find_member(*schema, "properties");
  if (!is_object(properties)) return out;
  for (const auto& property : mcp::members_of(*properties)) {
    if (mcp::kind_of(property.value) != json_kind::object) continue;
    auto field = read_field(mcp::text_of(property.key).value_or(std::string()), property.value);
    field.required = std::find(required.begin(), required.end(), field.name) != required.end();
    out.fields.push_back(std::move(field));
  }
  return out;
}

std::string question_of(const form_field& field) {
  std::string what = kind_text(field);
  if (!field.required && field.preset.empty()) what += what.empty() ? "may be left out" : "; may be left out";
  std::string out = field.title;
  if (!field.about.empty() && field.about != field.title) out += ", " + field.about;
  if (!what.empty()) out += " (" + what + ")";
  if (!field.preset.empty()) out += " [" + preset_text(field, field.preset) + "]";
  return shown(out) + ": ";
}

result<std::string> read_answer(const form_field& field, std::string_view typed) {
  const std::string_view word = trimmed(typed);
  if (word.empty()) {
    if (field.required && field.preset.empty()) return wrong("an answer is needed");
    return std::string();
  }
  switch (field.what) {
    case kind::text:
      return read_text(field, word);
    case kind::number:
    case kind::integer:
      return read_number(field, word);
    case kind::yes_no:
      return read_yes_no(word);
    case kind::choice:
      return read_option(field, word);
    case kind::choices:
      return read_options(field, word);
  }
  return wrong("it cannot be asked");
}

}  // namespace mcpstate::cli
