// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

// Which protocol a server speaks. That is a property of the server: found out once, remembered, and looked at again when the
// server contradicts it.
namespace mcpstate::mcp {

enum class era {
  modern,  // 2026-07-28: no handshake, every request says everything
  legacy,  // 2024-11-05 to 2025-11-25: initialize, then a session
  sse,     // the same handshake over HTTP+SSE, the transport of 2024-11-05
};
[[nodiscard]] std::string_view name_of(era which) noexcept;  // "modern", "legacy", "sse"

// What a user may say about a server instead of letting us find out.
enum class era_choice { automatic, modern, legacy, sse };
[[nodiscard]] std::optional<era_choice> parse_era_choice(
    std::string_view name) noexcept;  // "auto", "modern", "legacy", "sse"

// What was found out about servers, by where they are (a URL, or a command line). A verdict that says "legacy" or "sse" is
// forgotten after a day, because it keeps working for ever after the server has learnt the newer protocol; one that says
// "modern" fails loudly if it is wrong, and stays. Bounded: of more than 10,000 servers the oldest verdict goes.
//
// Executor: none; one thread at a time. Shared by all clients of a program.
class era_memory {
 public:
  using clock = std::chrono::steady_clock;

  [[nodiscard]] std::optional<era> find(const std::string& server, clock::time_point now) const;
  void keep(const std::string& server, era found, clock::time_point now);
  void forget(const std::string& server);
  [[nodiscard]] std::size_t size() const noexcept { return verdicts_.size(); }

 private:
  struct verdict {
    verdict() {}
    verdict(era what, clock::time_point when) : found(what), at(when) {}
    era found = era::legacy;
    clock::time_point at;
  };
  std::map<std::string, verdict> verdicts_;
};

}  // namespace mcpstate::mcp
