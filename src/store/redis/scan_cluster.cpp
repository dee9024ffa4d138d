// SPDX-License-Identifier: MIT
// The walk over the keys of a cluster (store/redis/cluster/scan_position.hh).
#include <algorithm>
#include <iterator>
#include <utility>

#include "redis/topology/own_slots.hh"
#include "redis/topology/slot.hh"
#include "store/redis/cluster/scan_position.hh"
#include "store/redis/store.hh"

namespace mcpstate {

using redis::reply;
using redis::request;

namespace {

constexpr std::size_t slots_at_once = 32;         // that are walked one by one
constexpr std::int64_t keys_of_a_slot = 1 << 24;  // more than one has

std::vector<redis::slot_range> ranges_of(const redis::primary& of) {
  std::vector<redis::slot_range> out;
  for (const auto& [first, last] : of.slots) out.emplace_back(first, last);
  return out;
}

void add_all(const std::vector<redis::slot_range>& ranges, std::vector<std::uint16_t>& slots) {
  for (const redis::slot_range& each : ranges)
    for (unsigned slot = each.first; slot <= each.last; ++slot) slots.push_back(static_cast<std::uint16_t>(slot));
}

// What a page of SCAN is made of.
std::vector<reply> page_of(std::string cursor, std::vector<reply> keys) {
  std::vector<reply> out(2);
  out[0].kind = reply::type::string;
  out[0].text = std::move(cursor);
  out[1].kind = reply::type::array;
  out[1].items = std::move(keys);
  return out;
}

}  // namespace

result<scan_position> redis_store::begin_scan() const {
  scan_position out;
  std::size_t covered = 0;
  for (const redis::primary& each : redis_->primaries()) {
    scan_position::primary& one = out.left.emplace_back();
    one.id = each.id;
    one.slots = ranges_of(each);
    for (const auto& [first, last] : each.slots) covered += last - first + 1u;
  }
  if (covered == redis::slot_count) return out;
  return error(errc::connection_lost, "scan: " + std::to_string(redis::slot_count - covered) + " of " +
                                          std::to_string(redis::slot_count) +
                                          " slots of the cluster have no server, so that not all owners can be found; "
                                          "CLUSTER SLOTS shows which");
}

task<std::vector<reply>> redis_store::scan_cluster(std::string cursor, std::vector<std::string> more_arguments) {
  const bool begins = cursor == "0";
  const auto known = begins ? std::nullopt : scan_position::parse(cursor);
  if (!begins && !known)
    co_return error(errc::bad_argument, "scan: this is no cursor of this store; begin again without one");
  auto begun = begins ? begin_scan() : result<scan_position>(*known);
  if (!begun) co_return begun.error();
  scan_position* const position = &*begun;
  std::vector<reply> keys;
  if (position->left.empty()) {
    MCPSTATE_CO_TRY(walked, co_await walk_slots(position));
    keys = std::move(walked);
  } else {
    MCPSTATE_CO_TRY(scanned, co_await scan_primary(position, std::move(more_arguments)));
    keys = std::move(scanned);
  }
  std::string next = position->over() ? std::string("0") : position->text();
  co_return page_of(std::move(next), std::move(keys));
}

// One page of the primary that is being walked. One that has no slot any more, or is another now, is not walked on.
task<std::vector<reply>> redis_store::scan_primary(scan_position* position, std::vector<std::string> more_arguments) {
  scan_position::primary& walked = position->left.front();
  const auto all = redis_->primaries();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.id == walked.id; });
  std::vector<reply> keys;
  bool there = found != all.end();
  if (there) {
    request commands;
    commands.add("CLUSTER", "MYID");
    commands.command(6 + more_arguments.size()).arg("SCAN").arg(walked.cursor).arg("MATCH").arg(scan_pattern());
    commands.arg("COUNT").arg("1000");
    for (const auto& argument : more_arguments) commands.arg(argument);
    commands.add("CLUSTER", "NODES");
    const auto where = redis::route::to_slot(found->slots.front().first);
    MCPSTATE_CO_TRY(got, co_await read(where, std::move(commands), "scan"));
    for (const reply& each : got)
      if (each.is_error()) co_return redis::to_error(each, "scan");
    there = got[0].text == walked.id;
    if (there) {
      if (got[1].items.size() != 2) co_return error(errc::protocol, "scan: SCAN answers no cursor and keys");
      keys = std::move(got[1].items[1].items);
      walked.cursor = got[1].items[0].text;
      if (walked.cursor != "0") co_return keys;
      MCPSTATE_CO_TRY(own, redis::read_own_slots(got[2].text));
      const auto missing = redis::missing_slots(walked.slots, own);
      position->again.insert(position->again.end(), missing.begin(), missing.end());
    }
  }
  if (!there) add_all(walked.slots, position->again);
  position->left.erase(position->left.begin());
  co_return keys;
}

task<std::vector<reply>> redis_store::walk_slots(scan_position* position) {
  std::vector<reply> keys;
  for (std::size_t i = 0; i < slots_at_once && !position->again.empty(); ++i) {
    const std::uint16_t slot = position->again.back();
    std::vector<reply>* const into = &keys;
    MCPSTATE_CO_CHECK(co_await walk_slot(slot, into));
    position->again.pop_back();
  }
  const std::string start = keys_.prefix() + ":";
  std::erase_if(keys, [&](const reply& key) {
    const bool ours = key.text.starts_with(start) && key.text.size() > start.size();
    return !ours || (key.text[start.size()] != 'u' && key.text[start.size()] != 's');
  });
  co_return keys;
}

// While the keys of a slot are being moved they lie on two servers. Those that are gone from the first when it is asked have
// reached the second by the time that this one is asked. A transaction about a key that does not exist is redirected to the
// second one, or to whoever has the slot by now; sent before, too, it lets the first question reach the right server.
task<void> redis_store::walk_slot(std::uint16_t slot, std::vector<reply>* keys) {
  const std::string absent = keys_.slot_shared_tools(redis::tag_of_slot(slot), std::string(64, '0'));
  const auto take = [keys](std::vector<reply>& from) { std::move(from.begin(), from.end(), std::back_inserter(*keys)); };
  for (const bool first : {true, false}) {
    request redirected;
    redirected.add("MULTI")
        .add("CLUSTER", "GETKEYSINSLOT", std::int64_t{slot}, keys_of_a_slot)
        .add("EXISTS", absent)
        .add("EXEC");
    MCPSTATE_CO_TRY(moved, co_await read(redis::route::to_slot(slot), std::move(redirected), "scan"));
    if (moved.back().is_error()) co_return redis::to_error(moved.back(), "scan");
    if (!moved.back().items.empty() && moved.back().items.front().is_error())
      co_return redis::to_error(moved.back().items.front(), "scan");
    if (!moved.back().items.empty()) take(moved.back().items.front().items);
    if (!first) break;
    request direct;
    direct.add("CLUSTER", "GETKEYSINSLOT", std::int64_t{slot}, keys_of_a_slot);
    MCPSTATE_CO_TRY(stayed, co_await read(redis::route::to_slot(slot), std::move(direct), "scan"));
    if (stayed.front().is_error()) co_return redis::to_error(stayed.front(), "scan");
    take(stayed.front().items);
  }
  std::sort(keys->begin(), keys->end(), [](const reply& a, const reply& b) { return a.text < b.text; });
  keys->erase(std::unique(keys->begin(), keys->end(), [](const reply& a, const reply& b) { return a.text == b.text; }),
              keys->end());
  co_return result<void>();
}

}  // namespace mcpstate
