// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include <mcpstate/core/owner.hpp>
#include <mcpstate/core/time.hpp>

// Formats one line of the log, for people (text) or for programs (JSON). Pure.
//
//     2026-11-22T14:30:59.553780+00:00 info  listening address=127.0.0.1:8080 tokens=true
//     {"time":"2026-11-22T14:30:59.553780+00:00","level":"info","message":"listening","address":"127.0.0.1:8080","tokens":true}
//
// Callers pass no secrets. As a second line of defence these are replaced by "[hidden]": values of fields with the name of a
// secret ("token", "authorization", …), owner tokens, the text after "Bearer " or "Basic ", and user-info and query of a
// URL. An owner is written as its text. A session key is as good as a password, so only its first characters and a short
// hash are written. Foreign text cannot forge a line: control characters are escaped, and invalid UTF-8 is replaced.
namespace mcpstate::service {

enum class log_style { text, json };
enum class log_level { debug, info, warn, error, off };

// One key=value of a line. Keys are snake_case and come from code. The text is not copied: build fields where they are used.
class log_field {
 public:
  using value_type = std::variant<std::string, std::string_view, std::int64_t, std::uint64_t, double, bool>;
  log_field(std::string_view key, std::string_view text) : key_(key), value_(text) {}
  log_field(std::string_view key, const char* text) : key_(key), value_(std::string_view(text)) {}
  log_field(std::string_view key, const std::string& text) : key_(key), value_(std::string_view(text)) {}
  log_field(std::string_view key, const owner& account);
  log_field(std::string_view key, bool b) : key_(key), value_(b) {}
  log_field(std::string_view key, double d) : key_(key), value_(d) {}
  template <std::unsigned_integral N>
  log_field(std::string_view key, N n) : key_(key), value_(static_cast<std::uint64_t>(n)) {}
  template <std::signed_integral N>
  log_field(std::string_view key, N n) : key_(key), value_(static_cast<std::int64_t>(n)) {}

  [[nodiscard]] std::string_view key() const noexcept { return key_; }
  [[nodiscard]] const value_type& value() const noexcept { return value_; }

 private:
  std::string_view key_;
  value_type value_;
};
using log_fields = std::initializer_list<log_field>;

// The line without a line feed.
[[nodiscard]] std::string log_line(log_style style, timestamp time, log_level level, std::string_view message,
                                   std::span<const log_field> fields);
[[nodiscard]] inline std::string log_line(log_style style, timestamp time, log_level level, std::string_view message,
                                          log_fields fields) {
  return log_line(style, time, level, message, std::span<const log_field>(fields.begin(), fields.size()));
}
// The name of an owner in the log: "user:42", "session:9fK4…#1f0c2d3e".
[[nodiscard]] std::string log_name(const owner& account);

}  // namespace mcpstate::service
