// SPDX-License-Identifier: MIT
#include "store/sqlite/engine.hh"

#include <sqlite3.h>

#include <chrono>
#include <utility>

namespace mcpstate {

namespace {

constexpr std::int64_t owners_per_page = 256;
constexpr std::int64_t purged_per_write = 16;
constexpr std::int64_t purged_at_once = 1000;

}  // namespace

result<std::unique_ptr<sqlite_engine>> sqlite_engine::open(const std::string& path, const store_options& options) {
  auto db = sqlite_db::open(path, options.timeout);
  if (!db && db.error().code() == errc::read_only && options.allow_read_only)
    db = sqlite_db::open_for_reading(path, options.timeout);
  if (!db) return db.error();
  std::unique_ptr<sqlite_engine> engine(new sqlite_engine(std::move(*db), options));
  if (auto ready = engine->set_up(); !ready) return ready.error();
  return engine;
}

result<bool> sqlite_engine::set_up() {
  // First of all, so that a file of somebody else is left exactly as it is.
  if (auto encoding = check_encoding(); !encoding) return encoding.error();
  if (auto prepared = table_.prepare(); !prepared) return prepared.error();
  if (db_->read_only()) return true;
  if (auto wal = use_wal(); !wal) return wal.error();
  // NORMAL: a power cut may lose the last changes, never a part of one.
  if (auto set = db_->run("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY"); !set)
    return set.error();
  auto version = db_->number("PRAGMA data_version");
  if (!version) return version.error();
  auto last = table_.last_change();
  if (!last) return last.error();
  data_version_ = *version;
  last_notice_ = *last;
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

// Changing the journal needs the file for oneself for a moment, and SQLite does not wait for that of itself.
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

template <class Fn>
auto sqlite_engine::transaction(Fn fn) -> decltype(fn(std::declval<row_steps&>())) {
  using outcome = decltype(fn(std::declval<row_steps&>()));
  if (auto begun = begin(); !begun) return begun.error();
  // Read only now that the file is ours: whoever held it before us has an earlier time.
  const auto now = options_.clock->now();
  if (auto purged = table_.purge(now, purged_per_write); !purged) return commit(outcome(purged.error()));
  row_steps steps(table_, options_, now);
  return commit(fn(steps));
}

template <class T, class Fn>
sqlite_engine::noted<T> sqlite_engine::noting(std::vector<owner> changed, Fn fn) {
  std::vector<std::int64_t> notices;
  auto outcome = transaction([&](row_steps& steps) -> result<T> {
    result<T> done = fn(steps);
    if (!done) return done;
    for (const auto& who : changed) {
      auto number = table_.note_change(who);
      if (!number) return number.error();
      notices.push_back(*number);
    }
    return done;
  });
  if (!outcome) notices.clear();
  return {std::move(outcome), std::move(notices)};
}

result<std::optional<connection>> sqlite_engine::get(const owner& who, const std::string& member, tools_wanted want) {
  return row_steps(table_, options_, now()).get(who, member, want);
}

result<std::vector<connection>> sqlite_engine::list(const owner& who, tools_wanted want) {
  return row_steps(table_, options_, now()).list(who, want);
}

sqlite_engine::noted<connection> sqlite_engine::put(const change& what, const connection& after) {
  return noting<connection>(std::vector<owner>(1, what.whose()), [&](row_steps& steps) -> result<connection> {
    auto decided = steps.decide(what, after);
    if (!decided) return decided.error();
    return steps.write(what.whose(), *decided);
  });
}

result<std::uint64_t> sqlite_engine::touch(const owner& who, const std::optional<std::string>& member) {
  return transaction([&](row_steps& steps) { return steps.touch(who, member); });
}

result<bool> sqlite_engine::end_lease(const lease& which, lease_end how, std::optional<std::uint64_t> seen) {
  return transaction([&](row_steps& steps) { return steps.end_lease(which, how, seen); });
}

sqlite_engine::noted<std::uint64_t> sqlite_engine::disconnect_all(const owner& who) {
  return noting<std::uint64_t>(std::vector<owner>(1, who), [&](row_steps& steps) { return steps.disconnect_all(who); });
}

sqlite_engine::noted<std::uint64_t> sqlite_engine::erase(const owner& who) {
  return noting<std::uint64_t>(std::vector<owner>(1, who), [&](row_steps& steps) { return steps.erase(who); });
}

sqlite_engine::noted<claim_result> sqlite_engine::claim(const owner& session, const owner& user) {
  std::vector<owner> both{session, user};
  return noting<claim_result>(std::move(both), [&](row_steps& steps) { return steps.claim(session, user); });
}

result<std::optional<lease>> sqlite_engine::lease_of(const managed_name& what) {
  return lease_steps(table_.leases(), options_.ttl, now()).lease_of(what);
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
  auto owners = table_.owners_after(last, now(), owners_per_page);
  if (!owners) return owners.error();
  owner_page page;
  page.owners = std::move(*owners);
  if (page.owners.size() == static_cast<std::size_t>(owners_per_page)) page.cursor = page.owners.back().whose.text();
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

result<sqlite_table::notices> sqlite_engine::poll(bool own) {
  auto version = db_->number("PRAGMA data_version");
  if (!version) return version.error();
  sqlite_table::notices none;
  none.last = last_notice_;
  if (*version == data_version_ && !own) return none;
  auto since = table_.changes_since(last_notice_);
  if (!since) return since.error();
  data_version_ = *version;
  last_notice_ = since->last;
  return since;
}

result<std::uint64_t> sqlite_engine::purge_all() {
  std::uint64_t gone = 0;
  for (;;) {
    auto some = transaction([&](row_steps&) { return table_.purge(now(), purged_at_once); });
    if (!some) return some.error();
    if (*some == 0) return gone;
    gone += *some;
  }
}

}  // namespace mcpstate
