// SPDX-License-Identifier: MIT
#include <mcpstate/store/snapshot.hpp>

#include <mcpstate/core/connection_json.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace mcpstate {
namespace {

void mix(std::uint64_t& hash, std::string_view bytes) {
  constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;  // 2^64 divided by the golden ratio: spreads the bits
  hash = (hash ^ std::hash<std::string_view>()(bytes)) * golden + bytes.size();
}

}  // namespace

owner_snapshot::owner_snapshot(mcpstate::owner account, std::vector<connection> records, tools_wanted tools)
    : owner_(std::move(account)), records_(std::move(records)), tools_(tools) {}

// The JSON of a record has all that readers see. The raw bytes of its keys show what else another program has changed.
std::uint64_t owner_snapshot::version() const {
  std::uint64_t out = records_.size();
  for (const connection& one : records_) {
    connection bare = one;
    bare.tools = nullptr;  // mixed in as bytes, without a copy
    mix(out, to_json(bare));
    mix(out, one.member);
    mix(out, one.seen.status_bytes.value_or("-"));
    mix(out, one.seen.connected_at_bytes.value_or("-"));
    for (const std::string& problem : one.problems) mix(out, problem);
    if (one.tools) mix(out, *one.tools);
  }
  return out;
}

}  // namespace mcpstate
