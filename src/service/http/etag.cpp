// SPDX-License-Identifier: MIT
#include "service/http/etag.hh"

#include <array>
#include <charconv>
#include <functional>

namespace mcpstate::service {

namespace {

std::string hex(std::uint64_t n) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), n, 16).ptr;
  return std::string(digits.data(), end);
}

// The next tag of a list, with its quotes and its W/; empty at the end, or where it is no list of tags.
std::string_view next_tag(std::string_view& list) noexcept {
  const auto begin = list.find_first_not_of(" \t,");
  if (begin == std::string_view::npos) return {};
  list.remove_prefix(begin);
  const auto open = list.find('"');
  const auto close = open == std::string_view::npos ? open : list.find('"', open + 1);
  if (close == std::string_view::npos) return {};
  const auto tag = list.substr(0, close + 1);
  list.remove_prefix(close + 1);
  return tag;
}

}  // namespace

std::string state_tag(const connection& c) {
  std::string out = "r" + std::to_string(c.revision);
  if (!c.altered && c.revision != 0) return out;
  return out + "x" + hex(digest_of(c.seen.status_bytes.value_or("-") + "\n" + c.seen.connected_at_bytes.value_or("-")));
}

std::uint64_t digest_of(std::string_view bytes) noexcept { return std::hash<std::string_view>()(bytes); }

std::uint64_t digest_of(std::uint64_t text, const std::vector<std::uint64_t>& within) {
  std::string all = hex(text);
  for (const auto one : within) all.append("-").append(hex(one));
  return digest_of(all);
}

std::string tag_of(const connection& c, std::uint64_t digest) {
  std::string out = "\"";
  return out.append(state_tag(c)).append("-").append(hex(digest)).append("\"");
}

std::string tag_of(std::uint64_t digest) { return "\"" + hex(digest) + "\""; }

bool none_match_hits(std::string_view field, std::string_view tag) noexcept {
  if (field == "*") return true;
  for (auto one = next_tag(field); !one.empty(); one = next_tag(field)) {
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == tag) return true;
  }
  return false;
}

bool if_match_holds(std::string_view field, const connection* found) {
  if (found == nullptr) return false;
  if (field == "*") return true;
  const std::string state = state_tag(*found);
  for (auto one = next_tag(field); !one.empty(); one = next_tag(field)) {
    if (!one.starts_with('"')) continue;
    const auto inside = one.substr(1, one.size() - 2);
    if (inside.substr(0, inside.find('-')) == state) return true;
  }
  return false;
}

}  // namespace mcpstate::service
