// SPDX-License-Identifier: MIT
#include "store/sqlite/file.hh"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <system_error>

namespace mcpstate {

namespace {

std::optional<file_id> id_at(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  file_id out;
  out.device = found.st_dev;
  out.number = found.st_ino;
  return out;
}

std::string log_of(const std::string& path) { return path + "-wal"; }
std::string index_of(const std::string& path) { return path + "-shm"; }

void remove_if_same(const std::string& path, const std::optional<file_id>& opened) {
  if (opened && id_at(path) == opened) ::unlink(path.c_str());
}

}  // namespace

std::string real_path(const std::string& path) {
  std::error_code ec;
  auto real = std::filesystem::weakly_canonical(path, ec);
  return ec ? path : real.string();
}

database_files database_files_at(const std::string& path, const std::string& real) {
  database_files out;
  out.database = id_at(path);
  out.log = id_at(log_of(real));
  out.index = id_at(index_of(real));
  return out;
}

bool is_settled(const std::string& real, const database_files& found) {
  using namespace std::chrono;
  if (!found.database) return false;
  struct stat log{}, database{};
  if (found.log && ::stat(log_of(real).c_str(), &log) == 0 && log.st_size > 0) return true;
  if (::stat(real.c_str(), &database) != 0) return false;
  const auto changed = seconds(database.st_mtim.tv_sec) + nanoseconds(database.st_mtim.tv_nsec);
  const auto age = system_clock::now().time_since_epoch() - changed;
  return age >= seconds(1) || age < -seconds(1);  // a time to come is not the time of a write that goes on
}

void remove_side_files(const std::string& real, const database_files& opened) {
  remove_if_same(log_of(real), opened.log);
  remove_if_same(index_of(real), opened.index);
}

bool shared_file::enter() {
  std::unique_lock lock(mutex_);
  const auto free = [this] { return !abandoned_ || connections_ == 0; };
  if (!left_.wait_for(lock, std::chrono::milliseconds(100), free)) return false;
  abandoned_ = false;
  ++connections_;
  return true;
}

void shared_file::leave() {
  {
    const std::lock_guard lock(mutex_);
    if (--connections_ == 0) open_.reset();
  }
  left_.notify_all();
}

void shared_file::note_open(const file_id& database) {
  const std::lock_guard lock(mutex_);
  open_ = database;
}

bool shared_file::has_open(const std::optional<file_id>& database) const {
  const std::lock_guard lock(mutex_);
  return database && open_ == database && !abandoned_;
}

bool shared_file::abandon() {
  const std::lock_guard lock(mutex_);
  open_.reset();
  return !abandoned_.exchange(true);
}

}  // namespace mcpstate
