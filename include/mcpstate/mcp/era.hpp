// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

// Which protocol a server speaks. That is a property of the server: it is found out once, remembered, and found out again
// when the server contradicts it.
namespace mcpstate::mcp {

enum class era {
  modern,  // 2026-07-28: no handshake; every request carries what the server must know
  legacy,  // 2024-11-05 to 2025-11-25: initialize, then a session
  sse,     // as legacy, over HTTP+SSE, the transport of 2024-11-05
};
[[nodiscard]] std::string_view name_of(era which) noexcept;  // "modern", "legacy", "sse"

// What a user may say about a server. automatic: find out.
enum class era_choice { automatic, modern, legacy, sse };
// Of "auto", "modern", "legacy" or "sse"; absent for any other text.
[[nodiscard]] std::optional<era_choice> parse_era_choice(std::string_view name) noexcept;

// Remembers what was found out about servers, by their era_key(). A verdict "legacy" or "sse" is forgotten after a day: it
// would go on working after the server has learnt the newer protocol, so nobody would notice. A verdict "modern" stays,
// because it fails at once if it is wrong. Holds at most 10,000 verdicts; then the oldest goes.
//
// Thread rule: one thread at a time; this is not asserted. Shared by all clients of a program that run on one executor.
// Never blocks; throws nothing but std::bad_alloc.
class era_memory {
 public:
  using clock = std::chrono::steady_clock;

  // Absent: not known, or forgotten.
  [[nodiscard]] std::optional<era> find(const std::string& server, clock::time_point now) const;
  void keep(const std::string& server, era found, clock::time_point now);
  void forget(const std::string& server);
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct entry {
    entry() {}
    entry(era kind, clock::time_point found_at) : found(kind), time(found_at) {}
    era found = era::legacy;
    clock::time_point time;
  };
  std::map<std::string, entry> entries_;
};

}  // namespace mcpstate::mcp
