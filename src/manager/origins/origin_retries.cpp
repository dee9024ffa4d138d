// SPDX-License-Identifier: MIT
#include "manager/origins/origin_retries.hh"

#include <utility>

namespace mcpstate {

struct origin_retries::waiting {
  std::map<std::string, std::list<entry*>> owners;
  std::string last_owner;  // whose turn it was
};

origin_retries::origin_retries() = default;
origin_retries::~origin_retries() = default;

origin_retries::entry::entry(origin_retries& source, std::string origin, std::string owner, std::function<void()> retry)
    : source_(source), origin_(std::move(origin)), owner_(std::move(owner)), retry_(std::move(retry)) {
  auto& entries = source_.origins_[origin_].owners[owner_];
  position_ = entries.insert(entries.end(), this);
}

origin_retries::entry::~entry() {
  if (listed_) source_.remove(*this);
}

void origin_retries::remove(entry& gone) {
  gone.listed_ = false;
  const auto found = origins_.find(gone.origin_);
  auto& owners = found->second.owners;
  const auto entries = owners.find(gone.owner_);
  entries->second.erase(gone.position_);
  if (entries->second.empty()) owners.erase(entries);
  if (owners.empty()) origins_.erase(found);
}

void origin_retries::retry_waiting(const std::string& origin, std::size_t count) {
  for (; count > 0; --count) {
    const auto found = origins_.find(origin);
    if (found == origins_.end()) return;
    waiting& state = found->second;
    auto next = state.owners.upper_bound(state.last_owner);
    if (next == state.owners.end()) next = state.owners.begin();
    state.last_owner = next->first;
    entry& called = *next->second.front();
    const auto retry = called.retry_;
    remove(called);
    retry();
  }
}

std::size_t origin_retries::size(const std::string& origin) const {
  std::size_t out = 0;
  const auto found = origins_.find(origin);
  if (found == origins_.end()) return out;
  for (const auto& [owner, entries] : found->second.owners) out += entries.size();
  return out;
}

}  // namespace mcpstate
