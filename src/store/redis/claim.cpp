// SPDX-License-Identifier: MIT
// Claims: reads the records of the session and of the user, decides here, and writes in one script that checks the basis of
// both.
#include <mcpstate/core/record.hpp>

#include <algorithm>
#include <string>

#include "store/redis/lease_value.hh"
#include "store/redis/store.hh"
#include "store/rows/claim_rule.hh"
#include "store/rows/managed_text.hh"

namespace mcpstate {
namespace {

void append_basis(const raw_record& raw, const std::optional<connection>& seen, script_call& call) {
  call.argument(seen ? seen->revision : 0).expected(raw.status).expected(raw.connected_at);
}

}  // namespace

// Appends one member of the session to the call, and its outcome to `out`.
void redis_store::add_claimed(script_call& call, const owner& session, const owner& user, const raw_record& at_session,
                              const raw_record& at_user, claim_result& out) const {
  const auto session_record = read_record(session, at_session);
  const auto user_record = read_record(user, at_user);
  const bool moved = session_record && claim_moves(user_record);
  const std::string& member = at_session.member;
  call.member(keys_, user, member);
  for (auto field : {key_field::status, key_field::tools, key_field::connected_at, key_field::info, key_field::lease})
    call.key(keys_.server_key(session, member, field));
  call.argument(moved ? "move" : "keep");
  append_basis(at_session, session_record, call);
  append_basis(at_user, user_record, call);
  // The moved record is written as mcpstate writes it, so that :info belongs to it, whatever another program had written.
  // What is no status becomes FAILED, with the error that the record has for it.
  const status state = moved ? session_record->state.value_or(status::failed) : status::failed;
  call.argument(moved ? std::string(to_key_text(state)) : std::string());
  call.argument(moved && session_record->connected_at ? to_iso8601(*session_record->connected_at) : std::string());
  call.argument(moved ? encode_info_tail(state, session_record->connected_at, claimed_details(*session_record))
                      : std::string());
  add_claimed_lease(call, session, user, session_record, member);
  if (session_record) (moved ? out.moved : out.kept).push_back(session_record->server);
}

// Appends the lease of one member, and where it is noted.
void redis_store::add_claimed_lease(script_call& call, const owner& session, const owner& user,
                                    const std::optional<connection>& record, const std::string& member) const {
  const auto server = server_name::parse(name_of_member(member).text);
  const auto registered = record ? server_name::parse(record->info.registered) : server_name::parse("");
  // What is no name of a server is managed by nobody.
  std::string from, to;
  if (server) {
    from = to_text(managed_name(session, *server));
    to = to_text(managed_name(user, *server));
  }
  const unsigned from_part = server ? part_of(managed_name(session, *server)) : 0;
  const unsigned to_part = server ? part_of(managed_name(user, *server)) : 0;
  call.key(keys_.server_key(user, member, key_field::lease)).key(managed_key(from_part)).key(managed_key(to_part));
  call.key(registered ? owners_key(*registered, from_part) : managed_key(from_part));
  call.key(registered ? owners_key(*registered, to_part) : managed_key(to_part));
  const bool was_managed = server && record && record->info.managed;
  call.argument(std::string(!was_managed ? "" : needs_lease(*record) ? "managed" : "ended"));
  call.argument(std::move(from)).argument(std::move(to)).argument(registered ? registered->text() : std::string());
}

task<claim_result> redis_store::claim(owner session, owner user) {
  if (on_cluster_) co_return co_await claim_on_cluster(std::move(session), std::move(user), false);
  const std::string operation = "claim " + session.text() + " for " + user.text();
  for (int tries = 0; tries < max_attempts; ++tries) {
    redis::request commands;
    commands.add("SUNION", keys_.connections(session), keys_.servers(session));
    MCPSTATE_CO_TRY(union_of, co_await read(route_of(session), std::move(commands), operation));
    if (union_of.front().is_error()) co_return redis::to_error(union_of.front(), operation);
    std::vector<std::string> members;
    for (auto& item : union_of.front().items) members.push_back(std::move(item.text));
    if (members.empty()) co_return claim_result();
    MCPSTATE_CO_TRY(session_records, co_await read_members(session, members, tools_wanted::no));
    MCPSTATE_CO_TRY(user_records, co_await read_members(user, members, tools_wanted::no));

    script_call call = owner_call(redis_scripts::script_id::claim, user);
    call.durable();
    call.key(keys_.connections(session)).key(keys_.servers(session));
    call.argument(claimed_note(user)).argument(claim_grace).argument(members.size());
    claim_result out;
    for (std::size_t i = 0; i < members.size(); ++i)
      add_claimed(call, session, user, session_records[i], user_records[i], out);
    redis::request nothing_before;
    MCPSTATE_CO_TRY(answer,
                    co_await run_for(user, std::move(call), declared_keys::record, std::move(nothing_before), operation));
    if (answer.items.empty()) co_return unexpected_answer(operation);
    if (answer.items.front().text != "ok") continue;
    co_return out;
  }
  co_return error(errc::stale_basis, operation + ": others keep changing these records; try again");
}

}  // namespace mcpstate
