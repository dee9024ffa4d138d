// SPDX-License-Identifier: MIT
#include "core/file.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace mcpstate {

namespace {

// Its destructor closes the descriptor.
class descriptor {
 public:
  explicit descriptor(int number) : number_(number) {}
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  int number_;
};

std::string text_of_errno(int code) { return std::generic_category().message(code); }

// Empty for a regular file.
std::string fault_of(const struct stat& found) {
  if (S_ISREG(found.st_mode)) return {};
  if (S_ISDIR(found.st_mode)) return "it is a directory, not a file";
  if (S_ISFIFO(found.st_mode)) return "it is a pipe, not a file";
  if (S_ISSOCK(found.st_mode)) return "it is a socket, not a file";
  return "it is a device, not a file";
}

file_content failed(int code) {
  file_content out;
  out.what = code == ENOENT ? file_content::outcome::absent : file_content::outcome::unreadable;
  out.reason = text_of_errno(code);
  return out;
}

file_content refused(std::string reason) {
  file_content out;
  out.reason = std::move(reason);
  return out;
}

file_content read_all(int number, std::size_t limit) {
  file_content out;
  std::array<char, 65536> part;
  // One byte over the limit is enough to know.
  while (out.bytes.size() <= limit) {
    const auto size = ::read(number, part.data(), part.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return failed(errno);
    if (size == 0) break;
    out.bytes.append(part.data(), static_cast<std::size_t>(size));
  }
  out.what = out.bytes.size() > limit ? file_content::outcome::too_large : file_content::outcome::read;
  if (!out.ok()) out.bytes.clear();
  return out;
}

}  // namespace

file_content read_regular_file(const std::string& path, std::size_t limit) {
  struct stat found{};
  // Looked at before it is opened: opening a device can do something already.
  if (::stat(path.c_str(), &found) != 0) return failed(errno);
  if (auto fault = fault_of(found); !fault.empty()) return refused(std::move(fault));
  const descriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (opened.number() < 0) return failed(errno);
  // And once more, because another file may have taken its place.
  if (::fstat(opened.number(), &found) != 0) return failed(errno);
  if (auto fault = fault_of(found); !fault.empty()) return refused(std::move(fault));
  return read_all(opened.number(), limit);
}

std::string regular_file_fault(const std::string& path, std::size_t limit) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return text_of_errno(errno);
  if (auto fault = fault_of(found); !fault.empty()) return fault;
  if (::access(path.c_str(), R_OK) != 0) return text_of_errno(errno);
  const bool too_large = found.st_size > 0 && static_cast<std::size_t>(found.st_size) > limit;
  return too_large ? "it is too large" : std::string();
}

}  // namespace mcpstate
