// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include "redis/reply.hh"

namespace mcpstate::redis {

// A reply as one line, every part of it: "[1 'x' null {'k' 2}]".
inline std::string show(const reply& r) {
  const auto all = [&](const char* open, const char* close) {
    std::string out = open;
    for (const reply& item : r.items) out += (out.size() > 1 ? " " : "") + show(item);
    return out + close;
  };
  switch (r.kind) {
    case reply::type::null:
      return "null";
    case reply::type::boolean:
      return r.integer != 0 ? "true" : "false";
    case reply::type::integer:
      return std::to_string(r.integer);
    case reply::type::real:
      return "real:" + r.text;
    case reply::type::string:
      return "'" + r.text + "'";
    case reply::type::error:
      return "error:" + r.text;
    case reply::type::array:
      return all("[", "]");
    case reply::type::map:
      return all("{", "}");
    case reply::type::set:
      return all("<", ">");
    case reply::type::push:
      return all("!", "!");
  }
  return "?";
}

}  // namespace mcpstate::redis
