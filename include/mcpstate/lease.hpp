// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mcpstate/core/error.hpp>
#include <mcpstate/core/owner.hpp>

// Leases of managed connections. Any number of processes share a store. Each managed connection has one managing instance at
// a time: the one that holds its lease, which runs out on its own. Value types.
namespace mcpstate {

// One managed connection.
struct managed_name {
  managed_name(mcpstate::owner account, server_name name) : owner(std::move(account)), server(std::move(name)) {}
  mcpstate::owner owner;
  server_name server;
  // "user:42 github", for people.
  [[nodiscard]] std::string text() const { return owner.text() + " " + server.text(); }
  friend bool operator==(const managed_name&, const managed_name&) = default;
  friend auto operator<=>(const managed_name&, const managed_name&) = default;
};

// The right to manage one connection, until it runs out by the store's clock. No number is given twice (ADR 9). A write
// under an older lease is refused (change::require_lease).
struct lease {
  lease(managed_name connection, std::string instance, std::uint64_t nr)
      : name(std::move(connection)), holder(std::move(instance)), number(nr) {}
  managed_name name;
  std::string holder;  // instance_report::name
  std::uint64_t number;
  friend bool operator==(const lease&, const lease&) = default;
};

// What stands in the place of a session's lease when a claim has moved the connection to a user: a note to the instance that
// managed it, until the lease would have run out, at most claim_grace. It is the lease of nobody, and whoever asks for the
// lease gets it. The user's lease is that instance's for as long; it may go on there (renew_leases).
inline constexpr std::chrono::milliseconds claim_grace{2000};
[[nodiscard]] inline std::string claimed_note(const owner& user) { return "claimed=" + user.text(); }
// The user of such a note, by lease::holder. Absent: it is a lease.
[[nodiscard]] inline std::optional<owner> claimed_user(std::string_view holder) {
  if (!holder.starts_with("claimed=")) return std::nullopt;
  auto user = owner::parse(holder.substr(8));
  if (!user) return std::nullopt;
  return std::move(*user);
}

// How a lease is ended.
enum class lease_end {
  hand_over,  // another instance may take it at once
  over,       // the connection is managed no more
};

// What an instance reports about itself.
struct instance_report {
  instance_report() {}
  std::string name;     // unique per process; no secrets
  std::string address;  // where its HTTP API is, for people; may be empty
  // Which servers it can connect to, as a text to compare: equal for equal servers. At most 128 visible ASCII characters;
  // may be empty.
  std::string reach;
  std::uint64_t managed = 0;  // connections that it manages: leases it holds
  friend bool operator==(const instance_report&, const instance_report&) = default;
};

// All instances of a store, and the connections without one. A hint: the leases decide.
struct fleet {
  fleet() {}
  std::vector<instance_report> instances;  // by name, the asking one included; reports that have run out are left out
  std::uint64_t managed = 0;               // managed connections of all instances, those without one included
  std::vector<managed_name> unheld;        // some managed connections without a lease; at most 256
  // What of this could not be read, one error for each key or row: wrong_type or junk_record. The rest is answered.
  std::vector<error> faults;
};

// What a store has lost by itself since it was opened, as far as it can tell. Counts only grow. Where one grows, records may be
// gone that nobody has removed. A store that cannot lose anything, or cannot tell, counts nothing.
struct data_losses {
  data_losses() {}
  std::uint64_t replaced = 0;  // another server, or another copy of the data, answers than before: what it lacks is lost
  std::uint64_t flushed = 0;   // everything was removed at once (FLUSHALL, FLUSHDB)
  std::uint64_t evicted = 0;   // keys that the server has removed because it was full
  friend bool operator==(const data_losses&, const data_losses&) = default;
};

// What happens to a managed connection when the store has lost its record.
enum class loss_rule {
  by_cause,  // it is written again after another server answered; otherwise it is forgotten
  restore,   // it is written again, whatever the cause
  forget,    // its session is closed, as if somebody had removed the record
};

struct managed_page {
  managed_page() {}
  std::vector<managed_name> names;
  std::string cursor;  // pass it back for the next page; empty: that was all
};

}  // namespace mcpstate
