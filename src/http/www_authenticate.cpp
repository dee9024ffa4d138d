// SPDX-License-Identifier: MIT
#include "http/www_authenticate.hh"

#include <algorithm>

#include "http/token.hh"

namespace mcpstate::http {
namespace {

constexpr std::size_t max_bytes = 16384, max_challenges = 16, max_parameters = 32;

bool is_space(char c) noexcept { return c == ' ' || c == '\t'; }

bool is_token68_char(char c) noexcept {
  return is_letter(c) || is_digit(c) || std::string_view("-._~+/").find(c) != std::string_view::npos;
}

// Reads one value of the header. Every step takes a byte at least, or ends it.
class challenge_reader {
 public:
  challenge_reader(std::string_view text, std::vector<auth_challenge>& out) : rest_(text), out_(out) {}

  void read() {
    for (skip_separators(); !rest_.empty(); skip_separators()) {
      const std::string_view word = take_while(is_token_char);
      if (!word.empty() && at_equals_sign()) {
        read_value(word);
      } else if (word.empty() || !at_separator()) {
        skip_junk();
      } else if (!begin(word)) {
        return;
      }
    }
  }

 private:
  template <class Is>
  std::string_view take_while(Is is) {
    const auto* const end = std::find_if_not(rest_.begin(), rest_.end(), is);
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(taken.size());
    return taken;
  }
  void skip_separators() {
    take_while([](char c) { return is_space(c) || c == ','; });
  }
  [[nodiscard]] bool at_separator() const { return rest_.empty() || is_space(rest_.front()) || rest_.front() == ','; }
  // What cannot stand here.
  void skip_junk() {
    std::string nobody_wants;
    if (rest_.starts_with('"')) {
      take_quoted(nobody_wants);
    } else {
      take_while([](char c) { return !is_space(c) && c != ','; });
    }
  }
  // Past "=" and the space around it, if that follows.
  bool at_equals_sign() {
    const std::string_view before = rest_;
    take_while(is_space);
    if (!rest_.starts_with('=')) {
      rest_ = before;
      return false;
    }
    rest_.remove_prefix(1);
    take_while(is_space);
    return true;
  }

  // A scheme, and its token68 if it has one.
  bool begin(std::string_view scheme) {
    if (out_.size() == max_challenges) return false;
    auth_challenge& made = out_.emplace_back();
    made.scheme = ascii_lower(scheme);
    begun_ = true;
    const std::string_view before = rest_;
    take_while(is_space);
    const std::string_view start = rest_;
    const std::string_view word = take_while(is_token68_char);
    const std::string_view padding = take_while([](char c) { return c == '='; });
    const std::string_view token(start.data(), word.size() + padding.size());
    take_while(is_space);
    if (!word.empty() && (rest_.empty() || rest_.front() == ',')) {
      made.token68 = token;
    } else {
      rest_ = before;
    }
    return true;
  }

  void read_value(std::string_view name) {
    std::string value;
    if (!rest_.starts_with('"')) {
      value = take_while([](char c) { return !is_space(c) && c != ','; });
    } else if (!take_quoted(value)) {
      return;
    }
    if (begun_) keep(ascii_lower(name), std::move(value));
  }
  // False when the closing quote is missing; nothing is left then.
  bool take_quoted(std::string& value) {
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return true;
      }
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      value += rest_[i];
    }
    rest_ = {};
    return false;
  }
  void keep(std::string name, std::string value) {
    auth_challenge& into = out_.back();
    if (into.parameters.size() < max_parameters && !into.find(name))
      into.parameters.emplace_back(std::move(name), std::move(value));
  }

  std::string_view rest_;
  std::vector<auth_challenge>& out_;
  bool begun_ = false;  // a challenge of this value
};

std::optional<std::string> parameter(const auth_challenge& challenge, std::string_view name) {
  const auto found = challenge.find(name);
  return found ? std::optional<std::string>(*found) : std::nullopt;
}

}  // namespace

std::optional<std::string_view> auth_challenge::find(std::string_view name) const {
  for (const auto& [each, value] : parameters) {
    if (each == name) return value;
  }
  return std::nullopt;
}

std::vector<auth_challenge> parse_www_authenticate(std::span<const std::string> values) {
  std::vector<auth_challenge> out;
  std::size_t left = max_bytes;
  for (const std::string& value : values) {
    const std::string_view part = std::string_view(value).substr(0, left);
    left -= part.size();
    challenge_reader(part, out).read();
  }
  return out;
}

std::optional<bearer_challenge> find_bearer(const std::vector<auth_challenge>& challenges) {
  const auth_challenge* best = nullptr;
  for (const auth_challenge& each : challenges) {
    if (each.scheme != "bearer") continue;
    const bool better = best == nullptr || (!best->find("resource_metadata") && each.find("resource_metadata"));
    if (better) best = &each;
  }
  if (best == nullptr) return std::nullopt;
  bearer_challenge out;
  out.resource_metadata = parameter(*best, "resource_metadata");
  out.scope = parameter(*best, "scope");
  out.error = parameter(*best, "error");
  out.error_description = parameter(*best, "error_description");
  return out;
}

}  // namespace mcpstate::http
