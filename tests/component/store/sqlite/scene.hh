// SPDX-License-Identifier: MIT
#pragma once
#include <sqlite3.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/open_store.hpp>

#include "support/co_test.hh"

namespace mcpstate::test {

// What tests of the SQLite store do beside it.

inline owner sqlite_owner() { return owner::user("1").value(); }
inline server_name sqlite_server(const std::string& text) { return server_name::parse(text).value(); }

// Writes one connection whose tools have about this many bytes.
inline task<connection> put_record(store& s, std::string server, std::size_t bytes = 2000) {
  change c(sqlite_owner(), sqlite_server(server), status::connected);
  c.tools(tools_list::parse("[1" + std::string(bytes, ' ') + "]").value());
  co_return co_await s.put(std::move(c));
}

using sqlite_body = asio::awaitable<void> (*)(store&, std::string path);

inline asio::awaitable<void> with_sqlite_store(asio::any_io_executor executor, std::string path, store_options options,
                                               sqlite_body run) {
  auto opened = co_await open_sqlite_store(executor, path, options);
  CO_ASSERT_OK(opened);
  co_await run(**opened, path);
  co_await (*opened)->close();
}

inline void with_sqlite(const std::string& path, sqlite_body run, store_options options = {}) {
  run_co_test([&](asio::io_context& io) { return with_sqlite_store(io.get_executor(), path, options, run); });
}

// Another user of the file, who holds its write lock until it is destroyed.
class write_lock {
 public:
  explicit write_lock(const std::string& path) {
    if (sqlite3_open(path.c_str(), &db_) != SQLITE_OK || sqlite3_busy_timeout(db_, 5000) != SQLITE_OK ||
        sqlite3_exec(db_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_OK)
      throw std::runtime_error("the file cannot be locked");
  }
  ~write_lock() { sqlite3_close(db_); }
  write_lock(const write_lock&) = delete;
  write_lock& operator=(const write_lock&) = delete;

 private:
  sqlite3* db_ = nullptr;
};

class stopwatch {
 public:
  [[nodiscard]] std::chrono::milliseconds time() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun_);
  }

 private:
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

}  // namespace mcpstate::test
