// SPDX-License-Identifier: MIT
#include "cli/view/doctor_advice.hh"

#include <algorithm>

namespace mcpstate::cli {

namespace {

constexpr std::string_view fix = "mcpstate doctor --fix";
constexpr std::string_view policy = "redis-cli CONFIG SET maxmemory-policy noeviction && redis-cli CONFIG REWRITE";
constexpr std::string_view append_only = "redis-cli CONFIG SET appendonly yes && redis-cli CONFIG REWRITE";

constexpr check_advice none{"", "other", "", ""};

constexpr check_advice known_advice[] = {
    {"reachable", "connection", "Nothing can be read or written while the store does not answer.", ""},
    {"examination", "connection", "The examination ended before everything was looked at.", "mcpstate doctor"},
    {"latency", "connection", "Each list, connect and call waits at least this long for the store.",
     "redis-cli --latency-history"},
    {"auth", "connection", "Who reaches the server without a password reads and changes every connection.",
     "mcpstate doctor --acl"},
    {"acl", "connection", "What needs a right that is missing fails when it is used.", "mcpstate doctor --acl"},
    {"acl_managing", "connection", "`serve` needs them; commands and programs that only record do not.",
     "mcpstate doctor --acl"},
    {"tls", "connection", "Without TLS everybody on the way reads the state, and the password.",
     "mcpstate doctor --store rediss://…"},
    {"version", "server", "Redis 7.0 and later, and Valkey, are supported.", ""},
    {"info", "server", "Without INFO nobody knows whether the state outlives a restart.", "mcpstate doctor --acl"},
    {"role", "server", "A replica refuses writes, and may be behind.", "redis-cli ROLE"},
    {"persistence", "server", "What is not on disk is gone when the server restarts.", append_only},
    {"last_save", "server", "A crash loses the changes since the last snapshot.", "redis-cli BGSAVE"},
    {"eviction", "server", "A server that evicts drops connections that are up.", policy},
    {"evicted", "server", "Some of them may have been connections of your users.", policy},
    {"memory", "server", "A full server refuses writes: nobody can connect.", "redis-cli CONFIG SET maxmemory 4gb"},
    {"fragmentation", "server", "Memory is taken that holds nothing.", "redis-cli MEMORY PURGE"},
    {"clients", "server", "At the limit the server refuses connections of processes that restart.",
     "redis-cli CONFIG SET maxclients 20000"},
    {"replication", "server", "A failover loses what its new primary has not received.", "redis-cli INFO replication"},
    {"min_replicas", "server", "A primary that is cut off goes on taking writes that the failover throws away.",
     "redis-cli CONFIG SET min-replicas-to-write 1 && redis-cli CONFIG REWRITE"},
    {"cluster", "server", "Owners whose slot nobody has can neither be read nor written.",
     "redis-cli --cluster check HOST:PORT"},
    {"node", "server", "Owners of its slots can neither be read nor written until a replica takes over.",
     "redis-cli --cluster check HOST:PORT"},
    {"file_integrity", "server", "A damaged file loses records.", "sqlite3 FILE .recover"},
    {"journal_mode", "server", "Readers and the writer wait for each other.", ""},
    {"file_permissions", "server", "Other users of this machine read the state.", "chmod 600 FILE"},
    {"file_size", "server", "", ""},
    {"unexamined", "data", "Nothing is known of these keys: they may be all right. Do not delete them.",
     "mcpstate doctor --acl"},
    {"wrong_type", "data", "Another program has put something else where mcpstate stores its state.",
     "redis-cli RENAME KEY old:KEY"},
    {"no_expiry", "data", "A key without an expiry is never cleaned up.", fix},
    {"set_expires_early", "data", "Connections leave the list before they expire.", fix},
    {"ghosts", "data", "Programs that read only the set believe in connections that are not up.", fix},
    {"not_in_connections", "data", "Programs that read only the set do not see these connections.", fix},
    {"not_in_servers", "data", "Listing an owner takes one more read until mcpstate writes the record.", fix},
    {"expired_names", "data", "Harmless: a name costs some bytes until its set expires.", ""},
    {"no_connected_at", "data", "Readers cannot say since when they are connected.", ""},
    {"stale_connected_at", "data", "Harmless: readers ignore it.", ""},
    {"junk_status", "data", "Nobody can say whether these connections are up.", "mcpstate set OWNER SERVER STATUS"},
    {"junk_info", "data", "The finer state of these connections is lost; status and tools count.", fix},
    {"junk_lease", "data", "The connection is taken over when its lease key expires.", ""},
    {"tools_too_long", "data", "Readers get no tools of these servers.", "mcpstate tools OWNER SERVER --refresh"},
    {"tools_not_a_list", "data", "Readers fail on these tools, or show none.", "mcpstate tools OWNER SERVER --refresh"},
    {"foreign_names", "data", "Harmless: they are shown as they are.", ""},
    {"unknown_keys", "data", "Another program uses the same prefix.", ""},
    {"unmanaged", "data", "No instance manages these connections.", fix},
    {"misplaced_entries", "data", "An instance looks at them for nothing.", fix},
    {"sizes", "data", "", ""},
    {"largest_owners", "data", "Each list of these owners takes the longest.", ""},
    {"largest_tools", "data", "Each list with tools carries these bytes.", ""},
    {"shared_tools", "data", "", ""},
    {"expiring_soon", "data", "Who does not use a connection for its time to live finds it gone.",
     "mcpstate touch OWNER SERVER"},
    {"records", "data", "", ""},
    {"every_record_expires", "data", "A record without an expiry is never cleaned up.", fix},
    {"names_encoded", "data", "A name that is not encoded may reach another record.", ""},
    {"owners_readable", "data", "The records of these owners are passed over.", ""},
    {"records_readable", "data", "These records are shown with what can be read of them.", ""},
    {"revisions", "data", "Writes to these records cannot be told apart.", fix},
    {"status_and_time_agree", "data", "Readers cannot say since when these are connected.", ""},
    {"tools_intact", "data", "The tools are not those that the server sent.", "mcpstate tools OWNER SERVER --refresh"},
    {"expired_records", "data", "Harmless: the next writes remove them.", fix},
    {"clock", "host", "Times that other programs write are off by this, and expiry comes early or late.",
     "timedatectl set-ntp true"},
    {"open_files", "host", "Each client of `serve` takes one; at the limit it refuses clients.",
     "systemctl edit mcpstate  # [Service] LimitNOFILE=65536"},
    {"shared_programs", "servers", "Owners share what such a program holds.", ""},
    {"servers_file", "servers", "The server cannot be connected to until its entry is right.", "mcpstate servers"},
};

}  // namespace

const check_advice& advice_about(std::string_view check) {
  const auto found =
      std::find_if(std::begin(known_advice), std::end(known_advice), [&](const auto& one) { return one.check == check; });
  return found == std::end(known_advice) ? none : *found;
}

}  // namespace mcpstate::cli
