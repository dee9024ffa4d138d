// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/store_url.hpp>

// The rights of the Redis user that mcpstate signs in as: the least that work. `doctor --acl` prints them, and doctor tries
// each of them. Pure.
namespace mcpstate {

struct acl_right {
  std::string_view name;     // as an ACL rule writes it behind its +: "get", "client|tracking"
  std::string_view purpose;  // what fails without it
  std::string_view trial;    // a command that needs just this right; @ stands for a key of ours. Never run, only queued
  bool managing = false;     // only processes that manage connections need it
};

// Of transactions, which all others are tried in: MULTI, and EXEC.
[[nodiscard]] std::span<const acl_right> transaction_rights();
// All others, at one server, the primary that Sentinels name, or each node of a cluster. durable: changes are confirmed by
// replicas. One may be there twice, for two purposes.
[[nodiscard]] std::vector<acl_right> store_rights(store_url::topology servers, bool durable);

// The words of a trial.
[[nodiscard]] std::vector<std::string> trial_words(const acl_right& one, const std::string& key);

// The arguments of ACL SETUSER that follow the user's name and password: keys, channels, rights.
struct acl_rules {
  std::vector<std::string> server;    // for the server, or each node
  std::vector<std::string> sentinel;  // for each Sentinel; empty unless the URL names Sentinels
};
[[nodiscard]] acl_rules least_rules(store_url::topology servers, bool durable, const std::string& prefix);

}  // namespace mcpstate
