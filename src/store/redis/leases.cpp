// SPDX-License-Identifier: MIT
// Leases in Redis: one key each.
#include <algorithm>
#include <iterator>

#include "store/redis/lease_value.hh"
#include "store/redis/store.hh"
#include "store/rows/managed_text.hh"

namespace mcpstate {

using redis::reply;
using redis::request;
using redis_scripts::script_id;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t leases_at_once = 1024;  // renewed in one flush

}  // namespace

std::string redis_store::lease_key(const managed_name& name) const {
  return keys_.server_key(name.owner, encode_name(name.server.text()), key_field::lease);
}

// Sends the lease and its index entries in one flush. Where the lease is refused, the index entry is set to the time that
// the lease of the other holder still runs. Where an index cannot be written, the new lease is ended.
task<std::optional<lease>> redis_store::take_lease(managed_name name, std::string holder, std::string registered,
                                                   milliseconds time) {
  if (on_cluster_) co_return co_await take_on_cluster(std::move(name), std::move(holder), std::move(registered), time);
  const std::string operation = "take " + name.text();
  const auto member = to_text(name);
  std::vector<script_call> calls;
  auto& take = calls.emplace_back(script_id::take_lease);
  take.key(lease_key(name)).argument(holder).argument(registered).argument(time).argument(last_lease_number_);
  const unsigned part = part_of(name);
  calls.push_back(index_call(part, "held", time));
  calls.back().argument(member);
  if (auto server = server_name::parse(registered)) {
    calls.push_back(owners_call(*server, part, "SADD"));
    calls.back().argument(member);
  }
  std::vector<std::string> keys;
  for (const auto& call : calls) keys.push_back(call.keys().front());
  MCPSTATE_CO_TRY(got, co_await run_all(std::move(calls), operation));
  const reply& answer = got.front();
  if (answer.is_error()) co_return key_error(answer, operation, keys.front());
  if (answer.items.size() != 2) co_return unexpected_answer(operation);
  if (answer.items[0].integer == 0) {
    const milliseconds left(std::max<std::int64_t>(answer.items[1].integer, 0));
    const std::string no_server;
    MCPSTATE_CO_CHECK(co_await index(name, "held", left, no_server));
    co_return std::optional<lease>();
  }
  lease taken(name, std::move(holder), parse_number<std::uint64_t>(answer.items[1].text).value_or(0));
  last_lease_number_ = std::max(last_lease_number_, taken.number);
  for (std::size_t i = 1; i < got.size(); ++i) {
    if (!got[i].is_error()) continue;
    error refused = key_error(got[i], operation, keys[i]);
    const std::optional<std::uint64_t> no_revision;
    auto undone = co_await end_lease(std::move(taken), lease_end::hand_over, no_revision);
    static_cast<void>(undone);  // a lease that could not be ended runs out
    co_return refused;
  }
  co_return std::optional<lease>(std::move(taken));
}

// One step: the lease and its index entries lie in one slot.
task<std::optional<lease>> redis_store::take_on_cluster(managed_name name, std::string holder, std::string registered,
                                                        milliseconds time) {
  const std::string operation = "take " + name.text();
  const unsigned part = part_of(name);
  const auto server = server_name::parse(registered);
  script_call call(script_id::take_lease);
  call.key(lease_key(name)).key(managed_key(part)).key(server ? owners_key(*server, part) : managed_key(part));
  call.argument(holder).argument(registered).argument(time).argument(last_lease_number_);
  call.argument(options().ttl).argument(to_text(name));
  request nothing_before;
  auto answer = co_await run(call, std::move(nothing_before), operation);
  if (!answer && answer.error().code() == errc::wrong_type)
    co_return co_await explain_wrong_lease(name, call.keys(), operation);
  if (!answer) co_return answer.error();
  if (answer->items.size() != 2) co_return unexpected_answer(operation);
  co_await note_part(part);
  if (answer->items[0].integer == 0) co_return std::optional<lease>();
  lease taken(name, std::move(holder), parse_number<std::uint64_t>(answer->items[1].text).value_or(0));
  last_lease_number_ = std::max(last_lease_number_, taken.number);
  co_return std::optional<lease>(std::move(taken));
}

