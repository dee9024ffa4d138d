// SPDX-License-Identifier: MIT
// Sending commands and scripts.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "store/redis/store.hh"
#include "store/redis/write_answer.hh"

namespace mcpstate {

using redis::request;

namespace {

// Whether the script did not run because the server has restarted, or its scripts were flushed.
bool is_unknown_script(const redis::reply& answer) { return answer.is_error() && answer.text.starts_with("NOSCRIPT"); }

}  // namespace

// Sends a read whose connection was lost once more: where the server had only closed the connection, the link is back at
// once.
task<redis_store::replies> redis_store::read(request commands, std::string operation) {
  const auto limit = until();
  request again = commands;
  auto got = co_await redis_->exec(redis::route::to_any(), std::move(commands), limit, redis::effect::read);
  if (!got && got.error().code() == errc::connection_lost)
    got = co_await redis_->exec(redis::route::to_any(), std::move(again), limit, redis::effect::read);
  if (!got) co_return error(got.error().code(), operation + ": " + got.error().detail(), got.error().peer_text());
  co_return std::move(*got);
}

task<redis_store::replies> redis_store::write(request commands, std::string operation) {
  auto got = co_await redis_->exec(redis::route::to_any(), std::move(commands), until(), redis::effect::write);
  if (!got) co_return error(got.error().code(), operation + ": " + got.error().detail(), got.error().peer_text());
  co_return std::move(*got);
}

task<redis_store::replies> redis_store::write_confirmed(request commands, std::string operation,
                                                        redis::confirmation* copies) {
  auto got = co_await durable_->exec(std::move(commands), until());
  if (!got) co_return error(got.error().code(), operation + ": " + got.error().detail(), got.error().peer_text());
  *copies = std::move(got->copies);
  co_return std::move(got->replies);
}

task<redis::reply> redis_store::run(const script_call& call, request before, std::string operation) {
  call.append_to(before, script_call::form::evalsha);
  const bool confirmed = durable_ && call.is_durable();
  redis::confirmation copies;
  auto sent = confirmed ? write_confirmed(std::move(before), operation, &copies) : write(std::move(before), operation);
  auto got = co_await std::move(sent);
  if (!got) co_return got.error();
  for (std::size_t i = 0; i + 1 < got->size(); ++i)
    if ((*got)[i].is_error()) co_return redis::to_error((*got)[i], operation);
  if (is_unknown_script(got->back())) {
    request whole;
    call.append_to(whole, script_call::form::eval);
    auto again = confirmed ? write_confirmed(std::move(whole), operation, &copies) : write(std::move(whole), operation);
    got = co_await std::move(again);
    if (!got) co_return got.error();
  }
  if (got->back().is_error()) co_return redis::to_error(got->back(), operation);
  if (confirmed) {
    if (auto late = unconfirmed(got->back(), copies, operation)) co_return std::move(*late);
  }
  co_return std::move(got->back());
}

void redis_store::declare(script_call& call, const owner& account, const std::string& member, declared_keys declared) const {
  call.member(keys_, account, member);
  if (declared == declared_keys::record_and_lease) call.key(keys_.server_key(account, member, key_field::lease));
}

task<redis::reply> redis_store::run_for(owner account, script_call call, declared_keys declared, request before,
                                        std::string operation) {
  for (int attempt = 1; attempt <= max_attempts; ++attempt) {
    MCPSTATE_CO_TRY(answer, co_await run(call, std::move(before), operation));
    const auto undeclared = undeclared_members(answer);
    if (undeclared.empty()) co_return std::move(answer);
    for (const auto& member : undeclared) declare(call, account, member, declared);
    before = request();
  }
  co_return error(errc::stale_basis, operation + ": others keep adding records; nothing was written; try again");
}

task<redis_store::replies> redis_store::run_all(std::vector<script_call> calls, std::string operation) {
  request all;
  for (const auto& call : calls) call.append_to(all, script_call::form::evalsha);
  MCPSTATE_CO_TRY(got, co_await write(std::move(all), operation));
  // Where several calls run one unknown script, the first call sends its text.
  std::vector<std::size_t> missed;
  std::set<const redis_scripts::script*> sent;
  request again;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (!is_unknown_script(got[i])) continue;
    const bool first = sent.insert(&calls[i].script()).second;
    calls[i].append_to(again, first ? script_call::form::eval : script_call::form::evalsha);
    missed.push_back(i);
  }
  if (missed.empty()) co_return std::move(got);
  MCPSTATE_CO_TRY(more, co_await write(std::move(again), operation));
  for (std::size_t i = 0; i < missed.size(); ++i) got[missed[i]] = std::move(more[i]);
  co_return std::move(got);
}

task<std::vector<std::string>> redis_store::read_member_names(owner account, std::string operation) {
  request commands;
  commands.add("SMEMBERS", keys_.connections(account)).add("SMEMBERS", keys_.servers(account));
  MCPSTATE_CO_TRY(got, co_await read(std::move(commands), operation));
  std::set<std::string> names;
  for (auto& members : got) {
    if (members.is_error()) {
      error refused = redis::to_error(members, operation);
      if (refused.code() != errc::wrong_type) co_return refused;
    }
    for (auto& member : members.items) names.insert(std::move(member.text));
  }
  co_return std::vector<std::string>(names.begin(), names.end());
}

}  // namespace mcpstate
