// SPDX-License-Identifier: MIT
// The indexes beside the leases: the instances, the managed connections, and the connections to each registered server. They
// are hints. A lease is written before its index entries. An instance that finds a wrong entry (another instance died in
// between) corrects it.
#include <algorithm>
#include <array>

#include "store/redis/lease_value.hh"
#include "store/redis/store.hh"
#include "store/rows/lease_rule.hh"
#include "store/rows/managed_text.hh"

namespace mcpstate {

using redis::reply;
using redis::request;
using redis_scripts::script_id;
using std::chrono::milliseconds;

namespace {

constexpr unsigned shards = key_space::index_shards;

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

std::optional<lease> read_lease_value(const managed_name& name, const std::string& value) {
  const std::string_view text(value);
  const auto first = text.find(' ');
  const auto second = first == text.npos ? first : text.find(' ', first + 1);
  if (second == text.npos) return std::nullopt;
  const auto number = parse_number<std::uint64_t>(text.substr(0, first));
  const auto size = parse_number<std::size_t>(text.substr(first + 1, second - first - 1));
  if (!number || !size || text.size() - second - 1 < *size) return std::nullopt;
  return lease(name, std::string(text.substr(second + 1, *size)), *number);
}

// FNV-1a, so that every process computes the same part.
unsigned shard_of(std::string_view member) {
  std::uint32_t hash = 2166136261U;
  for (const char c : member) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash % shards;
}

error key_error(const reply& r, const std::string& operation, const std::string& key) {
  error refused = redis::to_error(r, operation);
  if (refused.code() != errc::wrong_type) return refused;
  return error(errc::wrong_type,
               operation + ": the Redis key " + key + " holds another type than it must; delete or rename it");
}

script_call redis_store::index_call(unsigned shard, std::string_view state, milliseconds time) const {
  script_call call(script_id::index_leases);
  call.key(keys_.managed(shard)).argument(options().ttl).argument(std::string(state)).argument(time);
  return call;
}

script_call redis_store::owners_call(const server_name& registered, unsigned shard, std::string_view command) const {
  script_call call(script_id::index_owners);
  call.key(keys_.server_owners(registered, shard)).argument(options().ttl).argument(std::string(command));
  return call;
}

void redis_store::add_index_calls(std::vector<script_call>& calls, const std::vector<managed_name>& names,
                                  std::string_view state, milliseconds time) const {
  std::array<std::vector<std::string>, shards> members;
  for (const auto& one : names) {
    auto member = to_text(one);
    members[shard_of(member)].push_back(std::move(member));
  }
  for (unsigned shard = 0; shard < shards; ++shard) {
    if (members[shard].empty()) continue;
    auto& call = calls.emplace_back(index_call(shard, state, time));
    for (auto& member : members[shard]) call.argument(std::move(member));
  }
}

// Writes the state of one connection to the index of managed connections. With a registered name, removes the connection
// from the index of that server.
task<void> redis_store::index(managed_name name, std::string state, milliseconds time, std::string registered) {
  const std::string operation = "index " + name.text();
  const auto member = to_text(name);
  std::vector<script_call> calls;
  calls.push_back(index_call(shard_of(member), state, time));
  calls.back().argument(member);
  if (auto server = server_name::parse(registered)) {
    calls.push_back(owners_call(*server, shard_of(member), "SREM"));
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
  beat.key(keys_.instances())
      .argument(options().ttl)
      .argument(std::move(report.name))
      .argument(time)
      .argument(report.managed);
  beat.argument(std::move(report.reach)).argument(std::move(report.address));
  for (unsigned shard = 0; shard < shards; ++shard)
    calls.emplace_back(script_id::unheld).key(keys_.managed(shard)).argument(unheld_at_once / shards);
  MCPSTATE_CO_TRY(got, co_await run_all(std::move(calls), operation));
  fleet out;
  if (got.front().is_error()) co_return key_error(got.front(), operation, keys_.instances());
  out.instances = reports_in(got.front());
  std::vector<managed_name> waiting;
  for (unsigned shard = 0; shard < shards; ++shard) {
    const reply& part = got[1 + shard];
    if (part.is_error()) co_return key_error(part, operation, keys_.managed(shard));
    for (std::size_t i = 0; i < part.items.size(); ++i) {
      if (i == 0) out.managed += static_cast<std::uint64_t>(part.items[0].integer);
      if (auto name = i == 0 ? std::nullopt : managed_from_text(part.items[i].text)) waiting.push_back(std::move(*name));
    }
  }
  MCPSTATE_CO_TRY(unheld, co_await without_leased(std::move(waiting)));
  out.unheld = std::move(unheld);
  co_return out;
}

// Removes the connections that have a lease from the list, and corrects their index entries.
task<std::vector<managed_name>> redis_store::without_leased(std::vector<managed_name> waiting) {
  if (waiting.empty()) co_return waiting;
  request commands;
  for (const auto& one : waiting) commands.add("PTTL", lease_key(one));
  MCPSTATE_CO_TRY(got, co_await read(std::move(commands), "beat"));
  std::vector<managed_name> out;
  std::vector<script_call> calls;
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    const auto left = got[i].integer;
    if (got[i].is_error()) co_return redis::to_error(got[i], "beat");
    if (left == -2) {
      out.push_back(std::move(waiting[i]));
      continue;
    }
    const auto member = to_text(waiting[i]);
    calls.push_back(index_call(shard_of(member), "held", milliseconds(std::max<std::int64_t>(left, 0))));
    calls.back().argument(member);
  }
  if (calls.empty()) co_return out;
  MCPSTATE_CO_CHECK(co_await run_all(std::move(calls), "beat"));
  co_return out;
}

// Reads the parts of the index one after the other, each by SSCAN. The cursor is "shard:cursor". A name may appear twice.
task<managed_page> redis_store::managed_of(std::string registered, std::string cursor) {
  const std::string operation = "managed of " + registered;
  MCPSTATE_CO_TRY(server, server_name::parse(registered));
  unsigned shard = 0;
  std::string position = "0";
  if (!cursor.empty()) {
    const auto colon = cursor.find(':');
    const auto part = parse_number<unsigned>(std::string_view(cursor).substr(0, colon));
    const auto inside =
        colon == cursor.npos ? std::nullopt : parse_number<std::uint64_t>(std::string_view(cursor).substr(colon + 1));
    if (!part || *part >= shards || !inside) co_return error(errc::bad_argument, "this cursor is of no page of this store");
    shard = *part;
    position = std::to_string(*inside);
  }
  managed_page page;
  while (page.names.empty() && shard < shards) {
    const auto key = keys_.server_owners(server, shard);
    request commands;
    commands.add("SSCAN", key, position, "COUNT", "256");
    MCPSTATE_CO_TRY(got, co_await read(std::move(commands), operation));
    const reply& step = got.front();
    if (step.is_error()) co_return key_error(step, operation, key);
    if (step.items.size() != 2) co_return error(errc::protocol, operation + ": SSCAN answers no cursor and members");
    for (const auto& item : step.items[1].items) {
      if (auto name = managed_from_text(item.text)) page.names.push_back(std::move(*name));
    }
    position = step.items[0].text;
    if (position == "0") ++shard;
  }
  if (shard < shards) page.cursor = std::to_string(shard) + ":" + position;
  co_return page;
}

}  // namespace mcpstate
