// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <utility>

namespace mcpstate {

// Where a connection leads: a server that the host has registered, or a URL. A value; making one checks nothing:
// manager::connect() reports what is wrong with it.
struct endpoint {
  endpoint() {}
  endpoint(std::string server, std::string address) : registered(std::move(server)), url(std::move(address)) {}
  std::string registered;  // the server's name in the registry; empty: url counts
  std::string url;         // http or https, without user-info and query: many may read the record, so that a URL with a
                           // secret in it is refused; a server that needs one is registered
};
[[nodiscard]] inline endpoint by_registration(std::string name) { return endpoint(std::move(name), {}); }
[[nodiscard]] inline endpoint by_url(std::string url) { return endpoint({}, std::move(url)); }

}  // namespace mcpstate
