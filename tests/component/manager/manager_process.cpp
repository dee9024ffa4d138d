// SPDX-License-Identifier: MIT
// A process with a manager, for tests that kill and stop such processes.
//
// usage: manager_process STORE URL FIRST COUNT [CHECK_EVERY_MS]
//
// Connects user:FIRST … user:FIRST+COUNT-1 to URL. Prints "ready" when all of them are CONNECTED, and ends by SIGTERM.
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <cstdlib>
#include <iostream>

#include "component/manager/manager_fixture.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;

asio::awaitable<void> connect_all(manager& with, std::string url, int first, int count) {
  std::vector<std::uint64_t> revisions;
  const std::optional<basis> whatever;
  for (int i = 0; i < count; ++i) {
    auto ordered = co_await with.connect(user(first + i), srv, by_url(url), whatever);
    revisions.push_back(ordered.value().revision);
  }
  for (int i = 0; i < count; ++i) {
    auto settled = co_await with.settled(user(first + i), srv, revisions[static_cast<std::size_t>(i)]);
    if (!settled || !settled->connected()) std::cout << "not connected" << std::endl;
  }
  std::cout << "ready" << std::endl;
}

asio::awaitable<void> serve(std::string store_url, std::string url, int first, int count, int check_ms) {
  const auto executor = co_await asio::this_coro::executor;
  auto opening = open_store(executor, store_url, store_options());
  auto records = co_await std::move(opening);
  auto options = quick_options();
  if (check_ms > 0) options.check_every = std::chrono::milliseconds(check_ms);
  auto managing = make_manager(*records.value(), std::move(options));
  asio::signal_set stop(executor, SIGTERM);
  co_await connect_all(*managing, std::move(url), first, count);
  auto [ec, number] = co_await stop.async_wait(aio::use_ec);
  static_cast<void>(ec);
  static_cast<void>(number);
  co_await managing->close();
  co_await (*records)->close();
}

}  // namespace
}  // namespace mcpstate::test

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  const int check_ms = argc > 5 ? std::atoi(argv[5]) : 0;
  boost::asio::io_context context;
  bool failed = false;
  auto note = [&failed](std::exception_ptr failure) { failed = failure != nullptr; };
  auto work = mcpstate::test::serve(argv[1], argv[2], std::atoi(argv[3]), std::atoi(argv[4]), check_ms);
  boost::asio::co_spawn(context, std::move(work), note);
  context.run();
  return failed ? 1 : 0;
}
