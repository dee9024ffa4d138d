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
  // Opens the file. Creates the file and missing directories of the default path, for this user alone. Refuses a file that
  // can only be read (read_only).
  static result<std::unique_ptr<sqlite_db>> open(const std::string& path, std::chrono::milliseconds busy_timeout);
  // The same for a file that can only be read. One that no process has open is read as it lies there.
  static result<std::unique_ptr<sqlite_db>> open_for_reading(const std::string& path,
                                                             std::chrono::milliseconds busy_timeout);
  ~sqlite_db();
  sqlite_db(const sqlite_db&) = delete;
  sqlite_db& operator=(const sqlite_db&) = delete;

  // Runs statements without a result.
  result<bool> run(const char* sql);
  // The first column of the first row; 0 or empty without one.
  result<std::int64_t> number(const char* sql);
  result<std::string> text(const char* sql);
  [[nodiscard]] bool in_transaction() const noexcept;
  // Whether the last statement failed because another process had locked the file.
  [[nodiscard]] bool busy() const noexcept;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] bool read_only() const noexcept;
  // How long statements wait from now on while another process has locked the file.
  void set_busy_timeout(std::chrono::milliseconds time) noexcept;
  // Whether another file, or none, is at the path of the open one.
  [[nodiscard]] bool moved() const noexcept;
  // Has the destructor leave the log and the file at the path as they are.
  void close_without_checkpoint() noexcept;

  // The error of a return code of SQLite, with what to do about it. To be called before any other statement runs.
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

// One use of a prepared statement, which stays prepared for the next use. sql must be a literal. step() reports a fault in
// preparing or binding.
class sqlite_query {
 public:
  sqlite_query(sqlite_db& db, const char* sql);
  ~sqlite_query();
  sqlite_query(const sqlite_query&) = delete;
  sqlite_query& operator=(const sqlite_query&) = delete;

  // Binds the next parameter. Bytes are not copied: they must outlive the query.
  sqlite_query& bind(std::int64_t value);
  sqlite_query& bind(std::string_view text);
  sqlite_query& bind_null();
  sqlite_query& bind_blob(std::string_view bytes);
  sqlite_query& bind(timestamp time);  // Unix milliseconds, rounded down
  // Binds the next two parameters: the kind and id of an owner. null: values that sort before every owner.
  sqlite_query& bind(const owner& account);
  sqlite_query& bind_after(const owner* last);

  // True: there is a row. Its columns can be read until the next step.
  result<bool> step();
  // Runs a statement without rows.
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
