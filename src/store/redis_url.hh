// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/store_url.hpp>

// The part of store_url that reads URLs of Redis. Pure.
namespace mcpstate {

// What a scheme such as "rediss-sentinel" says.
struct redis_scheme {
  store_url::topology servers = store_url::topology::single;
  bool tls = false;
  bool unix_socket = false;
};
// scheme: in lower case. Absent: it is no scheme of Redis.
[[nodiscard]] std::optional<redis_scheme> read_redis_scheme(std::string_view scheme);

// scheme: as it was written, in lower case, for errors. rest: what follows its colon. Failure: bad_url, without any part of
// the URL but the scheme.
[[nodiscard]] result<store_url> parse_redis_url(const redis_scheme& kind, const std::string& scheme, std::string_view rest);

}  // namespace mcpstate
