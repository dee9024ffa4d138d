// SPDX-License-Identifier: MIT
#include "store/sqlite/table.hh"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <utility>

namespace mcpstate {

namespace {

constexpr std::int64_t schema_version = 3;
constexpr std::int64_t application_id = 0x6d637073;  // "mcps"

constexpr const char* schema = R"(
  CREATE TABLE records (
    record         INTEGER PRIMARY KEY,
    kind           INTEGER NOT NULL,  -- 0 user, 1 session
    id             TEXT NOT NULL,
    member         TEXT NOT NULL,     -- the encoded server name
    revision       INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,  -- Unix milliseconds
    expires_latest INTEGER,
    status         TEXT NOT NULL,
    connected_at   TEXT,
    info           TEXT NOT NULL,
    UNIQUE (kind, id, member)
  );
  CREATE INDEX records_by_expiry ON records (expires_at);
  CREATE TABLE tools (
    record INTEGER PRIMARY KEY REFERENCES records ON DELETE CASCADE,
    bytes  BLOB NOT NULL
  );
  CREATE TABLE changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind   INTEGER NOT NULL,
    id     TEXT NOT NULL
  );
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO meta VALUES ('revision_floor', 0);
  PRAGMA application_id = 1835233395;
)";

// What version 2 added. A program of version 1 that has the file open goes on working.
constexpr const char* schema_of_2 = R"(
  CREATE TABLE leases (
    kind       INTEGER NOT NULL,  -- as in records
    id         TEXT NOT NULL,
    server     TEXT NOT NULL,     -- its name
    holder     TEXT NOT NULL,     -- empty: handed over
    number     INTEGER NOT NULL,
    until      INTEGER NOT NULL,  -- Unix milliseconds
    registered TEXT NOT NULL,
    forget_at  INTEGER NOT NULL,
    PRIMARY KEY (kind, id, server)
  ) WITHOUT ROWID;
  CREATE INDEX leases_by_end ON leases (until);
  CREATE INDEX leases_by_registered ON leases (registered, kind, id, server);
  CREATE TABLE instances (
    name    TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    kept    INTEGER NOT NULL,
    until   INTEGER NOT NULL
  ) WITHOUT ROWID;
  INSERT INTO meta VALUES ('lease_number', 0);
  PRAGMA user_version = 2;
)";

// What version 3 added. Programs of older versions go on working, too.
constexpr const char* schema_of_3 = R"(
  ALTER TABLE instances ADD COLUMN reach TEXT NOT NULL DEFAULT '';
  PRAGMA user_version = 3;
)";
static_assert(application_id == 1835233395 && schema_version == 3, "as written in the schema");

// Columns 0 to 6 are member, revision, expires_at, expires_latest, status, connected_at, info; 7 the tools, if selected.
row row_of(const sqlite_query& q, tools_wanted want) {
  row r;
  r.member = q.bytes(0);
  r.revision = static_cast<std::uint64_t>(q.integer(1));
  r.expires_at = q.time(2);
  if (!q.is_null(3)) r.expires_latest = q.time(3);
  r.status = q.bytes(4);
  if (!q.is_null(5)) r.connected_at = q.bytes(5);
  r.info_tail = q.bytes(6);
  if (want == tools_wanted::yes && !q.is_null(7)) r.tools = std::make_shared<const std::string>(q.bytes(7));
  return r;
}

result<owner> owner_of(std::int64_t kind, const std::string& id) {
  auto account = owner::make(kind == 0 ? owner_kind::user : owner_kind::session, id);
  if (!account) return error(errc::junk_record, "a record of the file names no owner: " + account.error().detail());
  return account;
}

}  // namespace

result<bool> sqlite_table::prepare() {
  MCPSTATE_TRY(version, db_.number("PRAGMA user_version"));
  MCPSTATE_TRY(application, db_.number("PRAGMA application_id"));
  if (application == application_id && version > schema_version)
    return error(errc::unsupported, db_.path() + " was written by a newer mcpstate (format " + std::to_string(version) +
                                        ", this one knows " + std::to_string(schema_version) +
                                        "); update mcpstate, or name another file");
  if (application == application_id && version == schema_version) return true;
  return create_or_update();
}

