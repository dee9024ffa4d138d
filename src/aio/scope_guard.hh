// SPDX-License-Identifier: MIT
#pragma once
#include <utility>

// Does something at the end of a scope, however that is left: what a coroutine has registered somewhere goes with its frame.
namespace mcpstate::aio {

template <class Action>
class [[nodiscard]] scope_guard {
 public:
  // The action must not throw.
  explicit scope_guard(Action action) : action_(std::move(action)) {}
  ~scope_guard() { action_(); }
  scope_guard(const scope_guard&) = delete;
  scope_guard& operator=(const scope_guard&) = delete;

 private:
  Action action_;
};

}  // namespace mcpstate::aio
