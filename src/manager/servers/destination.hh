// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <optional>
#include <string>

#include <mcpstate/core/connection.hpp>
#include <mcpstate/manager/endpoint.hpp>
#include <mcpstate/manager/registry.hpp>
#include <mcpstate/mcp/era.hpp>
#include <mcpstate/mcp/target.hpp>

#include "manager/servers/target_secrets.hh"

// How a managed connection reaches its endpoint: the target, and under which rules. Pure.
namespace mcpstate {

struct destination {
  destination() {}
  mcp::target target;
  mcp::era_choice protocol = mcp::era_choice::automatic;
  mcp::egress_policy egress;
  std::optional<std::chrono::milliseconds> startup_timeout;  // registered_server::startup_timeout
  std::string registered, transport, url;                    // as they stand in the record
  secret_list secrets;                                       // registered_server::secrets
  std::string origin;  // scheme, host and port; "program NAME" for a registered program
};

// What a process lets its connections do.
struct destination_rules {
  destination_rules() {}
  mcp::era_choice protocol = mcp::era_choice::automatic;              // of endpoints by URL
  mcp::egress_policy egress = mcp::egress_policy::open();             // of registered servers
  mcp::egress_policy egress_for_urls = mcp::egress_policy::strict();  // of endpoints by URL
};

// The same text for the same endpoint, and another for every other.
[[nodiscard]] std::string endpoint_key(const endpoint& target);
// The endpoint of a record.
[[nodiscard]] endpoint endpoint_of(const details& info);
[[nodiscard]] endpoint endpoint_of(const destination& server);

// Every failure is cond::invalid: a URL that is none, holds secrets or is refused by the policy as it is written; a name
// that is not registered, is disabled or stands in an entry that is wrong.
[[nodiscard]] result<destination> find_destination(const endpoint& target, const destination_rules& rules,
                                                   const server_registry* servers);

// The set of endpoints that a process can find a destination for, as a digest (instance_report::reach): the same text for
// the same registered names and the same policy. A digest, because names may be of any length.
[[nodiscard]] std::string reach_of(const destination_rules& rules, const server_registry* servers);

// Whether every owner gets the same program: one whose command, variables and working directory are the same for all. What it
// stores where these lead (files, memory, logins) is then seen by all who use it.
[[nodiscard]] bool is_shared_program(const registered_server& server) noexcept;

// Whether both entries lead to the same server in the same way. Null: there is no entry.
[[nodiscard]] bool same_server(const registered_server* a, const registered_server* b);

}  // namespace mcpstate
