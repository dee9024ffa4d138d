// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The header WWW-Authenticate (RFC 9110, 11.6.1), in which a server that refuses a request says which credentials it wants.
// Pure. Bounded: it reads 16 KiB, 16 challenges, and 32 parameters of each, and ignores the rest.
//
// All texts are the server's own words. Servers write the header carelessly, and it is read so: commas may be missing, and a
// value that needs quotes may lack them.
namespace mcpstate::http {

struct auth_challenge {
  auth_challenge() {}
  std::string scheme;                                           // lower case: "bearer"
  std::string token68;                                          // what some schemes have in place of parameters
  std::vector<std::pair<std::string, std::string>> parameters;  // names in lower case, values without quotes; no name twice
  // The value of a parameter; name is in lower case.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
};

// All challenges in all values of the header, in their order. A parameter that no scheme stands before, that comes again, or
// whose quotes do not end is left out.
[[nodiscard]] std::vector<auth_challenge> parse_www_authenticate(std::span<const std::string> values);

// What a Bearer challenge says (RFC 6750, RFC 9728); absent is not the same as empty.
struct bearer_challenge {
  bearer_challenge() {}
  std::optional<std::string> resource_metadata;  // a URL, not checked
  std::optional<std::string> scope;
  std::optional<std::string> error;  // invalid_token, insufficient_scope, …
  std::optional<std::string> error_description;
};

// The first Bearer challenge that names its metadata, else the first Bearer challenge.
[[nodiscard]] std::optional<bearer_challenge> find_bearer(const std::vector<auth_challenge>& challenges);

}  // namespace mcpstate::http
