// SPDX-License-Identifier: MIT
// The checks of doctor over an SQLite store.
#include <sys/stat.h>

#include <utility>

#include "store/rows/survey.hh"
#include "store/sqlite/store.hh"

namespace mcpstate {

namespace {

constexpr std::int64_t rows_per_step = 500;

finding make(finding::level severity, std::string check, std::string text, std::uint64_t count = 0) {
  finding f;
  f.severity = severity;
  f.check = std::move(check);
  f.text = std::move(text);
  f.count = count;
  return f;
}

finding integrity(sqlite_engine& e) {
  auto answer = e.db().text("PRAGMA integrity_check(1)");
  if (answer && *answer == "ok") return make(finding::level::ok, "file_integrity", "the file is whole");
  const auto fault = answer ? *answer : answer.error().detail();
  return make(finding::level::problem, "file_integrity",
              "the file is damaged: " + fault + "; restore a backup, or move it away to begin with an empty one", 1);
}

finding journal_mode(sqlite_engine& e) {
  const auto answer = e.db().text("PRAGMA journal_mode");
  const auto mode = answer ? *answer : "unknown";
  if (mode == "wal") return make(finding::level::ok, "journal_mode", "write-ahead log: readers and the writer do not wait");
  return make(finding::level::warning, "journal_mode",
              "the journal mode is " + mode + ", not wal: the file system may not support it; use a local disk");
}

finding file_size(sqlite_engine& e) {
  const auto pages = e.db().number("PRAGMA page_count"), page = e.db().number("PRAGMA page_size");
  const auto bytes = pages && page ? *pages * *page : 0;
  return make(finding::level::note, "file_size", std::to_string(bytes) + " bytes in " + e.db().path(),
              static_cast<std::uint64_t>(bytes));
}

finding permissions(sqlite_engine& e, bool fix) {
  const auto& path = e.db().path();
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0)
    return make(finding::level::problem, "file_permissions", path + " is gone: what is written now is lost at the end", 1);
  if ((found.st_mode & 077) == 0) return make(finding::level::ok, "file_permissions", "only its owner can read the file");
  if (fix && ::chmod(path.c_str(), 0600) == 0)
    return make(finding::level::repaired, "file_permissions", "others could read the file; now only its owner can", 1);
  return make(finding::level::warning, "file_permissions", "others can read the file; chmod 600 " + path, 1);
}

std::vector<finding> examine_file(sqlite_engine& e, bool fix) {
  std::vector<finding> out;
  out.push_back(integrity(e));
  out.push_back(journal_mode(e));
  out.push_back(permissions(e, fix));
  out.push_back(file_size(e));
  return out;
}

}  // namespace

task<std::vector<finding>> sqlite_store::examine(bool fix, progress_handler progress) {
  if (closed_) co_return closed();
  std::uint64_t purged_rows = 0;
  if (fix) {
    auto purge = [](sqlite_engine& e) { return e.purge_all(); };
    MCPSTATE_CO_TRY(purged, co_await threads_->writer.run(std::move(purge), sqlite_effect::survey));
    purged_rows = purged;
  }
  auto check = [fix](sqlite_engine& e) { return examine_file(e, fix); };
  MCPSTATE_CO_TRY(out, co_await threads_->reader.run(std::move(check), sqlite_effect::survey));
  auto survey = std::make_shared<row_survey>(now());
  std::optional<sqlite_table::owned_row> last;
  for (;;) {
    auto step = [last](sqlite_engine& e) { return e.table().rows_after(last, rows_per_step); };
    MCPSTATE_CO_TRY(rows, co_await threads_->reader.run(std::move(step), sqlite_effect::survey));
    if (rows.empty()) break;
    for (const auto& [account, r] : rows) survey->add(account, r);
    last = std::move(rows.back());
    if (progress) progress(survey->rows(), "records");
  }
  for (auto& f : survey->findings()) out.push_back(std::move(f));
  if (purged_rows > 0)
    out.push_back(make(finding::level::repaired, "expired_records", "had expired and were removed", purged_rows));
  if (survey->expired_rows() > 0)
    out.push_back(make(finding::level::note, "expired_records", "have expired and are removed with the next writes",
                       survey->expired_rows()));
  co_return out;
}

}  // namespace mcpstate
