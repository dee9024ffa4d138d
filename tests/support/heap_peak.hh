// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

// Counts what operator new has given and has not got back: how much is live at most while something runs. The program links
// heap_peak.cpp, which replaces the operators.
namespace mcpstate::test {

class heap_peak {
 public:
  heap_peak();
  // The most that was live at any moment since, beyond what was live then.
  [[nodiscard]] std::size_t bytes() const;

 private:
  std::size_t before_;
};

// The allocation after so many more, of this thread and while applies() says so, finds no memory. Forgets the last order.
void fail_allocation(std::size_t number, bool (*applies)());
// How many have found none since that order: none or one.
[[nodiscard]] std::size_t failed_allocations();

// What a peer may make us hold: three times the messages under way, as they are after decoding, and a megabyte.
constexpr std::size_t heap_bound(std::size_t message_bytes) { return 3 * message_bytes + 1024 * 1024; }

}  // namespace mcpstate::test
