// SPDX-License-Identifier: MIT
#include "store/rows/steps.hh"

#include <algorithm>
#include <utility>

#include <mcpstate/core/keys.hpp>

#include "store/rows/claim_rule.hh"
#include "store/rows/owner_limits.hh"

namespace mcpstate {

result<row_clock> row_steps::clock() {
  MCPSTATE_TRY(floor, table_.revision_floor());
  row_clock c;
  c.now = now_;
  c.ttl = options_.ttl;
  c.max_lifetime = options_.max_lifetime;
  c.revision_floor = floor;
  return c;
}

result<std::optional<connection>> row_steps::get(const owner& account, const std::string& member, tools_wanted want) {
  MCPSTATE_TRY(found, table_.find(account, member, want));
  if (!found || expired(*found, now_)) return std::optional<connection>();
  return read_row(account, *found, want);
}

result<std::vector<connection>> row_steps::list(const owner& account, tools_wanted want) {
  MCPSTATE_TRY(rows, table_.all(account, want));
  std::vector<connection> out;
  out.reserve(rows.size());
  for (const auto& r : rows) {
    if (expired(r, now_)) continue;
    if (auto c = read_row(account, r, want)) out.push_back(std::move(*c));
  }
  auto by_name = [](const connection& a, const connection& b) {
    return a.server != b.server ? a.server < b.server : a.member < b.member;
  };
  std::sort(out.begin(), out.end(), by_name);
  return out;
}

result<row_write> row_steps::decide(const change& update, const connection& after) {
  if (update.required_lease()) {
    MCPSTATE_CHECK(lease_steps(table_.leases(), options_.ttl, now_).expect(*update.required_lease()));
  }
  const bool empties = update.action() == change::tools_action::replace && update.new_tools()->empty();
  MCPSTATE_TRY(stored, table_.find(update.owner(), update.member(), empties ? tools_wanted::yes : tools_wanted::no));
  MCPSTATE_TRY(current, clock());
  auto decided = decide_put(stored, update, after, current);
  if (!decided) return decided;
  MCPSTATE_CHECK(check_count(update, stored));
  MCPSTATE_CHECK(check_bytes(update));
  return decided;
}

result<bool> row_steps::check_bytes(const change& update) {
  if (options_.owner_bytes == 0 || update.action() != change::tools_action::replace) return true;
  MCPSTATE_TRY(sizes, table_.measure_tools(update.owner(), update.member(), now_));
  const std::uint64_t size = update.new_tools()->bytes().size();
  if (size <= sizes.row || size + sizes.others <= options_.owner_bytes) return true;
  return tools_too_large(update.owner(), options_.owner_bytes);
}

result<bool> row_steps::check_count(const change& update, const std::optional<row>& stored) {
  const bool is_new = !stored || expired(*stored, now_);
  if (update.most_connections() == 0 || !is_new) return true;
  MCPSTATE_TRY(rows, table_.all(update.owner(), tools_wanted::no));
  const auto live = std::count_if(rows.begin(), rows.end(), [this](const row& r) { return !expired(r, now_); });
  if (static_cast<std::size_t>(live) < update.most_connections()) return true;
  return too_many_connections(update.owner(), update.most_connections());
}

result<lease> row_steps::take_ordered(const change& update, const lease_request& wanted) {
  MCPSTATE_TRY(server, server_name::parse(update.server()));
  const managed_name name(update.owner(), std::move(server));
  lease_steps leases(table_.leases(), options_.ttl, now_);
  MCPSTATE_TRY(taken, leases.take(name, wanted.holder, wanted.registered, wanted.time));
  if (taken) return std::move(*taken);
  MCPSTATE_TRY(running, leases.lease_of(name));
  if (!running) return error(errc::bug, name.text() + " has a lease that cannot be read");
  return std::move(*running);
}

// A connection that is over for one revision of its record may be ordered again by the next revision.
result<bool> row_steps::end_lease(const lease& granted, lease_end outcome, std::optional<std::uint64_t> revision) {
  if (outcome == lease_end::over && revision) {
    MCPSTATE_TRY(stored, table_.find(granted.name.owner, encode_name(granted.name.server.text()), tools_wanted::no));
    const bool live = stored && !expired(*stored, now_);
    if ((live ? readable_revision(stored->revision) : 0) != *revision) outcome = lease_end::hand_over;
  }
  return lease_steps(table_.leases(), options_.ttl, now_).end(granted, outcome);
}

result<connection> row_steps::write(const owner& account, const row_write& planned) {
  MCPSTATE_CHECK(table_.write(account, planned));
  auto written = read_row(account, planned.after, tools_wanted::no);
  if (!written) return error(errc::bug, "a record that was just written cannot be read");
  return std::move(*written);
}

result<std::uint64_t> row_steps::touch(const owner& account, const std::optional<std::string>& member) {
  MCPSTATE_TRY(current, clock());
  std::vector<row> rows;
  if (member) {
    MCPSTATE_TRY(found, table_.find(account, *member, tools_wanted::no));
    if (found) rows.push_back(std::move(*found));
  } else {
    MCPSTATE_TRY(all, table_.all(account, tools_wanted::no));
    rows = std::move(all);
  }
  std::uint64_t count = 0;
  for (const auto& r : rows) {
    if (expired(r, now_)) continue;
    MCPSTATE_CHECK(table_.write(account, decide_touch(r, current)));
    ++count;
  }
  return count;
}

result<std::uint64_t> row_steps::disconnect_all(const owner& account) {
  MCPSTATE_TRY(current, clock());
  MCPSTATE_TRY(rows, table_.all(account, tools_wanted::no));
  std::uint64_t count = 0;
  for (const auto& r : rows) {
    if (expired(r, now_)) continue;
    const auto decided = decide_disconnect(account, r, current);
    if (!decided) continue;
    MCPSTATE_CHECK(table_.write(account, *decided));
    ++count;
  }
  return count;
}

result<std::uint64_t> row_steps::erase(const owner& account) {
  MCPSTATE_TRY(rows, table_.all(account, tools_wanted::no));
  std::uint64_t count = 0, largest = 0;
  for (const auto& r : rows) {
    MCPSTATE_CHECK(table_.remove(account, r.member));
    largest = std::max(largest, readable_revision(r.revision));
    if (!expired(r, now_)) ++count;
  }
  MCPSTATE_CHECK(table_.raise_revision_floor(largest));
  MCPSTATE_CHECK(table_.leases().remove_leases(account));
  return count;
}

result<std::vector<restore_outcome>> row_steps::restore(const owner& account, const std::vector<connection>& records,
                                                        restore_rule rule) {
  MCPSTATE_TRY(current, clock());
  std::vector<restore_outcome> out;
  out.reserve(records.size());
  for (const auto& one : records) {
    MCPSTATE_TRY(stored, table_.find(account, one.member, tools_wanted::no));
    const auto decided = decide_restore(stored, one, rule, current);
    if (decided.outcome == restore_outcome::written) MCPSTATE_CHECK(table_.write(account, decided.write));
    out.push_back(decided.outcome);
  }
  return out;
}

result<claim_result> row_steps::claim(const owner& session, const owner& user) {
  MCPSTATE_TRY(rows, table_.all(session, tools_wanted::yes));
  claim_result out;
  std::vector<lease_row> notes;
  std::uint64_t largest = 0;
  for (const auto& r : rows) {
    if (!expired(r, now_)) {
      MCPSTATE_TRY(note, claim_one(session, user, r, out));
      if (note) notes.push_back(std::move(*note));
    }
    MCPSTATE_CHECK(table_.remove(session, r.member));
    largest = std::max(largest, readable_revision(r.revision));
  }
  if (rows.empty()) return out;
  MCPSTATE_CHECK(table_.raise_revision_floor(largest));
  MCPSTATE_CHECK(table_.leases().remove_leases(session));
  for (const auto& note : notes) MCPSTATE_CHECK(lease_steps(table_.leases(), options_.ttl, now_).write_note(note));
  return out;
}

result<std::optional<lease_row>> row_steps::claim_one(const owner& session, const owner& user, const row& session_row,
                                                      claim_result& out) {
  MCPSTATE_TRY(current, clock());
  MCPSTATE_TRY(user_row, table_.find(user, session_row.member, tools_wanted::no));
  const auto shown = name_of_member(session_row.member).text;
  auto decided = decide_claim(session_row, user_row, current);
  (decided ? out.moved : out.kept).push_back(shown);
  if (!decided) return std::optional<lease_row>();
  const auto record = read_row(session, session_row, tools_wanted::no);
  // What is no status becomes FAILED, with the error that the record has for it.
  if (record && !record->state) decided->after.status = to_key_text(status::failed);
  if (record)
    decided->after.info_tail =
        encode_info_tail(record->state.value_or(status::failed), record->connected_at, claimed_details(*record));
  MCPSTATE_CHECK(table_.write(user, *decided));
  auto server = server_name::parse(shown);
  if (!record || !server || !needs_lease(*record)) return std::optional<lease_row>();
  const managed_name at_session(session, *server), at_user(user, *server);
  return lease_steps(table_.leases(), options_.ttl, now_).claim(at_session, at_user, record->info.registered);
}

}  // namespace mcpstate
