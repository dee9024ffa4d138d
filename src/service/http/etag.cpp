// SPDX-License-Identifier: MIT
#include "service/http/etag.hh"

#include <mcpstate/core/tools.hpp>

namespace mcpstate::service {

namespace {

// Takes the next tag, with its quotes and its W/, from a list. Empty at the end, and where the text is not a list of tags.
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
  return out + "x" + digest_of(c.seen.status_bytes.value_or("-") + "\n" + c.seen.connected_at_bytes.value_or("-"));
}

std::string digest_of(std::string_view bytes) {
  constexpr std::size_t digits = 32;  // 128 bits
  constexpr std::string_view algorithm = "sha256:";
  return sha256_tag(bytes).substr(algorithm.size(), digits);
}

std::string digest_of(std::string_view text, const std::vector<std::string>& inserts) {
  if (inserts.empty()) return digest_of(text);
  std::string all = digest_of(text);
  for (const auto& insert : inserts) all.append("-").append(insert);
  return digest_of(all);
}

std::string etag_of(const connection& c, std::string_view digest) {
  std::string out = "\"";
  return out.append(state_tag(c)).append("-").append(digest).append("\"");
}

std::string etag_of(std::string_view digest) { return std::string("\"").append(digest).append("\""); }

bool if_none_match_lists(std::string_view field, std::string_view tag) noexcept {
  if (field == "*") return true;
  for (auto candidate = next_tag(field); !candidate.empty(); candidate = next_tag(field)) {
    if (candidate.starts_with("W/")) candidate.remove_prefix(2);
    if (candidate == tag) return true;
  }
  return false;
}

bool if_match_lists(std::string_view field, const connection* found) {
  if (found == nullptr) return false;
  if (field == "*") return true;
  const std::string state = state_tag(*found);
  for (auto candidate = next_tag(field); !candidate.empty(); candidate = next_tag(field)) {
    if (!candidate.starts_with('"')) continue;
    const auto inside = candidate.substr(1, candidate.size() - 2);
    if (inside.substr(0, inside.find('-')) == state) return true;
  }
  return false;
}

}  // namespace mcpstate::service
