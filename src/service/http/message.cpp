// SPDX-License-Identifier: MIT
#include "service/http/message.hh"

#include <array>

namespace mcpstate::service {

namespace {

struct named_method {
  http_method value;
  std::string_view name;
};
constexpr std::array<named_method, 6> methods{{{http_method::get, "GET"},
                                               {http_method::head, "HEAD"},
                                               {http_method::post, "POST"},
                                               {http_method::put, "PUT"},
                                               {http_method::del, "DELETE"},
                                               {http_method::options, "OPTIONS"}}};

struct named_status {
  unsigned code;
  std::string_view phrase;
};
constexpr std::array<named_status, 28> phrases{{{200, "OK"},
                                                {202, "Accepted"},
                                                {204, "No Content"},
                                                {304, "Not Modified"},
                                                {400, "Bad Request"},
                                                {401, "Unauthorized"},
                                                {403, "Forbidden"},
                                                {404, "Not Found"},
                                                {405, "Method Not Allowed"},
                                                {408, "Request Timeout"},
                                                {409, "Conflict"},
                                                {412, "Precondition Failed"},
                                                {413, "Content Too Large"},
                                                {414, "URI Too Long"},
                                                {415, "Unsupported Media Type"},
                                                {417, "Expectation Failed"},
                                                {421, "Misdirected Request"},
                                                {422, "Unprocessable Content"},
                                                {429, "Too Many Requests"},
                                                {431, "Request Header Fields Too Large"},
                                                {500, "Internal Server Error"},
                                                {501, "Not Implemented"},
                                                {502, "Bad Gateway"},
                                                {503, "Service Unavailable"},
                                                {504, "Gateway Timeout"},
                                                {505, "HTTP Version Not Supported"},
                                                {507, "Insufficient Storage"},
                                                {201, "Created"}}};

}  // namespace

std::string_view name_of(http_method method) noexcept {
  for (const auto& known : methods) {
    if (known.value == method) return known.name;
  }
  return "OTHER";
}

http_method method_of(std::string_view text) noexcept {
  for (const auto& known : methods) {
    if (known.name == text) return known.value;
  }
  return http_method::other;
}

std::size_t http_response::size() const noexcept {
  std::size_t out = body.empty() ? static_body.size() : body.size();
  for (const auto& insert : inserts) out += insert.bytes->size();
  return out;
}

std::vector<std::string_view> http_response::pieces() const {
  std::vector<std::string_view> out;
  out.reserve(2 * inserts.size() + 1);
  const auto add = [&out](std::string_view piece) {
    if (!piece.empty()) out.push_back(piece);
  };
  const std::string_view text = body.empty() ? static_body : std::string_view(body);
  std::size_t done = 0;
  for (const auto& insert : inserts) {
    add(text.substr(done, insert.offset - done));
    add(*insert.bytes);
    done = insert.offset;
  }
  add(text.substr(done));
  return out;
}

std::string_view reason_phrase(unsigned status) noexcept {
  for (const auto& known : phrases) {
    if (known.code == status) return known.phrase;
  }
  return "Status";
}

}  // namespace mcpstate::service
