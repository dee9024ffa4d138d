// SPDX-License-Identifier: MIT
// Moving what a session holds to a user: read both, decide here, write in one script that checks what was read.
#include <mcpstate/core/record.hpp>

#include <algorithm>
#include <string>

#include "store/redis/store.hh"
#include "store/rows/claim_rule.hh"

namespace mcpstate {
namespace {

void append_basis(const raw_record& raw, const std::optional<connection>& seen, script_call& to) {
  to.argument(seen ? seen->revision : 0).expected(raw.status).expected(raw.connected_at);
}

}  // namespace

// Appends one member of the session, and notes in `out` what becomes of it.
void redis_store::add_claimed(script_call& to, const owner& session, const owner& user, const raw_record& at_session,
                              const raw_record& at_user, claim_result& out) const {
  const auto theirs = read_record(session, at_session);
  const auto ours = read_record(user, at_user);
  const bool moves = theirs && claim_moves(ours);
  const std::string& member = at_session.member;
  to.member(keys_, user, member);
  for (auto field : {key_field::status, key_field::tools, key_field::connected_at, key_field::info, key_field::lease})
    to.key(keys_.server_key(session, member, field));
  to.argument(moves ? "move" : "keep");
  append_basis(at_session, theirs, to);
  append_basis(at_user, ours, to);
  // Written as we write it, whatever another program had there: the record that :info belongs to.
  to.argument(std::string(moves ? to_key_text(theirs->state) : std::string_view()));
  to.argument(moves && theirs->connected_at ? to_iso8601(*theirs->connected_at) : std::string());
  to.argument(moves ? encode_info_tail(theirs->state, theirs->connected_at, theirs->info) : std::string());
  if (theirs) (moves ? out.moved : out.kept).push_back(theirs->server);
}

task<claim_result> redis_store::claim(owner session, owner user) {
  const std::string doing = "claim " + session.text() + " for " + user.text();
  for (int tries = 0; tries < max_attempts; ++tries) {
    redis::request ask;
    ask.add("SUNION", keys_.connections(session), keys_.servers(session));
    auto union_of = co_await read(std::move(ask), doing);
    if (!union_of) co_return union_of.error();
    if (union_of->front().is_error()) co_return redis::to_error(union_of->front(), doing);
    std::vector<std::string> members;
    for (auto& item : union_of->front().items) members.push_back(std::move(item.text));
    if (members.empty()) co_return claim_result();
    auto from = co_await read_members(session, members, tools_wanted::no);
    if (!from) co_return from.error();
    auto to = co_await read_members(user, members, tools_wanted::no);
    if (!to) co_return to.error();

    script_call call = owner_call(redis_scripts::script_id::claim, user);
    call.key(keys_.connections(session)).key(keys_.servers(session)).argument(members.size());
    claim_result out;
    for (std::size_t i = 0; i < members.size(); ++i) add_claimed(call, session, user, (*from)[i], (*to)[i], out);
    redis::request nothing_before;
    auto answer = co_await run_for(user, std::move(call), declared_keys::record, std::move(nothing_before), doing);
    if (!answer) co_return answer.error();
    if (answer->items.empty()) co_return unexpected_answer(doing);
    if (answer->items.front().text != "ok") continue;
    std::sort(out.moved.begin(), out.moved.end());
    std::sort(out.kept.begin(), out.kept.end());
    co_return out;
  }
  co_return error(errc::stale_basis, doing + ": others keep changing these records; try again");
}

}  // namespace mcpstate
