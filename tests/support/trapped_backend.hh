// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mcpstate/store/backend.hpp>

#include "aio/latch.hh"

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

// Called in every step of an owner: "get", "put", "order", "take_lease". It may throw.
using step_trap = std::function<void(std::string_view step, const owner& who)>;

class trapped_backend final : public store_backend, public lease_store {
 public:
  trapped_backend(std::unique_ptr<store_backend> inside, step_trap trap, std::shared_ptr<store_gate> gate = nullptr)
      : store_backend(inside->executor(), inside->options()),
        inside_(std::move(inside)),
        trap_(std::move(trap)),
        gate_(gate ? std::move(gate) : std::make_shared<store_gate>()) {}

  task<connection> put(change update, connection after) override {
    co_await asio::this_coro::throw_if_cancelled(false);
    trap_("put", after.owner);
    MCPSTATE_CO_CHECK(co_await pass());
    co_return co_await inside_->put(std::move(update), std::move(after));
  }
  task<order_result> order(change update, connection after, lease_request wanted) override {
    co_await asio::this_coro::throw_if_cancelled(false);
    trap_("order", after.owner);
    MCPSTATE_CO_CHECK(co_await pass());
    co_return co_await inside_->order(std::move(update), std::move(after), std::move(wanted));
  }
  task<std::optional<connection>> get(owner account, std::string member, tools_wanted want) override {
    co_await asio::this_coro::throw_if_cancelled(false);
    trap_("get", account);
    MCPSTATE_CO_CHECK(co_await pass());
    co_return co_await inside_->get(std::move(account), std::move(member), want);
  }
  task<owner_snapshot_ptr> list(owner account, tools_wanted want) override {
    co_await asio::this_coro::throw_if_cancelled(false);
    trap_("list", account);
    co_return co_await inside_->list(std::move(account), want);
  }
  task<std::uint64_t> touch(owner account, std::optional<std::string> member) override {
    co_await asio::this_coro::throw_if_cancelled(false);
    trap_("touch", account);
    co_return co_await inside_->touch(std::move(account), std::move(member));
  }
  task<std::uint64_t> disconnect_all(owner account) override {
    co_await asio::this_coro::throw_if_cancelled(false);
    trap_("disconnect_all", account);
    co_return co_await inside_->disconnect_all(std::move(account));
  }
  task<std::uint64_t> erase(owner account) override {
    co_await asio::this_coro::throw_if_cancelled(false);
    trap_("erase", account);
    co_return co_await inside_->erase(std::move(account));
  }
  task<claim_result> claim(owner session, owner user) override {
    co_await asio::this_coro::throw_if_cancelled(false);
    trap_("claim", user);
    co_return co_await inside_->claim(std::move(session), std::move(user));
  }
  task<std::unique_ptr<watcher>> watch(std::optional<owner> account, watch_options options) override {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (account) trap_("watch", *account);
    co_return co_await inside_->watch(std::move(account), options);
  }
  task<owner_page> scan(std::string cursor) override { return inside_->scan(std::move(cursor)); }
  task<store_stats> stats(progress_handler progress) override { return inside_->stats(std::move(progress)); }
  task<std::vector<finding>> examine(bool fix, progress_handler progress) override {
    return inside_->examine(fix, std::move(progress));
  }
  [[nodiscard]] lease_store& leases() noexcept override { return *this; }
  [[nodiscard]] timestamp now() const override { return inside_->now(); }
  [[nodiscard]] std::string description() const override { return inside_->description(); }
  asio::awaitable<void> close() override { return inside_->close(); }

  task<std::optional<lease>> take_lease(managed_name name, std::string holder, std::string registered,
                                        std::chrono::milliseconds time) override {
    co_await asio::this_coro::throw_if_cancelled(false);
    trap_("take_lease", name.owner);
    co_return co_await inside_->leases().take_lease(std::move(name), std::move(holder), std::move(registered), time);
  }
  task<std::vector<lease>> renew_leases(std::vector<lease> granted, std::chrono::milliseconds time) override {
    return inside_->leases().renew_leases(std::move(granted), time);
  }
  task<void> end_lease(lease granted, lease_end outcome, std::optional<std::uint64_t> revision) override {
    co_await asio::this_coro::throw_if_cancelled(false);
    trap_("end_lease", granted.name.owner);
    co_return co_await inside_->leases().end_lease(std::move(granted), outcome, revision);
  }
  task<std::optional<lease>> lease_of(managed_name name) override {
    co_await asio::this_coro::throw_if_cancelled(false);
    trap_("lease_of", name.owner);
    co_return co_await inside_->leases().lease_of(std::move(name));
  }
  task<fleet> beat(instance_report report, std::chrono::milliseconds time) override {
    return inside_->leases().beat(std::move(report), time);
  }
  task<managed_page> managed_of(std::string registered, std::string cursor) override {
    return inside_->leases().managed_of(std::move(registered), std::move(cursor));
  }

 private:
  task<void> pass() {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto shut = gate_->shut;
    if (shut) co_await shut->wait();
    if (gate_->gone) co_return error(errc::connection_lost, "the store is gone");
    co_return result<void>();
  }

  std::unique_ptr<store_backend> inside_;
  step_trap trap_;
  std::shared_ptr<store_gate> gate_;
};

}  // namespace mcpstate::test
