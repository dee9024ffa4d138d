// SPDX-License-Identifier: MIT
// Claims on a cluster, where session and user lie on two servers and no step covers both. A claim has four steps:
//
//     read      both owners, the leases of the session, and what the intent of an earlier claim says
//     copy      at the user (claim_copy.lua): writes the records with claimed_from, gives the leases on, and notes in the intent
//               which record was copied: its revision at the session, and the one at the user
//     release   at the session (claim_release.lua): removes what still is as it was read
//     close     at the user (claim_close.lua): takes what was released out of the intent
//
// Between copy and release both owners have the records. A claim that stops there is ended by the next claim of the session for
// this user, by a beat that finds it in the index of managed connections, or by doctor: each begins with `read`. A record that the
// intent names, and that both still have as it was then, is only released. One that has changed at the session since is copied
// again, whatever the user's copy says: that copy is no record of the user's own. One that the user has changed since is.
#include <mcpstate/core/record.hpp>
#include <mcpstate/core/record_info.hpp>

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "core/text/number.hh"
#include "store/redis/cluster/claim_plan.hh"
#include "store/redis/lease_value.hh"
#include "store/redis/store.hh"
#include "store/redis/write_answer.hh"
#include "store/rows/claim_rule.hh"
#include "store/rows/managed_text.hh"

namespace mcpstate {

using redis::reply;
using redis::request;
using redis_scripts::script_id;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds left_to_others = std::chrono::seconds(30);  // before a beat ends a claim: its process may be slow
constexpr std::int64_t staged_for_ms = 60'000;

const char* word_of(claimed_member::step what) { return what == claimed_member::step::move ? "move" : "keep"; }

std::int64_t latest_of(const raw_record& raw) {
  const auto known = raw.info ? decode_info(*raw.info) : std::nullopt;
  if (!known || !known->expires_latest) return 0;
  return std::chrono::floor<milliseconds>(*known->expires_latest).time_since_epoch().count();
}

// Where the connection of a member is listed; empty where nobody can manage it.
std::string listed_name(const owner& account, const claimed_member& of) {
  const auto server = server_name::parse(name_of_member(of.at_session.member).text);
  if (!server || !of.session_record || !of.session_record->info.managed) return std::string();
  return to_text(managed_name(account, *server));
}

}  // namespace

std::string redis_store::claim_intent(const owner& user, const owner& session) const {
  return keys_.owner_prefix(user).append("claim:").append(encode_name(session.id()));
}

// Reads the intent first: what it names was copied before anything that is read here.
task<claim_plan> redis_store::read_claim(owner session, owner user, bool only_begun, std::string operation) {
  claim_plan out(std::move(session), std::move(user));
  request intent;
  intent.add("HGETALL", claim_intent(out.user, out.session));
  MCPSTATE_CO_TRY(said, co_await read(route_of(out.user), std::move(intent), operation));
  if (said.front().is_error()) co_return redis::to_error(said.front(), operation);
  const auto& pairs = said.front().items;
  for (std::size_t i = 0; i + 2 <= pairs.size(); i += 2) out.intent[pairs[i].text] = pairs[i + 1].text;
  request names;
  names.add("SUNION", keys_.connections(out.session), keys_.servers(out.session));
  MCPSTATE_CO_TRY(union_of, co_await read(route_of(out.session), std::move(names), operation));
  if (union_of.front().is_error()) co_return redis::to_error(union_of.front(), operation);
  std::vector<std::string> members;
  for (auto& item : union_of.front().items)
    if (!only_begun || out.intent.contains(item.text)) members.push_back(std::move(item.text));
  MCPSTATE_CO_TRY(at_session, co_await read_members(out.session, members, tools_wanted::no));
  MCPSTATE_CO_TRY(at_user, co_await read_members(out.user, members, tools_wanted::no));
  for (std::size_t i = 0; i < members.size(); ++i) {
    claimed_member& one = out.members.emplace_back();
    one.at_session = std::move(at_session[i]);
    one.at_user = std::move(at_user[i]);
    one.session_record = read_record(out.session, one.at_session);
    one.user_record = read_record(out.user, one.at_user);
    if (const auto noted = out.intent.find(members[i]); noted != out.intent.end()) one.noted = read_noted(noted->second);
    plan_member(one);
  }
  claim_plan* const plan = &out;
  MCPSTATE_CO_CHECK(co_await read_claimed_leases(plan, operation));
  co_return out;
}

