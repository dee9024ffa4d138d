// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/owner.hpp>
#include <mcpstate/mcp/era.hpp>
#include <mcpstate/mcp/target.hpp>

// The servers that the host knows, by name. Read from the JSON file that MCP hosts share:
//
//     {"mcpServers": {
//       "everything": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-everything"]},
//       "notes": {"command": "notes-server", "env": {"KEY": "${KEY}"}},
//       "github": {"url": "https://api.example/mcp", "headers": {"Authorization": "Bearer ${GITHUB_TOKEN}"}}
//     }}
//
// Also read, per server: "type" or "transport" ("stdio", "http", "streamable-http", "sse"), "cwd", "protocol" ("auto",
// "modern", "legacy", "sse"), "disabled" (true), "enabled", "isActive" and the like (false: nobody may connect), and of a
// program "startup_timeout_sec", or "timeout" as other hosts write it: seconds, and from 1,000 on milliseconds. Unknown
// members are ignored and reported in remarks(). ${NAME} and ${NAME:-default} in strings stand for variables: those of the
// entry's own "env", then those of the environment. One that is not set and has no default is an error of its entry.
//
// A wrong entry fails alone: registered_server::fault says why. A file without any entry that can be used is refused.
namespace mcpstate {

struct registered_server {
  registered_server() {}
  mcp::target target;
  mcp::era_choice protocol = mcp::era_choice::automatic;
  bool disabled = false;
  // A program: how long it may be silent when it is started. Absent: what the manager's options say.
  std::optional<std::chrono::milliseconds> startup_timeout;
  // Why nobody can connect: what is wrong with the entry, without values. Empty: nothing. target is empty then.
  std::string fault;
  // For people and for records: "http", "sse" or "stdio", and the URL without its secrets (stdio: the program's name alone).
  std::string transport, shown;
  // What is hidden wherever the server's own words are shown, longest first: the values of env, of headers and of the URL's
  // query, what ${…} stood for, and what follows an argument like --token. Values that are too short to be told from words
  // are not among them.
  std::shared_ptr<const std::vector<std::string>> secrets;
};

// A value type; immutable after parse(), so that several threads may read it. Holds secrets (headers, env): never print a
// target of it. Nothing throws but std::bad_alloc and what `variable` throws.
class server_registry {
 public:
  // The value of an environment variable; absent: it is not set. An empty function: none is set.
  using variable_lookup = std::function<std::optional<std::string>(const std::string& name)>;

  // Reads the text of a file of at most 4 MB. Failure: invalid (bad_argument) for what is no such file and when no entry can
  // be used; the detail names the server and the member that is wrong, never a value.
  [[nodiscard]] static result<server_registry> parse(std::string_view json, const variable_lookup& variable);

  // Null: no server has this name. Valid as long as this registry.
  [[nodiscard]] const registered_server* find(const std::string& name) const;
  [[nodiscard]] const std::map<std::string, registered_server>& all() const noexcept { return servers_; }
  // The members that were ignored, one line each.
  [[nodiscard]] const std::vector<std::string>& remarks() const noexcept { return remarks_; }

 private:
  std::map<std::string, registered_server> servers_;
  std::vector<std::string> remarks_;
};

}  // namespace mcpstate
