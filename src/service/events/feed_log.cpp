// SPDX-License-Identifier: MIT
#include "service/events/feed_log.hh"

#include <mcpstate/core/connection_json.hpp>

#include <algorithm>
#include <utility>

#include "core/json/text.hh"

namespace mcpstate::service {

namespace {

constexpr std::string_view ready_text = "event: ready\ndata: {}\n\n";
constexpr std::string_view resync_text = "event: resync\ndata: {}\n\n";

// A frame's data is one line; what JSON allows between two members may be more.
std::string on_one_line(std::string json) {
  std::replace_if(
      json.begin(), json.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return json;
}

std::string json_without_tools(const connection& record) {
  if (!record.tools) return to_json(record);
  auto bare = record;
  bare.tools.reset();
  return to_json(bare);
}

std::string data_of(const connection& record) { return on_one_line(json_without_tools(record)); }

frame frame_of(std::uint64_t number, std::string_view event, std::string_view data) {
  auto text = std::make_shared<std::string>();
  text->append("id: ").append(std::to_string(number)).append("\nevent: ").append(event);
  text->append("\ndata: ").append(data).append("\n\n");
  return text;
}

}  // namespace

void feed_log::load() {
  loading_ = true;
  ++loads_;
  loaded_.clear();
}

void feed_log::loaded() {
  loading_ = false;
  outage_.reset();
  for (auto at = events_.begin(); at != events_.end();) {
    if (!at->second.removed && loaded_.contains(at->second.server)) {
      ++at;
      continue;
    }
    // Everybody begins anew: nobody has to be told of a removal.
    latest_.erase(at->second.server);
    at = events_.erase(at);
  }
  forget_snapshots();
  removals_.clear();
  loaded_.clear();
}

void feed_log::add(entry what, std::string_view event, std::string_view data) {
  if (const auto old = latest_.find(what.server); old != latest_.end()) events_.erase(old->second);
  const auto number = ++last_;
  what.text = frame_of(number, event, data);
  latest_.insert_or_assign(what.server, number);
  events_.emplace_hint(events_.end(), number, std::move(what));
  forget_snapshots();
}

void feed_log::forget_snapshots() {
  snapshot_.reset();
  resync_.reset();
}

void feed_log::put(const connection& record) {
  add(entry{record.server, nullptr, false, record.expires_at}, "connection", data_of(record));
  if (loading_) loaded_.insert(record.server);
}

void feed_log::renew(const connection& record) {
  const auto known = latest_.find(record.server);
  if (loading_ || known == latest_.end()) return;
  const auto number = known->second;
  auto& kept = events_.at(number);
  if (kept.removed || kept.expires_at == record.expires_at) return;
  auto before = record;
  before.expires_at = kept.expires_at;
  if (*kept.text != *frame_of(number, "connection", data_of(before))) return;
  kept.text = frame_of(number, "connection", data_of(record));
  kept.expires_at = record.expires_at;
  forget_snapshots();
}

void feed_log::remove(const std::string& server) {
  const auto known = latest_.find(server);
  if (known == latest_.end() || events_.at(known->second).removed) return;
  std::string data = "{";
  json_members members(data);
  members.text("owner", who_.text());
  members.text("server", server);
  add(entry{server, nullptr, true, std::nullopt}, "removed", data + "}");
  removals_.push_back(last_);
  loaded_.erase(server);
  while (removals_.size() > removals_kept_) {
    const auto oldest = events_.find(removals_.front());
    removals_.erase(removals_.begin());
    if (oldest == events_.end()) continue;  // the record is there again
    forgotten_ = oldest->first;
    latest_.erase(oldest->second.server);
    events_.erase(oldest);
  }
}

void feed_log::unavailable(const error& why) {
  if (outage_) return;
  std::string text = "event: unavailable\ndata: {";
  json_members members(text);
  members.text("code", name_of(why.code()));
  members.text("message", why.detail());
  outage_ = std::make_shared<const std::string>(text + "}\n\n");
  ++outages_;
}

feed_log::taken feed_log::take(feed_reader& reader) {
  if (reader.dropped) return {};
  if (outage_ && reader.outage != outages_) {
    reader.outage = outages_;
    return {outage_};
  }
  if (loading_) return {};
  if (reader.snapshot != loads_ || reader.seen < forgotten_) return begin(reader);
  const auto next = events_.upper_bound(reader.seen);
  if (next == events_.end()) {
    reader.catching_up = false;
    return {};
  }
  reader.seen = next->first;
  return {next->second.text};
}

// A snapshot: the first one, one after an outage, or because the reader was too slow.
feed_log::taken feed_log::begin(feed_reader& reader) {
  const bool first = reader.snapshot == 0;
  const bool too_slow = reader.snapshot == loads_;
  if (too_slow && reader.catching_up) {
    reader.dropped = true;
    return {nullptr, news::dropped};
  }
  reader.catching_up = too_slow;
  reader.snapshot = loads_;
  reader.seen = last_;
  return {snapshot(!first), too_slow ? news::resynced : news::none};
}

frame feed_log::snapshot(bool anew) {
  auto& kept = anew ? resync_ : snapshot_;
  if (auto made = kept.lock()) return made;
  auto text = std::make_shared<std::string>(anew ? resync_text : std::string_view());
  for (const auto& [number, one] : events_) {
    if (!one.removed) text->append(*one.text);
  }
  text->append(ready_text);
  kept = text;
  return text;
}

}  // namespace mcpstate::service