task<void> redis_store::read_claimed_leases(claim_plan* plan, std::string operation) {
  request commands;
  commands.limit_values({max_lease_value});
  for (const auto& one : plan->members) {
    const auto key = keys_.server_key(plan->session, one.at_session.member, key_field::lease);
    commands.add("GET", key).add("PTTL", key);
  }
  MCPSTATE_CO_TRY(got, co_await read(route_of(plan->session), std::move(commands), operation));
  for (std::size_t i = 0; i < plan->members.size(); ++i) {
    claimed_member& one = plan->members[i];
    const auto server = server_name::parse(name_of_member(one.at_session.member).text);
    if (!server || !got[2 * i].is_string()) continue;
    auto running = read_lease_value(managed_name(plan->session, *server), got[2 * i].text);
    if (!running || claimed_user(running->holder)) continue;
    const milliseconds left(got[2 * i + 1].integer);
    one.session_lease = std::move(running);
    one.lease_left = left.count() > 0 ? std::min(left, claim_grace) : claim_grace;
  }
  co_return result<void>();
}

// Stages the tools of the records that move, as they are, in the slot of the user.
task<request> redis_store::stage_claimed(claim_plan* plan, std::string operation) {
  request reads;
  for (const auto& one : plan->members) {
    if (one.what != claimed_member::step::move) continue;
    reads.add("GET", keys_.server_key(plan->session, one.at_session.member, key_field::tools));
  }
  MCPSTATE_CO_TRY(got, co_await read(route_of(plan->session), std::move(reads), operation));
  request out;
  std::size_t next = 0;
  for (auto& one : plan->members) {
    one.staged.clear();
    if (one.what != claimed_member::step::move) continue;
    const reply& tools = got[next++];
    if (tools.is_error()) co_return redis::to_error(tools, operation);
    if (!tools.is_string()) continue;
    one.staged = keys_.staging(plan->user, one.at_session.member, nonce());
    out.add("SET", one.staged, tools.text, "PX", staged_for_ms);
  }
  co_return out;
}

script_call redis_store::copy_call(const claim_plan& plan) const {
  script_call call(script_id::claim_copy);
  add_owner(call, plan.user);
  const unsigned part = redis_part(plan.user);
  call.key(claim_intent(plan.user, plan.session)).key(managed_key(part));
  call.argument(claim_text(plan.session, plan.user)).argument(left_to_others);
  call.argument(std::count_if(plan.members.begin(), plan.members.end(),
                              [](const auto& one) { return one.what != claimed_member::step::copied; }));
  for (const auto& one : plan.members) {
    if (one.what == claimed_member::step::copied) continue;
    add_copied(call, plan, one, part);
  }
  return call;
}

void redis_store::add_copied(script_call& call, const claim_plan& plan, const claimed_member& one, unsigned part) const {
  const std::string& member = one.at_session.member;
  const bool moves = one.what == claimed_member::step::move;
  const auto registered = server_name::parse(one.session_record ? one.session_record->info.registered : std::string());
  call.member(keys_, plan.user, member);
  call.key(one.staged.empty() ? keys_.server_key(plan.user, member, key_field::tools) : one.staged);
  call.key(keys_.server_key(plan.user, member, key_field::lease));
  call.key(registered ? owners_key(*registered, part) : managed_key(part));
  call.argument(std::string(word_of(one.what)));
  call.argument(one.user_record ? one.user_record->revision : 0);
  call.expected(one.at_user.status).expected(one.at_user.connected_at);
  call.argument(one.session_record ? one.session_record->revision : 0).argument(latest_of(one.at_session));
  // The record is written as mcpstate writes it, whatever another program had written. What is no status becomes FAILED, with
  // the error that the record has for it.
  const status state = moves ? one.session_record->state.value_or(status::failed) : status::failed;
  const auto at = moves ? one.session_record->connected_at : std::nullopt;
  call.argument(moves ? std::string(to_key_text(state)) : std::string()).argument(at ? to_iso8601(*at) : std::string());
  call.argument(moves ? encode_info_tail(state, at, claimed_details(*one.session_record)) : std::string());
  const bool managed = moves && needs_lease(*one.session_record);
  const bool leased = managed && one.session_lease.has_value();
  call.argument(leased ? one.session_lease->holder : std::string());
  call.argument(leased ? one.session_lease->number : 0).argument(leased ? one.lease_left : milliseconds(0));
  call.argument(managed ? listed_name(plan.user, one) : std::string());
  call.argument(registered ? registered->text() : std::string());
}

// Answers whether the records are at the user; false where they have changed since they were read.
task<bool> redis_store::copy_claimed(claim_plan* plan, std::string operation) {
  MCPSTATE_CO_TRY(staged, co_await stage_claimed(plan, operation));
  script_call call = copy_call(*plan);
  MCPSTATE_CO_TRY(answer,
                  co_await run_for(plan->user, std::move(call), declared_keys::record, std::move(staged), operation));
  if (answer.items.empty()) co_return unexpected_answer(operation);
  if (answer.items.front().text != "ok") co_return false;
  co_await note_part(redis_part(plan->user));
  std::size_t next = 1;
  for (auto& one : plan->members) {
    if (one.what != claimed_member::step::move) continue;
    if (next >= answer.items.size()) co_return unexpected_answer(operation);
    plan->intent[one.at_session.member] = std::to_string(one.session_record->revision) + " " + answer.items[next++].text;
  }
  co_return true;
}

