// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <vector>

// The Lua programs that run inside Redis. Each is one atomic step: it reads and checks everything first (a wrong type raises
// before anything was written), then writes. None of them ever receives or returns a tool list: Lua hashes every byte that
// enters it, so large values are staged with SET and moved with RENAME.
namespace mcpstate::redis_scripts {

struct script {
  std::string text;
  std::string sha1;  // lower-case hex, as EVALSHA wants it
};

// What a script is called with.
struct words {
  words() {}
  std::vector<std::string> keys, arguments;
};

// Writes any number of records of one owner, all or none.
//   KEYS  connections, servers, then per record: status, tools, connected_at, info, staging (the tools key again if nothing
//         is staged: an access list and a cluster judge every name here, an empty one too); at the end, of a write under a
//         lease only: the lease
//   ARGV  owner prefix, ttl ms, max lifetime ms (0: none), then per record: member, expected revision, expected status,
//         expected connected_at ("+bytes", or "-" for absent), new status, new connected_at ("" : none), tools action (keep
//         | replace | replace_empty | drop), info tail; at the end, if either is wanted: "keep" (the expiry stays as it is)
//         or
//         "", and how the lease's value must begin
//   answers {"ok", revision, expires_at ms, revision, expires_at ms, …}, {"conflict", member}, {"lease", member}, {"empty",
//         member} (an empty list would replace a good one) or {"staging", member} (the staged value is gone). Revisions are
//         decimal strings.
[[nodiscard]] const script& put();

// The same for every record of one owner at once: KEYS and ARGV as of put(), with one action more, "look": the record is
// only checked to be what it was, and not written.
//   answers as put() does, and {"conflict", member} for a member of the sets that is not among these.
[[nodiscard]] const script& put_all();

// Renews expiry.
//   KEYS  connections, servers;  ARGV  owner prefix, ttl ms, max lifetime ms (0: none), member ("" : all).
//   answers the number of records renewed.
[[nodiscard]] const script& touch();

// Removes everything of an owner.
//   KEYS  connections, servers;  ARGV  owner prefix.  Answers the number of records there were, and the members that
//   somebody had a lease of.
[[nodiscard]] const script& erase();

// Moves a session's records to a user.
//   KEYS  session connections, session servers, user connections, user servers
//   ARGV  session prefix, user prefix, ttl ms, max lifetime ms (0: none), session members expected (count), then per
//         session member:
//         member, "move" or "keep", session basis (revision, status, connected_at), user basis (the same three), status,
//         connected_at ("" : none), info tail
//   answers {"ok"} or {"conflict"}.
[[nodiscard]] const script& claim();

// A lease's value is "NUMBER LENGTH HOLDER REGISTERED", LENGTH that of HOLDER in bytes: nothing else begins as it does up to
// the end of HOLDER. It lives as long as the lease runs. Each of these programs writes one key.
//
// Takes a lease, or renews one's own.
//   KEYS  lease;  ARGV  holder, registered, time ms, the highest number that this holder was given so far.
//   answers {1, number} or {0, ms that another's still runs}.
[[nodiscard]] const script& take_lease();
//   KEYS  lease;  ARGV  how its value must begin, time ms, ttl ms.
//   answers 0 (lost), 1, or the registered name where its index has to be renewed, too.
[[nodiscard]] const script& renew_lease();
//   KEYS  lease, info;  ARGV  how its value must begin, the revision that the record is to have ("": any).
//   answers {} (it was not ours any more) or {registered, whether the record has another revision}.
[[nodiscard]] const script& end_lease();
// Notes in an index which leases are held, wait or are over; a connection is "user:42:github", encoded.
//   KEYS  managed (ZSET);  ARGV  ttl ms, "held" | "waits" | "over", ms that they run, members.
[[nodiscard]] const script& index_leases();
//   KEYS  managed;  ARGV  how many at most.  Answers {number of members, members whose lease has run out …}.
[[nodiscard]] const script& unheld();
//   KEYS  owners (SET);  ARGV  ttl ms, "SADD" | "SREM", members.
[[nodiscard]] const script& index_owners();
// Takes a report and answers all that hold: {name, kept, address, …}. A field's value is "UNTIL KEPT ADDRESS".
//   KEYS  instances (HASH);  ARGV  ttl ms, name, time ms (0: leaves), kept, address.
[[nodiscard]] const script& beat();

// Repairs one owner for doctor: ghosts out of connections, CONNECTED servers into both sets, expiry on everything.
//   KEYS  connections, servers;  ARGV  owner prefix, ttl ms, then the members that may be ghosts (seen twice) and strays.
//   answers the number of repairs.
[[nodiscard]] const script& repair();

}  // namespace mcpstate::redis_scripts
