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

std::string shown(std::string_view verb, const managed_name& what) {
  return std::string(verb).append(" ").append(what.whose.text()).append(" ").append(what.server.text());
}

}  // namespace

std::string redis_store::lease_key(const managed_name& what) const {
  return keys_.server_key(what.whose, encode_name(what.server.text()), key_field::lease);
}

// Sends the lease and its index entries in one flush. A refused lease does not extend the index entry: that is set to what
// the other holder has left. Where an index cannot be written the lease is given back.
task<std::optional<lease>> redis_store::take_lease(managed_name what, std::string holder, std::string registered,
                                                   milliseconds time) {
  const std::string doing = shown("take", what);
  const auto member = to_text(what);
  std::vector<script_call> calls;
  auto& take = calls.emplace_back(script_id::take_lease);
  take.key(lease_key(what)).argument(holder).argument(registered).argument(time).argument(last_lease_number_);
  calls.push_back(index_call(shard_of(member), "held", time));
  calls.back().argument(member);
  if (auto name = server_name::parse(registered)) {
    calls.push_back(owners_call(*name, shard_of(member), "SADD"));
    calls.back().argument(member);
  }
  std::vector<std::string> keys;
  for (const auto& call : calls) keys.push_back(call.keys().front());
  auto got = co_await run_all(std::move(calls), doing);
  if (!got) co_return got.error();
  const reply& answer = got->front();
  if (answer.is_error()) co_return key_error(answer, doing, keys.front());
  if (answer.items.size() != 2) co_return unexpected_answer(doing);
  if (answer.items[0].integer == 0) {
    const milliseconds left(std::max<std::int64_t>(answer.items[1].integer, 0));
    const std::string as_it_was;
    MCPSTATE_CO_CHECK(co_await index(what, "held", left, as_it_was));
    co_return std::optional<lease>();
  }
  lease mine(what, std::move(holder), number_in<std::uint64_t>(answer.items[1].text).value_or(0));
  last_lease_number_ = std::max(last_lease_number_, mine.number);
  for (std::size_t i = 1; i < got->size(); ++i) {
    if (!(*got)[i].is_error()) continue;
    error why = key_error((*got)[i], doing, keys[i]);
    const std::optional<std::uint64_t> nothing_seen;
    auto undone = co_await end_lease(std::move(mine), lease_end::hand_over, nothing_seen);
    static_cast<void>(undone);  // then it runs out
    co_return why;
  }
  co_return std::optional<lease>(std::move(mine));
}

task<std::vector<lease>> redis_store::renew_leases(std::vector<lease> held, milliseconds time) {
  std::vector<lease> lost;
  for (std::size_t from = 0; from < held.size(); from += leases_at_once) {
    const auto first = held.begin() + static_cast<std::ptrdiff_t>(from);
    const auto count = std::min(leases_at_once, held.size() - from);
    std::vector<lease> some(first, first + static_cast<std::ptrdiff_t>(count));
    auto gone = co_await renew_some(std::move(some), time);
    if (!gone) co_return gone.error();
    std::move(gone->begin(), gone->end(), std::back_inserter(lost));
  }
  co_return lost;
}

task<std::vector<lease>> redis_store::renew_some(std::vector<lease> held, milliseconds time) {
  const std::string doing = "renew " + std::to_string(held.size()) + " leases";
  std::vector<script_call> calls;
  std::vector<managed_name> names;
  for (const auto& one : held) {
    auto& renew = calls.emplace_back(script_id::renew_lease);
    renew.key(lease_key(one.what)).argument(lease_value_start(one)).argument(time).argument(options().ttl);
    names.push_back(one.what);
  }
  add_index_calls(calls, names, "held", time);
  auto got = co_await run_all(std::move(calls), doing);
  if (!got) co_return got.error();
  std::vector<lease> lost;
  owner_members owners;
  for (std::size_t i = 0; i < held.size(); ++i) {
    const reply& answer = (*got)[i];
    if (answer.is_error()) co_return key_error(answer, doing, lease_key(held[i].what));
    if (answer.is_string()) {
      auto member = to_text(held[i].what);
      owners[{answer.text, shard_of(member)}].push_back(std::move(member));
    } else if (answer.integer == 0) {
      lost.push_back(held[i]);
    }
  }
  co_await index_renewed(lost, std::move(owners), doing);
  co_return lost;
}

// Puts the indexes right after a renewal. They are hints: the leases hold even if this fails.
asio::awaitable<void> redis_store::index_renewed(std::vector<lease> lost, owner_members owners, std::string doing) {
  // Another instance may hold a lost lease: the next beat that meets the entry finds out.
  std::vector<managed_name> waiting;
  for (const auto& one : lost) waiting.push_back(one.what);
  std::vector<script_call> calls;
  add_index_calls(calls, waiting, "waits", milliseconds(0));
  for (auto& [where, members] : owners) {
    const auto name = server_name::parse(where.first);
    if (!name) continue;
    auto& call = calls.emplace_back(owners_call(*name, where.second, "SADD"));
    for (auto& member : members) call.argument(std::move(member));
  }
  if (calls.empty()) co_return;
  auto noted = co_await run_all(std::move(calls), std::move(doing));
  static_cast<void>(noted);
}

task<void> redis_store::end_lease(lease which, lease_end how, std::optional<std::uint64_t> seen) {
  const std::string doing = shown("end", which.what);
  const bool checked = how == lease_end::over && seen;
  std::vector<script_call> calls;
  auto& end = calls.emplace_back(script_id::end_lease);
  end.key(lease_key(which.what));
  end.key(keys_.server_key(which.what.whose, encode_name(which.what.server.text()), key_field::info));
  end.argument(lease_value_start(which)).argument(checked ? std::to_string(*seen) : std::string());
  auto got = co_await run_all(std::move(calls), doing);
  if (!got) co_return got.error();
  const reply& answer = got->front();
  if (answer.is_error()) co_return key_error(answer, doing, lease_key(which.what));
  if (answer.items.size() != 2) co_return result<void>();  // another instance holds it, and maintains the index
  const bool again = answer.items[1].integer != 0;
  const bool over = how == lease_end::over && !again;
  std::string word(over ? "over" : "waits");
  std::string registered(over ? answer.items[0].text : std::string());
  MCPSTATE_CO_CHECK(co_await index(which.what, std::move(word), milliseconds(0), std::move(registered)));
  // An instance that has taken the lease since has lost its entry to the index call above: put it back.
  std::vector<managed_name> ended{which.what};
  auto noted = co_await without_held(std::move(ended));
  static_cast<void>(noted);  // a hint
  co_return result<void>();
}

task<std::optional<lease>> redis_store::lease_of(managed_name what) {
  const std::string doing = shown("lease of", what);
  const auto key = lease_key(what);
  request ask;
  ask.add("GET", key);
  auto got = co_await read(std::move(ask), doing);
  if (!got) co_return got.error();
  if (got->front().is_error()) co_return key_error(got->front(), doing, key);
  if (!got->front().is_string()) co_return std::optional<lease>();
  co_return read_lease_value(what, got->front().text);
}

}  // namespace mcpstate
