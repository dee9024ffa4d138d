// SPDX-License-Identifier: MIT
#include "store/rows/lease_steps.hh"

#include <algorithm>
#include <utility>

#include <mcpstate/core/keys.hpp>

#include "store/rows/lease_rule.hh"
#include "store/rows/managed_text.hh"

namespace mcpstate {

using std::chrono::milliseconds;

namespace {

constexpr std::size_t names_per_page = 256;

std::uint64_t micros(timestamp t) {
  const auto count = t.time_since_epoch().count();
  return count > 0 ? static_cast<std::uint64_t>(count) : 0;
}

constexpr std::string_view claim_mark = "claim:";

}  // namespace

std::string to_text(const managed_name& name) {
  std::string out(name.owner.kind() == owner_kind::user ? "user:" : "session:");
  return out.append(encode_name(name.owner.id())).append(":").append(encode_name(name.server.text()));
}

std::string claim_text(const owner& session, const owner& user) {
  return std::string(claim_mark).append(encode_name(user.id())).append(":").append(encode_name(session.id()));
}

std::optional<claim_name> claim_from_text(std::string_view text) {
  if (!text.starts_with(claim_mark)) return std::nullopt;
  text.remove_prefix(claim_mark.size());
  const auto colon = text.find(':');
  if (colon == text.npos) return std::nullopt;
  const auto user_id = decode_name(text.substr(0, colon)), session_key = decode_name(text.substr(colon + 1));
  if (!user_id || !session_key) return std::nullopt;
  auto user = owner::user(*user_id), session = owner::session(*session_key);
  if (!user || !session) return std::nullopt;
  return claim_name(std::move(*session), std::move(*user));
}

std::optional<managed_name> managed_from_text(std::string_view text) {
  const auto first = text.find(':');
  const auto second = first == text.npos ? first : text.find(':', first + 1);
  if (second == text.npos) return std::nullopt;
  const auto kind = text.substr(0, first);
  if (kind != "user" && kind != "session") return std::nullopt;
  const auto id = decode_name(text.substr(first + 1, second - first - 1));
  const auto server = decode_name(text.substr(second + 1));
  if (!id || !server) return std::nullopt;
  auto account = owner::make(kind == "user" ? owner_kind::user : owner_kind::session, *id);
  auto name = server_name::parse(*server);
  if (!account || !name) return std::nullopt;
  return managed_name(std::move(*account), std::move(*name));
}

error lease_is_lost(const managed_name& name) {
  return error(errc::lease_lost,
               name.text() + ": this lease has run out, or another process manages the connection; nothing was written");
}

void lease_steps::extend(lease_row& row, milliseconds time) const {
  row.until = std::chrono::floor<milliseconds>(now_ + time);
  row.forget_at = row.until + ttl_;
}

result<std::optional<lease_row>> lease_steps::running(const managed_name& name) {
  auto found = table_.find_lease(name);
  if (found && *found && (*found)->until <= now_) return std::optional<lease_row>();
  return found;
}

result<std::optional<lease_row>> lease_steps::running(const lease& one) {
  auto found = running(one.name);
  if (found && *found && ((*found)->holder != one.holder || (*found)->number != one.number))
    return std::optional<lease_row>();
  return found;
}

result<std::optional<lease>> lease_steps::take(const managed_name& name, const std::string& holder,
                                               const std::string& registered, milliseconds time) {
  MCPSTATE_TRY(found, running(name));
  if (found && claimed_user(found->holder)) found.reset();
  if (found && found->holder != holder) return std::optional<lease>();
  lease_row row = found ? std::move(*found) : lease_row(name);
  if (!found) {
    MCPSTATE_TRY(last, table_.last_lease_number());
    row.number = std::max(last + 1, micros(now_));
    MCPSTATE_CHECK(table_.set_last_lease_number(row.number));
  }
  row.holder = holder;
  row.registered = registered;
  extend(row, time);
  MCPSTATE_CHECK(table_.write_lease(row));
  return std::optional<lease>(lease(name, holder, row.number));
}

result<std::vector<lease>> lease_steps::renew(const std::vector<lease>& granted, milliseconds time) {
  std::vector<lease> lost;
  for (const auto& one : granted) {
    MCPSTATE_TRY(found, running(one));
    if (!found) {
      lost.push_back(one);
      continue;
    }
    extend(*found, time);
    MCPSTATE_CHECK(table_.write_lease(*found));
  }
  return lost;
}

result<bool> lease_steps::end(const lease& granted, lease_end outcome) {
  MCPSTATE_TRY(found, running(granted));
  if (!found) return true;
  if (outcome == lease_end::over) return table_.remove_lease(granted.name);
  extend(*found, milliseconds(0));
  found->holder.clear();
  found->until = timestamp{};
  return table_.write_lease(*found);
}

result<std::optional<lease_row>> lease_steps::claim(const managed_name& at_session, const managed_name& at_user,
                                                    const std::string& registered) {
  MCPSTATE_TRY(session_lease, running(at_session));
  MCPSTATE_TRY(stored, table_.find_lease(at_user));
  lease_row row = stored ? std::move(*stored) : lease_row(at_user);
  row.registered = registered;
  if (!session_lease || claimed_user(session_lease->holder)) {
    if (row.until <= now_) {
      extend(row, milliseconds(0));
      row.holder.clear();
      row.until = timestamp{};
    }
    MCPSTATE_CHECK(table_.write_lease(row));
    return std::optional<lease_row>();
  }
  MCPSTATE_TRY(last, table_.last_lease_number());
  row.holder = session_lease->holder;
  row.number = std::max(session_lease->number, row.number) + 1;
  if (row.number > last) MCPSTATE_CHECK(table_.set_last_lease_number(row.number));
  extend(row, claim_grace);
  row.until = std::min(row.until, session_lease->until);
  MCPSTATE_CHECK(table_.write_lease(row));
  lease_row note(at_session);
  note.holder = claimed_note(at_user.owner);
  note.number = session_lease->number;
  note.until = note.forget_at = row.until;
  return std::optional<lease_row>(std::move(note));
}

result<std::optional<lease>> lease_steps::lease_of(const managed_name& name) {
  MCPSTATE_TRY(found, running(name));
  if (!found) return std::optional<lease>();
  return std::optional<lease>(lease(name, found->holder, found->number));
}

result<bool> lease_steps::expect(const lease& granted) {
  MCPSTATE_TRY(found, running(granted));
  if (!found) return lease_is_lost(granted.name);
  return true;
}

result<fleet> lease_steps::beat(const instance_report& report, milliseconds time) {
  MCPSTATE_TRY(unchanged, beat_without_write(report, time));
  if (unchanged) return std::move(*unchanged);
  MCPSTATE_CHECK(table_.purge_leases(now_));
  MCPSTATE_CHECK(time.count() > 0 ? table_.write_instance(report, std::chrono::floor<milliseconds>(now_ + time))
                                  : table_.remove_instance(report.name));
  return read_fleet();
}

result<std::optional<fleet>> lease_steps::beat_without_write(const instance_report& report, milliseconds time) {
  MCPSTATE_TRY(until, table_.report_end(report));
  const bool fresh = until && *until > now_ + time / 2 && *until <= now_ + time;
  if (!fresh) return std::optional<fleet>();
  MCPSTATE_TRY(ended, table_.has_ended(now_));
  if (ended) return std::optional<fleet>();
  MCPSTATE_TRY(found, read_fleet());
  return std::optional<fleet>(std::move(found));
}

result<fleet> lease_steps::read_fleet() {
  MCPSTATE_TRY(instances, table_.instances());
  MCPSTATE_TRY(managed, table_.count_managed());
  MCPSTATE_TRY(waiting, table_.unheld(now_, unheld_at_once));
  fleet out;
  out.instances = std::move(instances);
  out.managed = managed;
  out.unheld = std::move(waiting);
  out.faults = table_.take_faults();
  return out;
}

result<managed_page> lease_steps::managed_of(const std::string& registered, const std::string& cursor) {
  std::optional<managed_name> after;
  if (!cursor.empty()) {
    after = managed_from_text(cursor);
    if (!after) return error(errc::bad_argument, "this cursor is of no page of this store");
  }
  MCPSTATE_TRY(names, table_.registered_as(registered, after, names_per_page));
  managed_page page;
  page.names = std::move(names);
  if (page.names.size() == names_per_page) page.cursor = to_text(page.names.back());
  return page;
}

}  // namespace mcpstate
