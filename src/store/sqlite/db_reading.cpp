// SPDX-License-Identifier: MIT
// Files that can only be read.
#include <sqlite3.h>

#include <filesystem>
#include <system_error>

#include "core/text/hex.hh"
#include "store/sqlite/db.hh"

namespace mcpstate {

namespace {

namespace fs = std::filesystem;

// The file as SQLite reads it when it is told that nobody changes it.
std::string immutable_uri(const std::string& path) {
  std::string out = "file:";
  for (const char c : path) {
    if (c == '?' || c == '#' || c == '%') {
      out += "%";
      append_hex(out, static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "?immutable=1";
}

bool has_journal(const std::string& path) {
  std::error_code ec;
  const auto size = fs::file_size(path + "-wal", ec);
  return !ec && size > 0;
}

}  // namespace

bool sqlite_db::read_only() const noexcept { return sqlite3_db_readonly(handle_, "main") == 1; }

result<std::unique_ptr<sqlite_db>> sqlite_db::open_for_reading(const std::string& path,
                                                               std::chrono::milliseconds busy_timeout) {
  std::error_code ec;
  const auto full = fs::absolute(path, ec).lexically_normal().string();
  if (ec) return error(errc::storage_failed, path + " cannot be opened: " + ec.message());
  constexpr int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  std::unique_ptr<sqlite_db> db(new sqlite_db(full, busy_timeout));
  int code = sqlite3_open_v2(full.c_str(), &db->handle_, flags, nullptr);
  if (code == SQLITE_OK) code = sqlite3_exec(db->handle_, "PRAGMA schema_version", nullptr, nullptr, nullptr);
  // The journal needs a file beside it that readers cannot make. Without a journal there is nothing in it to read.
  const bool without_shared_memory = (code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_READONLY;
  const bool unused = without_shared_memory && !has_journal(full);
  if (code != SQLITE_OK && !unused) return db->failed(code);
  if (unused) {
    db.reset(new sqlite_db(full, busy_timeout));
    code = sqlite3_open_v2(immutable_uri(full).c_str(), &db->handle_, flags | SQLITE_OPEN_URI, nullptr);
    if (code != SQLITE_OK) return db->failed(code);
  }
  db->set_busy_timeout(busy_timeout);
  return db;
}

}  // namespace mcpstate
