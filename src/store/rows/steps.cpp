// SPDX-License-Identifier: MIT
#include "store/rows/steps.hh"

#include <algorithm>
#include <utility>

#include <mcpstate/core/keys.hpp>

namespace mcpstate {

result<row_clock> row_steps::clock() {
  auto floor = table_.revision_floor();
  if (!floor) return floor.error();
  row_clock c;
  c.now = now_;
  c.ttl = options_.ttl;
  c.max_lifetime = options_.max_lifetime;
  c.revision_floor = *floor;
  return c;
}

result<std::optional<connection>> row_steps::get(const owner& who, const std::string& member, tools_wanted want) {
  auto found = table_.find(who, member, want);
  if (!found) return found.error();
  if (!*found || expired(**found, now_)) return std::optional<connection>();
  return read_row(who, **found, want);
}

result<std::vector<connection>> row_steps::list(const owner& who, tools_wanted want) {
  auto rows = table_.all(who, want);
  if (!rows) return rows.error();
  std::vector<connection> out;
  out.reserve(rows->size());
  for (const auto& r : *rows) {
    if (expired(r, now_)) continue;
    if (auto c = read_row(who, r, want)) out.push_back(std::move(*c));
  }
  auto by_name = [](const connection& a, const connection& b) { return a.server < b.server; };
  std::sort(out.begin(), out.end(), by_name);
  return out;
}

result<row_write> row_steps::decide(const change& what, const connection& after) {
  if (what.keeper()) {
    auto holds = lease_steps(table_.leases(), options_.ttl, now_).expect(*what.keeper());
    if (!holds) return holds.error();
  }
  const bool empties = what.action() == change::tools_action::replace && what.new_tools()->empty();
  auto there = table_.find(what.whose(), what.member(), empties ? tools_wanted::yes : tools_wanted::no);
  if (!there) return there.error();
  auto at = clock();
  if (!at) return at.error();
  return decide_put(*there, what, after, *at);
}

// What is over for one revision of a record may be wanted again by the next.
result<bool> row_steps::end_lease(const lease& which, lease_end how, std::optional<std::uint64_t> seen) {
  if (how == lease_end::over && seen) {
    auto there = table_.find(which.what.whose, encode_name(which.what.server.text()), tools_wanted::no);
    if (!there) return there.error();
    const bool live = *there && !expired(**there, now_);
    if ((live ? (*there)->revision : 0) != *seen) how = lease_end::hand_over;
  }
  return lease_steps(table_.leases(), options_.ttl, now_).end(which, how);
}

result<connection> row_steps::write(const owner& who, const row_write& what) {
  if (auto written = table_.write(who, what); !written) return written.error();
  auto stands = read_row(who, what.after, tools_wanted::no);
  if (!stands) return error(errc::bug, "a record that was just written cannot be read");
  return std::move(*stands);
}

result<std::uint64_t> row_steps::touch(const owner& who, const std::optional<std::string>& member) {
  auto at = clock();
  if (!at) return at.error();
  std::vector<row> rows;
  if (member) {
    auto found = table_.find(who, *member, tools_wanted::no);
    if (!found) return found.error();
    if (*found) rows.push_back(std::move(**found));
  } else {
    auto all = table_.all(who, tools_wanted::no);
    if (!all) return all.error();
    rows = std::move(*all);
  }
  std::uint64_t count = 0;
  for (const auto& r : rows) {
    if (expired(r, now_)) continue;
    if (auto written = table_.write(who, decide_touch(r, *at)); !written) return written.error();
    ++count;
  }
  return count;
}

result<std::uint64_t> row_steps::disconnect_all(const owner& who) {
  auto at = clock();
  if (!at) return at.error();
  auto rows = table_.all(who, tools_wanted::no);
  if (!rows) return rows.error();
  std::uint64_t count = 0;
  for (const auto& r : *rows) {
    if (expired(r, now_)) continue;
    const auto decided = decide_disconnect(who, r, *at);
    if (!decided) continue;
    if (auto written = table_.write(who, *decided); !written) return written.error();
    ++count;
  }
  return count;
}

result<std::uint64_t> row_steps::erase(const owner& who) {
  auto rows = table_.all(who, tools_wanted::no);
  if (!rows) return rows.error();
  std::uint64_t count = 0, largest = 0;
  for (const auto& r : *rows) {
    if (auto removed = table_.remove(who, r.member); !removed) return removed.error();
    largest = std::max(largest, r.revision);
    if (!expired(r, now_)) ++count;
  }
  if (auto raised = table_.raise_revision_floor(largest); !raised) return raised.error();
  if (auto ended = table_.leases().remove_leases(who); !ended) return ended.error();
  return count;
}

result<claim_result> row_steps::claim(const owner& session, const owner& user) {
  auto rows = table_.all(session, tools_wanted::yes);
  if (!rows) return rows.error();
  claim_result out;
  std::uint64_t largest = 0;
  for (const auto& r : *rows) {
    if (!expired(r, now_)) {
      if (auto moved = claim_one(user, r, out); !moved) return moved.error();
    }
    if (auto removed = table_.remove(session, r.member); !removed) return removed.error();
    largest = std::max(largest, r.revision);
  }
  if (auto raised = table_.raise_revision_floor(largest); !raised) return raised.error();
  if (auto ended = table_.leases().remove_leases(session); !ended) return ended.error();
  return out;
}

result<bool> row_steps::claim_one(const owner& user, const row& sessions, claim_result& out) {
  auto at = clock();
  if (!at) return at.error();
  auto users = table_.find(user, sessions.member, tools_wanted::no);
  if (!users) return users.error();
  auto name = name_of_member(sessions.member).text;
  const auto decided = decide_claim(sessions, *users, *at);
  if (!decided) {
    out.kept.push_back(std::move(name));
    return true;
  }
  out.moved.push_back(std::move(name));
  return table_.write(user, *decided);
}

}  // namespace mcpstate
