// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/store.hpp>

// The rules of leases over any table, which memory and SQLite share, so that neither has a behaviour of its own. As with
// row_steps, nothing else uses the table during a step.
namespace mcpstate {

// One managed connection. Its row stays when the lease runs out, so that another instance finds and takes it.
struct lease_row {
  explicit lease_row(managed_name connection) : name(std::move(connection)) {}
  managed_name name;
  std::string holder;  // empty: it was handed over
  std::uint64_t number = 0;
  timestamp until{};       // of the lease; whole milliseconds
  std::string registered;  // may be empty
  timestamp forget_at{};   // when the connection is managed no more because no instance has taken it
};

// Synchronous; used by one thread at a time. Rows and reports that have run out stay until they are purged.
class lease_table {
 public:
  virtual ~lease_table() = default;
  virtual result<std::optional<lease_row>> find_lease(const managed_name& name) = 0;
  virtual result<bool> write_lease(const lease_row& row) = 0;
  virtual result<bool> remove_lease(const managed_name& name) = 0;
  virtual result<bool> remove_leases(const owner& account) = 0;
  // The last number that any lease was given.
  virtual result<std::uint64_t> last_lease_number() = 0;
  virtual result<bool> set_last_lease_number(std::uint64_t number) = 0;
  virtual result<std::uint64_t> count_managed() = 0;
  // Connections whose lease has run out by now, those that have waited longest first.
  virtual result<std::vector<managed_name>> unheld(timestamp now, std::size_t limit) = 0;
  // The rows that the last unheld() passed over because they name no connection: at most a few errors. Once.
  virtual std::vector<error> take_faults() { return {}; }
  // Connections registered under this name, in order, those behind `after` only.
  virtual result<std::vector<managed_name>> registered_as(const std::string& name, const std::optional<managed_name>& after,
                                                          std::size_t limit) = 0;
  // Until when this report holds, word for word; absent: another one is there, or none.
  virtual result<std::optional<timestamp>> report_end(const instance_report& report) = 0;
  virtual result<bool> write_instance(const instance_report& report, timestamp until) = 0;
  virtual result<bool> remove_instance(const std::string& name) = 0;
  virtual result<std::vector<instance_report>> instances() = 0;  // by name
  // Whether purge_leases() would remove anything.
  virtual result<bool> has_ended(timestamp now) = 0;
  // Removes rows whose forget_at has come, and reports that have run out.
  virtual result<bool> purge_leases(timestamp now) = 0;
};

class lease_steps {
 public:
  lease_steps(lease_table& table, std::chrono::milliseconds ttl, timestamp now) : table_(table), ttl_(ttl), now_(now) {}

  result<std::optional<lease>> take(const managed_name& name, const std::string& holder, const std::string& registered,
                                    std::chrono::milliseconds time);
  result<std::vector<lease>> renew(const std::vector<lease>& granted, std::chrono::milliseconds time);
  result<bool> end(const lease& granted, lease_end outcome);
  // The lease of a connection that a claim moves goes to the same holder, with a larger number; without one the connection
  // waits for an instance. Answers the note that stands in the place of the session's lease, for write_note().
  result<std::optional<lease_row>> claim(const managed_name& at_session, const managed_name& at_user,
                                         const std::string& registered);
  result<bool> write_note(const lease_row& note) { return table_.write_lease(note); }
  result<std::optional<lease>> lease_of(const managed_name& name);
  // lease_lost unless this lease is valid.
  result<bool> expect(const lease& granted);
  result<fleet> beat(const instance_report& report, std::chrono::milliseconds time);
  // What beat() answers where it has nothing to write; else absent. Writes nothing.
  result<std::optional<fleet>> beat_without_write(const instance_report& report, std::chrono::milliseconds time);
  result<managed_page> managed_of(const std::string& registered, const std::string& cursor);

 private:
  result<std::optional<lease_row>> running(const managed_name& name);
  result<std::optional<lease_row>> running(const lease& one);
  result<fleet> read_fleet();
  void extend(lease_row& row, std::chrono::milliseconds time) const;
  lease_table& table_;
  std::chrono::milliseconds ttl_;
  timestamp now_;
};

}  // namespace mcpstate
