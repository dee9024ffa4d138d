// SPDX-License-Identifier: MIT
// Sending commands and scripts.
#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "store/redis/store.hh"
#include "store/redis/write_answer.hh"

namespace mcpstate {

using redis::request;

namespace {

error named(const error& why, const std::string& operation) {
  return error(why.code(), operation + ": " + why.detail(), why.peer_text());
}

// Whether the script did not run because the server has restarted, or its scripts were flushed.
bool is_unknown_script(const redis::reply& answer) { return answer.is_error() && answer.text.starts_with("NOSCRIPT"); }

// One result for each command: its reply, or why its request has none.
std::vector<result<redis::reply>> flatten(std::vector<result<std::vector<redis::reply>>>& got, std::size_t commands,
                                          const std::string& operation) {
  std::vector<result<redis::reply>> out;
  out.reserve(commands);
  for (auto& one : got) {
    if (one) {
      for (auto& answer : *one) out.emplace_back(std::move(answer));
    } else {
      // On a cluster each request has one command, and a single server has one request.
      const std::size_t lost = got.size() == 1 ? commands : 1;
      for (std::size_t i = 0; i < lost; ++i) out.emplace_back(named(one.error(), operation));
    }
  }
  return out;
}

}  // namespace

redis::route redis_store::route_of(const owner& account) const {
  return on_cluster_ ? redis::route::to_key(keys_.servers(account)) : redis::route::to_any();
}

redis::route redis_store::route_of_key(const std::string& key) const {
  return on_cluster_ ? redis::route::to_key(key) : redis::route::to_any();
}

redis::request& redis_store::add_to(batch& requests, const owner& account) const {
  if (on_cluster_ || requests.empty()) requests.emplace_back(route_of(account), request());
  return requests.back().commands;
}

redis::request& redis_store::add_for_key(batch& requests, const std::string& key) const {
  if (on_cluster_ || requests.empty()) requests.emplace_back(route_of_key(key), request());
  return requests.back().commands;
}

// Sends a read whose connection was lost once more: where the server had only closed the connection, the link is back at
// once.
task<redis_store::replies> redis_store::read(redis::route where, request commands, std::string operation) {
  const auto limit = until();
  redis::route there = where;
  request again = commands;
  auto got = co_await redis_->exec(std::move(there), std::move(commands), limit, redis::effect::read);
  if (!got && got.error().code() == errc::connection_lost)
    got = co_await redis_->exec(std::move(where), std::move(again), limit, redis::effect::read);
  if (!got) co_return named(got.error(), operation);
  co_return std::move(*got);
}

task<redis_store::replies> redis_store::write(redis::route where, request commands, std::string operation) {
  auto got = co_await redis_->exec(std::move(where), std::move(commands), until(), redis::effect::write);
  if (!got) co_return named(got.error(), operation);
  co_return std::move(*got);
}

asio::awaitable<std::vector<redis_store::outcome>> redis_store::read_each(batch requests, std::string operation,
                                                                          aio::deadline limit) {
  batch once = requests;
  auto got = co_await redis_->exec_all(std::move(once), limit, redis::effect::read);
  batch again;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (got[i] || got[i].error().code() != errc::connection_lost) continue;
    again.push_back(std::move(requests[i]));
    places.push_back(i);
  }
  if (!again.empty()) {
    auto more = co_await redis_->exec_all(std::move(again), limit, redis::effect::read);
    for (std::size_t i = 0; i < places.size(); ++i) got[places[i]] = std::move(more[i]);
  }
  for (outcome& each : got)
    if (!each) each = named(each.error(), operation);
  co_return got;
}

task<redis_store::replies> redis_store::read_all_of(batch requests, std::string operation) {
  auto each = co_await read_each(std::move(requests), std::move(operation), until());
  replies out;
  for (outcome& one : each) {
    if (!one) co_return one.error();
    std::move(one->begin(), one->end(), std::back_inserter(out));
  }
  co_return out;
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
  auto sent = confirmed ? write_confirmed(std::move(before), operation, &copies)
                        : write(route_of_key(call.keys().front()), std::move(before), operation);
  auto got = co_await std::move(sent);
  if (!got) co_return got.error();
  for (std::size_t i = 0; i + 1 < got->size(); ++i)
    if ((*got)[i].is_error()) co_return redis::to_error((*got)[i], operation);
  if (is_unknown_script(got->back())) {
    request whole;
    call.append_to(whole, script_call::form::eval);
    auto again = confirmed ? write_confirmed(std::move(whole), operation, &copies)
                           : write(route_of_key(call.keys().front()), std::move(whole), operation);
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

void redis_store::add_to(batch& requests, const script_call& call, script_call::form command) const {
  if (on_cluster_ || requests.empty()) requests.emplace_back(route_of_key(call.keys().front()), request());
  call.append_to(requests.back().commands, command);
}

asio::awaitable<std::vector<result<redis::reply>>> redis_store::run_each(std::vector<script_call> calls,
                                                                         std::string operation, aio::deadline limit) {
  batch all;
  for (const auto& call : calls) add_to(all, call, script_call::form::evalsha);
  auto got = co_await redis_->exec_all(std::move(all), limit, redis::effect::write);
  auto out = flatten(got, calls.size(), operation);
  // Where several calls run one unknown script, the first call to a server sends its text.
  batch again;
  std::vector<std::size_t> missed;
  std::set<const redis_scripts::script*> sent;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (!out[i] || !is_unknown_script(*out[i])) continue;
    const bool first = on_cluster_ || sent.insert(&calls[i].script()).second;
    add_to(again, calls[i], first ? script_call::form::eval : script_call::form::evalsha);
    missed.push_back(i);
  }
  if (missed.empty()) co_return out;
  got = co_await redis_->exec_all(std::move(again), limit, redis::effect::write);
  auto more = flatten(got, missed.size(), operation);
  for (std::size_t i = 0; i < missed.size(); ++i) out[missed[i]] = std::move(more[i]);
  co_return out;
}

task<redis_store::replies> redis_store::run_all(std::vector<script_call> calls, std::string operation) {
  auto each = co_await run_each(std::move(calls), std::move(operation), until());
  replies out;
  out.reserve(each.size());
  for (auto& one : each) {
    if (!one) co_return one.error();
    out.push_back(std::move(*one));
  }
  co_return out;
}

task<std::vector<std::string>> redis_store::read_member_names(owner account, std::string operation) {
  request commands;
  commands.add("SMEMBERS", keys_.connections(account)).add("SMEMBERS", keys_.servers(account));
  MCPSTATE_CO_TRY(got, co_await read(route_of(account), std::move(commands), operation));
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
