// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/encoded_name.hpp>
#include <mcpstate/core/owner.hpp>

// Every Redis key name, built and parsed here and nowhere else. The layout is fixed: other programs read it.
//
//     mcp:user:{user_id}:connections                  mcp:user:{user_id}:server:{server_name}:status
//     mcp:session:{session_key}:servers               …:tools  …:connected_at  …:info  …:lease  …:staging:{nonce}
//     mcp:managed:{shard}   mcp:server:{server_name}:owners:{shard}   mcp:instances
//
// Reserved for what later versions store, so that this version takes them for nothing else:
//
//     mcp:auth:user:{user_id}:server:{server_name}    …:headers  …:values  …:lock  …:login    mcp:auth:user:{user_id}:names
//     mcp:oauth:flow:{hash}   mcp:oauth:client:{hash}   mcp:layout   mcp:tools:{hash}
//     mcp:{slot}:managed   mcp:{slot}:owners:{server_name}   mcp:tools:{slot}:{hash}      the braces around slot are literal
//
// Ids and names are encoded as encoded_name.hpp says. A hash is 64 lower-case hexadecimal digits. A slot is the tag of a
// cluster slot: 1 to 4 of 0-9 and a-z.
namespace mcpstate {

enum class key_layout {
  plain,   // mcp:user:42:…           the default; what other programs look up
  tagged,  // mcp:user:{42}:…         one hash slot per owner: Redis Cluster
};

// What a key holds. The first eight belong to an owner's connections.
enum class key_kind {
  connections,
  servers,
  status,
  tools,
  connected_at,
  info,
  lease,
  staging,
  managed,        // index: connections that mcpstate manages
  server_owners,  // index: who has a connection to a registered server
  instances,
  slot_managed,  // the same indexes on a cluster, in the slot of their owners; tagged layout only
  slot_server_owners,
  layout_marker,      // which layout this store has
  shared_tools,       // a tool list that several records refer to
  slot_shared_tools,  // the same on a cluster; tagged layout only
  credential,         // sealed
  credential_headers,
  credential_values,
  credential_lock,  // who refreshes a credential now
  login,            // the pending login of this owner and server
  credential_names,
  oauth_flow,
  oauth_client,
};
using key_field = key_kind;  // of an owner's connections

// A key taken apart. Which members are set depends on its kind; the others are empty.
struct parsed_key {
  explicit parsed_key(key_kind k) : kind(k) {}
  key_kind kind;
  std::optional<mcpstate::owner> owner;  // an owner's connections and credentials
  std::string member;                    // the server: raw bytes as they stand in the key
  std::string slot;                      // of the kinds named slot_…
  std::string part;                      // the nonce of staging, the shard of an index, the hash of tools, flows and clients
  friend bool operator==(const parsed_key&, const parsed_key&) = default;
};

// Builds and parses keys. Immutable; cheap to copy; safe from any thread. Functions throw only std::bad_alloc.
class key_space {
 public:
  // prefix: 1 to 64 bytes of [A-Za-z0-9_.-] and ':' between parts (no empty part); else bad_argument.
  [[nodiscard]] static result<key_space> make(std::string_view prefix = "mcp", key_layout layout = key_layout::plain);

  [[nodiscard]] const std::string& prefix() const noexcept { return prefix_; }
  [[nodiscard]] key_layout layout() const noexcept { return layout_; }

  // "mcp:user:42:" — what all keys of an owner's connections start with.
  [[nodiscard]] std::string owner_prefix(const owner& account) const;
  // "mcp:user:" — what all such keys of all owners of a kind start with.
  [[nodiscard]] std::string kind_prefix(owner_kind kind) const;
  [[nodiscard]] std::string connections(const owner& account) const;  // SET of members
  [[nodiscard]] std::string servers(const owner& account) const;      // SET of members
  // A member is what a set holds and what names the server in a key: encode_name(name), or foreign bytes as they are.
  // field: status, tools, connected_at, info or lease.
  [[nodiscard]] std::string server_key(const owner& account, std::string_view member, key_field field) const;
  // nonce: 1 or more of [A-Za-z0-9_-].
  [[nodiscard]] std::string staging(const owner& account, std::string_view member, std::string_view nonce) const;

  // The indexes of managed connections belong to no owner, and each has index_shards parts.
  static constexpr unsigned index_shards = 16;
  [[nodiscard]] std::string server_owners(const server_name& server, unsigned shard) const;  // SET
  [[nodiscard]] std::string managed(unsigned shard) const;                                   // ZSET by when the lease ends
  [[nodiscard]] std::string instances() const;                                               // HASH
  [[nodiscard]] std::string slot_server_owners(std::string_view slot, const server_name& server) const;
  [[nodiscard]] std::string slot_managed(std::string_view slot) const;
  [[nodiscard]] std::string layout_marker() const;
  [[nodiscard]] std::string shared_tools(std::string_view hash) const;
  [[nodiscard]] std::string slot_shared_tools(std::string_view slot, std::string_view hash) const;

  // kind: credential, credential_headers, credential_values, credential_lock or login.
  [[nodiscard]] std::string credential_key(const owner& account, const server_name& server, key_kind kind) const;
  [[nodiscard]] std::string credential_names(const owner& account) const;  // SET of members
  [[nodiscard]] std::string oauth_flow(std::string_view hash) const;
  [[nodiscard]] std::string oauth_client(std::string_view hash) const;

  // What any key is; absent where the layout has no such key. The member of a record may be foreign (not decodable); the
  // names in all other keys are ours.
  [[nodiscard]] std::optional<parsed_key> identify(std::string_view key) const;
  // The key that identify() takes apart into these parts.
  [[nodiscard]] std::string build(const parsed_key& parts) const;

  // The key of an owner's connections, which is all that lists, scans and watches ask about.
  struct parsed {
    mcpstate::owner owner;
    key_field field;
    std::string member;  // raw bytes between ":server:" and the field; empty for the two sets
    std::string nonce;   // of staging
  };
  [[nodiscard]] std::optional<parsed> parse(std::string_view key) const;

 private:
  key_space(std::string prefix, key_layout layout) : prefix_(std::move(prefix)), layout_(layout) {}
  [[nodiscard]] std::string owner_text(const owner& account) const;
  [[nodiscard]] std::optional<owner> take_owner(std::string_view& rest) const;
  [[nodiscard]] std::optional<parsed_key> identify_credential(std::string_view rest) const;
  [[nodiscard]] std::optional<parsed_key> identify_slot(std::string_view rest) const;
  [[nodiscard]] std::optional<parsed_key> identify_tools(std::string_view rest) const;

  std::string prefix_;
  key_layout layout_;
};

}  // namespace mcpstate
