// SPDX-License-Identifier: MIT
#include "service/events/event_history.hh"

#include <mcpstate/core/connection_json.hpp>

#include <algorithm>
#include <utility>

#include "core/json/text.hh"

namespace mcpstate::service {

namespace {

constexpr std::string_view ready_text = "event: ready\ndata: {}\n\n";
constexpr std::string_view resync_text = "event: resync\ndata: {}\n\n";

// Makes one line of JSON, as the data of a frame must be. JSON allows line breaks between members.
std::string on_one_line(std::string json) {
  std::replace_if(json.begin(), json.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
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

void event_history::begin_load() {
  loading_ = true;
  ++loads_;
  loaded_.clear();
}

void event_history::finish_load() {
  loading_ = false;
  outage_.reset();
  for (auto it = events_.begin(); it != events_.end();) {
    if (!it->second.removed && loaded_.contains(it->second.server)) {
      ++it;
      continue;
    }
    // All readers get a new snapshot, so no reader has to be told of a removal.
    latest_.erase(it->second.server);
    it = events_.erase(it);
  }
  forget_snapshots();
  removals_.clear();
  loaded_.clear();
}

void event_history::append(entry added, std::string_view event, std::string_view data) {
  if (const auto old = latest_.find(added.server); old != latest_.end()) events_.erase(old->second);
  const auto number = ++last_event_;
  added.text = frame_of(number, event, data);
  latest_.insert_or_assign(added.server, number);
  events_.emplace_hint(events_.end(), number, std::move(added));
  forget_snapshots();
}

void event_history::forget_snapshots() {
  snapshot_.reset();
  resync_.reset();
}

void event_history::put(const connection& record) {
  append(entry{record.server, nullptr, false, record.expires_at}, "connection", data_of(record));
  if (loading_) loaded_.insert(record.server);
}

void event_history::update_expiry(const connection& record) {
  const auto known = latest_.find(record.server);
  if (loading_ || known == latest_.end()) return;
  const auto number = known->second;
  auto& held = events_.at(number);
  if (held.removed || held.expires_at == record.expires_at) return;
  auto before = record;
  before.expires_at = held.expires_at;
  if (*held.text != *frame_of(number, "connection", data_of(before))) return;
  held.text = frame_of(number, "connection", data_of(record));
  held.expires_at = record.expires_at;
  forget_snapshots();
}

void event_history::remove(const std::string& server) {
  const auto known = latest_.find(server);
  if (known == latest_.end() || events_.at(known->second).removed) return;
  std::string data = "{";
  json_members members(data);
  members.text("owner", owner_.text());
  members.text("server", server);
  append(entry{server, nullptr, true, std::nullopt}, "removed", data + "}");
  removals_.push_back(last_event_);
  loaded_.erase(server);
  forget_old_removals();
}

void event_history::forget_old_removals() {
  while (removals_.size() > max_removals_) {
    const auto oldest = events_.find(removals_.front());
    removals_.erase(removals_.begin());
    if (oldest == events_.end()) continue;  // the record exists again
    last_forgotten_ = oldest->first;
    latest_.erase(oldest->second.server);
    events_.erase(oldest);
  }
}

void event_history::mark_unavailable(const error& why) {
  if (outage_) return;
  std::string text = "event: unavailable\ndata: {";
  json_members members(text);
  members.text("code", name_of(why.code()));
  members.text("message", why.detail());
  outage_ = std::make_shared<const std::string>(text + "}\n\n");
  ++outages_;
}

event_history::read_result event_history::read(reader_position& position) {
  if (position.dropped) return {};
  if (outage_ && position.outage != outages_) {
    position.outage = outages_;
    return {outage_};
  }
  if (loading_) return {};
  if (position.load != loads_ || position.event < last_forgotten_) return restart(position);
  const auto next = events_.upper_bound(position.event);
  if (next == events_.end()) {
    position.catching_up = false;
    return {};
  }
  position.event = next->first;
  return {next->second.text};
}

// Gives the reader a snapshot: its first one, one after an outage, or one because it fell behind.
event_history::read_result event_history::restart(reader_position& position) {
  const bool first = position.load == 0;
  const bool fell_behind = position.load == loads_;
  if (fell_behind && position.catching_up) {
    position.dropped = true;
    return {nullptr, lag::dropped};
  }
  position.catching_up = fell_behind;
  position.load = loads_;
  position.event = last_event_;
  return {snapshot(!first), fell_behind ? lag::resynced : lag::none};
}

frame event_history::snapshot(bool with_resync) {
  auto& cached = with_resync ? resync_ : snapshot_;
  if (auto made = cached.lock()) return made;
  auto text = std::make_shared<std::string>(with_resync ? resync_text : std::string_view());
  for (const auto& [number, event] : events_) {
    if (!event.removed) text->append(*event.text);
  }
  text->append(ready_text);
  cached = text;
  return text;
}

}  // namespace mcpstate::service
