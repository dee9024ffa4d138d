// SPDX-License-Identifier: MIT
#include "redis/topology/own_slots.hh"

#include <algorithm>
#include <bitset>
#include <optional>

#include "core/text/number.hh"
#include "redis/topology/slot.hh"

namespace mcpstate::redis {
namespace {

constexpr std::size_t slots_field = 8;  // id, address, flags, primary, ping, pong, epoch, state; then the slots

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(by), text.size());
    if (end != 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::optional<std::uint16_t> read_slot(std::string_view text) {
  const auto number = parse_number<std::uint16_t>(text);
  return number && *number < slot_count ? number : std::nullopt;
}

// "5461-10922", "7", "[93->-292f…]", "[77-<-e7d1…]"
bool add_slots(std::string_view word, own_slots& out) {
  if (word.starts_with('[')) {
    const std::size_t end = word.find('-');
    const bool leaves = end != std::string_view::npos && word.substr(end).starts_with("->-");
    if (!leaves) return end != std::string_view::npos;
    const auto slot = read_slot(word.substr(1, end - 1));
    if (slot) out.leaving.push_back(*slot);
    return slot.has_value();
  }
  const std::size_t dash = word.find('-');
  const auto first = read_slot(word.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : read_slot(word.substr(dash + 1));
  if (!first || !last || *last < *first) return false;
  out.owned.emplace_back(*first, *last);
  return true;
}

}  // namespace

result<own_slots> read_own_slots(std::string_view cluster_nodes) {
  for (const std::string_view line : split(cluster_nodes, '\n')) {
    const std::vector<std::string_view> words = split(line, ' ');
    if (words.size() < slots_field) continue;
    const std::vector<std::string_view> flags = split(words[2], ',');
    if (std::find(flags.begin(), flags.end(), "myself") == flags.end()) continue;
    own_slots out;
    out.id = words[0];
    bool good = true;
    for (std::size_t i = slots_field; i < words.size() && good; ++i) good = add_slots(words[i], out);
    if (good) return out;
    break;
  }
  return error(errc::protocol, "a node of the cluster does not say in CLUSTER NODES which slots it has");
}

std::vector<std::uint16_t> missing_slots(const std::vector<slot_range>& ranges, const own_slots& node) {
  std::bitset<slot_count> there;
  for (const slot_range& each : node.owned)
    for (unsigned slot = each.first; slot <= each.last; ++slot) there.set(slot);
  for (const std::uint16_t slot : node.leaving) there.reset(slot);
  std::vector<std::uint16_t> out;
  for (const slot_range& each : ranges)
    for (unsigned slot = each.first; slot <= each.last; ++slot)
      if (!there.test(slot)) out.push_back(static_cast<std::uint16_t>(slot));
  return out;
}

}  // namespace mcpstate::redis
