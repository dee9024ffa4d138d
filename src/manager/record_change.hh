// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>

#include <mcpstate/change.hpp>
#include <mcpstate/core/connection.hpp>
#include <mcpstate/lease.hpp>
#include <mcpstate/mcp/client.hpp>

#include "manager/servers/destination.hh"
#include "manager/supervisor_fsm.hh"

// What a supervisor reads from a record, and what it writes into it. Pure.
namespace mcpstate {

[[nodiscard]] supervisor_fsm::record_view view_of(const std::optional<connection>& record, timestamp now);

// What the failure of an attempt or a session means for the next attempt.
[[nodiscard]] supervisor_fsm::failure_kind kind_of_failure(const error& reason);

// The error as the record has it: one line, cut to a length that any page can show, without anything that looks like a
// secret. It is for the owner of the record only.
[[nodiscard]] std::string failure_message(const error& reason);

// The change to CONNECTING, from whatever is recorded. What is known about the server stays if the endpoint is the same.
[[nodiscard]] change make_order(const managed_name& name, const std::optional<connection>& before,
                                const destination& server);

// Whether the store refused a write for its tools, and takes it without them.
[[nodiscard]] bool is_about_tools(const error& refusal);

// What a supervisor writes after an attempt, a check or a listing.
struct supervision_result {
  supervision_result() {}
  supervisor_fsm::step step{supervisor_fsm::step::kind::write};
  std::optional<destination> server;       // of the attempt, if it is known
  std::optional<mcp::server_facts> facts;  // of the session
  std::optional<tools_list> tools;         // the last list, if it is to be written
  std::optional<error> reason;             // of a failure; of a connection that is up, why its tools were not stored
};
[[nodiscard]] change make_change(const connection& before, const supervision_result& found, const lease& granted,
                                 timestamp now);

}  // namespace mcpstate
