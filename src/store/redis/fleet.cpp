// SPDX-License-Identifier: MIT
// The indexes beside the leases: the instances, the managed connections, and the connections to each registered server. They
// are hints. A lease is written before its index entries. An instance that finds a wrong entry (another instance died in
// between) corrects it.
#include <algorithm>
#include <iterator>

#include <mcpstate/core/record_info.hpp>

#include "store/redis/lease_value.hh"
#include "store/redis/store.hh"
#include "store/redis/unheld.hh"
#include "store/rows/managed_text.hh"

namespace mcpstate {

using redis::reply;
using redis::request;
using redis_scripts::script_id;
using std::chrono::milliseconds;

namespace {

constexpr unsigned scanned_at_once = 2048;  // of an index on a cluster, in one step

// Four items each: name, number of managed connections, reach, address.
std::vector<instance_report> reports_in(const reply& answer) {
  std::vector<instance_report> out;
  for (std::size_t i = 0; i + 4 <= answer.items.size(); i += 4) {
    auto& one = out.emplace_back();
    one.name = answer.items[i].text;
    one.managed = parse_number<std::uint64_t>(answer.items[i + 1].text).value_or(0);
    one.reach = answer.items[i + 2].text;
    one.address = answer.items[i + 3].text;
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

}  // namespace

std::string lease_value_start(const lease& one) {
  return std::to_string(one.number) + " " + std::to_string(one.holder.size()) + " " + one.holder;
}

namespace {

struct lease_parts {
  std::uint64_t number = 0;
  std::string_view holder;
};

// As scripts/parts/lease.lua reads it.
std::optional<lease_parts> split_lease_value(std::string_view text) {
  constexpr std::size_t max_digits = 16;
  const auto first = text.find(' ');
  const auto second = first == text.npos ? first : text.find(' ', first + 1);
  if (second == text.npos || first > max_digits) return std::nullopt;
  const auto number = parse_number<std::uint64_t>(text.substr(0, first));
  const auto size = parse_number<std::size_t>(text.substr(first + 1, second - first - 1));
  if (!number || !size || text.size() - second - 1 < *size) return std::nullopt;
  lease_parts out;
  out.number = *number;
  out.holder = text.substr(second + 1, *size);
  return out;
}

}  // namespace

std::optional<lease> read_lease_value(const managed_name& name, const std::string& value) {
  const auto parts = split_lease_value(value);
  if (!parts) return std::nullopt;
  return lease(name, std::string(parts->holder), parts->number);
}

bool is_lease_value(std::string_view value) { return split_lease_value(value).has_value(); }

// FNV-1a, so that every process computes the same part.
unsigned shard_of(std::string_view member) {
  std::uint32_t hash = 2166136261U;
  for (const char c : member) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash % key_space::index_shards;
}

error key_error(const reply& r, const std::string& operation, const std::string& key) {
  error refused = redis::to_error(r, operation);
  if (refused.code() != errc::wrong_type) return refused;
  return error(errc::wrong_type,
               operation + ": the Redis key " + key + " holds another type than it must; delete or rename it");
}

script_call redis_store::index_call(unsigned part, std::string_view state, milliseconds time) const {
  script_call call(script_id::index_leases);
  call.key(managed_key(part)).argument(options().ttl).argument(std::string(state)).argument(time);
  return call;
}

script_call redis_store::owners_call(const server_name& registered, unsigned part, std::string_view command) const {
  script_call call(script_id::index_owners);
  call.key(owners_key(registered, part)).argument(options().ttl).argument(std::string(command));
  return call;
}

void redis_store::add_index_calls(std::vector<script_call>& calls, const std::vector<managed_name>& names,
                                  std::string_view state, milliseconds time) const {
  std::map<unsigned, std::vector<std::string>> members;
  for (const auto& one : names) members[part_of(one)].push_back(to_text(one));
  for (auto& [part, listed] : members) {
    auto& call = calls.emplace_back(index_call(part, state, time));
    for (auto& member : listed) call.argument(std::move(member));
  }
}

// Writes the state of one connection to the index of managed connections. With a registered name, removes the connection
// from the index of that server.
task<void> redis_store::index(managed_name name, std::string state, milliseconds time, std::string registered) {
  const std::string operation = "index " + name.text();
  const auto member = to_text(name);
  const unsigned part = part_of(name);
  std::vector<script_call> calls;
  calls.push_back(index_call(part, state, time));
  calls.back().argument(member);
  if (auto server = server_name::parse(registered)) {
    calls.push_back(owners_call(*server, part, "SREM"));
    calls.back().argument(member);
  }
  std::vector<std::string> keys;
  for (const auto& call : calls) keys.push_back(call.keys().front());
  MCPSTATE_CO_TRY(got, co_await run_all(std::move(calls), operation));
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (got[i].is_error()) co_return key_error(got[i], operation, keys[i]);
  }
  co_return result<void>();
}

asio::awaitable<void> redis_store::forget(owner account, std::vector<std::string> members) {
  std::vector<managed_name> names;
  for (const auto& member : members) {
    if (auto name = server_name::parse(name_of_member(member).text)) names.emplace_back(account, std::move(*name));
  }
  if (names.empty()) co_return;
  std::vector<script_call> calls;
  add_index_calls(calls, names, "over", milliseconds(0));
  auto noted = co_await run_all(std::move(calls), "clear " + account.text());
  static_cast<void>(noted);
}

task<fleet> redis_store::beat(instance_report report, milliseconds time) {
  const std::string operation = "beat " + report.name;
  std::vector<script_call> calls;
  auto& beat = calls.emplace_back(script_id::beat);
  beat.key(keys_.instances()).argument(options().ttl).argument(report.name).argument(time).argument(report.managed);
  beat.argument(report.reach).argument(report.address);
  auto got = co_await run_each(std::move(calls), operation, hint_limit());
  fleet out;
  if (!got.front() && !on_cluster_) co_return got.front().error();
  if (!got.front() || got.front()->is_error()) {
    error unreadable = got.front() ? key_error(*got.front(), operation, keys_.instances()) : got.front().error();
    if (got.front() && unreadable.code() != errc::wrong_type) co_return unreadable;
    out.faults.push_back(std::move(unreadable));
    out.instances.push_back(std::move(report));  // the others cannot be known
  } else {
    out.instances = reports_in(*got.front());
  }
  if (on_cluster_) MCPSTATE_CO_CHECK(co_await count_managed(&out));
  unheld_search search(*this);
  fleet* const found = &out;
  MCPSTATE_CO_CHECK(co_await search.run(found));
  co_return out;
}

// Gives the index entry of a connection the time of the lease that runs, if there is one. Without one, a record whose revision
// is not the one that ended waits for an instance: others may have managed it since, and left an order behind.
task<void> redis_store::index_running(managed_name name, std::optional<std::uint64_t> ended) {
  request commands;
  commands.add("PTTL", lease_key(name));
  commands.add("GETRANGE", keys_.server_key(name.owner, encode_name(name.server.text()), key_field::info), "0", "127");
  MCPSTATE_CO_TRY(got, co_await read(route_of(name.owner), std::move(commands), "index"));
  if (got[0].is_error()) co_return result<void>();
  const auto left = std::max<std::int64_t>(got[0].integer, 0);
  const bool changed = ended && got[1].is_string() && !got[1].text.empty() && revision_of_info(got[1].text) != ended;
  if (left == 0 && !changed) co_return result<void>();
  std::string state(left > 0 ? "held" : "waits");
  std::string no_server;
  co_return co_await index(std::move(name), std::move(state), milliseconds(left), std::move(no_server));
}

// Reads the parts of the index in order, by SSCAN. The cursor is "part:cursor". A name may appear twice. A cluster has many
// parts, and most have few entries or none: some hundred are read at once.
task<managed_page> redis_store::managed_of(std::string registered, std::string cursor) {
  MCPSTATE_CO_TRY(server, server_name::parse(registered));
  unsigned part = 0;
  std::string position = "0";
  if (!cursor.empty()) {
    const auto colon = cursor.find(':');
    const auto number = parse_number<unsigned>(std::string_view(cursor).substr(0, colon));
    const auto inside =
        colon == cursor.npos ? std::nullopt : parse_number<std::uint64_t>(std::string_view(cursor).substr(colon + 1));
    if (!number || *number >= index_parts() || !inside)
      co_return error(errc::bad_argument, "this cursor is of no page of this store");
    part = *number;
    position = std::to_string(*inside);
  }
  managed_page page;
  while (page.names.empty() && part < index_parts()) {
    const unsigned last = on_cluster_ && position == "0" ? std::min(part + scanned_at_once, index_parts()) : part + 1;
    MCPSTATE_CO_TRY(step, co_await scan_index(server, part, last, position));
    MCPSTATE_CO_TRY(names, co_await check_owners(server, std::move(step.entries)));
    std::move(names.begin(), names.end(), std::back_inserter(page.names));
    part = step.part;
    position = std::move(step.position);
  }
  if (part < index_parts()) page.cursor = std::to_string(part) + ":" + position;
  co_return page;
}

// One step through these parts. The next one begins with the first part that has more entries.
task<redis_store::owners_step> redis_store::scan_index(server_name registered, unsigned first, unsigned last,
                                                       std::string position) {
  const std::string operation = "managed of " + registered.text();
  batch requests;
  for (unsigned part = first; part < last; ++part) {
    request one;
    one.add("SSCAN", owners_key(registered, part), position, "COUNT", "256");
    const auto slot = static_cast<std::uint16_t>(part);
    requests.emplace_back(on_cluster_ ? redis::route::to_slot(slot) : redis::route::to_any(), std::move(one));
  }
  MCPSTATE_CO_TRY(got, co_await read_all_of(std::move(requests), operation));
  owners_step out;
  out.part = last;
  for (unsigned part = first; part < last; ++part) {
    const reply& step = got[part - first];
    if (step.is_error()) co_return key_error(step, operation, owners_key(registered, part));
    if (step.items.size() != 2) co_return error(errc::protocol, operation + ": SSCAN answers no cursor and members");
    for (const auto& item : step.items[1].items) out.entries.emplace_back(part, item.text);
    if (step.items[0].text == "0") continue;
    out.part = part;
    out.position = step.items[0].text;
    break;
  }
  co_return out;
}

// Answers the connections that these entries name. Entries that name none, and those without a record and a lease, are
// removed from their part; one that stands in the wrong part is moved.
task<std::vector<managed_name>> redis_store::check_owners(server_name registered, std::vector<part_entry> entries) {
  const std::string operation = "managed of " + registered.text();
  batch requests;
  std::vector<std::optional<managed_name>> named;
  for (const auto& [part, member] : entries) {
    auto& name = named.emplace_back(managed_from_text(member));
    if (name && to_text(*name) != member) name.reset();
    if (!name) continue;
    const auto info = keys_.server_key(name->owner, encode_name(name->server.text()), key_field::info);
    add_to(requests, name->owner).add("EXISTS", info, lease_key(*name));
  }
  MCPSTATE_CO_TRY(found, co_await read_all_of(std::move(requests), operation));
  std::vector<managed_name> out;
  std::vector<script_call> corrections;
  std::map<unsigned, script_call> wrong;
  std::size_t next = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& [part, member] = entries[i];
    // An error reply says nothing about the record: the entry stays.
    const bool there = named[i] && (found[next].is_error() || found[next].integer > 0);
    if (named[i]) ++next;
    const unsigned right = named[i] ? part_of(*named[i]) : part;
    if (!there || right != part)
      wrong.try_emplace(part, owners_call(registered, part, "SREM")).first->second.argument(member);
    if (!there) continue;
    if (right != part) corrections.push_back(owners_call(registered, right, "SADD").argument(member));
    out.push_back(std::move(*named[i]));
  }
  for (auto& [part, call] : wrong) corrections.push_back(std::move(call));
  if (corrections.empty()) co_return out;
  auto noted = co_await run_all(std::move(corrections), operation);
  static_cast<void>(noted);  // a hint
  co_return out;
}

}  // namespace mcpstate
