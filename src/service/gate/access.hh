// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/owner.hpp>
#include <mcpstate/core/time.hpp>

// Who may use the service. Pure.
//
// A service token is a random text that the operator chose: its bearer may do everything. From it, owner tokens are derived
// without storing anything: "mcps1." base64url("KEYID EXPIRY OWNER") "." base64url(HMAC-SHA256). Their bearers may do what
// concerns that one owner, until they expire. KEYID says which service token signed, so that tokens can be rotated: put a
// new one first, and take the old one away once everything that it signed has expired.
namespace mcpstate::service {

enum class token_kind { service, owner };

struct identity {
  identity() {}
  token_kind kind = token_kind::service;
  std::optional<owner> whose;           // of an owner token
  std::optional<timestamp> expires_at;  // of an owner token
  std::string key;                      // which service token it is, or was signed with (access_keys::has); no secret

  // Whether it may act for this owner.
  [[nodiscard]] bool acts_for(const owner& who) const { return kind == token_kind::service || whose == who; }
};

// Value type. Holds secrets; nothing of it can be printed, and no error shows any part of a token.
class access_keys {
 public:
  static constexpr std::size_t min_token_bytes = 16, max_token_bytes = 1024, max_keys = 16;

  // No keys: nobody is known. Whether everybody may then do everything is not decided here.
  access_keys() {}
  // One service token per line; empty lines and those that begin with '#' do not count. The first one signs, all verify.
  // bad_argument (the line's number and what is wrong with it): one that is too short or too long, that holds anything but
  // visible ASCII, that looks like an owner token, too many of them, or none at all.
  [[nodiscard]] static result<access_keys> parse(std::string_view text);

  [[nodiscard]] bool empty() const noexcept { return keys_.empty(); }
  // Whose token this is. auth_failed for every other text. How long it takes tells nothing about a key.
  [[nodiscard]] result<identity> verify(std::string_view token, timestamp now) const;
  // Whether the service token that an identity came from is still one; of an identity without a key: true.
  [[nodiscard]] bool has(const identity& who) const;
  // A token for one owner, good for this long (at least a second) from now on. Throws std::logic_error without keys.
  [[nodiscard]] std::string mint(const owner& who, std::chrono::seconds ttl, timestamp now) const;

 private:
  // Derived from a service token, which itself is not kept.
  struct key {
    std::string digest;   // what a service token is recognised by
    std::string signing;  // the key of the HMAC
    std::string lead;     // how the payload of every token that it signed begins, encoded: the key's id
  };
  [[nodiscard]] result<identity> verify_owner(std::string_view token, timestamp now) const;
  [[nodiscard]] const key* find_service(std::string_view token) const;
  std::vector<key> keys_;
};

// The keys in a file of at most 64 KiB; blocking, for start-up. Failures name the file, never what is in it.
[[nodiscard]] result<access_keys> read_access_keys(const std::string& path);

}  // namespace mcpstate::service
