// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include <mcpstate/core/owner.hpp>
#include <mcpstate/core/time.hpp>

// The log of the service: one line per event, for people (text) or for programs (JSON), to standard error.
//
//     log.info("listening", {{"address", "127.0.0.1:8080"}, {"tokens", true}});
//     2026-11-22T14:30:59.553780+00:00 info  listening address=127.0.0.1:8080 tokens=true
//     {"time":"2026-11-22T14:30:59.553780+00:00","level":"info","message":"listening","address":"127.0.0.1:8080","tokens":true}
//
// No secrets: callers pass none. As a second line of defence, the values of fields that are named like one ("token",
// "authorization", …), owner tokens, what follows "Bearer " or "Basic ", user-info and query of a URL are replaced by
// "[hidden]" wherever they stand. An owner is written as its text; of a session key, which is as good as a password, only
// the first characters and a short hash are. What others wrote cannot forge a line: control characters are escaped, and
// what is not UTF-8 is replaced.
namespace mcpstate::service {

enum class log_style { text, json };
enum class log_level { debug, info, warn, error, off };

// One key=value of a line. Keys come from code: snake_case. The text is not copied: build fields where they are used.
class log_field {
 public:
  using value_type = std::variant<std::string, std::string_view, std::int64_t, std::uint64_t, double, bool>;
  log_field(std::string_view key, std::string_view text) : key_(key), value_(text) {}
  log_field(std::string_view key, const char* text) : key_(key), value_(std::string_view(text)) {}
  log_field(std::string_view key, const std::string& text) : key_(key), value_(std::string_view(text)) {}
  log_field(std::string_view key, const owner& who);
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

// One line, without its line feed. Pure.
[[nodiscard]] std::string log_line(log_style style, timestamp at, log_level level, std::string_view what, log_fields fields);
// "user:42"; "session:9fK4…#1f0c2d3e".
[[nodiscard]] std::string log_name(const owner& who);

// Thread-safe. Writing blocks while standard error does.
class log {
 public:
  using style = log_style;
  log(log_style how, log_level least);                     // to standard error
  log(log_style how, log_level least, std::ostream& out);  // which outlives it
  ~log();
  log(const log&) = delete;
  log& operator=(const log&) = delete;

  void debug(std::string_view what, log_fields fields = {}) { write(log_level::debug, what, fields); }
  void info(std::string_view what, log_fields fields = {}) { write(log_level::info, what, fields); }
  void warn(std::string_view what, log_fields fields = {}) { write(log_level::warn, what, fields); }
  void error(std::string_view what, log_fields fields = {}) { write(log_level::error, what, fields); }
  // Whether such a line would be written: for what is costly to say.
  [[nodiscard]] bool writes(log_level level) const noexcept { return level >= least_; }

 private:
  struct sink;
  void write(log_level level, std::string_view what, log_fields fields);
  log_style style_;
  log_level least_;
  std::unique_ptr<sink> sink_;
};

}  // namespace mcpstate::service