result<bool> sqlite_table::create_or_update() {
  MCPSTATE_CHECK(db_.run("BEGIN IMMEDIATE"));
  // Another process may have been faster.
  auto version = db_.number("PRAGMA user_version");
  auto application = db_.number("PRAGMA application_id");
  auto tables = db_.number("SELECT count(*) FROM sqlite_master");
  result<bool> made = true;
  if (!version || !application || !tables) {
    made = !version ? version.error() : !application ? application.error() : tables.error();
  } else if (*tables == 0 && *version == 0) {
    made = db_.run(schema);
    if (made) made = db_.run(schema_of_2);
    if (made) made = db_.run(schema_of_3);
  } else if ((*version == 1 || *version == 2) && *application == application_id) {
    if (*version == 1) made = db_.run(schema_of_2);
    if (made) made = db_.run(schema_of_3);
  } else if (*version != schema_version || *application != application_id) {
    made = error(errc::storage_failed, db_.path() + " is a database of another program; name another file");
  }
  if (made) made = db_.run("COMMIT");
  if (!made && db_.in_transaction()) static_cast<void>(db_.run("ROLLBACK"));
  return made;
}

result<std::optional<row>> sqlite_table::find(const owner& account, const std::string& member, tools_wanted want) {
  constexpr const char* plain =
      "SELECT member, revision, expires_at, expires_latest, status, connected_at, info FROM records "
      "WHERE kind = ? AND id = ? AND member = ?";
  constexpr const char* full =
      "SELECT member, revision, expires_at, expires_latest, status, connected_at, info, bytes FROM records "
      "LEFT JOIN tools USING (record) WHERE kind = ? AND id = ? AND member = ?";
  sqlite_query q(db_, want == tools_wanted::yes ? full : plain);
  MCPSTATE_TRY(found, q.bind(account).bind(member).step());
  if (!found) return std::optional<row>();
  return std::optional<row>(row_of(q, want));
}

result<std::vector<row>> sqlite_table::all(const owner& account, tools_wanted want) {
  constexpr const char* plain =
      "SELECT member, revision, expires_at, expires_latest, status, connected_at, info FROM records "
      "WHERE kind = ? AND id = ?";
  constexpr const char* full =
      "SELECT member, revision, expires_at, expires_latest, status, connected_at, info, bytes FROM records "
      "LEFT JOIN tools USING (record) WHERE kind = ? AND id = ?";
  sqlite_query q(db_, want == tools_wanted::yes ? full : plain);
  q.bind(account);
  std::vector<row> out;
  for (;;) {
    MCPSTATE_TRY(more, q.step());
    if (!more) return out;
    out.push_back(row_of(q, want));
  }
}

result<bool> sqlite_table::write(const owner& account, const row_write& planned) {
  std::int64_t record = 0;
  {
    sqlite_query q(
        db_,
        "INSERT INTO records (kind, id, member, revision, expires_at, expires_latest, status, connected_at, info) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id, member) DO UPDATE SET "
        "revision = excluded.revision, expires_at = excluded.expires_at, expires_latest = excluded.expires_latest, "
        "status = excluded.status, connected_at = excluded.connected_at, info = excluded.info RETURNING record");
    const row& r = planned.after;
    q.bind(account).bind(r.member).bind(static_cast<std::int64_t>(r.revision)).bind(r.expires_at);
    r.expires_latest ? q.bind(*r.expires_latest) : q.bind_null();
    q.bind(r.status);
    r.connected_at ? q.bind(*r.connected_at) : q.bind_null();
    MCPSTATE_CHECK(q.bind(r.info_tail).step());
    record = q.integer(0);
    // RETURNING answers its rows before the statement has ended.
    MCPSTATE_CHECK(q.run());
  }
  return write_tools(record, planned);
}

result<bool> sqlite_table::write_tools(std::int64_t record, const row_write& planned) {
  if (planned.tools == tools_write::keep) return true;
  if (planned.tools == tools_write::drop) return sqlite_query(db_, "DELETE FROM tools WHERE record = ?").bind(record).run();
  sqlite_query q(db_, "INSERT INTO tools (record, bytes) VALUES (?, ?) ON CONFLICT DO UPDATE SET bytes = excluded.bytes");
  return q.bind(record).bind_blob(*planned.after.tools).run();
}

// SQLite knows the length of a blob without reading it.
result<row_table::tools_sizes> sqlite_table::measure_tools(const owner& account, const std::string& member, timestamp now) {
  sqlite_query q(db_,
                 "SELECT member = ?, sum(length(bytes)) FROM records JOIN tools USING (record) "
                 "WHERE kind = ? AND id = ? AND expires_at > ? GROUP BY 1");
  q.bind(member).bind(account).bind(now);
  tools_sizes out;
  for (;;) {
    MCPSTATE_TRY(more, q.step());
    if (!more) return out;
    (q.integer(0) != 0 ? out.row : out.others) = static_cast<std::uint64_t>(q.integer(1));
  }
}

