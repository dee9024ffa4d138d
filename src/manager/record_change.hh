// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>

#include <mcpstate/manager.hpp>

#include "manager/keeper_fsm.hh"
#include "manager/servers/destination.hh"

// What a keeper reads out of a record, and what it writes into it. Pure.
namespace mcpstate {

[[nodiscard]] keeper_fsm::sight sight_of(const std::optional<connection>& record, timestamp now);

// What an attempt or a session that failed says about the next one.
[[nodiscard]] keeper_fsm::trouble trouble_of(const error& why);

// As a record has it: one line, cut to a length that every page can show, without what looks like a secret. For the owner of
// the record only.
[[nodiscard]] std::string message_of(const error& why);

// CONNECTING, from whatever was there: what was known is kept if it leads to the same place.
[[nodiscard]] change order_of(const managed_name& of, const std::optional<connection>& before, const destination& there);

// What keepers write.
struct keeper_finding {
  keeper_finding() {}
  keeper_fsm::step what{keeper_fsm::step::kind::write};
  std::optional<destination> there;        // of the attempt, if it is known
  std::optional<mcp::server_facts> facts;  // of the session
  std::optional<tools_list> tools;         // the last list, if it is to be written
  std::optional<error> why;                // of a failure
};
[[nodiscard]] change change_of(const connection& before, const keeper_finding& found, const lease& under, timestamp now);

}  // namespace mcpstate
