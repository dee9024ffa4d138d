// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MCPSTATE_SANITIZER_HEAP
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MCPSTATE_SANITIZER_HEAP
#endif

#ifdef MCPSTATE_SANITIZER_HEAP
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();  // GCC does not install its header
#else
#include <malloc.h>
#endif

// What is allocated at this moment, in the whole process.
namespace mcpstate::test {

inline std::size_t heap_in_use() {
#ifdef MCPSTATE_SANITIZER_HEAP
  return __sanitizer_get_current_allocated_bytes();
#else
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
#endif
}

}  // namespace mcpstate::test
