// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/owner.hpp>
#include <mcpstate/core/time.hpp>
#include <mcpstate/core/tools.hpp>

// One owner's relation to one MCP server, and what a write of it is based on.
namespace mcpstate {

// CONNECTED: the handshake succeeded at checked_at, and whoever acts for the owner can use or re-open the connection with
// what the record says; no claim about an open socket. "Unknown" is not a status: an unreachable store is an error.
enum class status { disconnected, connecting, connected, auth_required, failed };

[[nodiscard]] std::string_view to_text(status s) noexcept;                             // "CONNECTED", "AUTH_REQUIRED", …
[[nodiscard]] std::optional<status> status_from_text(std::string_view text) noexcept;  // all five, exact case
// The status key that every Redis client reads knows three values: CONNECTING shows there as DISCONNECTED, AUTH_REQUIRED
// as FAILED; the finer state stands in :info.
[[nodiscard]] std::string_view to_key_text(status s) noexcept;

// Why a connection is FAILED or AUTH_REQUIRED. message is shown to its owner only.
struct failure {
  failure() {}
  std::string code;     // stable, snake_case: name_of(errc)
  std::string message;  // one line, no secrets
  timestamp at{};
  std::uint32_t attempt = 0;  // 0: not said
  std::optional<timestamp> retry_at;
  friend bool operator==(const failure&, const failure&) = default;
};

// What is known about a connection beyond the four documented keys. Empty or absent means unknown.
struct details {
  details() {}
  bool managed = false;          // mcpstate itself opened it and keeps it true
  std::string registered;        // by which name of the host's servers it is reached; empty: by url
  std::string transport;         // "http", "sse", "stdio"
  std::string url;               // without user-info, query or fragment
  std::string protocol_version;  // "2025-11-25"
  std::string server_title;      // serverInfo.name
  std::string server_version;    // serverInfo.version
  std::string capabilities;      // raw JSON object
  std::optional<failure> error;
  std::optional<timestamp> last_connected_at;
  // When CONNECTED was last written: the handshake, or a tool list that had changed. Checks that find all well write
  // nothing.
  std::optional<timestamp> checked_at;
  std::optional<std::uint64_t> tool_count;
  std::string tools_hash;  // "sha256:…"
  // Length of the list that these two tell of. Another program may put its own there: a read with tools, and the events of
  // whoever watched then, tell of that one; a read without tools still tells of ours.
  std::optional<std::uint64_t> tools_bytes;
  friend bool operator==(const details&, const details&) = default;
};

// What a writer had read: revision, and the raw bytes of the status and connected_at keys (absent when they were). A
// default basis means that nothing was there. A write whose basis no longer holds is a conflict.
struct basis {
  basis() {}
  std::uint64_t revision = 0;
  std::optional<std::string> status_bytes;
  std::optional<std::string> connected_at_bytes;
  friend bool operator==(const basis&, const basis&) = default;
};

// A connection as it was read. Value type.
struct connection {
  connection(owner who, std::string name) : whose(std::move(who)), server(std::move(name)) {}
  owner whose;
  std::string server;  // normally a valid server_name; the raw bytes where a foreign program wrote a name we would not
  std::string member;  // as sets and keys name it: encode_name(server), or the foreign bytes
  status state = status::disconnected;
  std::uint64_t revision = 0;  // 0: never written by us
  bool altered = false;        // another program has changed status or connected_at since that revision
  std::optional<timestamp> connected_at;
  std::optional<timestamp> expires_at;
  details info;
  // The raw bytes of the tools key, when asked for and present; a valid list unless problems says otherwise.
  std::shared_ptr<const std::string> tools;
  // What is odd about the record, one line each: "status is 'up', not one of …". Empty for everything we wrote.
  std::vector<std::string> problems;
  basis seen;

  [[nodiscard]] bool connected() const noexcept { return state == status::connected; }
};

// The JSON of DESIGN: owner, server, status, revision, …; tools last and raw, only when present. times ISO 8601 UTC.
[[nodiscard]] std::string to_json(const connection& c);

}  // namespace mcpstate
