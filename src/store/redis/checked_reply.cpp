// SPDX-License-Identifier: MIT
#include "store/redis/checked_reply.hh"

#include <utility>

namespace mcpstate {

using redis::reply;

namespace {

error unexpected(const reply& r, std::string_view doing) {
  if (r.is_error()) return redis::to_error(r, doing);
  return error(errc::protocol, std::string(doing) + ": the server answers another type of value than was asked for");
}

bool is_list(const reply& r) {
  return r.kind == reply::type::array || r.kind == reply::type::set || r.kind == reply::type::map;
}

}  // namespace

result<std::string_view> text_of(const reply& r, std::string_view doing) {
  if (r.is_null()) return std::string_view();
  if (!r.is_string()) return unexpected(r, doing);
  return std::string_view(r.text);
}

result<std::int64_t> number_of(const reply& r, std::string_view doing) {
  if (r.kind != reply::type::integer) return unexpected(r, doing);
  return r.integer;
}

result<std::vector<std::string>> texts_of(const reply& r, std::string_view doing) {
  if (!is_list(r)) return unexpected(r, doing);
  std::vector<std::string> out;
  out.reserve(r.items.size());
  for (const auto& item : r.items) {
    if (!item.is_string()) return unexpected(item, doing);
    out.push_back(item.text);
  }
  return out;
}

result<scanned> scanned_of(const reply& r, std::string_view doing) {
  if (!is_list(r) || r.items.size() != 2) return unexpected(r, doing);
  MCPSTATE_TRY(cursor, text_of(r.items[0], doing));
  scanned out;
  out.cursor = cursor;
  MCPSTATE_TRY(found, texts_of(r.items[1], doing));
  out.found = std::move(found);
  return out;
}

bool is_refusal(const error& e) noexcept { return e.code() == errc::auth_failed || e.code() == errc::server_error; }

}  // namespace mcpstate
