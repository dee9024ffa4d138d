// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mcpstate/core/error.hpp>

// Replies and requests of the Redis protocol (RESP3), as values. Pure.
namespace mcpstate::redis {

// One reply, as a tree. Bulk, verbatim and simple strings, big numbers and errors are in text; a map's items are key, value,
// key, value, …. Attributes are read and dropped.
struct reply {
  enum class type { null, boolean, integer, real, string, error, array, map, set, push };
  reply() {}
  type kind = type::null;
  std::int64_t integer = 0;   // of boolean (0, 1) and integer
  std::string text;           // of string, error; of real as it was written
  std::uint64_t dropped = 0;  // of string: bytes behind text that were not kept (value_limits)
  std::vector<reply> items;   // of array, map, set, push

  [[nodiscard]] bool is_error() const noexcept { return kind == type::error; }
  [[nodiscard]] bool is_null() const noexcept { return kind == type::null; }
  [[nodiscard]] bool is_string() const noexcept { return kind == type::string; }
};

// How long the strings in a reply may be. The items of an array take the limits in turn; a string that is no item takes the
// first. Of a longer string only the first `kept` bytes are kept, so that foreign values cost no memory.
struct value_limits {
  static constexpr std::size_t kept = 128;
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
  value_limits() {}
  value_limits(std::initializer_list<std::size_t> by_place) : count(std::min(by_place.size(), limits.size())) {
    std::copy_n(by_place.begin(), count, limits.begin());
  }
  [[nodiscard]] std::size_t at(std::size_t place) const noexcept { return count == 0 ? none : limits[place % count]; }
  std::array<std::size_t, 8> limits{};
  std::size_t count = 0;  // 0: no limit
};

// What an error reply means, by the table of error_meaning.hh; server_error for what is not in it. `doing` begins the detail
// ("put user:42 github"); the server's words become peer_text.
[[nodiscard]] error to_error(const reply& r, std::string_view doing);

// Commands to be sent together, encoded as they are added. Move it, do not copy it: the bytes may be megabytes.
class request {
 public:
  request() {}
  // Begins a command of `arity` arguments, its name included; then exactly that many arg().
  request& command(std::size_t arity);
  // Of each reply to the commands that are added after this. Once.
  request& limit_values(value_limits by_place) {
    limits_ = by_place;
    unlimited_ = commands_;
    return *this;
  }
  request& arg(std::string_view bytes);
  request& arg(std::int64_t number);
  // A whole command at once.
  template <class... Args>
  request& add(const Args&... args) {
    make_room((16 + ... + (room_for(args) + 32)));
    command(sizeof...(args));
    (arg(args), ...);
    return *this;
  }

  // All commands of a request with the same limits.
  request& append(const request& more);
  // One command that is encoded already: a part of bytes() of another request.
  request& add_encoded(std::string_view command);

  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::string take() && { return std::move(bytes_); }
  [[nodiscard]] std::size_t commands() const noexcept { return commands_; }
  [[nodiscard]] const value_limits& limits() const noexcept { return limits_; }
  [[nodiscard]] std::size_t unlimited() const noexcept { return unlimited_; }  // commands before limit_values()

 private:
  static std::size_t room_for(std::string_view bytes) noexcept { return bytes.size(); }
  static std::size_t room_for(std::int64_t) noexcept { return 20; }
  void make_room(std::size_t more);

  std::string bytes_;
  std::size_t commands_ = 0;
  value_limits limits_;
  std::size_t unlimited_ = 0;
};

}  // namespace mcpstate::redis
