// SPDX-License-Identifier: MIT
// Records as they were in another store.
#include <mcpstate/core/record_info.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include "store/redis/store.hh"
#include "store/redis/write_answer.hh"

namespace mcpstate {

namespace {

constexpr int staged_restore_ms = 60'000;  // when a staged value expires that no script has moved

std::int64_t millis_of(const std::optional<timestamp>& t) {
  return t ? std::chrono::floor<std::chrono::milliseconds>(*t).time_since_epoch().count() : 0;
}

std::optional<restore_outcome> outcome_of(const redis::reply& answer) {
  if (answer.text == "written") return restore_outcome::written;
  if (answer.text == "present") return restore_outcome::present;
  if (answer.text == "expired") return restore_outcome::expired;
  return std::nullopt;
}

// A time before 1970 is over; 0 stands for no time.
std::int64_t expiry_of(const connection& one) {
  return one.expires_at ? std::max<std::int64_t>(millis_of(one.expires_at), 1) : 0;
}

}  // namespace

// before: receives the command that stages the tools.
void redis_store::add_restored(script_call& call, redis::request& before, const owner& account, const connection& one) {
  std::string staged = keys_.server_key(account, one.member, key_field::tools);
  if (one.tools) {
    staged = keys_.staging(account, one.member, nonce());
    before.add("SET", staged, *one.tools, "PX", std::int64_t{staged_restore_ms});
  }
  std::optional<timestamp> connected_at;
  if (one.connected()) connected_at = one.connected_at.value_or(now());
  call.member(keys_, account, one.member).key(std::move(staged)).argument(one.revision);
  call.argument(std::string(to_key_text(*one.state))).argument(connected_at ? to_iso8601(*connected_at) : std::string());
  call.argument(expiry_of(one)).argument(millis_of(one.expires_latest));
  call.argument(encode_info_tail(*one.state, connected_at, one.info));
}

task<std::vector<restore_outcome>> redis_store::restore(owner account, std::vector<connection> records, restore_rule rule) {
  const std::string operation = "restore " + account.text();
  script_call call(redis_scripts::script_id::restore);
  call.argument(options().ttl).argument(rule == restore_rule::newer ? "newer" : "replace").argument(records.size());
  call.key(keys_.connections(account)).key(keys_.servers(account));
  redis::request before;
  for (const auto& one : records) add_restored(call, before, account, one);
  auto answer = co_await run_for(account, std::move(call), declared_keys::record, std::move(before), operation);
  if (!answer) {
    if (answer.error().code() != errc::wrong_type) co_return answer.error();
    const std::string member = records.size() == 1 ? records.front().member : std::string();
    co_return co_await explain_wrong_type(account, member, operation);
  }
  if (auto refused = refusal(*answer, operation)) co_return std::move(*refused);
  std::vector<restore_outcome> out;
  for (std::size_t i = 1; i < answer->items.size(); ++i) {
    const auto outcome = outcome_of(answer->items[i]);
    if (!outcome) co_return unexpected_answer(operation);
    out.push_back(*outcome);
  }
  if (out.size() != records.size()) co_return unexpected_answer(operation);
  co_return out;
}

}  // namespace mcpstate
