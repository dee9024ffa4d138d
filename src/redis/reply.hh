// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
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
  std::int64_t integer = 0;  // of boolean (0, 1) and integer
  std::string text;          // of string, error; of real as it was written
  std::vector<reply> items;  // of array, map, set, push

  [[nodiscard]] bool is_error() const noexcept { return kind == type::error; }
  [[nodiscard]] bool is_null() const noexcept { return kind == type::null; }
  [[nodiscard]] bool is_string() const noexcept { return kind == type::string; }
};

// What an error reply means: WRONGTYPE → wrong_type, OOM → out_of_memory, LOADING → loading, READONLY and MISCONF →
// read_only, NOAUTH, WRONGPASS and NOPERM → auth_failed, everything else → server_error. `doing` begins the detail
// ("put user:42 github"); the server's words become peer_text.
[[nodiscard]] error to_error(const reply& r, std::string_view doing);

// Commands to be sent together, encoded as they are added. Move it, do not copy it: the bytes may be megabytes.
class request {
 public:
  request() {}
  // Begins a command of `arity` arguments, its name included; then exactly that many arg().
  request& command(std::size_t arity);
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

  // One command that is encoded already: a part of bytes() of another request.
  request& add_encoded(std::string_view command);

  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::string take() && { return std::move(bytes_); }
  [[nodiscard]] std::size_t commands() const noexcept { return commands_; }

 private:
  static std::size_t room_for(std::string_view bytes) noexcept { return bytes.size(); }
  static std::size_t room_for(std::int64_t) noexcept { return 20; }
  void make_room(std::size_t more);

  std::string bytes_;
  std::size_t commands_ = 0;
};

}  // namespace mcpstate::redis
