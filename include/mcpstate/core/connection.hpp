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
//
// Everything here is a value: safe from any thread as long as each thread has its own. Functions throw only std::bad_alloc.
namespace mcpstate {

// CONNECTED: the handshake succeeded at checked_at, and whoever acts for the owner can use or re-open the connection with
// what the record says. It is no claim about an open socket. "Unknown" is not a status: an unreachable store is an error.
enum class status { disconnected, connecting, connected, auth_required, failed };

[[nodiscard]] std::string_view to_text(status s) noexcept;  // "CONNECTED", "AUTH_REQUIRED", …
// The same for people, and "unknown" where there is none. JSON leaves such a status out.
[[nodiscard]] std::string_view to_text(const std::optional<status>& s) noexcept;
[[nodiscard]] std::optional<status> status_from_text(std::string_view text) noexcept;  // all five, exact case
// What the status key holds. Every Redis client reads it and knows three words: CONNECTING is written there as DISCONNECTED,
// AUTH_REQUIRED as FAILED. :info holds the finer state.
[[nodiscard]] std::string_view to_key_text(status s) noexcept;

// Why a connection is FAILED or AUTH_REQUIRED.
struct failure {
  failure() {}
  std::string code;     // stable, snake_case: name_of(errc)
  std::string message;  // one line, no secrets; shown to its owner only
  timestamp time{};
  std::uint32_t attempt = 0;  // counts from 1; 0: not said
  std::optional<timestamp> retry_at;
  friend bool operator==(const failure&, const failure&) = default;
};

// What is known about a connection beyond the four documented keys. Empty or absent means unknown.
struct details {
  details() {}
  bool managed = false;          // mcpstate itself opened it and manages it
  std::string registered;        // the name of one of the host's servers; empty: the server is reached by url
  std::string transport;         // "http", "sse", "stdio"
  std::string url;               // without user-info, query or fragment
  std::string protocol_version;  // "2025-11-25"
  std::string server_title;      // serverInfo.name
  std::string server_version;    // serverInfo.version
  std::string capabilities;      // a JSON object, as the server sent it
  std::optional<failure> error;
  std::optional<timestamp> last_connected_at;
  // When the status became what it is; absent while CONNECTED, where connected_at says it.
  std::optional<timestamp> status_changed_at;
  // How often a session of a managed connection was lost and opened again since the connection was ordered.
  std::uint64_t restarts = 0;
  // When CONNECTED was last written: at the handshake, or when the tool list had changed. Checks that find all well write
  // nothing.
  std::optional<timestamp> checked_at;
  std::optional<std::uint64_t> tool_count;
  std::string tools_hash;  // "sha256:…"
  // Length in bytes of the list that tool_count and tools_hash describe. Another program may store a list of its own. A read
  // with tools then describes that one; a read without tools still describes ours.
  std::optional<std::uint64_t> tools_bytes;
  // Where a claim has found the record: its revision there, a space and that session ("1790000000000000 session:9fK"). Empty:
  // no claim has moved it. Not shown.
  std::string claimed_from;
  friend bool operator==(const details&, const details&) = default;
};

// What a writer had read: the revision, and the first 64 raw bytes of the status and connected_at keys (absent when the keys
// were), which are all bytes of any good value. A default basis means that nothing was there. A write whose basis no longer
// holds is a conflict.
struct basis {
  basis() {}
  std::uint64_t revision = 0;
  std::optional<std::string> status_bytes;
  std::optional<std::string> connected_at_bytes;
  friend bool operator==(const basis&, const basis&) = default;
};

// A connection as it was read. connection_json.hpp makes JSON of it.
struct connection {
  connection(mcpstate::owner account, std::string name) : owner(std::move(account)), server(std::move(name)) {}
  mcpstate::owner owner;
  std::string server;  // normally a valid server_name; the raw bytes where another program wrote a name that is none
  std::string member;  // as sets and keys name it: encode_name(server), or the foreign bytes
  // Absent: unknown, because the status key holds something that is no status. `problems` says what, and info.error says it
  // as an error ("corrupt"). It compares unequal to every status, so nobody takes it for DISCONNECTED. The next write of a
  // status replaces it.
  std::optional<status> state = status::disconnected;
  std::uint64_t revision = 0;  // 0: never written by mcpstate, or what stands there is no revision
  bool altered = false;        // another program has changed status or connected_at since that revision
  std::optional<timestamp> connected_at;
  std::optional<timestamp> expires_at;
  std::optional<timestamp> expires_latest;  // what no use renews it beyond; absent: no limit is known
  details info;
  // The raw bytes of the tools key, when they were asked for and are there. A valid list unless problems says otherwise.
  std::shared_ptr<const std::string> tools;
  // What is odd about the record, one line each: "status is 'up', not one of …". Empty for everything that mcpstate wrote.
  std::vector<std::string> problems;
  basis seen;

  [[nodiscard]] bool connected() const noexcept { return state == status::connected; }
};

// Whether a foreign program wrote the name of this record in its own way. Another record may then be shown under the same
// name; the members tell them apart.
[[nodiscard]] bool is_foreign_member(const connection& c);

}  // namespace mcpstate
