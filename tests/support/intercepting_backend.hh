// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/store/backend.hpp>

// A store in front of another one: something happens before each step.
namespace mcpstate::test {

// Awaited before each step that goes to the store; an error is the answer of the step. step: the name of the member. who: whom
// it is about, if it is one owner.
using step_interceptor = std::function<task<void>(std::string step, std::optional<owner> who)>;

class intercepting_backend final : public store_backend, public lease_store {
 public:
  intercepting_backend(std::unique_ptr<store_backend> inside, step_interceptor before)
      : store_backend(inside->executor(), inside->options()), inside_(std::move(inside)), before_(std::move(before)) {}

  task<connection> put(change update, connection after) override {
    MCPSTATE_CO_CHECK(co_await intercept("put", after.owner));
    co_return co_await inside_->put(std::move(update), std::move(after));
  }
  task<order_result> order(change update, connection after, lease_request wanted) override {
    MCPSTATE_CO_CHECK(co_await intercept("order", after.owner));
    co_return co_await inside_->order(std::move(update), std::move(after), std::move(wanted));
  }
  task<std::optional<connection>> get(owner account, std::string member, tools_wanted want) override {
    MCPSTATE_CO_CHECK(co_await intercept("get", account));
    co_return co_await inside_->get(std::move(account), std::move(member), want);
  }
  task<owner_snapshot_ptr> list(owner account, tools_wanted want) override {
    MCPSTATE_CO_CHECK(co_await intercept("list", account));
    co_return co_await inside_->list(std::move(account), want);
  }
  task<std::uint64_t> touch(owner account, std::optional<std::string> member) override {
    MCPSTATE_CO_CHECK(co_await intercept("touch", account));
    co_return co_await inside_->touch(std::move(account), std::move(member));
  }
  task<std::uint64_t> disconnect_all(owner account) override {
    MCPSTATE_CO_CHECK(co_await intercept("disconnect_all", account));
    co_return co_await inside_->disconnect_all(std::move(account));
  }
  task<std::uint64_t> erase(owner account) override {
    MCPSTATE_CO_CHECK(co_await intercept("erase", account));
    co_return co_await inside_->erase(std::move(account));
  }
  task<claim_result> claim(owner session, owner user) override {
    MCPSTATE_CO_CHECK(co_await intercept("claim", user));
    co_return co_await inside_->claim(std::move(session), std::move(user));
  }
  task<std::vector<restore_outcome>> restore(owner account, std::vector<connection> records, restore_rule rule) override {
    MCPSTATE_CO_CHECK(co_await intercept("restore", account));
    co_return co_await inside_->restore(std::move(account), std::move(records), rule);
  }
  task<std::unique_ptr<watcher>> watch(std::optional<owner> account, watch_options options) override {
    MCPSTATE_CO_CHECK(co_await intercept("watch", account));
    co_return co_await inside_->watch(std::move(account), options);
  }
  task<owner_page> scan(std::string cursor) override {
    MCPSTATE_CO_CHECK(co_await intercept("scan", std::nullopt));
    co_return co_await inside_->scan(std::move(cursor));
  }
  task<owner_page> scan_owners(std::string cursor) override {
    MCPSTATE_CO_CHECK(co_await intercept("scan_owners", std::nullopt));
    co_return co_await inside_->scan_owners(std::move(cursor));
  }
  task<store_stats> stats(progress_handler progress) override {
    MCPSTATE_CO_CHECK(co_await intercept("stats", std::nullopt));
    co_return co_await inside_->stats(std::move(progress));
  }
  task<std::vector<finding>> examine(bool fix, progress_handler progress) override {
    MCPSTATE_CO_CHECK(co_await intercept("examine", std::nullopt));
    co_return co_await inside_->examine(fix, std::move(progress));
  }
  [[nodiscard]] lease_store& leases() noexcept override { return *this; }
  [[nodiscard]] timestamp now() const override { return inside_->now(); }
  [[nodiscard]] std::string description() const override { return inside_->description(); }
  asio::awaitable<void> close() override { return inside_->close(); }

  task<std::optional<lease>> take_lease(managed_name name, std::string holder, std::string registered,
                                        std::chrono::milliseconds time) override {
    MCPSTATE_CO_CHECK(co_await intercept("take_lease", name.owner));
    co_return co_await inside_->leases().take_lease(std::move(name), std::move(holder), std::move(registered), time);
  }
  task<std::vector<lease>> renew_leases(std::vector<lease> granted, std::chrono::milliseconds time) override {
    MCPSTATE_CO_CHECK(co_await intercept("renew_leases", std::nullopt));
    co_return co_await inside_->leases().renew_leases(std::move(granted), time);
  }
  using lease_store::end_lease;
  task<void> end_lease(lease granted, lease_end outcome, std::optional<std::uint64_t> revision) override {
    MCPSTATE_CO_CHECK(co_await intercept("end_lease", granted.name.owner));
    co_return co_await inside_->leases().end_lease(std::move(granted), outcome, revision);
  }
  task<std::optional<lease>> lease_of(managed_name name) override {
    MCPSTATE_CO_CHECK(co_await intercept("lease_of", name.owner));
    co_return co_await inside_->leases().lease_of(std::move(name));
  }
  task<fleet> beat(instance_report report, std::chrono::milliseconds time) override {
    MCPSTATE_CO_CHECK(co_await intercept("beat", std::nullopt));
    co_return co_await inside_->leases().beat(std::move(report), time);
  }
  task<managed_page> managed_of(std::string registered, std::string cursor) override {
    MCPSTATE_CO_CHECK(co_await intercept("managed_of", std::nullopt));
    co_return co_await inside_->leases().managed_of(std::move(registered), std::move(cursor));
  }

 private:
  task<void> intercept(std::string step, std::optional<owner> who) {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto waiting = before_(std::move(step), std::move(who));
    co_return co_await std::move(waiting);
  }

  std::unique_ptr<store_backend> inside_;
  step_interceptor before_;
};

}  // namespace mcpstate::test
