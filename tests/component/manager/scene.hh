// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <string>
#include <utility>

#include "component/manager/manager_fixture.hh"

namespace mcpstate::test {

// A memory store, a server and a manager.
struct scene {
  scene() {}
  std::unique_ptr<store> records;
  std::unique_ptr<announcing_server> server;
  recording_observer told;
  std::unique_ptr<manager> managing;

  [[nodiscard]] std::string url() const { return server->url(); }
  asio::awaitable<void> close() {
    co_await managing->close();
    co_await records->close();
    co_await server->stop();
  }
};
using scene_body = asio::awaitable<void> (*)(scene& s);

inline asio::awaitable<void> play_scene(scene_body body, manager_options options, store_options kept) {
  scene s;
  const auto executor = co_await asio::this_coro::executor;
  s.records = make_memory_store(executor, kept);
  s.server = std::make_unique<announcing_server>(executor);
  if (!options.servers) options.servers = registry(R"({"web":{"url":")" + s.server->url() + "\"}}");
  options.observer = &s.told;
  s.managing = make_manager(*s.records, std::move(options));
  co_await body(s);
  co_await s.close();
}

inline void play(scene_body body, const manager_options& options = quick_options(),
                 const store_options& kept = store_options()) {
  run_co_test([&](asio::io_context&) { return play_scene(body, options, kept); }, std::chrono::seconds(60));
}

}  // namespace mcpstate::test

// A coroutine with the scene `s`. What follows the name goes to play().
#define MANAGER_TEST(Suite, Name, ...) \
  CO_TEST_STARTED(TEST, Suite, Name, ([[maybe_unused]] ::mcpstate::test::scene & s), play(body __VA_OPT__(, ) __VA_ARGS__))
