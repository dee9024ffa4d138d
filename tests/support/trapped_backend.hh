// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "aio/latch.hh"
#include "support/intercepting_backend.hh"

// A store whose steps run into bugs for some owners, or which is slow or gone; all else is as in the store inside.
namespace mcpstate::test {

// What can be thrown: what bugs throw, what a lack of memory throws, and what nobody expects.
enum class thrown { runtime_error, bad_alloc, number };
inline constexpr thrown all_thrown[] = {thrown::runtime_error, thrown::bad_alloc, thrown::number};
inline void throw_it(thrown kind) {
  if (kind == thrown::runtime_error) throw std::runtime_error("a bug");
  if (kind == thrown::bad_alloc) throw std::bad_alloc();
  throw 42;
}

// What a store does that is no use now, in the steps get, put and order of all owners.
struct store_gate {
  std::shared_ptr<aio::latch> shut;  // they wait for it; null: they do not
  bool gone = false;                 // they fail
};

// Called in every step of an owner. It may throw.
using step_trap = std::function<void(std::string_view step, const owner& who)>;

inline task<void> spring_trap(step_trap trap, std::shared_ptr<store_gate> gate, std::string step, std::optional<owner> who) {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (who) trap(step, *who);
  if (step != "get" && step != "put" && step != "order") co_return result<void>();
  const auto shut = gate->shut;
  if (shut) co_await shut->wait();
  if (gate->gone) co_return error(errc::connection_lost, "the store is gone");
  co_return result<void>();
}

inline std::unique_ptr<store_backend> make_trapped_backend(
    std::unique_ptr<store_backend> inside, step_trap trap,
    std::shared_ptr<store_gate> gate = std::make_shared<store_gate>()) {
  step_interceptor before = [trap = std::move(trap), gate = std::move(gate)](std::string step, std::optional<owner> who) {
    return spring_trap(trap, gate, std::move(step), std::move(who));
  };
  return std::make_unique<intercepting_backend>(std::move(inside), std::move(before));
}

}  // namespace mcpstate::test
