// SPDX-License-Identifier: MIT
#include "store/watch/owner_view.hh"

#include <utility>

namespace mcpstate {

namespace {

event make_event(event::kind what, connection record) {
  event e;
  e.what = what;
  e.record = std::move(record);
  e.record->tools.reset();
  return e;
}

}  // namespace

bool same_to_watchers(const connection& a, const connection& b) {
  return a.owner == b.owner && a.server == b.server && a.state == b.state && a.revision == b.revision &&
         a.connected_at == b.connected_at && a.info == b.info && a.problems == b.problems && a.seen == b.seen;
}

std::vector<event> owner_view::replace(std::vector<connection> listed) {
  std::map<std::string, connection> next;
  for (auto& c : listed) {
    auto name = c.server;
    next.insert_or_assign(std::move(name), std::move(c));
  }
  std::vector<event> events;
  auto was = records_.begin();
  auto is = next.begin();
  while (was != records_.end() || is != next.end()) {
    if (is == next.end() || (was != records_.end() && was->first < is->first)) {
      events.push_back(make_event(event::kind::removed, connection(who_, was->first)));
      ++was;
    } else if (was == records_.end() || is->first < was->first) {
      events.push_back(make_event(event::kind::present, is->second));
      ++is;
    } else {
      if (!same_to_watchers(was->second, is->second)) events.push_back(make_event(event::kind::present, is->second));
      ++was;
      ++is;
    }
  }
  records_ = std::move(next);
  return events;
}

std::vector<event> owner_view::snapshot() const {
  std::vector<event> events;
  events.reserve(records_.size());
  for (const auto& [name, record] : records_) events.push_back(make_event(event::kind::present, record));
  return events;
}

std::optional<timestamp> owner_view::next_expiry() const {
  std::optional<timestamp> first;
  for (const auto& [name, record] : records_) {
    if (record.expires_at && (!first || *record.expires_at < *first)) first = record.expires_at;
  }
  return first;
}

}  // namespace mcpstate
