// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

// The Lua scripts that run inside Redis (store/redis/scripts/*.lua, embedded in the program). Each file says what its KEYS
// and ARGV are and what it answers; script_call builds a call. Rules of all of them:
//  - A script is one atomic step. It declares every key that it may touch in KEYS.
//  - It reads and decides before its first write, because Redis does not roll back. Where the keys differ from what the caller
//    declared or read, it answers so ("members", "conflict", …) and writes nothing.
//  - The flags of its first line let a script that frees memory run on a full server (allow-oom), and a script that only reads
//    run where writes are refused (no-writes). No script may use several slots of a cluster.
//  - None receives or returns a tool list, because Lua hashes every byte that enters it. A large value is staged with SET and
//    moved with RENAME.
namespace mcpstate::redis_scripts {

// The name of the file.
enum class script_id {
  // records of one owner
  put,
  order,
  disconnect,
  disconnect_all,
  touch,
  erase,
  claim,
  claim_copy,
  claim_release,
  claim_close,
  restore,
  repair,
  // leases of managed connections, and the indexes beside them
  take_lease,
  renew_lease,
  end_lease,
  index_leases,
  index_owners,
  unheld,
  beat,
};

struct script {
  std::string_view text;
  std::string sha1;  // lower-case hex, as EVALSHA wants it
};

[[nodiscard]] const script& script_of(script_id id);
[[nodiscard]] std::span<const script> all_scripts();

// The text of an embedded script ("/put.lua") with the parts that it includes.
[[nodiscard]] std::optional<std::string_view> script_text(std::string_view path);

}  // namespace mcpstate::redis_scripts