// keys: the lease, and the two indexes.
asio::awaitable<error> redis_store::explain_wrong_lease(managed_name name, std::vector<std::string> keys,
                                                        std::string operation) {
  request commands;
  commands.add("TYPE", keys[0]).add("TYPE", keys[1]).add("TYPE", keys[2]);
  MCPSTATE_CO_TRY(got, co_await read(route_of(name.owner), std::move(commands), operation));
  const std::string_view wanted[] = {"string", "zset", keys[1] == keys[2] ? "zset" : "set"};
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (!got[i].is_error() && got[i].text != "none" && got[i].text != wanted[i]) wrong = i;
  co_return error(errc::wrong_type, operation + ": the Redis key " + keys[wrong] +
                                        " holds another type than it must; nothing was written. Delete or rename it");
}

task<std::vector<lease>> redis_store::renew_leases(std::vector<lease> granted, milliseconds time) {
  std::vector<lease> lost;
  for (std::size_t position = 0; position < granted.size(); position += leases_at_once) {
    const auto first = granted.begin() + static_cast<std::ptrdiff_t>(position);
    const auto count = std::min(leases_at_once, granted.size() - position);
    std::vector<lease> some(first, first + static_cast<std::ptrdiff_t>(count));
    MCPSTATE_CO_TRY(gone, co_await renew_some(std::move(some), time));
    std::move(gone.begin(), gone.end(), std::back_inserter(lost));
  }
  co_return lost;
}

task<std::vector<lease>> redis_store::renew_some(std::vector<lease> granted, milliseconds time) {
  const std::string operation = "renew " + std::to_string(granted.size()) + " leases";
  std::vector<script_call> calls;
  std::vector<managed_name> names;
  for (const auto& one : granted) {
    auto& renew = calls.emplace_back(script_id::renew_lease);
    renew.key(lease_key(one.name)).argument(lease_value_start(one)).argument(time).argument(options().ttl);
    if (on_cluster_) renew.key(managed_key(part_of(one.name))).argument(to_text(one.name));
    names.push_back(one.name);
  }
  if (!on_cluster_) add_index_calls(calls, names, "held", time);
  auto got = co_await run_each(std::move(calls), operation, hint_limit());
  std::vector<lease> lost, unanswered;
  std::optional<error> failed;
  owner_members owners;
  for (std::size_t i = 0; i < granted.size(); ++i) {
    if (!got[i]) {
      failed = got[i].error();
      unanswered.push_back(granted[i]);
      continue;
    }
    unanswered_.erase(granted[i].name);
    const reply& answer = *got[i];
    if (answer.is_error()) {
      // What is wrong with one key costs the lease of that key only.
      error refused = key_error(answer, operation, lease_key(granted[i].name));
      if (refused.code() != errc::wrong_type) co_return refused;
      lost.push_back(granted[i]);
    } else if (answer.is_string()) {
      owners[{answer.text, part_of(granted[i].name)}].push_back(to_text(granted[i].name));
    } else if (answer.integer == 0) {
      lost.push_back(granted[i]);
    }
  }
  if (failed) failed = give_up_unanswered(std::move(unanswered), *failed, time, lost);
  co_await index_renewed(lost, std::move(owners), operation);
  if (failed) co_return std::move(*failed);
  co_return lost;
}

std::optional<error> redis_store::give_up_unanswered(std::vector<lease> unanswered, const error& why, milliseconds time,
                                                     std::vector<lease>& lost) {
  if (!on_cluster_) return why;
  const auto time_now = aio::after(milliseconds(0));
  bool over = true;
  for (const lease& one : unanswered)
    over = time_now - unanswered_.try_emplace(one.name, time_now).first->second > time / 2 && over;
  if (!over) return why;
  for (lease& one : unanswered) {
    unanswered_.erase(one.name);
    lost.push_back(std::move(one));
  }
  return std::nullopt;
}

