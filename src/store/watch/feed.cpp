// SPDX-License-Identifier: MIT
#include "store/watch/feed.hh"

#include <algorithm>

namespace mcpstate {

void watch_feed::add(event e) {
  record_id id(e.record->whose, e.record->server);
  if (auto found = unread_.find(id); found != unread_.end()) {
    *found->second = std::move(e);
    return;
  }
  const auto added = queue_.insert(queue_.end(), std::move(e));
  unread_.emplace(std::move(id), added);
}

void watch_feed::mark(event::kind what) {
  auto same = [what](const event& e) { return e.what == what; };
  if (std::any_of(queue_.begin(), queue_.end(), same)) return;
  event e;
  e.what = what;
  queue_.push_back(std::move(e));
}

void watch_feed::failed(const error& why) {
  if (outage_) return;
  outage_ = true;
  failure_ = why;
}

void watch_feed::recovered() {
  outage_ = false;
  failure_.reset();
}

std::optional<result<event>> watch_feed::take() {
  if (!queue_.empty()) {
    event e = std::move(queue_.front());
    queue_.pop_front();
    if (e.record) unread_.erase(record_id(e.record->whose, e.record->server));
    return result<event>(std::move(e));
  }
  if (!failure_) return std::nullopt;
  error why = std::move(*failure_);
  failure_.reset();
  return result<event>(std::move(why));
}

}  // namespace mcpstate
