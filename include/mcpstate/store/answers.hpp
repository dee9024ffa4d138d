// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mcpstate/core/owner.hpp>
#include <mcpstate/core/time.hpp>

// The answers of a store that are no records. Value types.
namespace mcpstate {

struct claim_result {
  claim_result() {}
  std::vector<std::string> moved;  // servers whose session record became the user's
  std::vector<std::string> kept;   // servers where the user's own record won
};

// What restore() does about a record that is there already.
enum class restore_rule {
  newer,    // it stays, unless its revision is lower. One that a foreign program wrote has none, and stays
  replace,  // it is written over
};
// What has become of a record that was to be restored.
enum class restore_outcome {
  written,
  present,  // what was there stays
  expired,  // its time is over
};

struct owner_summary {
  owner_summary(mcpstate::owner account) : owner(std::move(account)) {}
  mcpstate::owner owner;
  std::uint64_t connected = 0;  // servers CONNECTED
  std::uint64_t records = 0;
  std::optional<timestamp> expires_at;  // of the longest record
};
struct owner_page {
  owner_page() {}
  std::vector<owner_summary> owners;  // one page holds an owner once; across pages a changing store may repeat one
  std::string cursor;                 // pass it back for the next page; empty: that was all
};

struct store_stats {
  store_stats() {}
  std::string kind;     // "redis", "sqlite", "memory"
  std::string where;    // without secrets
  std::string version;  // of the server or library
  std::uint64_t users = 0, sessions = 0;
  std::uint64_t connected = 0, disconnected = 0, failed = 0;  // records by what their status key says
  std::uint64_t tools_bytes = 0;
  std::optional<std::uint64_t> memory_bytes;  // used by the store as a whole
};

// One line of doctor.
struct finding {
  finding() {}
  // repaired: it was wrong until this run.
  enum class level { ok, repaired, note, warning, problem } severity = level::ok;
  std::string check;  // stable, snake_case
  std::string text;   // the fact, and what to do
  std::uint64_t count = 0;
  std::vector<std::string> examples;  // at most 5 key or record names
};

// Receives the progress of a long operation. Called on the store's executor; returns at once. unit: "keys", "records", …
using progress_handler = std::function<void(std::uint64_t done, std::string_view unit)>;

}  // namespace mcpstate
