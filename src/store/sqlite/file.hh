// SPDX-License-Identifier: MIT
#pragma once
#include <sys/types.h>

#include <atomic>
#include <compare>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <mcpstate/core/error.hpp>

// Whether the file that a process has open is still the one at its path. A file that was removed or replaced takes every
// write, and no other process ever sees one.
namespace mcpstate {

struct file_id {
  dev_t device = 0;
  ino_t number = 0;
  bool operator==(const file_id&) const = default;
};

// The database and its side files. Absent: there is no such file.
struct database_files {
  std::optional<file_id> database, log, index;
  bool operator==(const database_files&) const = default;
};
// real: the same path without symbolic links, where SQLite keeps the side files.
[[nodiscard]] database_files database_files_at(const std::string& path, const std::string& real);
[[nodiscard]] std::string real_path(const std::string& path);
// Whether a database can be opened that was put there while mcpstate ran. A copy that is being written is not opened: one
// that nobody writes to has a log, or has not changed for a second.
[[nodiscard]] bool is_settled(const std::string& real, const database_files& found);
// Removes the log and the index that belong to `opened`, whose database is not at the path any more. SQLite would take them
// for those of the next file.
void remove_side_files(const std::string& real, const database_files& opened);

// What the connections of this process to one file agree on: when the file is not at its path any more, all of them are closed
// before one is opened anew. Two generations of one file would write over each other. Any thread.
class shared_file {
 public:
  explicit shared_file(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  // Counts a connection. Waits a moment where others have to be closed first; false: they are not.
  [[nodiscard]] bool enter();
  void leave();
  // What a connection of this process has open is whole: others need not wait until it has settled.
  void note_open(const file_id& database);
  [[nodiscard]] bool has_open(const std::optional<file_id>& database) const;
  // Every connection has to be closed. True: nobody had said so.
  bool abandon();
  [[nodiscard]] bool abandoned() const noexcept { return abandoned_; }

  // Called by the first to abandon, on its thread; has the other connections closed. Set before there are any.
  std::function<void()> on_abandon;

 private:
  std::string path_;
  mutable std::mutex mutex_;
  std::condition_variable left_;
  int connections_ = 0;
  std::optional<file_id> open_;
  std::atomic<bool> abandoned_{false};
};

}  // namespace mcpstate
