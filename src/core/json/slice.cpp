// SPDX-License-Identifier: MIT
#include "core/json/slice.hh"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <cmath>

#include "core/json/depth.hh"
#include "core/json/text.hh"
#include "core/text/number.hh"

namespace mcpstate::mcp {
namespace {

namespace json = boost::json;

bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool names(std::string_view raw_key, std::string_view name) {
  if (raw_key.find('\\') == std::string_view::npos)
    return raw_key.size() >= 2 && raw_key.substr(1, raw_key.size() - 2) == name;
  return text_of(raw_key) == name;
}

}  // namespace

std::optional<std::string> validate_json(std::string_view text) {
  const bool array = kind_of(text) == json_kind::array;
  const json_check checked = check_json(text, array ? json_shape::array : json_shape::object, json_depth_of_messages);
  if (checked.ok) return std::nullopt;
  return checked.fault + " at byte " + std::to_string(checked.offset);
}

json_kind kind_of(std::string_view value) noexcept { return json_walk(value).kind(); }

// Every step stays inside of the text, whatever it is, and goes on or ends.

json_walk::json_walk(std::string_view text) noexcept : text_(text) { skip_space(); }

json_kind json_walk::kind() const noexcept {
  switch (peek()) {
    case '{':
      return json_kind::object;
    case '[':
      return json_kind::array;
    case '"':
      return json_kind::string;
    case 't':
    case 'f':
      return json_kind::boolean;
    case 'n':
      return json_kind::null;
    default:
      return json_kind::number;
  }
}

void json_walk::skip_space() noexcept {
  while (!done() && is_space(text_[at_])) ++at_;
}

// From its opening quote on.
void json_walk::skip_string() noexcept {
  ++at_;
  while (!done() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2U : 1U;
  at_ = done() ? text_.size() : at_ + 1;
}

void json_walk::skip_container() noexcept {
  std::size_t depth = 0;
  while (!done()) {
    const char c = text_[at_];
    if (c == '"') {
      skip_string();
      continue;
    }
    ++at_;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return;
  }
}

void json_walk::skip_scalar() noexcept {
  while (!done() && text_[at_] != ',' && text_[at_] != '}' && text_[at_] != ']' && !is_space(text_[at_])) ++at_;
}

std::string_view json_walk::take() noexcept {
  const std::size_t from = at_;
  const char c = peek();
  if (c == '"') {
    skip_string();
  } else if (c == '{' || c == '[') {
    skip_container();
  } else {
    skip_scalar();
  }
  return text_.substr(from, at_ - from);
}

bool json_walk::enter() noexcept {
  if (done()) return false;
  ++at_;
  skip_space();
  if (peek() != '}' && peek() != ']') return !done();
  ++at_;
  return false;
}

std::string_view json_walk::take_key() noexcept {
  if (peek() != '"') return {};  // no JSON
  const std::string_view key = take();
  skip_space();
  if (peek() == ':') ++at_;
  skip_space();
  return key;
}

bool json_walk::next() noexcept {
  skip_space();
  const bool more = peek() == ',';
  if (more || peek() == '}' || peek() == ']') ++at_;
  if (!more) return false;
  skip_space();
  return !done();
}

std::vector<json_member> members_of(std::string_view object) {
  std::vector<json_member> out;
  json_walk walk(object);
  for (bool more = walk.enter(); more; more = walk.next()) {
    json_member member;
    member.key = walk.take_key();
    member.value = walk.take();
    if (member.key.empty()) break;  // no JSON
    out.push_back(member);
  }
  return out;
}

std::vector<std::string_view> elements_of(std::string_view array) {
  std::vector<std::string_view> out;
  json_walk walk(array);
  for (bool more = walk.enter(); more; more = walk.next()) out.push_back(walk.take());
  return out;
}

std::optional<std::string_view> find_member(std::string_view object, std::string_view name) {
  std::optional<std::string_view> found;
  json_walk walk(object);
  for (bool more = walk.enter(); more; more = walk.next()) {
    const std::string_view key = walk.take_key();
    const std::string_view value = walk.take();
    if (names(key, name)) found = value;
  }
  return found;
}

std::optional<std::string> text_of(std::string_view value) {
  if (value.size() < 2 || value.front() != '"') return std::nullopt;
  if (value.find('\\') == std::string_view::npos) return std::string(value.substr(1, value.size() - 2));
  json::error_code ec;
  const json::value parsed = json::parse(json::string_view(value.data(), value.size()), ec);
  if (ec || !parsed.is_string()) return std::nullopt;
  return std::string(parsed.get_string().data(), parsed.get_string().size());
}

std::string text_member(std::string_view object, std::string_view name) {
  const auto value = find_member(object, name);
  return value ? text_of(*value).value_or(std::string()) : std::string();
}

std::optional<double> number_of(std::string_view value) {
  const auto out = parse_number<double>(value);
  return out && std::isfinite(*out) ? out : std::nullopt;  // parse_number would read "inf", too
}

std::string quote_json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace mcpstate::mcp
