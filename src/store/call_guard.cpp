// SPDX-License-Identifier: MIT
#include "store/call_guard.hh"

#include <pthread.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace mcpstate {

namespace {

std::atomic<unsigned> forks{0};

unsigned count_forks() {
  static const int registered = ::pthread_atfork(nullptr, nullptr, [] { ++forks; });
  static_cast<void>(registered);
  return forks;
}

}  // namespace

call_guard::call_guard() : forks_(count_forks()) {}

call_guard::~call_guard() {
  if (pending_ == 0 || forked()) return;
  std::fprintf(stderr,
               "mcpstate: a store was destroyed while %zu of its calls were under way; await them, then close(), then "
               "destroy it\n",
               pending_);
  std::abort();
}

bool call_guard::forked() const noexcept { return forks != forks_; }

std::optional<error> call_guard::refusal() const {
  if (forked())
    return error(errc::bug,
                 "the store was opened before a fork(); the child opens one of its own, and leaves this one alone");
  if (closed_) return error(errc::stopped, "the store was closed");
  return std::nullopt;
}

}  // namespace mcpstate
