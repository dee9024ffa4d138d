// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include <mcpstate/open_store.hpp>
#include <mcpstate/store/backend.hpp>

namespace mcpstate::test {

// What a slow store was asked for.
struct store_times {
  std::chrono::milliseconds delay{0};  // before each answer
  std::vector<std::chrono::steady_clock::time_point> beats;
};

// A store far away: each answer of its leases, and each read and write of a record, takes a time.
class slow_leases final : public lease_store {
 public:
  slow_leases(lease_store& target, std::shared_ptr<store_times> times) : target_(target), times_(std::move(times)) {}
  task<std::optional<lease>> take_lease(managed_name name, std::string holder, std::string registered,
                                        std::chrono::milliseconds time) override {
    co_await aio::wait_until(aio::after(times_->delay));
    co_return co_await target_.take_lease(std::move(name), std::move(holder), std::move(registered), time);
  }
  task<std::vector<lease>> renew_leases(std::vector<lease> granted, std::chrono::milliseconds time) override {
    co_await aio::wait_until(aio::after(times_->delay));
    co_return co_await target_.renew_leases(std::move(granted), time);
  }
  task<void> end_lease(lease granted, lease_end outcome, std::optional<std::uint64_t> revision) override {
    co_await aio::wait_until(aio::after(times_->delay));
    co_return co_await target_.end_lease(std::move(granted), outcome, revision);
  }
  task<std::optional<lease>> lease_of(managed_name name) override {
    co_await aio::wait_until(aio::after(times_->delay));
    co_return co_await target_.lease_of(std::move(name));
  }
  task<fleet> beat(instance_report report, std::chrono::milliseconds time) override {
    times_->beats.push_back(std::chrono::steady_clock::now());
    co_await aio::wait_until(aio::after(times_->delay));
    co_return co_await target_.beat(std::move(report), time);
  }
  task<managed_page> managed_of(std::string registered, std::string cursor) override {
    co_await aio::wait_until(aio::after(times_->delay));
    co_return co_await target_.managed_of(std::move(registered), std::move(cursor));
  }

 private:
  lease_store& target_;
  std::shared_ptr<store_times> times_;
};

class slow_backend final : public store_backend {
 public:
  slow_backend(std::unique_ptr<store_backend> target, std::shared_ptr<store_times> times)
      : store_backend(target->executor(), target->options()),
        target_(std::move(target)),
        times_(std::move(times)),
        leases_(target_->leases(), times_) {}

  task<connection> put(change update, connection after) override {
    co_await aio::wait_until(aio::after(times_->delay));
    co_return co_await target_->put(std::move(update), std::move(after));
  }
  task<order_result> order(change update, connection after, lease_request wanted) override {
    co_await aio::wait_until(aio::after(times_->delay));
    co_return co_await target_->order(std::move(update), std::move(after), std::move(wanted));
  }
  task<std::optional<connection>> get(owner account, std::string member, tools_wanted want) override {
    co_await aio::wait_until(aio::after(times_->delay));
    co_return co_await target_->get(std::move(account), std::move(member), want);
  }
  task<owner_snapshot_ptr> list(owner account, tools_wanted want) override {
    co_await aio::wait_until(aio::after(times_->delay));
    co_return co_await target_->list(std::move(account), want);
  }
  task<std::uint64_t> touch(owner account, std::optional<std::string> member) override {
    return target_->touch(std::move(account), std::move(member));
  }
  task<std::uint64_t> disconnect_all(owner account) override { return target_->disconnect_all(std::move(account)); }
  task<std::uint64_t> erase(owner account) override { return target_->erase(std::move(account)); }
  task<claim_result> claim(owner session, owner user) override {
    return target_->claim(std::move(session), std::move(user));
  }
  task<std::unique_ptr<watcher>> watch(std::optional<owner> account, watch_options options) override {
    return target_->watch(std::move(account), std::move(options));
  }
  task<owner_page> scan(std::string cursor) override { return target_->scan(std::move(cursor)); }
  task<store_stats> stats(progress_handler progress) override { return target_->stats(std::move(progress)); }
  task<std::vector<finding>> examine(bool fix, progress_handler progress) override {
    return target_->examine(fix, std::move(progress));
  }
  [[nodiscard]] lease_store& leases() noexcept override { return leases_; }
  [[nodiscard]] timestamp now() const override { return target_->now(); }
  [[nodiscard]] std::string description() const override { return target_->description(); }
  asio::awaitable<void> close() override { return target_->close(); }

 private:
  std::unique_ptr<store_backend> target_;
  std::shared_ptr<store_times> times_;
  slow_leases leases_;
};

}  // namespace mcpstate::test