result<bool> sqlite_table::remove(const owner& account, const std::string& member) {
  sqlite_query q(db_, "DELETE FROM records WHERE kind = ? AND id = ? AND member = ?");
  return q.bind(account).bind(member).run();
}

result<std::uint64_t> sqlite_table::revision_floor() {
  MCPSTATE_TRY(value, db_.number("SELECT value FROM meta WHERE name = 'revision_floor'"));
  return static_cast<std::uint64_t>(value);
}

result<bool> sqlite_table::raise_revision_floor(std::uint64_t number) {
  const auto value = static_cast<std::int64_t>(number);
  sqlite_query q(db_, "UPDATE meta SET value = ? WHERE name = 'revision_floor' AND value < ?");
  return q.bind(value).bind(value).run();
}

result<std::uint64_t> sqlite_table::purge(timestamp now, std::int64_t limit) {
  std::uint64_t gone = 0;
  std::int64_t largest = 0;
  {
    sqlite_query q(db_,
                   "DELETE FROM records WHERE record IN (SELECT record FROM records WHERE expires_at <= ? LIMIT ?) "
                   "RETURNING revision");
    q.bind(now).bind(limit);
    for (;;) {
      MCPSTATE_TRY(more, q.step());
      if (!more) break;
      const auto revision = readable_revision(static_cast<std::uint64_t>(q.integer(0)));
      largest = std::max(largest, static_cast<std::int64_t>(revision));
      ++gone;
    }
  }
  if (gone == 0) return gone;
  MCPSTATE_CHECK(raise_revision_floor(static_cast<std::uint64_t>(largest)));
  return gone;
}

result<std::uint64_t> sqlite_table::mend_revisions(timestamp now) {
  // Watchers in other processes hear of the owners.
  sqlite_query noted(
      db_,
      "INSERT INTO changes (kind, id) SELECT DISTINCT kind, id FROM records WHERE typeof(revision) <> 'integer' "
      "OR revision < 1 OR revision > ?");
  MCPSTATE_CHECK(noted.bind(static_cast<std::int64_t>(max_revision)).run());
  sqlite_query q(db_,
                 "UPDATE records SET revision = ? WHERE typeof(revision) <> 'integer' OR revision < 1 OR revision > ? "
                 "RETURNING record");
  q.bind(static_cast<std::int64_t>(next_revision(0, now))).bind(static_cast<std::int64_t>(max_revision));
  std::uint64_t mended = 0;
  for (;;) {
    MCPSTATE_TRY(more, q.step());
    if (!more) return mended;
    ++mended;
  }
}

result<std::vector<owner_summary>> sqlite_table::owners_after(const std::optional<owner>& last, timestamp now,
                                                              std::int64_t limit) {
  sqlite_query q(db_,
                 "SELECT kind, id, sum(status = 'CONNECTED'), count(*), max(expires_at) FROM records "
                 "WHERE (kind, id) > (?, ?) AND expires_at > ? GROUP BY kind, id ORDER BY kind, id");
  q.bind_after(last ? &*last : nullptr).bind(now);
  std::vector<owner_summary> out;
  while (std::ssize(out) < limit) {
    MCPSTATE_TRY(more, q.step());
    if (!more) break;
    auto account = owner_of(q.integer(0), q.bytes(1));
    if (!account) continue;  // doctor reports it
    auto& one = out.emplace_back(std::move(*account));
    one.connected = static_cast<std::uint64_t>(q.integer(2));
    one.records = static_cast<std::uint64_t>(q.integer(3));
    one.expires_at = q.time(4);
  }
  return out;
}

result<std::vector<sqlite_table::owned_row>> sqlite_table::rows_after(const std::optional<owned_row>& last,
                                                                      std::int64_t limit, std::vector<error>* faults) {
  sqlite_query q(db_,
                 "SELECT member, revision, expires_at, expires_latest, status, connected_at, info, bytes, kind, id "
                 "FROM records LEFT JOIN tools USING (record) WHERE (kind, id, member) > (?, ?, ?) "
                 "ORDER BY kind, id, member");
  q.bind_after(last ? &last->first : nullptr);
  q.bind(last ? std::string_view(last->second.member) : "");
  std::vector<owned_row> out;
  while (std::ssize(out) < limit) {
    MCPSTATE_TRY(more, q.step());
    if (!more) break;
    auto account = owner_of(q.integer(8), q.bytes(9));
    if (account)
      out.emplace_back(std::move(*account), row_of(q, tools_wanted::yes));
    else
      faults->push_back(account.error());
  }
  return out;
}

}  // namespace mcpstate
