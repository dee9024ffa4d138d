// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include <mcpstate/core/connection.hpp>
#include <mcpstate/manager/place.hpp>
#include <mcpstate/manager/registry.hpp>
#include <mcpstate/mcp/era.hpp>
#include <mcpstate/mcp/target.hpp>

#include "manager/servers/target_secrets.hh"

// Where a managed connection leads, and what it takes to get there. Pure.
namespace mcpstate {

struct destination {
  destination() {}
  mcp::target where;
  mcp::era_choice protocol = mcp::era_choice::automatic;
  mcp::egress_policy egress;
  std::string registered, transport, url;  // as recorded
  secret_list secrets;                     // registered_server::secrets
  std::string origin;                      // scheme, host and port; the name of a registered program
};

// What a process lets its connections do.
struct destination_rules {
  destination_rules() {}
  mcp::era_choice protocol = mcp::era_choice::automatic;              // of places by URL
  mcp::egress_policy egress;                                          // of registered servers
  mcp::egress_policy egress_for_urls = mcp::egress_policy::strict();  // of places by URL
};

// The same text for the same place.
[[nodiscard]] std::string place_key(const place& where);
// Of a record.
[[nodiscard]] place place_of(const details& info);

// All are cond::invalid: a URL that is none, has secrets in it or is refused by its looks, a name that nobody registered or
// that is disabled.
[[nodiscard]] result<destination> find_destination(const place& where, const destination_rules& rules,
                                                   const server_registry* servers);

// What a process can find a destination for (instance_report::reach): the same text for the same names and policy. A digest,
// as names may be of any length.
[[nodiscard]] std::string reach_of(const destination_rules& rules, const server_registry* servers);

// Whether both lead to the same server in the same way.
[[nodiscard]] bool same_server(const registered_server* a, const registered_server* b);

}  // namespace mcpstate
