// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/owner.hpp>

// Every Redis key name, built and parsed here and nowhere else. The layout is fixed: other programs read it.
//
//     mcp:user:{user_id}:connections                  mcp:user:{user_id}:server:{server_name}:status
//     mcp:session:{session_key}:servers               …:tools  …:connected_at  …:info  …:lease  …:staging:{nonce}
//
// In ids and names  : % { } * ? [ ] \  and control bytes (0x00–0x1F, 0x7F) are written as %XX (upper-case hex); every other
// byte stays as it is. So encode is injective, a decoded name re-encodes to the same bytes, and no name reaches another key.
namespace mcpstate {

enum class key_layout {
  plain,   // mcp:user:42:…           the default; what other programs look up
  tagged,  // mcp:user:{42}:…         one hash slot per owner: Redis Cluster
};

enum class key_field { connections, servers, status, tools, connected_at, info, lease, staging };

[[nodiscard]] std::string encode_name(std::string_view raw);
// Exactly what encode_name can produce; anything else (a raw ':', "%41", a lone '%') is absent.
[[nodiscard]] std::optional<std::string> decode_name(std::string_view encoded);

// Builds keys. Immutable; cheap to copy; safe from any thread.
class key_space {
 public:
  // prefix: 1 to 64 bytes of [A-Za-z0-9_.-] and ':' between parts (no empty part); else bad_argument.
  [[nodiscard]] static result<key_space> make(std::string_view prefix = "mcp", key_layout layout = key_layout::plain);

  [[nodiscard]] const std::string& prefix() const noexcept { return prefix_; }
  [[nodiscard]] key_layout layout() const noexcept { return layout_; }

  // "mcp:user:42:" — what all keys of an owner start with.
  [[nodiscard]] std::string owner_prefix(const owner& who) const;
  // "mcp:user:" — what all keys of all owners of a kind start with.
  [[nodiscard]] std::string kind_prefix(owner_kind kind) const;
  [[nodiscard]] std::string connections(const owner& who) const;  // SET of members
  [[nodiscard]] std::string servers(const owner& who) const;      // SET of members
  // A set member, and the part of a key that names a server: encode_name(name), or foreign bytes as they are.
  [[nodiscard]] std::string server_key(const owner& who, std::string_view member, key_field field) const;
  [[nodiscard]] std::string staging(const owner& who, std::string_view member, std::string_view nonce) const;
  // The indexes of managed connections belong to no owner, and each is in index_shards parts.
  // mcp:server:{server_name}:owners:{shard}, SET
  [[nodiscard]] std::string server_owners(const server_name& server, unsigned shard) const;
  // mcp:managed:{shard}, ZSET by when the lease runs out
  [[nodiscard]] std::string managed(unsigned shard) const;
  static constexpr unsigned index_shards = 16;
  // mcp:instances, HASH: who keeps managed connections
  [[nodiscard]] std::string instances() const;

  struct parsed {
    owner whose;
    key_field field;
    std::string member;  // raw bytes between ":server:" and the field; empty for the two sets
    std::string nonce;   // of staging
  };
  // What a key of ours names; absent for any other key. A member may be foreign (not decodable); an owner may not.
  [[nodiscard]] std::optional<parsed> parse(std::string_view key) const;

 private:
  key_space(std::string prefix, key_layout layout) : prefix_(std::move(prefix)), layout_(layout) {}
  std::string prefix_;
  key_layout layout_;
};

// The name to show for a member, and whether it is one of ours.
struct member_name {
  std::string text;
  bool foreign = false;  // not an encoding of ours: shown as it is, reported, never pruned
};
[[nodiscard]] member_name name_of_member(std::string_view member);

// Whether a key has the form of key_space::server_owners: mcp:server:{server_name}:owners:{shard}. It belongs to no owner,
// so key_space::parse does not know it.
[[nodiscard]] bool is_server_owners(const key_space& keys, std::string_view key);

}  // namespace mcpstate
