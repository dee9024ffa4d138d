// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <string>

// Small files that a person named: settings, tokens, lists. Blocking. Any thread; nothing throws but std::bad_alloc.
namespace mcpstate {

// What became of reading one.
struct file_content {
  file_content() {}
  enum class outcome {
    read,
    absent,      // there is no file of that name
    unreadable,  // it is no regular file, or permission is missing, or reading failed
    too_large,
  } what = outcome::unreadable;
  std::string bytes;
  std::string reason;  // of `absent` and `unreadable`: "No such file or directory", "it is a pipe, not a file"

  [[nodiscard]] bool ok() const noexcept { return what == outcome::read; }
};

// Reads a regular file of at most `limit` bytes. Anything else is not opened: a pipe would wait for its writer, a device may have
// no end.
[[nodiscard]] file_content read_regular_file(const std::string& path, std::size_t limit);

// Why there is no regular file of this size that can be read at that path; empty: there is one.
[[nodiscard]] std::string regular_file_fault(const std::string& path, std::size_t limit);

}  // namespace mcpstate
