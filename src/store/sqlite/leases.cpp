// SPDX-License-Identifier: MIT
#include "store/sqlite/leases.hh"

#include <utility>

namespace mcpstate {

namespace {

result<managed_name> name_of(std::int64_t kind, const std::string& id, const std::string& server) {
  auto account = owner::make(kind == 0 ? owner_kind::user : owner_kind::session, id);
  auto name = server_name::parse(server);
  if (!account || !name) return error(errc::junk_record, "a lease of the file names no owner and server");
  return managed_name(std::move(*account), std::move(*name));
}

// The names in the first three columns of the rows.
result<std::vector<managed_name>> names(sqlite_query& q) {
  std::vector<managed_name> out;
  for (;;) {
    MCPSTATE_TRY(more, q.step());
    if (!more) return out;
    MCPSTATE_TRY(one, name_of(q.integer(0), q.bytes(1), q.bytes(2)));
    out.push_back(std::move(one));
  }
}

}  // namespace

result<std::optional<lease_row>> sqlite_leases::find_lease(const managed_name& name) {
  sqlite_query q(db_,
                 "SELECT holder, number, until, registered, forget_at FROM leases WHERE kind = ? AND id = ? AND server = ?");
  MCPSTATE_TRY(found, q.bind(name.owner).bind(name.server.text()).step());
  if (!found) return std::optional<lease_row>();
  lease_row row(name);
  row.holder = q.bytes(0);
  row.number = static_cast<std::uint64_t>(q.integer(1));
  row.until = q.time(2);
  row.registered = q.bytes(3);
  row.forget_at = q.time(4);
  return std::optional<lease_row>(std::move(row));
}

result<bool> sqlite_leases::write_lease(const lease_row& row) {
  sqlite_query q(db_,
                 "INSERT INTO leases (kind, id, server, holder, number, until, registered, forget_at) "
                 "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET holder = excluded.holder, "
                 "number = excluded.number, until = excluded.until, registered = excluded.registered, "
                 "forget_at = excluded.forget_at");
  q.bind(row.name.owner).bind(row.name.server.text()).bind(row.holder);
  q.bind(static_cast<std::int64_t>(row.number)).bind(row.until).bind(row.registered);
  return q.bind(row.forget_at).run();
}

result<bool> sqlite_leases::remove_lease(const managed_name& name) {
  sqlite_query q(db_, "DELETE FROM leases WHERE kind = ? AND id = ? AND server = ?");
  return q.bind(name.owner).bind(name.server.text()).run();
}

result<bool> sqlite_leases::remove_leases(const owner& account) {
  sqlite_query q(db_, "DELETE FROM leases WHERE kind = ? AND id = ?");
  return q.bind(account).run();
}

result<std::uint64_t> sqlite_leases::last_lease_number() {
  MCPSTATE_TRY(value, db_.number("SELECT value FROM meta WHERE name = 'lease_number'"));
  return static_cast<std::uint64_t>(value);
}

result<bool> sqlite_leases::set_last_lease_number(std::uint64_t number) {
  sqlite_query q(db_, "UPDATE meta SET value = ? WHERE name = 'lease_number'");
  return q.bind(static_cast<std::int64_t>(number)).run();
}

result<std::uint64_t> sqlite_leases::count_managed() {
  MCPSTATE_TRY(count, db_.number("SELECT count(*) FROM leases"));
  return static_cast<std::uint64_t>(count);
}

result<std::vector<managed_name>> sqlite_leases::unheld(timestamp now, std::size_t limit) {
  sqlite_query q(db_, "SELECT kind, id, server FROM leases WHERE until <= ? ORDER BY until LIMIT ?");
  q.bind(now).bind(static_cast<std::int64_t>(limit));
  return names(q);
}

result<std::vector<managed_name>> sqlite_leases::registered_as(const std::string& name,
                                                               const std::optional<managed_name>& after, std::size_t limit) {
  sqlite_query q(db_,
                 "SELECT kind, id, server FROM leases WHERE registered = ? AND (kind, id, server) > (?, ?, ?) "
                 "ORDER BY kind, id, server LIMIT ?");
  q.bind(name).bind_after(after ? &after->owner : nullptr);
  q.bind(after ? std::string_view(after->server.text()) : "").bind(static_cast<std::int64_t>(limit));
  return names(q);
}

result<std::optional<timestamp>> sqlite_leases::report_end(const instance_report& report) {
  sqlite_query q(db_, "SELECT until FROM instances WHERE name = ? AND address = ? AND reach = ? AND kept = ?");
  q.bind(report.name).bind(report.address).bind(report.reach).bind(static_cast<std::int64_t>(report.managed));
  MCPSTATE_TRY(found, q.step());
  if (!found) return std::optional<timestamp>();
  return std::optional<timestamp>(q.time(0));
}

result<bool> sqlite_leases::write_instance(const instance_report& report, timestamp until) {
  sqlite_query q(
      db_,
      "INSERT INTO instances (name, address, reach, kept, until) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
      "address = excluded.address, reach = excluded.reach, kept = excluded.kept, until = excluded.until");
  q.bind(report.name).bind(report.address).bind(report.reach).bind(static_cast<std::int64_t>(report.managed));
  return q.bind(until).run();
}

result<bool> sqlite_leases::remove_instance(const std::string& name) {
  sqlite_query q(db_, "DELETE FROM instances WHERE name = ?");
  return q.bind(name).run();
}

result<std::vector<instance_report>> sqlite_leases::instances() {
  sqlite_query q(db_, "SELECT name, address, reach, kept FROM instances ORDER BY name");
  std::vector<instance_report> out;
  for (;;) {
    MCPSTATE_TRY(more, q.step());
    if (!more) return out;
    auto& one = out.emplace_back();
    one.name = q.bytes(0);
    one.address = q.bytes(1);
    one.reach = q.bytes(2);
    one.managed = static_cast<std::uint64_t>(q.integer(3));
  }
}

result<bool> sqlite_leases::has_ended(timestamp now) {
  sqlite_query q(db_,
                 "SELECT EXISTS (SELECT 1 FROM leases WHERE forget_at <= ?) OR "
                 "EXISTS (SELECT 1 FROM instances WHERE until <= ?)");
  MCPSTATE_TRY(found, q.bind(now).bind(now).step());
  return found && q.integer(0) != 0;
}

result<bool> sqlite_leases::purge_leases(timestamp now) {
  {
    sqlite_query q(db_, "DELETE FROM leases WHERE forget_at <= ?");
    MCPSTATE_CHECK(q.bind(now).run());
  }
  sqlite_query q(db_, "DELETE FROM instances WHERE until <= ?");
  return q.bind(now).run();
}

}  // namespace mcpstate
