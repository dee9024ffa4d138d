// SPDX-License-Identifier: MIT
#include "store/sqlite/thread.hh"

#include <boost/asio/post.hpp>

#include <filesystem>
#include <system_error>

namespace mcpstate {

using std::chrono::milliseconds;

namespace {

// The working directory may change.
std::string absolute(const std::string& path) {
  std::error_code ec;
  const auto full = std::filesystem::absolute(path, ec);
  return ec ? path : full.lexically_normal().string();
}

}  // namespace

sqlite_thread::sqlite_thread(std::shared_ptr<shared_file> file, store_options options, sqlite_role role)
    : path_(file->path()), timeout_(options.timeout), access_(std::move(file), std::move(options), role) {}

sqlite_thread::~sqlite_thread() { pool_.join(); }

task<void> sqlite_thread::open() {
  auto job = [this] { return access_.open(); };
  MCPSTATE_CO_CHECK(co_await aio::offload(pool_, std::move(job)));
  co_return result<void>();
}

result<sqlite_engine*> sqlite_thread::engine_until(aio::deadline until) {
  const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
  if (left.count() <= 0) return late();
  auto engine = access_.engine();
  if (engine) (*engine)->db().set_busy_timeout(left);
  return engine;
}

void sqlite_thread::look_again() {
  if (closed_) return;
  asio::post(pool_, [this] { access_.look(); });
}

asio::awaitable<void> sqlite_thread::close() {
  closed_ = true;
  auto job = [this] {
    access_.close();
    return true;
  };
  co_await aio::offload(pool_, std::move(job));
}

sqlite_threads::sqlite_threads(const std::string& path, const store_options& options)
    : file_(std::make_shared<shared_file>(absolute(path))),
      writer(file_, options, sqlite_role::writer),
      reader(file_, options, sqlite_role::reader),
      surveyor(file_, options, sqlite_role::reader) {
  file_->on_abandon = [this] {
    writer.look_again();
    reader.look_again();
    surveyor.look_again();
  };
}

// Each may tell the other that the file is gone, as long as it runs.
sqlite_threads::~sqlite_threads() {
  writer.join();
  reader.join();
  surveyor.join();
}

// The writer makes the file.
task<void> sqlite_threads::open() {
  MCPSTATE_CO_CHECK(co_await writer.open());
  co_return co_await reader.open();
}

asio::awaitable<void> sqlite_threads::close() {
  co_await surveyor.close();
  co_await reader.close();
  co_await writer.close();
}

error sqlite_thread::full() const {
  return error(errc::queue_full, "too much is waiting for " + path_ + "; nothing was done");
}

error sqlite_thread::late() const {
  return error(errc::storage_failed, path_ + " is busy: others took the " + std::to_string(timeout_.count()) +
                                         " ms of this operation; nothing was done");
}

error sqlite_thread::misplaced() const {
  return error(errc::outcome_unknown,
               path_ + " was removed or replaced meanwhile: the change may be in a file that is not there any more");
}

error sqlite_thread::hanging(sqlite_effect effect) const {
  if (effect == sqlite_effect::write)
    return error(errc::outcome_unknown, path_ + " does not answer in time: the change may or may not be made");
  return error(errc::deadline, path_ + " does not answer in time");
}

}  // namespace mcpstate
