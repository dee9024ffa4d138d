// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/owner.hpp>
#include <mcpstate/core/time.hpp>

// Tokens: who may use the service. Pure.
//
// A service token is a random text that the operator chooses; its bearer may do everything. Owner tokens are derived from a
// service token and are not stored: "mcps1." base64url("KEYID EXPIRY OWNER") "." base64url(HMAC-SHA256). The bearer of an
// owner token may do what concerns that owner until the token expires. KEYID names the service token that signed. Tokens are
// rotated by adding a new service token first, and by removing the old one after everything that it signed has expired.
namespace mcpstate::service {

enum class token_kind { service, owner };

// The bearer of a token.
struct identity {
  identity() {}
  token_kind kind = token_kind::service;
  std::optional<owner> subject;         // of an owner token: its owner
  std::optional<timestamp> expires_at;  // of an owner token
  std::string key;                      // id of the service token, or of the one that signed (access_keys::has); no secret

  // Whether the bearer may act for this owner.
  [[nodiscard]] bool acts_for(const owner& account) const { return kind == token_kind::service || subject == account; }
};

// The service tokens. Value type. It holds secrets: nothing of it can be printed, and no error shows any part of a token.
class access_keys {
 public:
  static constexpr std::size_t min_token_bytes = 16, max_token_bytes = 1024, max_keys = 16;

  // No keys: verify() fails for every token. The caller decides whether a service without keys is open to everybody.
  access_keys() {}
  // Parses one service token per line; empty lines and lines that begin with '#' are ignored. The first token signs, all of
  // them verify. bad_argument, with the number of the line, for a token that is too short or too long, that holds anything
  // but visible ASCII or that looks like an owner token; also for too many tokens, and for none.
  [[nodiscard]] static result<access_keys> parse(std::string_view text);

  [[nodiscard]] bool empty() const noexcept { return keys_.empty(); }
  // The bearer of a token. auth_failed for every other text. The time it takes reveals nothing about a key.
  [[nodiscard]] result<identity> verify(std::string_view token, timestamp now) const;
  // Whether the service token behind an identity is still among the keys. True for an identity without a key.
  [[nodiscard]] bool has(const identity& bearer) const;
  // Makes a token for one owner that is valid from now on for ttl (at least a second). Throws std::logic_error without keys.
  [[nodiscard]] std::string mint(const owner& subject, std::chrono::seconds ttl, timestamp now) const;

 private:
  // Values derived from a service token. The token itself is not stored.
  struct key {
    std::string digest;   // recognises the service token
    std::string signing;  // the key of the HMAC
    std::string id;       // encoded: the beginning of the payload of every token that this key signed
  };
  [[nodiscard]] result<identity> verify_owner(std::string_view token, timestamp now) const;
  [[nodiscard]] const key* find_service(std::string_view token) const;
  std::vector<key> keys_;
};

// Reads the keys in a file of at most 64 KiB. Blocking: for start-up and reloads. Errors name the file and never show its
// content.
[[nodiscard]] result<access_keys> read_access_keys(const std::string& path);

}  // namespace mcpstate::service
