// SPDX-License-Identifier: MIT
// How often an order goes to the store before the server is asked: a trip costs as much as a handshake on a fast network.
#include "component/manager/manager_fixture.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

// Counts what somebody waits for: records and leases. Beats, renewals and watches go on by themselves.
class counting_backend final : public store_backend, public lease_store {
 public:
  explicit counting_backend(std::unique_ptr<store_backend> target)
      : store_backend(target->executor(), target->options()), target_(std::move(target)) {}

  int trips = 0;

  task<connection> put(change update, connection after) override {
    ++trips;
    return target_->put(std::move(update), std::move(after));
  }
  task<order_result> order(change update, connection after, lease_request wanted) override {
    ++trips;
    return target_->order(std::move(update), std::move(after), std::move(wanted));
  }
  task<std::optional<connection>> get(owner account, std::string member, tools_wanted want) override {
    ++trips;
    return target_->get(std::move(account), std::move(member), want);
  }
  task<owner_snapshot_ptr> list(owner account, tools_wanted want) override {
    ++trips;
    return target_->list(std::move(account), want);
  }
  task<std::uint64_t> touch(owner account, std::optional<std::string> member) override {
    ++trips;
    return target_->touch(std::move(account), std::move(member));
  }
  task<std::uint64_t> disconnect_all(owner account) override { return target_->disconnect_all(std::move(account)); }
  task<std::uint64_t> erase(owner account) override { return target_->erase(std::move(account)); }
  task<claim_result> claim(owner session, owner user) override {
    return target_->claim(std::move(session), std::move(user));
  }
  task<std::unique_ptr<watcher>> watch(std::optional<owner> account, watch_options options) override {
    return target_->watch(std::move(account), options);
  }
  task<owner_page> scan(std::string cursor) override { return target_->scan(std::move(cursor)); }
  task<store_stats> stats(progress_handler progress) override { return target_->stats(std::move(progress)); }
  task<std::vector<finding>> examine(bool fix, progress_handler progress) override {
    return target_->examine(fix, std::move(progress));
  }
  [[nodiscard]] lease_store& leases() noexcept override { return *this; }
  [[nodiscard]] std::string description() const override { return target_->description(); }
  asio::awaitable<void> close() override { return target_->close(); }

  task<std::optional<lease>> take_lease(managed_name name, std::string holder, std::string registered,
                                        std::chrono::milliseconds time) override {
    ++trips;
    return target_->leases().take_lease(std::move(name), std::move(holder), std::move(registered), time);
  }
  task<std::vector<lease>> renew_leases(std::vector<lease> granted, std::chrono::milliseconds time) override {
    return target_->leases().renew_leases(std::move(granted), time);
  }
  using lease_store::end_lease;
  task<void> end_lease(lease granted, lease_end outcome, std::optional<std::uint64_t> revision) override {
    ++trips;
    return target_->leases().end_lease(std::move(granted), outcome, revision);
  }
  task<std::optional<lease>> lease_of(managed_name name) override {
    ++trips;
    return target_->leases().lease_of(std::move(name));
  }
  task<fleet> beat(instance_report report, std::chrono::milliseconds time) override {
    return target_->leases().beat(std::move(report), time);
  }
  task<managed_page> managed_of(std::string registered, std::string cursor) override {
    return target_->leases().managed_of(std::move(registered), std::move(cursor));
  }

 private:
  std::unique_ptr<store_backend> target_;
};

// The trips before the first request of the handshake came to the server.
asio::awaitable<void> count_trips(owner who, std::size_t owner_limit, bool again) {
  const auto executor = co_await asio::this_coro::executor;
  auto counted = std::make_unique<counting_backend>(make_memory_backend(executor, store_options()));
  int& trips = counted->trips;
  store records(std::move(counted));
  int before_handshake = -1;
  scripted_server server(executor, [&](const http_seen& request) {
    if (before_handshake < 0) before_handshake = trips;
    return usual_reply(request);
  });
  manager_options options = quick_options();
  options.servers = registry(R"({"web":{"url":")" + server.url() + "\"}}");
  auto managing = make_manager(records, std::move(options));
  if (again) {  // a record is there
    change known(who, srv, status::failed);
    CO_ASSERT_OK(co_await records.put(std::move(known)));
  }
  trips = 0;
  const std::optional<basis> whatever;
  auto ordered = co_await managing->connect(who, srv, by_registration("web"), whatever, owner_limit);
  CO_ASSERT_OK(ordered);
  EXPECT_LE(trips, 2);
  const bool asked = co_await eventually([&] { return before_handshake >= 0; });
  EXPECT_TRUE(asked);
  EXPECT_LE(before_handshake, 2);
  co_await managing->close();
  co_await records.close();
  co_await server.close();
}

CO_TEST_WITHIN(ManagerOrders, AskTheStoreTwiceBeforeTheHandshake, 60s) { co_await count_trips(user(1), 0, false); }
CO_TEST_WITHIN(ManagerOrders, AskTheStoreTwiceUnderALimit, 60s) { co_await count_trips(user(1), 100, false); }
CO_TEST_WITHIN(ManagerOrders, AskTheStoreTwiceWhereARecordIs, 60s) {
  co_await count_trips(owner::session("s").value(), 100, true);
}

}  // namespace
}  // namespace mcpstate::test
