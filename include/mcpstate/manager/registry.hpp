// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/owner.hpp>
#include <mcpstate/mcp/client.hpp>

// The servers that the host knows: where each is, by name. Read from the JSON file that MCP hosts share:
//
//     {"mcpServers": {
//       "everything": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-everything"], "env": {"KEY":
//       "${KEY}"}}, "github":     {"url": "https://api.example/mcp", "headers": {"Authorization": "Bearer ${GITHUB_TOKEN}"}}
//     }}
//
// Also read, per server: "type" or "transport" ("stdio", "http", "streamable-http", "sse"), "cwd", "protocol" (auto, modern,
// legacy, sse), "disabled" (true: nobody may connect). Members that we do not know are kept out and told. ${NAME} and
// ${NAME:-default} in strings stand for environment variables; one that is not set and has no default is an error.
namespace mcpstate {

struct registered_server {
  registered_server() {}
  mcp::target where;
  mcp::era_choice protocol = mcp::era_choice::automatic;
  bool disabled = false;
  // For people and for records: "http", "sse" or "stdio", and the URL without its secrets (stdio: the program's name alone).
  std::string transport, shown;
  // What is hidden where the server's own words are shown, longest first: the values of env, headers and the query of the
  // URL, what ${…} stood for, and what follows an argument like --token. Not those that are too short to be told from words.
  std::shared_ptr<const std::vector<std::string>> secrets;
};

// Value type; immutable after parse(). Holds secrets (headers, env): never print a target of it.
class server_registry {
 public:
  using variable_lookup = std::function<std::optional<std::string>(const std::string& name)>;

  // bad_argument names the server and the member that is wrong, never a value.
  [[nodiscard]] static result<server_registry> parse(std::string_view json, const variable_lookup& variable);

  [[nodiscard]] const registered_server* find(const std::string& name) const;
  [[nodiscard]] const std::map<std::string, registered_server>& all() const noexcept { return servers_; }
  // One line each: a member that was not understood.
  [[nodiscard]] const std::vector<std::string>& remarks() const noexcept { return remarks_; }

 private:
  std::map<std::string, registered_server> servers_;
  std::vector<std::string> remarks_;
};

}  // namespace mcpstate
