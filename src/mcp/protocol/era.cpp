// SPDX-License-Identifier: MIT
#include <mcpstate/mcp/era.hpp>

#include <algorithm>

namespace mcpstate::mcp {
namespace {

constexpr std::size_t max_verdicts = 10'000;
constexpr auto legacy_lasts = std::chrono::hours(24);

}  // namespace

std::string_view name_of(era which) noexcept {
  switch (which) {
    case era::modern:
      return "modern";
    case era::legacy:
      return "legacy";
    case era::sse:
      return "sse";
  }
  return "legacy";
}

std::optional<era_choice> parse_era_choice(std::string_view name) noexcept {
  if (name == "auto") return era_choice::automatic;
  if (name == "modern") return era_choice::modern;
  if (name == "legacy") return era_choice::legacy;
  if (name == "sse") return era_choice::sse;
  return std::nullopt;
}

std::optional<era> era_memory::find(const std::string& server, clock::time_point now) const {
  const auto found = entries_.find(server);
  if (found == entries_.end()) return std::nullopt;
  const bool lasts = found->second.found == era::modern || now - found->second.time < legacy_lasts;
  return lasts ? std::optional<era>(found->second.found) : std::nullopt;
}

void era_memory::keep(const std::string& server, era found, clock::time_point now) {
  if (entries_.size() >= max_verdicts && !entries_.contains(server)) {
    const auto older = [](const auto& a, const auto& b) { return a.second.time < b.second.time; };
    entries_.erase(std::min_element(entries_.begin(), entries_.end(), older));
  }
  entries_[server] = entry(found, now);
}

void era_memory::forget(const std::string& server) { entries_.erase(server); }

}  // namespace mcpstate::mcp
