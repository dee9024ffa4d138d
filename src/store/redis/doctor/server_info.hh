// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/time.hpp>
#include <mcpstate/store/answers.hpp>

// What INFO says of a server, and what doctor thinks of it. Pure.
namespace mcpstate {

class server_info {
 public:
  explicit server_info(std::string_view text);                      // the answer to INFO
  [[nodiscard]] std::string field(std::string_view name) const;     // empty: INFO does not have it
  [[nodiscard]] std::uint64_t number(std::string_view name) const;  // 0 for what is none
  [[nodiscard]] double fraction(std::string_view name) const;       // 0 for what is none

 private:
  std::map<std::string, std::string, std::less<>> fields_;
};

// What INFO does not say.
struct server_circumstances {
  bool never_saves = false;     // CONFIG GET save is empty
  bool under_sentinel = false;  // its failovers are decided by Sentinels
  timestamp now;                // by the server's clock
};

// One finding for each thing that was looked at, ok where all is well.
[[nodiscard]] std::vector<finding> judge_server(const server_info& info, const server_circumstances& known);

// How long a command takes there and back. times: of single commands, in any order; at least one.
[[nodiscard]] finding judge_latency(std::vector<std::chrono::microseconds> times);

// ahead: the server's clock less ours.
[[nodiscard]] finding judge_clock(std::chrono::microseconds ahead);

}  // namespace mcpstate
