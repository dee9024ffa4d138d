// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "store/sqlite/engine.hh"
#include "store/sqlite/file.hh"

namespace mcpstate {

// One connection to the file that is at a path now. When the file was removed or replaced it is closed, and the next use opens
// the file that is there then. Blocking; used by one thread at a time.
class sqlite_access {
 public:
  sqlite_access(std::shared_ptr<shared_file> file, store_options options, sqlite_role role)
      : file_(std::move(file)), options_(std::move(options)), role_(role) {}
  ~sqlite_access() { close(); }
  sqlite_access(const sqlite_access&) = delete;
  sqlite_access& operator=(const sqlite_access&) = delete;

  // Opens the file for the first time. Creates it where it is missing.
  result<bool> open();
  // The engine on the file that is at the path. Failure: storage_failed while there is none, or one that cannot be opened.
  result<sqlite_engine*> engine();
  // Whether the file is at its path still. A write that was made is in no file that others see where it is not.
  [[nodiscard]] bool in_place() const;
  // For good: engine() answers stopped from now on.
  void close();

 private:
  [[nodiscard]] database_files present() const { return database_files_at(file_->path(), real_); }
  result<bool> attach();
  result<sqlite_engine*> open_again();
  void abandon(const database_files& found);

  std::shared_ptr<shared_file> file_;
  store_options options_;
  sqlite_role role_;
  std::unique_ptr<sqlite_engine> engine_;
  std::string real_;  // the path that was opened, without symbolic links
  database_files opened_;
  bool closed_ = false;
};

}  // namespace mcpstate
