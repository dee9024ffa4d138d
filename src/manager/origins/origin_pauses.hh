// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <map>
#include <optional>
#include <string>

#include <mcpstate/core/error.hpp>

// Origins that have asked to be left alone for a while (Retry-After): nobody opens a session there before that time, whichever
// owner it is for. Pure; the caller has the clock.
namespace mcpstate {

class origin_pauses {
 public:
  using clock = std::chrono::steady_clock;
  // longest: a server that asks for more time gets this much.
  explicit origin_pauses(clock::duration longest) : longest_(longest) {}

  // What a request to this origin has failed with. Begins a pause if it asks to wait; never shortens one.
  void note_failure(const std::string& origin, const error& reason, clock::time_point now);
  // Why no session may be opened there now: the error that began the pause, with the time that is left. Absent: one may.
  [[nodiscard]] std::optional<error> find(const std::string& origin, clock::time_point now) const;

 private:
  struct pause {
    pause(clock::time_point end, error cause) : until(end), reason(std::move(cause)) {}
    clock::time_point until;
    error reason;
  };
  clock::duration longest_;
  std::map<std::string, pause> pauses_;
};

}  // namespace mcpstate