script_call redis_store::release_call(const claim_plan& plan) const {
  script_call call(script_id::claim_release);
  const unsigned part = redis_part(plan.session);
  call.key(keys_.connections(plan.session)).key(keys_.servers(plan.session)).key(managed_key(part));
  call.argument(claimed_note(plan.user)).argument(claim_grace).argument(plan.members.size());
  for (const auto& one : plan.members) {
    const std::string& member = one.at_session.member;
    const auto registered = server_name::parse(one.session_record ? one.session_record->info.registered : std::string());
    for (auto field : {key_field::status, key_field::tools, key_field::connected_at, key_field::info, key_field::lease})
      call.key(keys_.server_key(plan.session, member, field));
    call.key(registered ? owners_key(*registered, part) : managed_key(part));
    call.argument(member).argument(one.session_record ? one.session_record->revision : 0);
    call.expected(one.at_session.status).expected(one.at_session.connected_at);
    call.argument(listed_name(plan.session, one));
    const bool leased = one.what != claimed_member::step::keep && needs_lease(*one.session_record) && one.session_lease;
    call.argument(std::string(leased ? "note" : ""));
  }
  return call;
}

// Answers the members that have changed at the session, and stay there.
task<std::set<std::string>> redis_store::release_claimed(claim_plan* plan, std::string operation) {
  script_call call = release_call(*plan);
  request nothing_before;
  auto answer = co_await run(call, std::move(nothing_before), operation);
  if (!answer && answer.error().code() == errc::wrong_type) co_return answer.error();
  if (!answer)
    co_return error(errc::outcome_unknown,
                    operation + ": the user has the records; whether they have left the session is not known (" +
                        answer.error().detail() + "). The claim is ended later; it may be repeated",
                    answer.error().peer_text());
  std::set<std::string> out;
  for (std::size_t i = 1; i < answer->items.size(); ++i) out.insert(answer->items[i].text);
  co_return out;
}

// A failure leaves an intent behind about records that the session has no more: whoever finds it closes it.
asio::awaitable<void> redis_store::close_claimed(claim_plan* plan, std::string operation) {
  script_call call(script_id::claim_close);
  call.key(claim_intent(plan->user, plan->session)).key(managed_key(redis_part(plan->user)));
  call.argument(claim_text(plan->session, plan->user));
  for (const auto& [member, said] : plan->intent) call.argument(member).argument(said);
  request nothing_before;
  auto closed = co_await run(call, std::move(nothing_before), std::move(operation));
  static_cast<void>(closed);
}

task<claim_result> redis_store::claim_on_cluster(owner session, owner user, bool only_begun) {
  const std::string operation = "claim " + session.text() + " for " + user.text();
  claim_result out;
  for (int tries = 0; tries < max_attempts; ++tries) {
    MCPSTATE_CO_TRY(read_plan, co_await read_claim(session, user, only_begun, operation));
    claim_plan* const plan = &read_plan;
    const bool has_new = std::any_of(plan->members.begin(), plan->members.end(),
                                     [](const auto& one) { return one.what != claimed_member::step::copied; });
    if (has_new) {
      MCPSTATE_CO_TRY(copied, co_await copy_claimed(plan, operation));
      if (!copied) continue;
    }
    std::set<std::string> stay;
    if (!plan->members.empty()) {
      MCPSTATE_CO_TRY(left, co_await release_claimed(plan, operation));
      stay = std::move(left);
    }
    for (const auto& member : stay) plan->intent.erase(member);
    if (!plan->intent.empty() || only_begun) co_await close_claimed(plan, operation);
    for (const auto& one : plan->members) {
      if (!one.session_record || stay.contains(one.at_session.member)) continue;
      auto& names = one.what == claimed_member::step::keep ? out.kept : out.moved;
      names.push_back(one.session_record->server);
    }
    if (stay.empty()) co_return out;
  }
  co_return error(errc::stale_basis, operation + ": others keep changing these records; try again");
}

void redis_store::end_claim_soon(owner session, owner user) {
  if (work_.stopping() || !ending_.insert(claim_text(session, user)).second) return;
  work_.spawn("end a claim", end_claim(std::move(session), std::move(user)));
}

// Where it fails, the next beat finds the claim again.
asio::awaitable<void> redis_store::end_claim(owner session, owner user) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const std::string name = claim_text(session, user);
  auto ended = co_await claim_on_cluster(std::move(session), std::move(user), true);
  static_cast<void>(ended);
  ending_.erase(name);
}

}  // namespace mcpstate
