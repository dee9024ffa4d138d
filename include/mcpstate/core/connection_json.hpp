// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include <mcpstate/core/connection.hpp>

// The JSON object by which the command line and the HTTP API show a connection. docs/http.md lists its members.
//
// Both functions are pure, safe from any thread, and throw only std::bad_alloc.
namespace mcpstate {

// owner, server, status, revision, then what is known. An unknown status is left out, and error says why. Tools come last, byte for byte. Times are ISO 8601 in UTC. Tools that
// are no JSON array are left out, so the answer is always valid JSON.
[[nodiscard]] std::string to_json(const connection& c);

// Appends the same object without its tools and without its closing brace. Whoever sends a large list from where it is
// appends `,"tools":`, the list and the brace. The list is not checked here.
void append_connection_head(std::string& out, const connection& c);

}  // namespace mcpstate
