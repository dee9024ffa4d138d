// SPDX-License-Identifier: MIT
#include "support/heap_peak.hh"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> live{0}, most{0};

struct failure_order {
  bool (*applies)() = nullptr;  // null: none is to fail
  std::size_t left = 0, failed = 0;
};
thread_local failure_order failing;

bool is_to_fail() {
  if (failing.applies == nullptr || !failing.applies()) return false;
  if (failing.left-- > 0) return false;
  failing.applies = nullptr;
  ++failing.failed;
  return true;
}

void* take_or_null(std::size_t size) noexcept {
  if (is_to_fail()) return nullptr;
  void* const out = std::malloc(size == 0 ? 1 : size);
  if (out == nullptr) return nullptr;
  const std::size_t now = live += malloc_usable_size(out);
  std::size_t seen = most;
  while (now > seen && !most.compare_exchange_weak(seen, now)) {
  }
  return out;
}

void* take(std::size_t size) {
  void* const out = take_or_null(size);
  if (out == nullptr) throw std::bad_alloc();
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
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return take_or_null(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return take_or_null(size); }
void operator delete(void* block) noexcept { give_back(block); }
void operator delete[](void* block) noexcept { give_back(block); }
void operator delete(void* block, std::size_t) noexcept { give_back(block); }
void operator delete[](void* block, std::size_t) noexcept { give_back(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { give_back(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { give_back(block); }

namespace mcpstate::test {

heap_peak::heap_peak() : before_(live) { most = live.load(); }

std::size_t heap_peak::bytes() const { return most - before_; }

void fail_allocation(std::size_t number, bool (*applies)()) {
  failing = failure_order();
  failing.applies = applies;
  failing.left = number;
}

std::size_t failed_allocations() { return failing.failed; }

}  // namespace mcpstate::test
