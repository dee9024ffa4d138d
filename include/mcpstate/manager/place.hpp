// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <utility>

namespace mcpstate {

// Where a connection leads: a server that the host has registered, or a URL.
struct place {
  std::string registered;  // empty: url
  std::string url;         // without user-info and query: records are read by many, secrets belong into the registry
};
[[nodiscard]] inline place by_registration(std::string name) { return place{std::move(name), {}}; }
[[nodiscard]] inline place by_url(std::string url) { return place{{}, std::move(url)}; }

}  // namespace mcpstate
