// SPDX-License-Identifier: MIT
#include "store/sqlite/engine.hh"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace mcpstate {

namespace {

constexpr std::int64_t owners_per_page = 256;
constexpr std::int64_t purged_per_write = 16;
constexpr std::int64_t purged_at_once = 1000;

}  // namespace

result<std::unique_ptr<sqlite_engine>> sqlite_engine::open(const std::string& path, const store_options& options,
                                                           sqlite_role role) {
  auto db = sqlite_db::open(path, options.timeout);
  if (!db && db.error().code() == errc::read_only && options.allow_read_only)
    db = sqlite_db::open_for_reading(path, options.timeout);
  if (!db) return db.error();
  std::unique_ptr<sqlite_engine> engine(new sqlite_engine(std::move(*db), options, role));
  MCPSTATE_CHECK(engine->set_up());
  return engine;
}

result<bool> sqlite_engine::set_up() {
  // Comes first, so that a file of another program is not changed.
  MCPSTATE_CHECK(check_encoding());
  MCPSTATE_CHECK(table_.prepare());
  if (db_->read_only()) return true;
  MCPSTATE_CHECK(use_wal());
  // NORMAL: a power cut may lose the last changes, never a part of one.
  if (auto set = db_->run("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY"); !set)
    return set.error();
  if (role_ == sqlite_role::writer) {
    MCPSTATE_CHECK(limit_log());
    reserve_.fill();
  }
  if (role_ == sqlite_role::reader) MCPSTATE_CHECK(db_->run("PRAGMA query_only = ON"));
  MCPSTATE_TRY(version, db_->number("PRAGMA data_version"));
  MCPSTATE_TRY(last, table_.last_change());
  data_version_ = version;
  last_notice_ = last;
  return true;
}

// In a file of another encoding SQLite would convert every text, and answer other bytes than were written.
result<bool> sqlite_engine::check_encoding() {
  const auto encoding = db_->text("PRAGMA encoding");
  if (!encoding) return encoding.error();
  if (*encoding == "UTF-8") return true;
  return error(errc::storage_failed, db_->path() + " is a database in " + *encoding +
                                         ", and mcpstate needs one in UTF-8; move the file away or name another one");
}

// Sets the journal mode, which needs the file alone for a moment. SQLite does not wait for that, so this tries again until
// the timeout.
result<bool> sqlite_engine::use_wal() {
  const auto until = std::chrono::steady_clock::now() + options_.timeout;
  for (;;) {
    auto mode = db_->text("PRAGMA journal_mode = WAL");
    if (mode || std::chrono::steady_clock::now() > until) {
      if (!mode) return mode.error();
      return true;
    }
    if (!db_->busy()) return mode.error();
    sqlite3_sleep(5);
  }
}

void sqlite_engine::checkpoint() { static_cast<void>(db_->run("PRAGMA wal_checkpoint(TRUNCATE)")); }

// A checkpoint that ends for lack of room would have used up what there was.
void sqlite_engine::write_back() {
  const auto pages = db_->number("PRAGMA page_count"), page = db_->number("PRAGMA page_size");
  std::error_code ec;
  const auto size = std::filesystem::file_size(db_->path(), ec);
  if (!pages || !page || ec) return;
  if (*pages * *page - static_cast<std::int64_t>(size) > room_at(db_->path()).free) return;
  checkpoint();
}

// The log of a small disk is kept small, so that there is room for a checkpoint.
result<bool> sqlite_engine::limit_log() {
  MCPSTATE_TRY(page, db_->number("PRAGMA page_size"));
  const auto share = room_at(db_->path()).total / 16 / std::max<std::int64_t>(page, 512);
  const auto statement = "PRAGMA wal_autocheckpoint = " + std::to_string(std::clamp<std::int64_t>(share, 16, 1000));
  return db_->run(statement.c_str());
}

// What is deleted is not overwritten in the meantime: Debian's SQLite writes zeros over it, which takes as much room in the log
// as the deleted had in the file.
void sqlite_engine::give_up_reserve() {
  const auto overwrites = db_->number("PRAGMA secure_delete");
  overwrite_deleted_ = overwrites && *overwrites == 1;
  if (overwrite_deleted_) static_cast<void>(db_->run("PRAGMA secure_delete = FAST"));
  reserve_.release();
  write_back();
}

void sqlite_engine::take_reserve() {
  write_back();
  reserve_.fill();
  if (overwrite_deleted_) static_cast<void>(db_->run("PRAGMA secure_delete = ON"));
}

template <class Fn>
auto sqlite_engine::transaction(disk_need need, Fn fn) -> decltype(fn(std::declval<row_steps&>())) {
  return with_room(need, [&] { return attempt(fn); });
}

template <class Fn>
auto sqlite_engine::attempt(Fn& fn) -> decltype(fn(std::declval<row_steps&>())) {
  using outcome = decltype(fn(std::declval<row_steps&>()));
  MCPSTATE_CHECK(begin());
  // Reads the clock after the file is locked, so that times follow the order of the transactions.
  const auto now = options_.clock->now();
  if (auto purged = table_.purge(now, purged_per_write); !purged) return commit(outcome(purged.error()));
  row_steps steps(table_, options_, now);
  return commit(fn(steps));
}

template <class T, class Fn>
sqlite_engine::noted<T> sqlite_engine::noted_transaction(disk_need need, std::vector<owner> changed, Fn fn) {
  std::vector<std::int64_t> notices;
  auto outcome = transaction(need, [&](row_steps& steps) -> result<T> {
    notices.clear();
    result<T> done = fn(steps);
    if (!done) return done;
    for (const auto& account : changed) {
      MCPSTATE_TRY(number, table_.note_change(account));
      notices.push_back(number);
    }
    return done;
  });
  if (!outcome) notices.clear();
  return {std::move(outcome), std::move(notices)};
}

