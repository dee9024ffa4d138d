// SPDX-License-Identifier: MIT
#include "redis/reply.hh"

#include <algorithm>
#include <charconv>
#include <utility>

#include "redis/error_meaning.hh"

namespace mcpstate::redis {
namespace {

// "$12\r\n" and the like, without a temporary string.
void append_header(std::string& out, char type, std::size_t n) {
  char text[24];
  text[0] = type;
  char* end = std::to_chars(text + 1, text + 22, n).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(text, end);
}

}  // namespace

error to_error(const reply& r, std::string_view doing) {
  const error_meaning* const meant = find_meaning(r.text);
  std::string detail(doing);
  detail += ": ";
  detail += meant != nullptr ? meant->words : "the server refused it";
  return error(meant != nullptr ? meant->code : errc::server_error, std::move(detail), r.text);
}

// Grows at least by doubling: an exact reserve for every argument would copy everything before it each time.
void request::make_room(std::size_t more) {
  const std::size_t needed = bytes_.size() + more;
  if (needed > bytes_.capacity()) bytes_.reserve(std::max({needed, 2 * bytes_.capacity(), std::size_t{120}}));
}

request& request::command(std::size_t arity) {
  append_header(bytes_, '*', arity);
  ++commands_;
  return *this;
}

request& request::append(const request& more) {
  if (commands_ == 0) {
    limits_ = more.limits_;
    unlimited_ = more.unlimited_;
  }
  make_room(more.bytes_.size());
  bytes_ += more.bytes_;
  commands_ += more.commands_;
  return *this;
}

request& request::add_encoded(std::string_view command) {
  make_room(command.size());
  bytes_ += command;
  ++commands_;
  return *this;
}

request& request::arg(std::string_view bytes) {
  make_room(bytes.size() + 32);
  append_header(bytes_, '$', bytes.size());
  bytes_ += bytes;
  bytes_ += "\r\n";
  return *this;
}

request& request::arg(std::int64_t number) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  return arg(std::string_view(text, static_cast<std::size_t>(end - text)));
}

}  // namespace mcpstate::redis
