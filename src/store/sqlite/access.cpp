// SPDX-License-Identifier: MIT
#include "store/sqlite/access.hh"

namespace mcpstate {

namespace {

constexpr std::chrono::milliseconds last_checkpoint_limit{
    100};  // for the last checkpoint of a file that is not there any more

error removed(const std::string& path) {
  return error(errc::storage_failed, path +
                                         " was removed while it was in use: put it back, restore a backup, or create an " +
                                         "empty file for a store without connections: touch '" + path + "'");
}

error replaced(const std::string& path) {
  return error(errc::storage_failed, path + " was replaced while it was in use: it is opened anew in a moment");
}

}  // namespace

result<bool> sqlite_access::open() { return attach(); }

result<bool> sqlite_access::attach() {
  if (!file_->enter()) return replaced(file_->path());
  auto opened = sqlite_engine::open(file_->path(), options_, role_);
  // The first look may find another file than the one that was opened.
  real_ = real_path(file_->path());
  if (opened) opened_ = present();
  const bool moved = opened && (!opened_.database || (*opened)->db().moved());
  if (opened && !moved) {
    engine_ = std::move(*opened);
    file_->note_open(*opened_.database);
    return true;
  }
  if (opened) opened->reset();
  file_->leave();
  if (moved) return replaced(file_->path());
  return opened.error();
}

void sqlite_access::look() {
  if (!engine_) return;
  const auto found = present();
  if (found != opened_ || file_->abandoned()) abandon(found);
}

result<sqlite_engine*> sqlite_access::engine() {
  if (closed_) return error(errc::stopped, "the store was closed");
  look();
  if (engine_) return engine_.get();
  if (opened_.database) return open_again();
  if (role_ == sqlite_role::reader && !present().database) return removed(file_->path());
  MCPSTATE_CHECK(attach());
  return engine_.get();
}

result<sqlite_engine*> sqlite_access::open_again() {
  const auto found = present();
  if (!found.database) return removed(file_->path());
  if (!file_->has_open(found.database) && !is_settled(real_path(file_->path()), found)) return replaced(file_->path());
  MCPSTATE_CHECK(attach());
  engine_->forget_position();
  return engine_.get();
}

// What stands in the log goes into the database first, which may only have been moved away for a while; but not over the
// pages of others, who have a new log.
void sqlite_access::abandon(const database_files& found) {
  const bool others_write = found.database == opened_.database && found.log && found.log != opened_.log;
  engine_->db().set_busy_timeout(last_checkpoint_limit);
  if (!others_write && role_ == sqlite_role::writer) engine_->checkpoint();
  engine_->db().close_without_checkpoint();
  const bool first = file_->abandon();
  if (!engine_->db().read_only()) remove_side_files(real_, opened_);
  engine_.reset();
  file_->leave();
  if (first && file_->on_abandon) file_->on_abandon();
}

bool sqlite_access::in_place() const { return engine_ && !file_->abandoned() && present() == opened_; }

void sqlite_access::close() {
  closed_ = true;
  if (!engine_) return;
  engine_.reset();
  file_->leave();
}

}  // namespace mcpstate
