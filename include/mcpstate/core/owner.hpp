// SPDX-License-Identifier: MIT
#pragma once
#include <compare>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

// Whose connections these are, and the names of servers. Both are checked once, where they enter, and can then be used
// everywhere: 1 to 512 bytes of valid UTF-8. Any character is allowed; encoded_name.hpp encodes what Redis keys or patterns
// would misread.
//
// Immutable values, safe from any thread. Wrong input is an error with cond::invalid (errc::bad_owner or errc::bad_name);
// functions throw only std::bad_alloc.
namespace mcpstate {

inline constexpr std::size_t max_name_bytes = 512;  // of an id or a server name

enum class owner_kind { user, session };

class owner {
 public:
  // "user:42" or "session:9fK…"; everything after the first colon is the id.
  [[nodiscard]] static result<owner> parse(std::string_view text);
  [[nodiscard]] static result<owner> user(std::string_view id) { return make(owner_kind::user, id); }
  [[nodiscard]] static result<owner> session(std::string_view key) { return make(owner_kind::session, key); }
  [[nodiscard]] static result<owner> make(owner_kind kind, std::string_view id);

  [[nodiscard]] owner_kind kind() const noexcept { return kind_; }
  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  [[nodiscard]] std::string text() const;  // what parse() reads

  friend bool operator==(const owner&, const owner&) = default;
  friend std::strong_ordering operator<=>(const owner&, const owner&) = default;

 private:
  owner(owner_kind kind, std::string id) : kind_(kind), id_(std::move(id)) {}
  owner_kind kind_;
  std::string id_;
};

// The name by which the host knows an MCP server, e.g. "github" or "io.github.x/y".
class server_name {
 public:
  [[nodiscard]] static result<server_name> parse(std::string_view text);
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  friend bool operator==(const server_name&, const server_name&) = default;
  friend std::strong_ordering operator<=>(const server_name&, const server_name&) = default;

 private:
  explicit server_name(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace mcpstate
