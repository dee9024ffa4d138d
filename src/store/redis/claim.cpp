// SPDX-License-Identifier: MIT
// Moving what a session holds to a user: read both, decide here, write in one script that checks what was read.
#include <mcpstate/core/record.hpp>

#include <algorithm>
#include <string>

#include "store/redis/store.hh"
#include "store/rows/claim_rule.hh"

namespace mcpstate {
namespace {

void append_basis(const raw_record& raw, const std::optional<connection>& seen, std::vector<std::string>& arguments) {
  auto expected = [](const std::optional<std::string>& bytes) { return bytes ? "+" + *bytes : "-"; };
  arguments.push_back(std::to_string(seen ? seen->revision : 0));
  arguments.push_back(expected(raw.status));
  arguments.push_back(expected(raw.connected_at));
}

// Adds the eleven arguments of one server, and notes in `out` what becomes of it.
void decide(const owner& session, const owner& user, const raw_record& from, const raw_record& to,
            std::vector<std::string>& arguments, claim_result& out) {
  const auto theirs = read_record(session, from);
  const auto ours = read_record(user, to);
  const bool moves = theirs && claim_moves(ours);
  arguments.push_back(from.member);
  arguments.emplace_back(moves ? "move" : "keep");
  append_basis(from, theirs, arguments);
  append_basis(to, ours, arguments);
  // Written as we write it, whatever another program had there: the record that :info belongs to.
  arguments.emplace_back(moves ? to_key_text(theirs->state) : std::string_view());
  arguments.push_back(moves && theirs->connected_at ? to_iso8601(*theirs->connected_at) : std::string());
  arguments.push_back(moves ? encode_info_tail(theirs->state, theirs->connected_at, theirs->info) : std::string());
  if (theirs) (moves ? out.moved : out.kept).push_back(theirs->server);
}

}  // namespace

task<claim_result> redis_store::do_claim(owner session, owner user) {
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

    redis_scripts::words with;
    with.keys = {keys_.connections(session), keys_.servers(session), keys_.connections(user), keys_.servers(user)};
    with.arguments = {keys_.owner_prefix(session), keys_.owner_prefix(user), std::to_string(options().ttl.count()),
                      life_text(), std::to_string(members.size())};
    claim_result out;
    for (std::size_t i = 0; i < members.size(); ++i) decide(session, user, (*from)[i], (*to)[i], with.arguments, out);
    redis::request nothing_before;
    auto answer = co_await run(redis_scripts::claim(), std::move(nothing_before), std::move(with), doing);
    if (!answer) co_return answer.error();
    if (answer->items.empty()) co_return error(errc::protocol, doing + ": Redis answered the script with nothing");
    if (answer->items.front().text != "ok") continue;
    std::sort(out.moved.begin(), out.moved.end());
    std::sort(out.kept.begin(), out.kept.end());
    co_return out;
  }
  co_return error(errc::stale_basis, doing + ": others keep changing these records; try again");
}

}  // namespace mcpstate
