// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/core/connection.hpp>
#include <mcpstate/core/record.hpp>
#include <mcpstate/lease.hpp>

// What a claim on a cluster has read, and what it does about each record (store/redis/claim_cluster.cpp has the steps). Pure.
namespace mcpstate {

// What the intent says about a record that was copied.
struct noted_copy {
  noted_copy() {}
  std::uint64_t session = 0, user = 0;  // its revision there
};
// "SESSION USER"; absent for anything else.
[[nodiscard]] std::optional<noted_copy> read_noted(const std::string& text);

// A member of the session.
struct claimed_member {
  claimed_member() {}
  raw_record at_session, at_user;
  std::optional<connection> session_record, user_record;
  std::optional<lease> session_lease;  // that runs
  std::chrono::milliseconds lease_left{0};
  std::optional<noted_copy> noted;
  std::string staged;  // the key of its tools; empty: there are none
  enum class step {
    move,    // copy it to the user, and release it
    keep,    // the user's own record wins: only release it
    copied,  // the user has it already: only release it
  } what = step::keep;
};
// Decides what is done.
void plan_member(claimed_member& of);

struct claim_plan {
  claim_plan(owner from, owner to) : session(std::move(from)), user(std::move(to)) {}
  owner session, user;
  std::vector<claimed_member> members;
  std::map<std::string, std::string> intent;  // by member
};

}  // namespace mcpstate
