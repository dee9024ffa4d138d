// SPDX-License-Identifier: MIT
// The notices for watchers in other processes, and the counts of rows.
#include <utility>

#include "store/sqlite/table.hh"

namespace mcpstate {

namespace {

// A watcher that has missed more reads everything again.
constexpr std::int64_t notices_kept = 4096;

}  // namespace

result<std::int64_t> sqlite_table::note_change(const owner& account) {
  std::int64_t number = 0;
  {
    sqlite_query q(db_, "INSERT INTO changes (kind, id) VALUES (?, ?) RETURNING number");
    MCPSTATE_CHECK(q.bind(account.kind() == owner_kind::user ? 0 : 1).bind(account.id()).step());
    number = q.integer(0);
    MCPSTATE_CHECK(q.run());
  }
  sqlite_query trim(db_, "DELETE FROM changes WHERE number <= ?");
  MCPSTATE_CHECK(trim.bind(number - notices_kept).run());
  return number;
}

result<std::int64_t> sqlite_table::last_change() {
  return db_.number("SELECT seq FROM sqlite_sequence WHERE name = 'changes'");
}

result<sqlite_table::notices> sqlite_table::changes_since(std::int64_t number) {
  notices out;
  out.last = number;
  sqlite_query q(db_, "SELECT number, kind, id FROM changes WHERE number > ? ORDER BY number");
  q.bind(number);
  for (;;) {
    MCPSTATE_TRY(more, q.step());
    if (!more) return out;
    const auto one = q.integer(0);
    out.missed = out.missed || one != out.last + 1;
    out.last = one;
    const auto kind = q.integer(1) == 0 ? owner_kind::user : owner_kind::session;
    if (auto account = owner::make(kind, q.bytes(2))) out.changes.emplace_back(one, std::move(*account));
  }
}

result<store_stats> sqlite_table::count(timestamp now) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(now).time_since_epoch().count();
  store_stats out;
  sqlite_query q(db_,
                 "SELECT kind, count(DISTINCT id), sum(status = 'CONNECTED'), sum(status = 'DISCONNECTED'), "
                 "sum(status = 'FAILED'), sum(length(bytes)) FROM records LEFT JOIN tools USING (record) "
                 "WHERE expires_at > ? GROUP BY kind");
  q.bind(ms);
  for (;;) {
    MCPSTATE_TRY(more, q.step());
    if (!more) break;
    (q.integer(0) == 0 ? out.users : out.sessions) = static_cast<std::uint64_t>(q.integer(1));
    out.connected += static_cast<std::uint64_t>(q.integer(2));
    out.disconnected += static_cast<std::uint64_t>(q.integer(3));
    out.failed += static_cast<std::uint64_t>(q.integer(4));
    out.tools_bytes += static_cast<std::uint64_t>(q.integer(5));
  }
  auto pages = db_.number("PRAGMA page_count");
  auto size = db_.number("PRAGMA page_size");
  if (pages && size) out.memory_bytes = static_cast<std::uint64_t>(*pages * *size);
  return out;
}

}  // namespace mcpstate
