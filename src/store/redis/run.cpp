// SPDX-License-Identifier: MIT
// Sending commands and scripts.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "store/redis/store.hh"

namespace mcpstate {

using redis::request;

namespace {

// The server has restarted, or its scripts were flushed: the script did not run.
bool is_unknown_script(const redis::reply& answer) { return answer.is_error() && answer.text.starts_with("NOSCRIPT"); }

}  // namespace

// A read whose connection is lost is sent again, once: the link is back at once where the server had merely closed it.
task<redis_store::replies> redis_store::read(request commands, std::string doing) {
  const auto limit = until();
  request again = commands;
  auto got = co_await redis_->exec(redis::route::to_any(), std::move(commands), limit, redis::effect::read);
  if (!got && got.error().code() == errc::connection_lost)
    got = co_await redis_->exec(redis::route::to_any(), std::move(again), limit, redis::effect::read);
  if (!got) co_return error(got.error().code(), doing + ": " + got.error().detail(), got.error().peer_text());
  co_return std::move(*got);
}

task<redis_store::replies> redis_store::write(request commands, std::string doing) {
  auto got = co_await redis_->exec(redis::route::to_any(), std::move(commands), until(), redis::effect::write);
  if (!got) co_return error(got.error().code(), doing + ": " + got.error().detail(), got.error().peer_text());
  co_return std::move(*got);
}

task<redis::reply> redis_store::run(const script_call& call, request before, std::string doing) {
  call.append_to(before, script_call::form::evalsha);
  auto got = co_await write(std::move(before), doing);
  if (!got) co_return got.error();
  for (std::size_t i = 0; i + 1 < got->size(); ++i)
    if ((*got)[i].is_error()) co_return redis::to_error((*got)[i], doing);
  if (is_unknown_script(got->back())) {
    request whole;
    call.append_to(whole, script_call::form::eval);
    got = co_await write(std::move(whole), doing);
    if (!got) co_return got.error();
  }
  if (got->back().is_error()) co_return redis::to_error(got->back(), doing);
  co_return std::move(got->back());
}

void redis_store::declare(script_call& to, const owner& who, const std::string& member, declared_keys which) const {
  to.member(keys_, who, member);
  if (which == declared_keys::record_and_lease) to.key(keys_.server_key(who, member, key_field::lease));
}

task<redis::reply> redis_store::run_for(owner who, script_call call, declared_keys which, request before,
                                        std::string doing) {
  for (int attempt = 1; attempt <= max_attempts; ++attempt) {
    auto answer = co_await run(call, std::move(before), doing);
    if (!answer) co_return answer.error();
    const auto undeclared = undeclared_members(*answer);
    if (undeclared.empty()) co_return std::move(*answer);
    for (const auto& member : undeclared) declare(call, who, member, which);
    before = request();
  }
  co_return error(errc::stale_basis, doing + ": others keep adding records; nothing was written; try again");
}

task<redis_store::replies> redis_store::run_all(std::vector<script_call> calls, std::string doing) {
  request all;
  for (const auto& call : calls) call.append_to(all, script_call::form::evalsha);
  auto got = co_await write(std::move(all), doing);
  if (!got) co_return got.error();
  // Of several calls of one unknown script the first brings its text.
  std::vector<std::size_t> missed;
  std::set<const redis_scripts::script*> sent;
  request again;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (!is_unknown_script((*got)[i])) continue;
    const bool first = sent.insert(&calls[i].script()).second;
    calls[i].append_to(again, first ? script_call::form::eval : script_call::form::evalsha);
    missed.push_back(i);
  }
  if (missed.empty()) co_return std::move(*got);
  auto more = co_await write(std::move(again), doing);
  if (!more) co_return more.error();
  for (std::size_t i = 0; i < missed.size(); ++i) (*got)[missed[i]] = std::move((*more)[i]);
  co_return std::move(*got);
}

task<std::vector<std::string>> redis_store::read_member_names(owner who, std::string doing) {
  request ask;
  ask.add("SMEMBERS", keys_.connections(who)).add("SMEMBERS", keys_.servers(who));
  auto got = co_await read(std::move(ask), doing);
  if (!got) co_return got.error();
  std::set<std::string> names;
  for (auto& members : *got) {
    if (members.is_error()) {
      error why = redis::to_error(members, doing);
      if (why.code() != errc::wrong_type) co_return why;
    }
    for (auto& member : members.items) names.insert(std::move(member.text));
  }
  co_return std::vector<std::string>(names.begin(), names.end());
}

}  // namespace mcpstate
