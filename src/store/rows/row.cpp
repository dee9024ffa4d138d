// SPDX-License-Identifier: MIT
#include "store/rows/row.hh"

#include <algorithm>
#include <utility>

namespace mcpstate {

using std::chrono::milliseconds;

namespace {

constexpr std::string_view json_space = " \t\r\n";

timestamp whole_millis(timestamp t) { return std::chrono::floor<milliseconds>(t); }

std::uint64_t revision_after(std::uint64_t stored, const row_clock& clock) {
  const std::uint64_t next = next_revision(stored, clock.now);
  return readable_revision(clock.revision_floor) < max_revision ? std::max(next, readable_revision(clock.revision_floor) + 1)
                                                                : next;
}

// The first write of a record decides its latest expiry. Later writers with other settings do not change that.
void set_expiry(row& r, std::optional<timestamp> latest, const row_clock& clock) {
  if (!latest && clock.max_lifetime) latest = whole_millis(clock.now + *clock.max_lifetime);
  r.expires_latest = latest;
  r.expires_at = whole_millis(clock.now + clock.ttl);
  if (latest) r.expires_at = std::min(r.expires_at, *latest);
}

basis basis_of(const row& r) {
  basis seen;
  seen.revision = readable_revision(r.revision);
  seen.status_bytes = basis_bytes(r.status);
  if (r.connected_at) seen.connected_at_bytes = basis_bytes(*r.connected_at);
  return seen;
}

std::shared_ptr<const std::string> bytes_of(const tools_list& list) {
  return std::make_shared<const std::string>(list.bytes());
}

tools_write write_of(change::tools_action action) noexcept {
  switch (action) {
    case change::tools_action::keep:
      return tools_write::keep;
    case change::tools_action::replace:
      return tools_write::replace;
    case change::tools_action::drop:
      break;
  }
  return tools_write::drop;
}

bool loses_tools(const row* live, const change& update) {
  const bool empties = update.action() == change::tools_action::replace && update.new_tools()->empty();
  if (!empties || update.empty_tools_allowed()) return false;
  return live && live->tools && holds_tools(*live->tools);
}

}  // namespace

bool expired(const row& r, timestamp now) noexcept { return r.expires_at <= now; }

std::optional<connection> read_row(const owner& account, const row& r, tools_wanted want) {
  raw_record raw;
  raw.member = r.member;
  raw.status = r.status;
  raw.connected_at = r.connected_at;
  raw.info = encode_info(r.revision, r.expires_at, r.expires_latest, r.info_tail);
  raw.tools_asked = want == tools_wanted::yes;
  if (raw.tools_asked) raw.tools = r.tools;
  return read_record(account, std::move(raw));
}

bool holds_tools(std::string_view bytes) noexcept {
  const auto open = bytes.find_first_not_of(json_space);
  if (open == std::string_view::npos || bytes[open] != '[') return false;
  const auto next = bytes.find_first_not_of(json_space, open + 1);
  return next != std::string_view::npos && bytes[next] != ']';
}

result<row_write> decide_put(const std::optional<row>& stored, const change& update, const connection& after,
                             const row_clock& clock) {
  const row* live = stored && !expired(*stored, clock.now) ? &*stored : nullptr;
  const auto shown = [&update] { return update.owner().text() + " " + update.server(); };
  const bool holds = (live ? basis_of(*live) : basis()) == update.expected().value_or(basis());
  if (!holds) return error(errc::stale_basis, shown() + " has changed since it was read; read it again");
  if (loses_tools(live, update))
    return error(errc::empty_tools, shown() + ": an empty tool list would replace a good one; nothing was written");

  row_write out;
  out.after.member = update.member();
  out.after.revision = revision_after(std::max(stored ? stored->revision : 0, update.revision_floor()), clock);
  set_expiry(out.after, live ? live->expires_latest : std::nullopt, clock);
  if (live && update.expiry_kept())
    out.after.expires_at = std::min(live->expires_at, out.after.expires_latest.value_or(live->expires_at));
  out.after.status = to_key_text(*after.state);
  if (after.connected_at) out.after.connected_at = to_iso8601(*after.connected_at);
  out.after.info_tail = encode_info_tail(*after.state, after.connected_at, after.info);
  out.tools = write_of(update.action());
  if (out.tools == tools_write::replace) out.after.tools = bytes_of(*update.new_tools());
  // The tools of an expired row are gone.
  if (out.tools == tools_write::keep && !live) out.tools = tools_write::drop;
  return out;
}

std::optional<row_write> decide_claim(const row& session_row, const std::optional<row>& user_row, const row_clock& clock) {
  const row* live = user_row && !expired(*user_row, clock.now) ? &*user_row : nullptr;
  if (live && live->status == to_key_text(status::connected)) return std::nullopt;
  row_write out;
  out.after = session_row;
  out.after.revision = revision_after(
      std::max(readable_revision(session_row.revision), user_row ? readable_revision(user_row->revision) : 0), clock);
  set_expiry(out.after, session_row.expires_latest, clock);
  out.tools = session_row.tools ? tools_write::replace : tools_write::drop;
  return out;
}

restored_row decide_restore(const std::optional<row>& stored, const connection& from, restore_rule rule,
                            const row_clock& clock) {
  const row* live = stored && !expired(*stored, clock.now) ? &*stored : nullptr;
  const std::uint64_t found = live ? readable_revision(live->revision) : 0;
  restored_row out;
  if (live && rule == restore_rule::newer && (found == 0 || found >= from.revision)) return out;
  row& after = out.write.after;
  after.member = from.member;
  after.expires_latest = from.expires_latest;
  after.expires_at = whole_millis(from.expires_at.value_or(clock.now + clock.ttl));
  if (after.expires_latest) after.expires_at = std::min(after.expires_at, *after.expires_latest);
  out.outcome = expired(after, clock.now) ? restore_outcome::expired : restore_outcome::written;
  after.revision = from.revision > found ? from.revision : revision_after(found, clock);
  after.status = to_key_text(*from.state);
  std::optional<timestamp> connected_at;
  if (from.connected()) connected_at = from.connected_at.value_or(clock.now);
  if (connected_at) after.connected_at = to_iso8601(*connected_at);
  after.info_tail = encode_info_tail(*from.state, connected_at, from.info);
  out.write.tools = from.tools ? tools_write::replace : tools_write::drop;
  after.tools = from.tools;
  return out;
}

row_write decide_touch(const row& stored, const row_clock& clock) {
  row_write out;
  out.after = stored;
  set_expiry(out.after, stored.expires_latest, clock);
  // A worker with a shorter TTL does not shorten the expiry that another one set; only the absolute limit does.
  const auto longest = std::max(out.after.expires_at, stored.expires_at);
  out.after.expires_at = std::min(longest, out.after.expires_latest.value_or(longest));
  return out;
}

std::optional<row_write> decide_disconnect(const owner& account, const row& stored, const row_clock& clock) {
  const auto seen = read_row(account, stored, tools_wanted::no);
  if (!seen || seen->state == status::disconnected) return std::nullopt;
  const change down(*seen, status::disconnected);
  auto decided = decide_put(stored, down, down.apply_to(seen, clock.now), clock);
  if (!decided) return std::nullopt;
  return std::move(*decided);
}

}  // namespace mcpstate
