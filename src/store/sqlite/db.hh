// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>
#include <mcpstate/core/owner.hpp>
#include <mcpstate/core/time.hpp>

struct sqlite3;
struct sqlite3_stmt;

// One connection to an SQLite file, with its prepared statements. Blocking; used by one thread at a time.
namespace mcpstate {

class sqlite_db {
 public:
  // Opens the file; missing directories are created for their owner only, and so is the file. A file that can only be read
  // is refused (read_only).
  static result<std::unique_ptr<sqlite_db>> open(const std::string& path, std::chrono::milliseconds busy_timeout);
  // The same for a file that can only be read. One that no process has open is read as it lies there.
  static result<std::unique_ptr<sqlite_db>> open_for_reading(const std::string& path,
                                                             std::chrono::milliseconds busy_timeout);
  ~sqlite_db();
  sqlite_db(const sqlite_db&) = delete;
  sqlite_db& operator=(const sqlite_db&) = delete;

  // Statements without a result.
  result<bool> run(const char* sql);
  // The first column of the first row; 0 or empty without one.
  result<std::int64_t> number(const char* sql);
  result<std::string> text(const char* sql);
  [[nodiscard]] bool in_transaction() const noexcept;
  // Whether the last failure was another process that held the file.
  [[nodiscard]] bool busy() const noexcept;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] bool read_only() const noexcept;

  // What a return code means and what to do about it. For callers that have just got it.
  [[nodiscard]] error failed(int code) const;

 private:
  friend class sqlite_query;
  sqlite_db(std::string path, std::chrono::milliseconds busy_timeout);
  result<sqlite3_stmt*> prepared(const char* sql);

  std::string path_;
  std::chrono::milliseconds busy_timeout_;
  sqlite3* handle_ = nullptr;
  std::map<std::string_view, sqlite3_stmt*> statements_;
};

// One use of a prepared statement, which is kept for the next use. sql must be a literal. A fault in preparing or binding is
// reported by step().
class sqlite_query {
 public:
  sqlite_query(sqlite_db& db, const char* sql);
  ~sqlite_query();
  sqlite_query(const sqlite_query&) = delete;
  sqlite_query& operator=(const sqlite_query&) = delete;

  // The next parameter. Bytes are not copied: they must outlive the query.
  sqlite_query& bind(std::int64_t value);
  sqlite_query& bind(std::string_view text);
  sqlite_query& bind_null();
  sqlite_query& bind_blob(std::string_view bytes);
  sqlite_query& bind(timestamp time);  // Unix milliseconds, rounded down
  // The next two parameters: an owner's kind and id; absent: what comes before every owner.
  sqlite_query& bind(const owner& who);
  sqlite_query& bind_after(const owner* last);

  // True: there is a row, and the columns below are its; until the next step.
  result<bool> step();
  // For statements without rows.
  result<bool> run();

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string bytes(int column) const;
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] timestamp time(int column) const;

 private:
  void note(int code);
  sqlite_db& db_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
  std::optional<error> fault_;
};

}  // namespace mcpstate
