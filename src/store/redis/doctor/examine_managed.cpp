// SPDX-License-Identifier: MIT
// The part of doctor that checks the leases of managed connections, and the indexes by which they are found.
#include <algorithm>
#include <functional>
#include <utility>

#include "store/redis/checked_reply.hh"
#include "store/redis/doctor/examine.hh"
#include "store/redis/lease_value.hh"
#include "store/rows/managed_text.hh"

namespace mcpstate {

using redis::reply;
using redis::request;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t entries_at_once = 1000;

constexpr std::string_view misplaced = "index entries that name no connection, or stand in a wrong part of the index";

}  // namespace

// On a cluster only the parts that have entries.
task<void> redis_examiner::find_index_parts() {
  fleet counted;
  fleet* const into = &counted;
  if (store_.on_cluster_) MCPSTATE_CO_CHECK(co_await store_.count_managed(into));
  if (!counted.faults.empty()) co_return counted.faults.front();
  parts_ = store_.parts_to_search();
  co_return result<void>();
}

// Walks the index of managed connections, and notes who is in it.
task<void> redis_examiner::examine_managed() {
  for (const unsigned shard : parts_) {
    const auto key = store_.managed_key(shard);
    for (std::int64_t first = 0;; first += static_cast<std::int64_t>(entries_at_once)) {
      request commands;
      commands.add("ZRANGE", key, first, first + static_cast<std::int64_t>(entries_at_once) - 1);
      MCPSTATE_CO_TRY(got, co_await store_.read(store_.route_of_key(key), std::move(commands), "doctor"));
      const auto entries = texts_of(got.front(), unexamined_text);
      if (!entries) {
        index_readable_ = index_readable_ && entries.error().code() == errc::wrong_type;
        MCPSTATE_CO_CHECK(unless_wrong_type(entries.error(), key));
        break;
      }
      if (entries->empty()) break;
      for (const auto& entry : *entries) check_index_entry(key, shard, entry);
    }
  }
  co_return result<void>();
}

void redis_examiner::check_index_entry(const std::string& key, unsigned shard, const std::string& member) {
  if (store_.on_cluster_ && check_claim(member)) return;
  const auto name = managed_from_text(member);
  if (name && to_text(*name) == member && store_.part_of(*name) == shard) {
    indexed_.insert(std::hash<std::string>()(member));
    return;
  }
  count("misplaced_entries", level::warning, misplaced, key + " " + member, "removes them");
  wrong_entries_[shard].push_back(member);
}

// A claim under way is no fault; one that nobody ends is ended.
bool redis_examiner::check_claim(const std::string& member) {
  const auto begun = claim_from_text(member);
  if (!begun || claim_text(begun->session, begun->user) != member) return false;
  if (fix_) store_.end_claim_soon(begun->session, begun->user);
  return true;
}

task<void> redis_examiner::examine_leases(std::vector<std::string> keys) {
  if (keys.empty()) co_return result<void>();
  redis_store::batch requests;
  for (const auto& key : keys) {
    request& commands = store_.add_for_key(requests, key);
    if (commands.commands() == 0) commands.limit_values({redis_store::max_lease_value});
    commands.add("GET", key);
  }
  MCPSTATE_CO_TRY(got, co_await store_.read_all_of(std::move(requests), "doctor"));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto value = text_of(got[i], unexamined_text);
    if (!value) {
      MCPSTATE_CO_CHECK(unless_wrong_type(value.error(), keys[i]));
    } else if (!got[i].is_null() && !is_lease_value(*value)) {
      count("junk_lease", level::warning,
            "lease keys that hold no lease; the next instance that manages the connection "
            "replaces it",
            keys[i]);
    }
  }
  co_return result<void>();
}

// A managed connection has a lease, or stands in the index, where an instance finds it.
task<void> redis_examiner::examine_managed_records(owner account) {
  std::vector<std::string> members = std::exchange(managed_, {});
  if (!index_readable_) co_return result<void>();  // who is found through the index is not known
  std::vector<managed_name> names;
  for (const auto& member : members) {
    auto name = server_name::parse(name_of_member(member).text);
    if (!name || name_of_member(member).foreign) continue;
    managed_name one(account, std::move(*name));
    if (!indexed_.contains(std::hash<std::string>()(to_text(one)))) names.push_back(std::move(one));
  }
  if (names.empty()) co_return result<void>();
  request commands;
  for (const auto& one : names) commands.add("EXISTS", store_.lease_key(one));
  MCPSTATE_CO_TRY(got, co_await store_.read(store_.route_of(account), std::move(commands), "doctor"));
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto leased = number_of(got[i], unexamined_text);
    if (!leased) MCPSTATE_CO_CHECK(unexamined(leased.error(), names[i].text()));
    if (!leased || *leased > 0) continue;
    count("unmanaged", level::problem, "managed connections that no instance manages and none can find", names[i].text(),
          "lets them be found");
    auto member = to_text(names[i]);
    waiting_entries_[store_.part_of(names[i])].push_back(std::move(member));
  }
  co_return result<void>();
}

task<void> redis_examiner::repair_indexes() {
  std::vector<script_call> calls;
  const auto add = [&](unsigned shard, std::string_view state, const std::vector<std::string>& members) {
    for (std::size_t first = 0; first < members.size(); first += entries_at_once) {
      auto& call = calls.emplace_back(store_.index_call(shard, state, milliseconds(0)));
      for (std::size_t i = first; i < std::min(members.size(), first + entries_at_once); ++i) call.argument(members[i]);
    }
  };
  for (const auto& [shard, members] : waiting_entries_) add(shard, "waits", members);
  for (const auto& [shard, members] : wrong_entries_) {
    // One that names a connection is added where it belongs: a lease or the next beat decides about it.
    for (const auto& member : members) {
      const auto name = managed_from_text(member);
      if (name && to_text(*name) == member) add(store_.part_of(*name), "waits", {member});
    }
    add(shard, "over", members);
  }
  wrong_entries_.clear();
  waiting_entries_.clear();
  if (calls.empty()) co_return result<void>();
  MCPSTATE_CO_CHECK(co_await store_.run_all(std::move(calls), "doctor"));
  co_return result<void>();
}

}  // namespace mcpstate
