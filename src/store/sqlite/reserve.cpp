// SPDX-License-Identifier: MIT
#include "store/sqlite/reserve.hh"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>

#include "aio/unique_fd.hh"

namespace mcpstate {

void disk_reserve::fill() const noexcept {
  struct stat found{};
  const std::int64_t held = ::stat(path_.c_str(), &found) == 0 ? std::int64_t{found.st_size} : 0;
  if (held >= full_size) return;
  const aio::unique_fd file(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  struct statvfs disk{};
  if (file.get() < 0 || ::fstatvfs(file.get(), &disk) != 0) return;
  const auto spare = static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize) / 8;
  rlimit files{};
  if (::getrlimit(RLIMIT_FSIZE, &files) != 0) return;
  const auto largest = static_cast<std::int64_t>(std::min<rlim_t>(files.rlim_cur, full_size));
  const auto size = std::min(largest, held + spare);
  if (size > held) static_cast<void>(::posix_fallocate(file.get(), 0, size));
}

void disk_reserve::release() const noexcept { ::unlink(path_.c_str()); }

}  // namespace mcpstate
