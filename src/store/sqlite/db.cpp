// SPDX-License-Identifier: MIT
#include "store/sqlite/db.hh"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include <mcpstate/open_store.hpp>

namespace mcpstate {

namespace {

namespace fs = std::filesystem;

std::string reason(int number) { return std::generic_category().message(number); }

error cannot_create(const std::string& path, int number) {
  const auto code = number == ENOSPC || number == EDQUOT ? errc::disk_full : errc::storage_failed;
  return error(code, path + " cannot be created: " + reason(number) + "; name another file with sqlite:PATH");
}

// Creates the directories that are missing, for this user alone. Existing ones keep their permissions.
result<bool> make_directories(const fs::path& directory) {
  std::vector<fs::path> missing;
  std::error_code ec;
  for (auto path = directory; !path.empty() && !fs::exists(path, ec); path = path.parent_path()) missing.push_back(path);
  for (auto path = missing.rbegin(); path != missing.rend(); ++path) {
    if (::mkdir(path->c_str(), 0700) != 0 && errno != EEXIST) return cannot_create(path->string(), errno);
  }
  return true;
}

// A path that the user wrote may be mistyped. A new directory with an empty store would hide that.
result<bool> expect_directory(const fs::path& directory) {
  std::error_code ec;
  if (fs::exists(directory, ec) || ec) return true;  // other faults show when the file is created
  return error(errc::storage_failed, "the directory " + directory.string() +
                                         " does not exist; correct the path of sqlite:PATH, or create it: mkdir -p '" +
                                         directory.string() + "'");
}

// SQLite gives its side files the permissions of the main file. A file that is there is not opened: closing it would give up
// the locks that other connections of this process have on it.
result<bool> create_file(const std::string& path) {
  if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) == 0) return true;
  int number = errno;
  if (number == ENOENT) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
      ::close(fd);
      return true;
    }
    number = errno;
    if (number == EEXIST) return true;  // others were faster
  }
  if (::access(path.c_str(), F_OK) != 0) return cannot_create(path, number);
  if (::access(path.c_str(), R_OK) == 0 && (number == EACCES || number == EROFS || number == EPERM))
    return error(errc::read_only, path + " cannot be written by this user; change its permissions or name another file");
  return error(errc::storage_failed, path + " cannot be opened: " + reason(number));
}

}  // namespace

sqlite_db::sqlite_db(std::string path, std::chrono::milliseconds busy_timeout)
    : path_(std::move(path)), busy_timeout_(busy_timeout) {}

sqlite_db::~sqlite_db() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

result<std::unique_ptr<sqlite_db>> sqlite_db::open(const std::string& path, std::chrono::milliseconds busy_timeout) {
  std::error_code ec;
  // An absolute path is never special to SQLite (":memory:"), and does not depend on the working directory.
  const auto full = fs::absolute(path, ec).lexically_normal();
  if (ec) return error(errc::storage_failed, path + " cannot be opened: " + ec.message());
  const bool is_default = full == fs::path(default_sqlite_path()).lexically_normal();
  MCPSTATE_CHECK(is_default ? make_directories(full.parent_path()) : expect_directory(full.parent_path()));
  MCPSTATE_CHECK(create_file(full.string()));
  std::unique_ptr<sqlite_db> db(new sqlite_db(full.string(), busy_timeout));
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (const int code = sqlite3_open_v2(full.c_str(), &db->handle_, flags, nullptr); code != SQLITE_OK)
    return db->failed(code);
  if (sqlite3_db_readonly(db->handle_, "main") == 1)
    return error(errc::read_only,
                 db->path_ + " cannot be written by this user; change its permissions or name another file");
  db->set_busy_timeout(busy_timeout);
  return db;
}

result<sqlite3_stmt*> sqlite_db::prepared(const char* sql) {
  if (const auto known = statements_.find(sql); known != statements_.end()) return known->second;
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return failed(code);
  statements_.emplace(sql, statement);
  return statement;
}

result<bool> sqlite_db::run(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failed(code);
  return true;
}

result<std::int64_t> sqlite_db::number(const char* sql) {
  sqlite_query q(*this, sql);
  MCPSTATE_TRY(row, q.step());
  return row ? q.integer(0) : 0;
}

result<std::string> sqlite_db::text(const char* sql) {
  sqlite_query q(*this, sql);
  MCPSTATE_TRY(row, q.step());
  return row ? q.bytes(0) : std::string();
}

bool sqlite_db::in_transaction() const noexcept { return sqlite3_get_autocommit(handle_) == 0; }

