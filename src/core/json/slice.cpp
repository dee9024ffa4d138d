// SPDX-License-Identifier: MIT
#include "core/json/slice.hh"

#include <algorithm>
#include <cmath>

#include "core/json/depth.hh"
#include "core/json/text.hh"
#include "core/text/number.hh"

namespace mcpstate::mcp {
namespace {

bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool names(std::string_view raw_key, std::string_view name) {
  if (raw_key.find('\\') == std::string_view::npos)
    return raw_key.size() >= 2 && raw_key.substr(1, raw_key.size() - 2) == name;
  return text_of(raw_key) == name;
}

}  // namespace

std::optional<std::string> validate_json(std::string_view text) {
  const bool array = kind_of(text) == json_kind::array;
  const json_shape shape = array ? json_shape::array : json_shape::object;
  const json_check checked = check_json(text, shape, json_depth_of_messages, json_values_of_messages);
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

// From its opening quote on. Mostly there is no backslash, and both searches go over many bytes at a time.
void json_walk::skip_string() noexcept {
  const auto find_quote = [this] { return std::min(text_.find('"', at_), text_.size()); };
  ++at_;
  if (done()) return;
  std::size_t quote = find_quote();
  for (;;) {
    const std::size_t escape = text_.substr(at_, quote - at_).find('\\');
    if (escape == std::string_view::npos) break;
    at_ += escape + 2;
    if (done()) break;
    if (quote < at_) quote = find_quote();  // that one was escaped
  }
  at_ = std::min(quote + 1, text_.size());
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
  return read_json_string(value);
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
