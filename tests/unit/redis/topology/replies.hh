// SPDX-License-Identifier: MIT
#pragma once
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "redis/reply.hh"

// Replies as values, for tests.
namespace mcpstate::redis {

inline reply nil() { return reply(); }
inline reply text_reply(reply::type kind, std::string text) {
  reply out;
  out.kind = kind;
  out.text = std::move(text);
  return out;
}
inline reply str(std::string text) { return text_reply(reply::type::string, std::move(text)); }
inline reply err(std::string text) { return text_reply(reply::type::error, std::move(text)); }
inline reply num(std::int64_t n) {
  reply out;
  out.kind = reply::type::integer;
  out.integer = n;
  return out;
}
inline reply items(reply::type kind, std::vector<reply> all) {
  reply out;
  out.kind = kind;
  out.items = std::move(all);
  return out;
}
inline reply arr(std::vector<reply> all) { return items(reply::type::array, std::move(all)); }
inline reply dict(std::vector<reply> all) { return items(reply::type::map, std::move(all)); }
inline const reply ok = str("OK");

}  // namespace mcpstate::redis
