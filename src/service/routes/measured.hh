// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <optional>
#include <utility>

#include "service/routes/process_services.hh"

namespace mcpstate::service {

// Awaits an operation of the store and records its duration and outcome in the metrics.
template <class T>
task<T> measured(process_services& process, const char* operation, task<T> work) {
  const auto started = std::chrono::steady_clock::now();
  auto out = co_await std::move(work);
  const auto duration = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started);
  const auto failure = out ? std::optional<cond>() : std::optional<cond>(out.error().condition());
  process.metrics.record_store_operation(operation, failure, duration);
  co_return out;
}

}  // namespace mcpstate::service
