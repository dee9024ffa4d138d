// SPDX-License-Identifier: MIT
#include "transfer/local_file.hh"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "core/text/printable.hh"

namespace mcpstate::transfer {

namespace {

constexpr int look_again_ms = 100;            // how long a wait for the other end of a pipe ignores the stop flag
constexpr std::size_t pipe_piece = PIPE_BUF;  // what a pipe that has room takes without blocking

std::string reason_of(int code) { return std::generic_category().message(code); }

error cannot_open(const std::string& name, const std::string& why) {
  return error(errc::bad_argument, "cannot open " + printable(name) + ": " + why);
}

error cannot_write(const std::string& name, int code) {
  const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  return error(full ? errc::disk_full : errc::storage_failed, "cannot write " + printable(name) + ": " + reason_of(code));
}

error stopped_at(const std::string& name) { return error(errc::stopped, printable(name) + " was not finished"); }

// Why something that is there cannot be a backup file; empty for a regular file.
std::string kind_fault(const struct stat& found) {
  if (S_ISREG(found.st_mode)) return {};
  if (S_ISDIR(found.st_mode)) return "it is a directory";
  return "it is a pipe or a device, not a file; to use it, say - and redirect";
}

// False: the flag was set first.
bool wait_for(int fd, short events, const std::atomic<bool>& stop) {
  pollfd one{fd, events, 0};
  while (!stop.load()) {
    const int ready = ::poll(&one, 1, look_again_ms);
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
  }
  return false;
}

// A name goes to the disk with its directory.
void sync_directory_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
  const aio::unique_fd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() >= 0) ::fsync(opened.get());
}

}  // namespace

output_file::output_file(std::string path, std::string beside, aio::unique_fd file)
    : path_(std::move(path)), beside_(std::move(beside)), file_(std::move(file)) {}

output_file::~output_file() {
  if (!beside_.empty()) ::unlink(beside_.c_str());
}

result<std::unique_ptr<output_file>> output_file::open(const std::string& path) {
  if (path == "-") {
    aio::unique_fd copy(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (copy.get() < 0) return cannot_open("standard output", reason_of(errno));
    return std::unique_ptr<output_file>(new output_file({}, {}, std::move(copy)));
  }
  struct stat found{};
  if (path.empty() || path.back() == '/') return cannot_open(path, "this is no name of a file");
  if (::stat(path.c_str(), &found) == 0) {
    if (auto fault = kind_fault(found); !fault.empty()) return cannot_open(path, fault);
  }
  std::string beside = path + ".XXXXXX";
  aio::unique_fd file(::mkostemp(beside.data(), O_CLOEXEC));  // 0600
  if (file.get() < 0) return cannot_open(path, reason_of(errno));
  return std::unique_ptr<output_file>(new output_file(path, std::move(beside), std::move(file)));
}

result<void> output_file::write(std::string_view bytes) {
  const bool piped = beside_.empty();
  const std::string name = piped ? "standard output" : path_;
  while (!bytes.empty()) {
    if (stopped_.load() || (piped && !wait_for(file_.get(), POLLOUT, stopped_))) return stopped_at(name);
    const auto size = ::write(file_.get(), bytes.data(), piped ? std::min(bytes.size(), pipe_piece) : bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      failed_ = true;
      return cannot_write(name, errno);
    }
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return {};
}

result<void> output_file::commit() {
  if (beside_.empty()) return {};
  failed_ = ::fsync(file_.get()) != 0 || ::rename(beside_.c_str(), path_.c_str()) != 0;
  if (failed_) return cannot_write(path_, errno);
  beside_.clear();
  sync_directory_of(path_);
  return {};
}

input_file::input_file(std::string name, aio::unique_fd file, std::optional<std::uint64_t> size)
    : name_(std::move(name)), file_(std::move(file)), size_(size) {}

result<std::unique_ptr<input_file>> input_file::open(const std::string& path) {
  const bool standard = path == "-";
  std::string name = standard ? "standard input" : path;
  struct stat found{};
  // Looked at before it is opened: opening a pipe would wait for its writer.
  if (!standard && ::stat(path.c_str(), &found) != 0) return cannot_open(name, reason_of(errno));
  if (auto fault = standard ? std::string() : kind_fault(found); !fault.empty()) return cannot_open(name, fault);
  aio::unique_fd file(standard ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                               : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (file.get() < 0 || ::fstat(file.get(), &found) != 0) return cannot_open(name, reason_of(errno));
  if (S_ISDIR(found.st_mode)) return cannot_open(name, "it is a directory");
  std::optional<std::uint64_t> size;
  if (S_ISREG(found.st_mode)) size = static_cast<std::uint64_t>(found.st_size);
  return std::unique_ptr<input_file>(new input_file(std::move(name), std::move(file), size));
}

result<std::string> input_file::read(std::size_t most) {
  std::string out(most, '\0');
  for (;;) {
    if (stopped_.load() || (!size_ && !wait_for(file_.get(), POLLIN, stopped_))) return stopped_at(name_);
    const auto size = ::read(file_.get(), out.data(), out.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return error(errc::storage_failed, "cannot read " + printable(name_) + ": " + reason_of(errno));
    out.resize(static_cast<std::size_t>(size));
    return out;
  }
}

result<void> input_file::rewind() {
  if (::lseek(file_.get(), 0, SEEK_SET) == 0) return {};
  return error(errc::storage_failed, "cannot read " + printable(name_) + " again: " + reason_of(errno));
}

}  // namespace mcpstate::transfer
