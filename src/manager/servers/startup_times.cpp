// SPDX-License-Identifier: MIT
#include "manager/servers/startup_times.hh"

#include <algorithm>

namespace mcpstate {

startup_times::span startup_times::next(const std::string& command, std::optional<span> chosen) const {
  if (chosen) return *chosen;
  const auto found = known_.find(command);
  if (found == known_.end()) return first_;
  return std::max(found->second.minimum, found->second.started ? later_ : first_);
}

void startup_times::started(const std::string& command) {
  known& of_command = known_[command];
  of_command.started = true;
  of_command.minimum = span(0);
}

void startup_times::ended_silent(const std::string& command, span given) {
  known& of_command = known_[command];
  of_command.minimum = std::max(given, std::min(given * 2, longest));
}

}  // namespace mcpstate
