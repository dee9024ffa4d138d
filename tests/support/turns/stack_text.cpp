// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>

#include "support/turns/executor_thread.hh"

namespace mcpstate::test {

namespace {

constexpr int shown_frames = 24;

struct closed_pipe {
  void operator()(std::FILE* pipe) const noexcept { ::pclose(pipe); }
};

// What binutils make of an address in a file; empty where there is nothing.
std::string resolved(const std::string& file, std::size_t offset) {
  std::array<char, 512> room{};
  std::snprintf(room.data(), room.size(), "addr2line -Cfs -e '%s' %zx 2>/dev/null", file.c_str(), offset);
  const std::unique_ptr<std::FILE, closed_pipe> pipe(::popen(room.data(), "r"));
  if (!pipe || std::fgets(room.data(), static_cast<int>(room.size()), pipe.get()) == nullptr) return {};
  std::string out(room.data(), std::strcspn(room.data(), "\n"));
  return out == "??" ? std::string() : out;
}

std::string told_frame(void* address) {
  Dl_info found{};
  if (::dladdr(address, &found) == 0 || found.dli_fname == nullptr) return "?";
  const auto offset = static_cast<std::size_t>(static_cast<char*>(address) - static_cast<char*>(found.dli_fbase));
  // The program was perhaps started by a relative name, from another folder.
  const bool is_program = std::strstr(found.dli_fname, ".so") == nullptr;
  std::string name = resolved(is_program ? "/proc/" + std::to_string(::getpid()) + "/exe" : found.dli_fname, offset);
  if (name.empty() && found.dli_sname != nullptr) name = found.dli_sname;
  const char* const slash = std::strrchr(found.dli_fname, '/');
  return (name.empty() ? "?" : name) + " (" + (slash == nullptr ? found.dli_fname : slash + 1) + ")";
}

}  // namespace

std::string told_stack(void* const* frames, int count) {
  std::string out;
  // The signal handler and what called it come first.
  for (int i = count > 2 ? 2 : 0; i < count && i < shown_frames; ++i) out += "    " + told_frame(frames[i]) + "\n";
  return out;
}

}  // namespace mcpstate::test
