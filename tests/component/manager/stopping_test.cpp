// SPDX-License-Identifier: MIT
// One manager that is asked to stop while it has much to do.
#include <functional>

#include "component/manager/scene.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

// Many owners of a registered server, all connected, and nobody who keeps them.
asio::awaitable<void> fill(store& records, int count) {
  for (int i = 0; i < count; ++i) {
    const managed_name of(user(i), srv);
    auto taken = co_await records.leases().take_lease(of, "gone", "web", 1ms);
    CO_ASSERT_TRUE(taken && *taken);
    change up(user(i), srv, status::connected);
    details info;
    info.managed = true;
    info.registered = "web";
    up.set_details(std::move(info));
    auto written = co_await records.put(std::move(up));
    CO_ASSERT_OK(written);
  }
}

struct stopped_work {
  stopped_work() {}
  std::uint64_t looked_at = 0;
  std::optional<result<std::uint64_t>> came_of_it;
};

asio::awaitable<void> disconnect_all(manager& with, stopped_work& of, std::function<void()> at_the_third) {
  progress_handler note = [&of, at_the_third](std::uint64_t done, std::string_view) {
    of.looked_at = done;
    if (done == 3) at_the_third();
  };
  auto work = with.disconnect_everywhere("web", std::move(note));
  of.came_of_it = co_await std::move(work);
}

asio::awaitable<void> close_it(manager& which) { co_await which.close(); }

void expect_stopped_early(const stopped_work& of) {
  ASSERT_TRUE(of.came_of_it);
  ASSERT_FALSE(*of.came_of_it);
  EXPECT_EQ(of.came_of_it->error().code(), errc::stopped);
  EXPECT_EQ(of.looked_at, 3U);
}

// The rest of what there is to disconnect may take longer than a stop.
asio::awaitable<void> stops_while_a_server_is_disconnected(store& records) {
  co_await fill(records, 8);
  manager_options options = quick_options();
  options.max_connections = 0;  // it keeps none of them
  auto managing = make_manager(records, options);
  const auto executor = co_await asio::this_coro::executor;
  stopped_work cancelled, closed;
  aio::task_group work(executor, aio::end_process);
  std::function<void()> ask_to_end = [&work] { work.request_stop(); };
  work.spawn("disconnect", disconnect_all(*managing, cancelled, ask_to_end));
  co_await work.join();
  expect_stopped_early(cancelled);
  aio::task_group more(executor, aio::end_process);
  std::function<void()> close = [&more, &managing] { more.spawn("close", close_it(*managing)); };
  more.spawn("disconnect", disconnect_all(*managing, closed, close));
  co_await more.join();
  expect_stopped_early(closed);
  co_await managing->close();
  co_await records.close();
}

CO_TEST_WITHIN(ManagerOrders, StopWhileAServerIsDisconnected, 60s) {
  auto records = make_memory_store(co_await asio::this_coro::executor, store_options());
  co_await stops_while_a_server_is_disconnected(*records);
}

}  // namespace
}  // namespace mcpstate::test
