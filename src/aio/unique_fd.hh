// SPDX-License-Identifier: MIT
#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace mcpstate::aio {

// A descriptor, closed with its scope.
class unique_fd {
 public:
  unique_fd() = default;
  explicit unique_fd(int fd) noexcept : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(other.release()) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~unique_fd() { reset(); }
  [[nodiscard]] int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }
  // Moves it above the standard streams, so that moving it onto one of them in a child cannot overwrite another.
  [[nodiscard]] bool lift() noexcept {
    if (fd_ > STDERR_FILENO) return true;
    const int higher = ::fcntl(fd_, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (higher >= 0) reset(higher);
    return higher >= 0;
  }

 private:
  int fd_ = -1;
};

}  // namespace mcpstate::aio
