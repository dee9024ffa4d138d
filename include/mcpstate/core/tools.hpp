// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

// A tool list: the JSON array of MCP Tool objects, byte for byte as the server sent it. It is checked once, when it enters
// (a JSON array of at most 64 levels, valid UTF-8, within the limit), and hashed once. From then on it is passed by pointer
// and never parsed.
//
// Functions throw std::bad_alloc, and std::runtime_error where OpenSSL has no SHA-256.
namespace mcpstate {

inline constexpr std::size_t default_tools_limit = 16u * 1024 * 1024;  // bytes

// Immutable; copying shares the bytes; safe from any thread.
class tools_list {
 public:
  // An empty list: "[]".
  tools_list();
  // Fails with too_large (cond::exhausted) or bad_tools (cond::invalid; says at what byte). limit is in bytes.
  [[nodiscard]] static result<tools_list> parse(std::string bytes, std::size_t limit = default_tools_limit);

  [[nodiscard]] const std::string& bytes() const noexcept { return *bytes_; }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] const std::string& hash() const noexcept { return hash_; }  // "sha256:" and 64 hex digits, of the bytes
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

 private:
  tools_list(std::shared_ptr<const std::string> bytes, std::size_t count);
  std::shared_ptr<const std::string> bytes_;
  std::size_t count_ = 0;
  std::string hash_;
};

// "sha256:" and 64 lower-case hex digits.
[[nodiscard]] std::string sha256_tag(std::string_view bytes);

}  // namespace mcpstate
