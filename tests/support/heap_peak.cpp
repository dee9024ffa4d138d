// SPDX-License-Identifier: MIT
#include "support/heap_peak.hh"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> live{0}, most{0};

void* take(std::size_t size) {
  void* const out = std::malloc(size == 0 ? 1 : size);
  if (out == nullptr) throw std::bad_alloc();
  const std::size_t now = live += malloc_usable_size(out);
  std::size_t seen = most;
  while (now > seen && !most.compare_exchange_weak(seen, now)) {
  }
  return out;
}

void give_back(void* block) noexcept {
  if (block == nullptr) return;
  live -= malloc_usable_size(block);
  std::free(block);
}

}  // namespace

// Those with an alignment are not used for what grows with a peer's bytes.
void* operator new(std::size_t size) { return take(size); }
void* operator new[](std::size_t size) { return take(size); }
void operator delete(void* block) noexcept { give_back(block); }
void operator delete[](void* block) noexcept { give_back(block); }
void operator delete(void* block, std::size_t) noexcept { give_back(block); }
void operator delete[](void* block, std::size_t) noexcept { give_back(block); }

namespace mcpstate::test {

heap_peak::heap_peak() : before_(live) { most = live.load(); }

std::size_t heap_peak::bytes() const { return most - before_; }

}  // namespace mcpstate::test
