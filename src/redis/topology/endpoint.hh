// SPDX-License-Identifier: MIT
#pragma once
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

// Where the nodes of a cluster are, as they say it and as we reach them. Pure.
namespace mcpstate::redis {

// Where a node is reached. Host names are in lower case, IPv6 addresses without brackets.
struct endpoint {
  endpoint() {}
  endpoint(std::string name, std::uint16_t number) : host(std::move(name)), port(number) {}
  std::string host;
  std::uint16_t port = 0;
  friend auto operator<=>(const endpoint&, const endpoint&) = default;
};

// For people: "localhost:6379", "[::1]:6379".
[[nodiscard]] std::string shown(const endpoint& at);

// What a node says about where another is.
struct announced_endpoint {
  enum class naming {
    given,      // by a name or an address
    same_host,  // on the host of the node that says it, as far as that node knows
    unknown,    // not known to that node; only another can say
  };
  announced_endpoint() {}
  naming kind = naming::unknown;
  std::string host;  // of given
  std::uint16_t port = 0;
};

// A host and a port as a node announces them: no host means the same host, "?" an unknown one. What cannot be a host, and
// port 0, are unknown too: nobody is ever sent there.
[[nodiscard]] announced_endpoint announce(std::string_view host, std::uint64_t port);
// "host:port" of a redirect. The port stands behind the last colon: IPv6 addresses come without brackets, too.
[[nodiscard]] announced_endpoint announce(std::string_view host_and_port);

// Addresses inside the network of a cluster, and how they are reached from outside.
class nat_map {
 public:
  // "internal:port=external:port,…"; an empty text is an empty map. Failure: bad_argument, for what is no such list and for
  // an internal address that comes twice.
  [[nodiscard]] static result<nat_map> parse(std::string_view text);
  void add(const endpoint& internal, endpoint external) { ways_.insert_or_assign(internal, std::move(external)); }
  // The way from outside; the same endpoint when the map does not have it.
  [[nodiscard]] endpoint outside(endpoint inside) const;
  [[nodiscard]] bool empty() const noexcept { return ways_.empty(); }

 private:
  std::map<endpoint, endpoint> ways_;
};

// Where to connect when the node that was reached at `asked` announces this; absent when it is unknown.
[[nodiscard]] std::optional<endpoint> resolve(const announced_endpoint& said, const endpoint& asked, const nat_map& nat);

}  // namespace mcpstate::redis