bool sqlite_db::busy() const noexcept { return (sqlite3_errcode(handle_) & 0xff) == SQLITE_BUSY; }

void sqlite_db::set_busy_timeout(std::chrono::milliseconds time) noexcept {
  constexpr std::chrono::milliseconds longest = std::chrono::hours(24);  // SQLite counts in int
  sqlite3_busy_timeout(handle_, static_cast<int>(std::clamp(time, std::chrono::milliseconds(0), longest).count()));
}

bool sqlite_db::moved() const noexcept {
  int answer = 0;
  return sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &answer) == SQLITE_OK && answer != 0;
}

void sqlite_db::close_without_checkpoint() noexcept {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

error sqlite_db::failed(int code) const {
  const int last_errno = errno;
  const std::string message = handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  // SQLite does not record the reason of a failed write; errno still has it.
  const bool writing = code == SQLITE_IOERR_WRITE || code == SQLITE_IOERR_SHMSIZE || code == SQLITE_IOERR_FSYNC;
  const int system_errno = handle_ ? sqlite3_system_errno(handle_) : 0;
  const int number = system_errno == 0 && writing ? last_errno : system_errno;
  switch (code & 0xff) {
    case SQLITE_FULL:
      return error(errc::disk_full, path_ + " cannot grow: the disk is full, or a limit of the system is reached");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return error(errc::storage_failed, path_ + " has been locked by another process until the time of the operation (" +
                                             std::to_string(busy_timeout_.count()) + " ms) was over; nothing was written");
    case SQLITE_CORRUPT:
      return error(errc::storage_failed, path_ + " is damaged (" + message +
                                             "); restore a backup, or move the file away to begin with an empty one");
    case SQLITE_NOTADB:
      return error(errc::storage_failed, path_ + " is no SQLite database; move the file away or name another one");
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return error(errc::read_only, path_ + " or its directory cannot be written by this user (" + message + ")");
    case SQLITE_TOOBIG:
      return error(errc::too_large, path_ + " cannot hold a value this large");
    case SQLITE_IOERR:
      if (number == ENOSPC || number == EDQUOT || number == EFBIG)
        return error(errc::disk_full, path_ + " cannot grow: " + reason(number));
      break;
    default:
      break;
  }
  return error(errc::storage_failed, path_ + ": " + message + (number != 0 ? " (" + reason(number) + ")" : ""));
}

sqlite_query::sqlite_query(sqlite_db& db, const char* sql) : db_(db) {
  auto statement = db.prepared(sql);
  if (statement) {
    statement_ = *statement;
  } else {
    fault_ = statement.error();
  }
}

sqlite_query::~sqlite_query() {
  if (!statement_) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void sqlite_query::note(int code) {
  if (code != SQLITE_OK && !fault_) fault_ = db_.failed(code);
}

sqlite_query& sqlite_query::bind(std::int64_t value) {
  if (statement_) note(sqlite3_bind_int64(statement_, ++bound_, value));
  return *this;
}

sqlite_query& sqlite_query::bind(std::string_view text) {
  if (statement_) note(sqlite3_bind_text64(statement_, ++bound_, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

sqlite_query& sqlite_query::bind_null() {
  if (statement_) note(sqlite3_bind_null(statement_, ++bound_));
  return *this;
}

sqlite_query& sqlite_query::bind_blob(std::string_view bytes) {
  if (statement_) note(sqlite3_bind_blob64(statement_, ++bound_, bytes.data(), bytes.size(), SQLITE_STATIC));
  return *this;
}

sqlite_query& sqlite_query::bind(timestamp time) {
  return bind(std::int64_t{std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count()});
}

sqlite_query& sqlite_query::bind(const owner& account) {
  bind(std::int64_t{account.kind() == owner_kind::user ? 0 : 1});
  return bind(std::string_view(account.id()));
}

sqlite_query& sqlite_query::bind_after(const owner* last) {
  return last ? bind(*last) : bind(std::int64_t{-1}).bind(std::string_view(""));
}

result<bool> sqlite_query::step() {
  if (fault_) return *fault_;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return db_.failed(code);
}

result<bool> sqlite_query::run() {
  for (;;) {
    MCPSTATE_TRY(row, step());
    if (!row) return true;
  }
}

std::int64_t sqlite_query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string sqlite_query::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return data ? std::string(static_cast<const char*>(data), size) : std::string();
}

timestamp sqlite_query::time(int column) const { return timestamp(std::chrono::milliseconds(integer(column))); }

bool sqlite_query::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

}  // namespace mcpstate
