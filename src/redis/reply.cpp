// SPDX-License-Identifier: MIT
#include "redis/reply.hh"

#include <algorithm>
#include <charconv>
#include <utility>

namespace mcpstate::redis {
namespace {

struct meaning {
  std::string_view prefix;
  errc code;
  std::string_view words;
};
constexpr meaning meanings[] = {
    {"WRONGTYPE", errc::wrong_type, "a key holds another type than it should"},
    {"OOM", errc::out_of_memory, "the server has reached its memory limit"},
    {"LOADING", errc::loading, "the server is loading its data"},
    {"READONLY", errc::read_only, "the server is a replica and refuses writes"},
    {"MISCONF", errc::read_only, "the server cannot save to disk and refuses writes"},
    {"NOAUTH", errc::auth_failed, "the server asks for a password"},
    {"WRONGPASS", errc::auth_failed, "the server refuses user or password"},
    {"NOPERM", errc::auth_failed, "the server's access list does not permit this"},
};

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
  const std::string_view first = std::string_view(r.text).substr(0, r.text.find(' '));
  errc code = errc::server_error;
  std::string_view words = "the server refused it";
  for (const meaning& m : meanings) {
    if (first != m.prefix) continue;
    code = m.code;
    words = m.words;
    break;
  }
  std::string detail(doing);
  detail += ": ";
  detail += words;
  return error(code, std::move(detail), r.text);
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
