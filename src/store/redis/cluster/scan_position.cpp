// SPDX-License-Identifier: MIT
#include "store/redis/cluster/scan_position.hh"

#include <algorithm>

#include "core/text/base64.hh"
#include "core/text/number.hh"
#include "redis/topology/slot.hh"

namespace mcpstate {
namespace {

// "ID CURSOR 0-5460,7-7;ID …|SLOT,SLOT"
constexpr std::string_view mark = "scan1 ";

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  for (;;) {
    const std::size_t end = text.find(by);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::uint16_t> read_slot(std::string_view text) {
  const auto number = parse_number<std::uint16_t>(text);
  return number && *number < redis::slot_count ? number : std::nullopt;
}

bool is_id(std::string_view text) {
  constexpr std::size_t digits = 40;
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::optional<scan_position::primary> read_primary(std::string_view text) {
  const auto words = split(text, ' ');
  if (words.size() != 3 || !is_id(words[0]) || !parse_number<std::uint64_t>(words[1])) return std::nullopt;
  scan_position::primary out;
  out.id = words[0];
  out.cursor = words[1];
  for (const std::string_view range : split(words[2], ',')) {
    const std::size_t dash = std::min(range.find('-'), range.size());
    const auto first = read_slot(range.substr(0, dash));
    const auto last = dash < range.size() ? read_slot(range.substr(dash + 1)) : std::nullopt;
    if (!first || !last || *last < *first) return std::nullopt;
    out.slots.emplace_back(*first, *last);
  }
  return out;
}

}  // namespace

std::string scan_position::text() const {
  std::string out(mark);
  for (const primary& each : left) {
    if (out.size() > mark.size()) out += ';';
    out.append(each.id).append(" ").append(each.cursor).append(" ");
    for (std::size_t i = 0; i < each.slots.size(); ++i) {
      if (i != 0) out += ',';
      out.append(std::to_string(each.slots[i].first)).append("-").append(std::to_string(each.slots[i].last));
    }
  }
  out += '|';
  for (std::size_t i = 0; i < again.size(); ++i) {
    if (i != 0) out += ',';
    out += std::to_string(again[i]);
  }
  return to_base64url(out);
}

std::optional<scan_position> scan_position::parse(std::string_view text) {
  const auto decoded = from_base64url(text);
  if (!decoded || !decoded->starts_with(mark)) return std::nullopt;
  const auto halves = split(std::string_view(*decoded).substr(mark.size()), '|');
  if (halves.size() != 2) return std::nullopt;
  scan_position out;
  for (const std::string_view each : halves[0].empty() ? std::vector<std::string_view>() : split(halves[0], ';')) {
    auto one = read_primary(each);
    if (!one) return std::nullopt;
    out.left.push_back(std::move(*one));
  }
  for (const std::string_view each : halves[1].empty() ? std::vector<std::string_view>() : split(halves[1], ',')) {
    const auto slot = read_slot(each);
    if (!slot) return std::nullopt;
    out.again.push_back(*slot);
  }
  if (out.over()) return std::nullopt;
  return out;
}

}  // namespace mcpstate