result<std::optional<connection>> sqlite_engine::get(const owner& account, const std::string& member, tools_wanted want) {
  return row_steps(table_, options_, now()).get(account, member, want);
}

result<std::vector<connection>> sqlite_engine::list(const owner& account, tools_wanted want) {
  return row_steps(table_, options_, now()).list(account, want);
}

sqlite_engine::noted<connection> sqlite_engine::put(const change& update, const connection& after) {
  const auto need = after.state == status::disconnected ? disk_need::frees : disk_need::takes;
  std::vector<owner> changed(1, update.owner());
  return noted_transaction<connection>(need, std::move(changed), [&](row_steps& steps) -> result<connection> {
    MCPSTATE_TRY(decided, steps.decide(update, after));
    return steps.write(update.owner(), decided);
  });
}

sqlite_engine::noted<order_result> sqlite_engine::order(const change& update, const connection& after,
                                                        const lease_request& wanted) {
  std::vector<owner> changed(1, update.owner());
  return noted_transaction<order_result>(disk_need::takes, std::move(changed),
                                         [&](row_steps& steps) -> result<order_result> {
                                           MCPSTATE_TRY(decided, steps.decide(update, after));
                                           MCPSTATE_TRY(granted, steps.take_ordered(update, wanted));
                                           MCPSTATE_TRY(written, steps.write(update.owner(), decided));
                                           return order_result(std::move(written), std::move(granted));
                                         });
}

result<std::uint64_t> sqlite_engine::touch(const owner& account, const std::optional<std::string>& member) {
  return transaction(disk_need::frees, [&](row_steps& steps) { return steps.touch(account, member); });
}

result<bool> sqlite_engine::end_lease(const lease& granted, lease_end outcome, std::optional<std::uint64_t> revision) {
  return transaction(disk_need::frees, [&](row_steps& steps) { return steps.end_lease(granted, outcome, revision); });
}

sqlite_engine::noted<std::uint64_t> sqlite_engine::disconnect_all(const owner& account) {
  return noted_transaction<std::uint64_t>(disk_need::frees, std::vector<owner>(1, account),
                                          [&](row_steps& steps) { return steps.disconnect_all(account); });
}

sqlite_engine::noted<std::uint64_t> sqlite_engine::erase(const owner& account) {
  return noted_transaction<std::uint64_t>(disk_need::frees, std::vector<owner>(1, account),
                                          [&](row_steps& steps) { return steps.erase(account); });
}

sqlite_engine::noted<claim_result> sqlite_engine::claim(const owner& session, const owner& user) {
  std::vector<owner> both{session, user};
  return noted_transaction<claim_result>(disk_need::frees, std::move(both),
                                         [&](row_steps& steps) { return steps.claim(session, user); });
}

sqlite_engine::noted<std::vector<restore_outcome>> sqlite_engine::restore(const owner& account,
                                                                          const std::vector<connection>& records,
                                                                          restore_rule rule) {
  return noted_transaction<std::vector<restore_outcome>>(
      disk_need::takes, std::vector<owner>(1, account),
      [&](row_steps& steps) { return steps.restore(account, records, rule); });
}

result<std::optional<lease>> sqlite_engine::lease_of(const managed_name& name) {
  return lease_steps(table_.leases(), options_.ttl, now()).lease_of(name);
}

result<std::optional<fleet>> sqlite_engine::beat_without_write(const instance_report& report,
                                                               std::chrono::milliseconds time) {
  return lease_steps(table_.leases(), options_.ttl, now()).beat_without_write(report, time);
}

result<managed_page> sqlite_engine::managed_of(const std::string& registered, const std::string& cursor) {
  return lease_steps(table_.leases(), options_.ttl, now()).managed_of(registered, cursor);
}

result<owner_page> sqlite_engine::scan(const std::string& cursor) {
  std::optional<owner> last;
  if (!cursor.empty()) {
    auto parsed = owner::parse(cursor);
    if (!parsed) return error(errc::bad_argument, "this cursor is of no page of this store");
    last = std::move(*parsed);
  }
  MCPSTATE_TRY(owners, table_.owners_after(last, now(), owners_per_page));
  owner_page page;
  page.owners = std::move(owners);
  if (page.owners.size() == static_cast<std::size_t>(owners_per_page)) page.cursor = page.owners.back().owner.text();
  return page;
}

result<store_stats> sqlite_engine::stats() {
  auto out = table_.count(now());
  if (!out) return out.error();
  out->kind = "sqlite";
  out->where = db_->path();
  out->version = sqlite3_libversion();
  return out;
}

result<sqlite_table::notices> sqlite_engine::poll() {
  MCPSTATE_TRY(version, db_->number("PRAGMA data_version"));
  sqlite_table::notices none;
  none.last = last_notice_;
  none.missed = !std::exchange(position_known_, true);
  if (version == data_version_) return none;
  auto since = table_.changes_since(last_notice_);
  if (!since) return since.error();
  data_version_ = version;
  last_notice_ = since->last;
  since->missed = since->missed || none.missed;
  return since;
}

result<std::uint64_t> sqlite_engine::mend_revisions() {
  return transaction(disk_need::frees, [&](row_steps&) { return table_.mend_revisions(now()); });
}

result<std::uint64_t> sqlite_engine::purge_all() {
  std::uint64_t gone = 0;
  for (;;) {
    auto some = transaction(disk_need::frees, [&](row_steps&) { return table_.purge(now(), purged_at_once); });
    if (!some) return some.error();
    if (*some == 0) return gone;
    gone += *some;
  }
}

}  // namespace mcpstate
