// SPDX-License-Identifier: MIT
#include "mcp/transport/process_mark.hh"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <random>
#include <string_view>

namespace mcpstate::mcp {
namespace {

constexpr unsigned number_bits = 22;
constexpr program_mark number_mask = (program_mark{1} << number_bits) - 1;
constexpr program_mark high_bit = program_mark{1} << 62;  // large enough to limit nothing, and no real limit looks like it

// What getdents64 writes; the libraries have no type for it.
struct directory_entry {
  std::uint64_t inode;
  std::int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[1];  // and more
};

pid_t parse_pid(const char* text) noexcept {
  pid_t out = 0;
  for (; *text >= '0' && *text <= '9'; ++text) out = out * 10 + (*text - '0');
  return *text == '\0' ? out : 0;
}

// "/proc/PID/stat", without allocating.
class stat_path {
 public:
  explicit stat_path(pid_t pid) noexcept {
    char* end = text_.data() + text_.size();
    constexpr std::string_view tail = "/stat", head = "/proc/";
    *--end = '\0';
    end -= tail.size();
    std::memcpy(end, tail.data(), tail.size());
    for (; pid > 0; pid /= 10) *--end = static_cast<char>('0' + pid % 10);
    end -= head.size();
    std::memcpy(end, head.data(), head.size());
    begin_ = end;
  }
  [[nodiscard]] const char* text() const noexcept { return begin_; }

 private:
  std::array<char, 48> text_{};
  const char* begin_ = nullptr;
};

}  // namespace

program_mark make_mark(program_mark instance, std::uint64_t number) noexcept {
  return (instance & ~number_mask) | (number & number_mask);
}

program_mark make_instance_mark() {
  std::random_device random;
  const std::uint64_t bits = (std::uint64_t{random()} << 32) ^ random();
  return make_mark(high_bit | (bits & (high_bit - 1)), 0);
}

bool same_instance(program_mark a, program_mark b) noexcept {
  return (a & high_bit) != 0 && make_mark(a, 0) == make_mark(b, 0);
}

bool mark_this_process(program_mark mark) noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_RTTIME, &limit) != 0) return false;
  limit.rlim_cur = mark;
  return ::setrlimit(RLIMIT_RTTIME, &limit) == 0;
}

program_mark mark_of(pid_t pid) noexcept {
  rlimit limit{};
  if (::prlimit(pid, RLIMIT_RTTIME, nullptr, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 0;
  return (limit.rlim_cur & high_bit) != 0 ? limit.rlim_cur : 0;
}

bool is_zombie(pid_t pid) noexcept {
  const stat_path path(pid);
  const int fd = ::open(path.text(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return true;  // it is gone
  std::array<char, 256> text{};
  const ssize_t size = ::read(fd, text.data(), text.size());
  ::close(fd);
  if (size <= 0) return true;
  // The state stands behind the name, which may hold anything but is at most 64 bytes long.
  const std::string_view all(text.data(), static_cast<std::size_t>(size));
  const auto end = all.rfind(')');
  const char state = end == std::string_view::npos || end + 2 >= all.size() ? '?' : all[end + 2];
  return state == 'Z' || state == 'X';
}

void signal_marked(pid_t pid, program_mark mark, int signal) noexcept {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return;
  // The descriptor stands for one process for good. If the mark is found now, that process has it, or has ended.
  if (mark_of(pid) == mark) static_cast<void>(::syscall(SYS_pidfd_send_signal, fd, signal, nullptr, 0));
  ::close(fd);
}

bool for_each_process(void (*see)(void* context, pid_t pid), void* context) noexcept {
  const int fd = ::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  alignas(directory_entry) std::array<char, 16 * 1024> buffer;
  long size = 0;
  while ((size = ::syscall(SYS_getdents64, fd, buffer.data(), buffer.size())) > 0) {
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const directory_entry*>(buffer.data() + at);
      if (const pid_t pid = parse_pid(buffer.data() + at + offsetof(directory_entry, name)); pid > 0) see(context, pid);
      at += entry->length;
    }
  }
  ::close(fd);
  return size == 0;
}

}  // namespace mcpstate::mcp
