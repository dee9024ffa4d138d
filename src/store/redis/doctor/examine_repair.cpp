// SPDX-License-Identifier: MIT
// What --fix repairs, and what doctor reports in the end.
#include <algorithm>
#include <utility>

#include "store/redis/doctor/examine.hh"

namespace mcpstate {

using redis::request;

namespace {

constexpr auto ghost_grace = std::chrono::seconds(1);  // a foreign program between two of its commands looks like a ghost
constexpr std::size_t repaired_at_once = 500;          // members of one owner

}  // namespace

bool redis_examiner::has_repairs() const {
  return !to_repair_.empty() || !indexes_to_repair_.empty() || !wrong_entries_.empty() || !waiting_entries_.empty();
}

// A foreign program may be between two of its commands: it may add a name to connections before it writes the status. The
// repair script therefore checks a suspected ghost again after a second, and removes it only if it still is one.
task<void> redis_examiner::repair() {
  if (!indexes_to_repair_.empty()) {
    redis_store::batch expiries;
    const auto expiry =
        std::chrono::floor<std::chrono::milliseconds>(store_.now() + store_.options().ttl).time_since_epoch();
    for (const auto& key : indexes_to_repair_)
      store_.add_for_key(expiries, key).add("PEXPIREAT", key, static_cast<std::int64_t>(expiry.count()));
    MCPSTATE_CO_CHECK(co_await store_.read_all_of(std::move(expiries), "doctor"));
  }
  MCPSTATE_CO_CHECK(co_await repair_indexes());
  if (to_repair_.empty()) co_return result<void>();
  co_await aio::wait_until(aio::after(ghost_grace));
  std::uint64_t done = 0;
  for (const auto& [account, repairs] : to_repair_) {
    std::vector<std::string> members(repairs.members.begin(), repairs.members.end());
    std::size_t first = 0;
    do {
      const std::size_t last = std::min(members.size(), first + repaired_at_once);
      const auto begin = members.begin();
      std::vector<std::string> some(begin + static_cast<std::ptrdiff_t>(first), begin + static_cast<std::ptrdiff_t>(last));
      MCPSTATE_CO_CHECK(co_await repair_members(account, std::move(some), repairs.longest));
      done += last - first;
      if (progress_) progress_(done, "repairs");
      first = last;
    } while (first < members.size());
    for (const auto& member : repairs.rewrite) {
      MCPSTATE_CO_CHECK(co_await rewrite(account, member));
      if (progress_) progress_(++done, "repairs");
    }
  }
  co_return result<void>();
}

// longest: how long the longest member of the owner lives, as far as it was read; milliseconds.
task<void> redis_examiner::repair_members(owner account, std::vector<std::string> members, std::int64_t longest) {
  script_call call(redis_scripts::script_id::repair);
  call.key(store_.keys_.connections(account)).key(store_.keys_.servers(account));
  call.argument(store_.options().ttl).argument(std::max<std::int64_t>(longest, 0));
  for (const auto& member : members) store_.declare(call, account, member, redis_store::declared_keys::record_and_lease);
  request nothing_before;
  auto answer = co_await store_.run_for(account, std::move(call), redis_store::declared_keys::record_and_lease,
                                        std::move(nothing_before), "doctor");
  if (answer || answer.error().code() == errc::wrong_type) co_return result<void>();
  co_return answer.error();
}

// Writes a record whose :info cannot be read as it is, so that it has an :info and a revision again.
task<void> redis_examiner::rewrite(owner account, std::string member) {
  MCPSTATE_CO_TRY(record, co_await store_.get(account, member, tools_wanted::no));
  if (!record || !record->state) co_return result<void>();
  change update(*record, *record->state);
  update.keep_expiry();
  connection after = update.apply_to(record, store_.now());
  after.connected_at = record->connected_at;
  after.info.checked_at = record->info.checked_at;
  auto written = co_await store_.put(std::move(update), std::move(after));
  const bool left = !written && (written.error().is(cond::conflict) || written.error().code() == errc::wrong_type);
  if (written || left) co_return result<void>();  // what changed meanwhile is read again by the next run
  co_return written.error();
}

// Reports the faults that were found before the repair and not after it.
void redis_examiner::report_repairs(const counts& before_repair) {
  for (const auto& [check, before] : before_repair) {
    const auto now = counted_.find(check);
    finding f = before.found;
    if (now != counted_.end()) {
      if (now->second.found.count >= f.count) continue;
      f.count -= now->second.found.count;
      const auto& still = now->second.found.examples;
      std::erase_if(f.examples, [&](const auto& e) { return std::find(still.begin(), still.end(), e) != still.end(); });
    }
    if (f.severity == level::note && before.repair.empty()) continue;  // notes change without a repair
    f.severity = level::repaired;
    findings_.push_back(std::move(f));
  }
}

void redis_examiner::add_summary() {
  bool clean = true;
  for (auto& [check, one] : counted_) {
    finding& f = one.found;
    if (!one.repair.empty()) f.text.append(" (--fix ").append(one.repair).append(")");
    clean = clean && f.severity == level::note;
    findings_.push_back(std::move(f));
  }
  const auto sizes = survey_.findings();
  findings_.insert(findings_.end(), sizes.begin(), sizes.end());
  finding f;
  f.check = "records";
  f.severity = level::ok;
  f.count = records_seen_;
  f.text = "records of " + std::to_string(owners_seen_) + " owners in " + std::to_string(keys_seen_) + " keys" +
           (clean ? "; every invariant holds" : "");
  findings_.push_back(std::move(f));
}

}  // namespace mcpstate
