// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

// Where the bytes of a backup go to and come from. Blocking; used by one thread at a time, and not on an executor.
namespace mcpstate::transfer {

class byte_sink {
 public:
  virtual ~byte_sink() = default;
  [[nodiscard]] virtual result<void> write(std::string_view bytes) = 0;
  // Ends a write that waits, and every later one, with stopped. From any thread.
  virtual void stop() noexcept {}
};

class byte_source {
 public:
  virtual ~byte_source() = default;
  // Some of the next bytes, at most that many; empty at the end.
  [[nodiscard]] virtual result<std::string> read(std::size_t most) = 0;
  // How many there are in all; absent where nobody knows.
  [[nodiscard]] virtual std::optional<std::uint64_t> size() const = 0;
  // Ends a read that waits, and every later one, with stopped. From any thread.
  virtual void stop() noexcept {}
};

}  // namespace mcpstate::transfer
