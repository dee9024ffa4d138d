// SPDX-License-Identifier: MIT
#include <cstdint>
#include <string_view>
#include <vector>

#include "fuzz/expect.hh"
#include "redis/parser.hh"
#include "redis/topology/map_codec.hh"
#include "redis/topology/verdict.hh"

// Any replies from a node: its map is refused, or is one in which every slot has at most one primary; a redirect leads to
// somewhere or nowhere.
namespace {

using namespace mcpstate::redis;

std::vector<reply> read_replies(std::string_view bytes) {
  parser::limits bounds;
  bounds.bytes = 65536;
  bounds.elements = 4096;
  parser p(bounds);
  std::vector<reply> out;
  while (out.size() < 16 && p.feed(bytes) == parser::status::ready) out.push_back(p.take());
  return out;
}

void check_map(const cluster_map& map) {
  std::size_t covered = 0, holes = 0;
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) covered += map.primary_of(slot) != nullptr ? 1u : 0u;
  for (const slot_range& hole : map.holes()) holes += std::size_t{1} + hole.last - hole.first;
  MCPSTATE_FUZZ_EXPECT(covered == map.covered());
  MCPSTATE_FUZZ_EXPECT(covered + holes == slot_count);
  MCPSTATE_FUZZ_EXPECT(changed_slots(map, map).empty());
  for (const cluster_node& each : map.primaries()) MCPSTATE_FUZZ_EXPECT(!each.at || each.at->port != 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<reply> replies = read_replies(std::string_view(reinterpret_cast<const char*>(data), size));
  const nat_map nat;
  const map_reading how(endpoint("asked", 1), size % 2 == 0, nat);
  for (const reply& each : replies) {
    if (const auto map = read_cluster_slots(each, how)) check_map(*map);
    if (const auto map = read_cluster_shards(each, how)) check_map(*map);
    const refusal seen = read_refusal(each);
    MCPSTATE_FUZZ_EXPECT(seen.slot < slot_count);
    MCPSTATE_FUZZ_EXPECT(seen.kind == refusal_kind::none || each.is_error());
  }
  if (replies.size() == view_replies) static_cast<void>(read_view(replies, how));
  for (const bool atomic : {false, true}) {
    if (replies.empty()) break;
    const verdict seen = judge(replies, unit_shape(replies.size(), effect::write, atomic));
    MCPSTATE_FUZZ_EXPECT((seen.next == verdict::step::again) == !seen.commands.empty());
    for (const std::size_t index : seen.commands) MCPSTATE_FUZZ_EXPECT(index < replies.size());
  }
  return 0;
}
