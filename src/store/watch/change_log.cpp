// SPDX-License-Identifier: MIT
#include "store/watch/change_log.hh"

#include <algorithm>
#include <iterator>
#include <limits>
#include <memory>

#include <mcpstate/core/keys.hpp>

namespace mcpstate {

namespace {

event mark(event::kind what) {
  event out;
  out.what = what;
  return out;
}

// Everything but expires_at and the tools' bytes, which events do not carry.
bool same_to_watchers(const connection& a, const connection& b) {
  return a.owner == b.owner && a.member == b.member && a.server == b.server && a.state == b.state &&
         a.revision == b.revision && a.connected_at == b.connected_at && a.info == b.info && a.problems == b.problems &&
         a.seen == b.seen;
}

// What tells the records of an owner apart. Two names may look the same: 'a:b' of a foreign program, and ours, 'a%3Ab'.
std::string member_of(const connection& c) { return c.member.empty() ? encode_name(c.server) : c.member; }

}  // namespace

change_log::reader::reader(const watch_options& options)
    : max_removals_(static_cast<std::uint32_t>(
          std::min<std::size_t>(options.max_removals, std::numeric_limits<std::uint32_t>::max()))),
      snapshot_after_outage_(options.snapshot_after_outage) {}

void change_log::reader::require_snapshot(std::uint64_t now) {
  snapshot_owed_ = true;
  ready_owed_ = overrun_owed_ = false;
  joined_ = now;
}

change_log::listing change_log::compare(const owner& account, std::vector<connection> listed) const {
  listing next;
  for (auto at = latest_.lower_bound(record_id(account, "")); at != latest_.end() && at->first.first == account; ++at) {
    if (events_.at(at->second).what == event::kind::present) next.emplace(at->first.second, std::nullopt);
  }
  for (auto& record : listed) {
    record.tools.reset();
    auto member = member_of(record);
    next.insert_or_assign(std::move(member), std::move(record));
  }
  return next;
}

void change_log::replace(const owner& account, std::vector<connection> listed) {
  bool begun_anew = false;
  for (auto& [member, record] : compare(account, std::move(listed))) {
    const auto latest = latest_.find(record_id(account, member));
    event* const known = latest == latest_.end() ? nullptr : &events_.at(latest->second);
    if (record) begun_anew = note_revision(record_id(account, member), *record) || begun_anew;
    if (!record) {
      connection gone(account, known->record->server);
      gone.member = known->record->member;
      append(event::kind::removed, std::move(gone));
    } else if (known == nullptr || known->what == event::kind::removed || !same_to_watchers(*known->record, *record)) {
      append(event::kind::present, std::move(*record));
    } else if (known->record->expires_at != record->expires_at) {
      known->record = std::make_shared<const connection>(std::move(*record));
    }
  }
  if (begun_anew) require_resync();
  mark_overruns();
  forget_removals();
}

// Whether the revisions of this record have begun anew.
bool change_log::note_revision(const record_id& id, const connection& record) {
  const auto told = highest_.find(id);
  if (told == highest_.end()) {
    if (record.revision > 0) highest_.emplace(id, record.revision);
    return false;
  }
  const bool anew = record.revision > 0 && record.revision < told->second;
  if (record.revision > 0) told->second = record.revision;
  return anew;
}

void change_log::require_resync() {
  for (auto* one : readers_) {
    if (one->snapshot_owed_) continue;
    one->resync_owed_ = true;
    if (one->snapshot_after_outage_) one->require_snapshot(0);
  }
}

void change_log::append(event::kind what, connection record) {
  const record_id id(record.owner, member_of(record));
  if (what == event::kind::removed) highest_.erase(id);
  auto& latest = latest_[id];
  if (const auto old = events_.find(latest); old != events_.end()) {
    if (old->second.what == event::kind::removed) removals_.erase(std::ranges::lower_bound(removals_, latest));
    events_.erase(old);
  }
  latest = ++last_;
  if (what == event::kind::removed) removals_.push_back(latest);
  event added = mark(what);
  added.record = std::make_shared<const connection>(std::move(record));
  added.number = latest;
  events_.emplace_hint(events_.end(), latest, std::move(added));
}

void change_log::mark_overruns() {
  for (auto* one : readers_) {
    const auto unread = removals_.end() - std::ranges::upper_bound(removals_, one->seen_removals());
    if (one->snapshot_owed_ || unread <= static_cast<std::ptrdiff_t>(one->max_removals_)) continue;
    one->require_snapshot(0);
    one->overrun_owed_ = true;
  }
}

// Readers that are owed a snapshot need no removals.
void change_log::forget_removals() {
  if (removals_.empty()) return;
  std::uint64_t passed = last_;
  for (const auto* one : readers_) {
    if (!one->snapshot_owed_) passed = std::min(passed, one->seen_removals());
  }
  const auto kept = std::ranges::upper_bound(removals_, passed);
  for (auto at = removals_.begin(); at != kept; ++at) {
    const auto old = events_.find(*at);
    latest_.erase(record_id(old->second.record->owner, member_of(*old->second.record)));
    events_.erase(old);
  }
  removals_.erase(removals_.begin(), kept);
}

void change_log::failed(const error& why) {
  if (!failure_) failure_ = why;
}

void change_log::recovered() {
  if (!failure_) return;
  failure_.reset();
  for (auto* one : readers_) {
    const bool told = std::exchange(one->failure_told_, false);
    if (!told || !one->snapshot_after_outage_ || one->snapshot_owed_) continue;
    one->require_snapshot(0);
    one->resync_owed_ = true;
  }
}

void change_log::owe_resync(reader& to, std::uint64_t now, std::string_view remark) {
  if (to.snapshot_owed_ && !to.overrun_owed_ && !to.resync_owed_) return;  // it waits for its first snapshot
  to.resync_owed_ = true;
  if (!remark.empty()) {
    to.remark_owed_ = true;
    remark_ = remark;
  }
  if (to.snapshot_after_outage_) to.require_snapshot(now);
}

void change_log::restored(std::uint64_t now, std::string_view remark) {
  failure_.reset();
  for (auto* one : readers_) {
    one->failure_told_ = false;
    owe_resync(*one, now, remark);
  }
}

void change_log::lost_data(std::uint64_t now, std::string_view remark) {
  for (auto* one : readers_) owe_resync(*one, now, remark);
}

void change_log::add(reader& joins, std::uint64_t now) {
  joins.joined_ = now;
  joins.index_ = static_cast<std::uint32_t>(readers_.size());
  readers_.push_back(&joins);
}

void change_log::remove(reader& leaves) {
  reader* const last = readers_.back();
  last->index_ = leaves.index_;
  readers_[leaves.index_] = last;
  readers_.pop_back();
  forget_removals();
}

std::optional<result<event>> change_log::read(reader& position) {
  if (position.snapshot_owed_ && listed_ <= position.joined_) return read_failure(position);
  if (std::exchange(position.resync_owed_, false)) {
    event out = mark(event::kind::resync);
    if (std::exchange(position.remark_owed_, false)) out.remark = remark_;
    return out;
  }
  if (std::exchange(position.overrun_owed_, false)) return mark(event::kind::overrun);
  if (std::exchange(position.snapshot_owed_, false)) {
    position.read_ = 0;
    position.base_ = last_;
    position.ready_owed_ = true;
  }
  auto next = events_.upper_bound(position.read_);
  while (next != events_.end() && next->second.what == event::kind::removed && next->first <= position.base_) ++next;
  if (next != events_.end()) {
    position.read_ = next->first;
    return next->second;
  }
  position.read_ = last_;
  if (std::exchange(position.ready_owed_, false)) return mark(event::kind::ready);
  return read_failure(position);
}

std::optional<result<event>> change_log::read_failure(reader& position) const {
  if (!failure_ || std::exchange(position.failure_told_, true)) return std::nullopt;
  return result<event>(*failure_);
}

bool change_log::has_news(const reader& position) const noexcept {
  if (failure_ && !position.failure_told_) return true;
  if (position.snapshot_owed_) return listed_ > position.joined_;
  return position.resync_owed_ || position.ready_owed_ || position.read_ < last_;
}

}  // namespace mcpstate
