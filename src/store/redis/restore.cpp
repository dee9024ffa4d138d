// SPDX-License-Identifier: MIT
// Records as they were in another store.
#include <mcpstate/core/record_info.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include "store/redis/checked_reply.hh"
#include "store/redis/store.hh"
#include "store/redis/write_answer.hh"

namespace mcpstate {

namespace {

constexpr int staged_restore_ms = 60'000;  // when a staged value expires that no script has moved

// Tools up to this size go through the script: staging and moving them costs the server more than Lua's copies do.
constexpr std::size_t most_inline = 4096;

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
  const bool is_short = one.tools && one.tools->size() <= most_inline;
  if (one.tools && !is_short) {
    staged = keys_.staging(account, one.member, nonce());
    before.add("SET", staged, *one.tools, "PX", std::int64_t{staged_restore_ms});
  }
  std::optional<timestamp> connected_at;
  if (one.connected()) connected_at = one.connected_at.value_or(now());
  call.member(keys_, account, one.member).key(std::move(staged)).argument(one.revision);
  call.argument(std::string(to_key_text(*one.state))).argument(connected_at ? to_iso8601(*connected_at) : std::string());
  call.argument(expiry_of(one)).argument(millis_of(one.expires_latest));
  call.argument(encode_info_tail(*one.state, connected_at, one.info)).argument(is_short ? *one.tools : std::string());
}

task<std::vector<restore_outcome>> redis_store::restore(owner account, std::vector<connection> records, restore_rule rule) {
  const std::string operation = "restore " + account.text();
  script_call call(redis_scripts::script_id::restore);
  call.durable();
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
    const auto found = outcome_of(answer->items[i]);
    if (!found) co_return unexpected_answer(operation);
    out.push_back(*found);
  }
  if (out.size() != records.size()) co_return unexpected_answer(operation);
  co_return out;
}

// Where both layouts are used, the one that is met first decides.
task<void> redis_store::check_layout() {
  const bool plain = keys_.layout() == key_layout::plain;
  auto other = key_space::make(keys_.prefix(), plain ? key_layout::tagged : key_layout::plain);
  if (!other) co_return other.error();
  std::string cursor = "0";
  do {
    std::vector<std::string> sets_only{"TYPE", "set"};
    MCPSTATE_CO_TRY(step, co_await scan_step(std::move(cursor), std::move(sets_only)));
    MCPSTATE_CO_TRY(found, texts_of(step[1], "scan"));
    MCPSTATE_CO_TRY(next, text_of(step[0], "scan"));
    for (const auto& key : found) {
      if (keys_.parse(key)) co_return result<void>();
      if (!other->parse(key)) continue;
      co_return error(errc::bad_argument, description() + " has keys of the " + (plain ? "tagged" : "plain") + " layout (" +
                                              key + "); say --layout " + (plain ? "tagged" : "plain") +
                                              ", or use another prefix");
    }
    cursor = next;
  } while (cursor != "0");
  co_return result<void>();
}

}  // namespace mcpstate