// Corrects the indexes after a renewal. They are hints: the leases are valid even if this fails.
asio::awaitable<void> redis_store::index_renewed(std::vector<lease> lost, owner_members owners, std::string operation) {
  // Another instance may hold a lost lease. The next beat that reads the entry corrects it.
  std::vector<managed_name> waiting;
  for (const auto& one : lost) waiting.push_back(one.name);
  std::vector<script_call> calls;
  if (!on_cluster_) add_index_calls(calls, waiting, "waits", milliseconds(0));
  for (auto& [index, members] : owners) {
    const auto name = server_name::parse(index.first);
    if (!name) continue;
    auto& call = calls.emplace_back(owners_call(*name, index.second, "SADD"));
    for (auto& member : members) call.argument(std::move(member));
  }
  if (calls.empty()) co_return;
  auto noted = co_await run_all(std::move(calls), std::move(operation));
  static_cast<void>(noted);
}

task<void> redis_store::end_lease(lease granted, lease_end how, std::optional<std::uint64_t> revision) {
  const std::string operation = "end " + granted.name.text();
  const bool checked = how == lease_end::over && revision;
  std::vector<script_call> calls;
  auto& end = calls.emplace_back(script_id::end_lease);
  end.key(lease_key(granted.name));
  end.key(keys_.server_key(granted.name.owner, encode_name(granted.name.server.text()), key_field::info));
  end.argument(lease_value_start(granted)).argument(checked ? std::to_string(*revision) : std::string());
  if (on_cluster_) {
    end.key(managed_key(part_of(granted.name))).argument(options().ttl).argument(to_text(granted.name));
    end.argument(std::string(how == lease_end::over ? "over" : ""));
  }
  MCPSTATE_CO_TRY(got, co_await run_all(std::move(calls), operation));
  const reply& answer = got.front();
  if (answer.is_error()) co_return key_error(answer, operation, lease_key(granted.name));
  if (answer.items.size() != 2) co_return result<void>();  // another instance holds it, and maintains the index
  const bool again = answer.items[1].integer != 0;
  const bool over = how == lease_end::over && !again;
  std::string registered(over ? answer.items[0].text : std::string());
  if (on_cluster_) co_return co_await leave_owners(granted.name, std::move(registered));
  std::string word(over ? "over" : "waits");
  MCPSTATE_CO_CHECK(co_await index(granted.name, std::move(word), milliseconds(0), std::move(registered)));
  // The call above overwrote the index entry of an instance that has taken the lease since. This corrects it.
  auto noted = co_await index_running(granted.name, over ? revision : std::nullopt);
  static_cast<void>(noted);  // a hint
  co_return result<void>();
}

// Takes a connection that is over out of the index of its registered server, which no script could know before.
task<void> redis_store::leave_owners(managed_name name, std::string registered) {
  const auto server = server_name::parse(registered);
  if (!server) co_return result<void>();
  std::vector<script_call> calls;
  calls.push_back(owners_call(*server, part_of(name), "SREM").argument(to_text(name)));
  auto noted = co_await run_all(std::move(calls), "end " + name.text());
  static_cast<void>(noted);  // a hint
  co_return result<void>();
}

task<std::optional<lease>> redis_store::lease_of(managed_name name) {
  const std::string operation = "lease of " + name.text();
  const auto key = lease_key(name);
  request commands;
  commands.limit_values({max_lease_value});
  commands.add("GET", key);
  MCPSTATE_CO_TRY(got, co_await read(route_of(name.owner), std::move(commands), operation));
  if (got.front().is_error()) co_return key_error(got.front(), operation, key);
  if (!got.front().is_string()) co_return std::optional<lease>();
  co_return read_lease_value(name, got.front().text);
}

}  // namespace mcpstate
