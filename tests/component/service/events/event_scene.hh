// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/open_store.hpp>

#include "service/events/event_broker.hh"
#include "support/co_test.hh"
#include "support/feed_frames.hh"
#include "support/redis_server.hh"
#include "support/temp_dir.hh"

// Live events over a store of any kind, with clients that follow them.
namespace mcpstate::service {

enum class kind { memory, sqlite, redis };

inline owner user(const std::string& id) { return owner::user(id).value(); }
inline server_name name(const std::string& text) { return server_name::parse(text).value(); }

// What a test stands on: made on the main thread, before the coroutine that is the test.
struct ground {
  explicit ground(kind of) {
    if (of == kind::memory) url = "memory:";
    if (of == kind::sqlite) url = "sqlite:" + dir.file("state.db");
    if (of != kind::redis) return;
    redis = std::make_unique<test::redis_server>();
    url = "redis://127.0.0.1:" + std::to_string(redis->port()) + "/0";
  }
  test::temp_dir dir;
  std::unique_ptr<test::redis_server> redis;
  std::string url;
};

inline task<connection> put(store& to, owner who, std::string server, status state) {
  change what(std::move(who), name(server), state);
  co_return co_await to.put(std::move(what));
}

// Whether there was another frame.
inline asio::awaitable<bool> gets_one(std::shared_ptr<subscription> from) {
  const auto got = co_await from->next();
  co_return got.has_value();
}

// A client: reads until the end.
struct client {
  client() {}
  std::shared_ptr<subscription> from;
  test::followed seen;
  std::vector<frame> frames;
  bool ended = false;
};
inline asio::awaitable<void> read_all(std::shared_ptr<client> who) {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    auto got = co_await who->from->next();
    if (!got) break;
    who->seen.apply(**got);
    who->frames.push_back(std::move(*got));
  }
  who->ended = true;
}

struct scene {
  scene(asio::io_context& io, std::string where)
      : context(io), url(std::move(where)), readers(io.get_executor(), aio::end_process) {}
  asio::io_context& context;
  std::string url;
  std::unique_ptr<store> ours, theirs;
  metrics counted;
  std::unique_ptr<event_broker> live;
  aio::task_group readers;

  // A second handle; in memory there is only one.
  [[nodiscard]] store& other() const { return theirs ? *theirs : *ours; }
  std::shared_ptr<client> join(const owner& who) {
    auto one = std::make_shared<client>();
    one->from = live->subscribe(who);
    readers.spawn("client", read_all(one));
    return one;
  }
};

inline asio::awaitable<void> open_scene(scene& at, store_options options, event_broker_options limits) {
  auto opened = co_await open_store(at.context.get_executor(), at.url, options);
  CO_ASSERT_OK(opened);
  at.ours = std::move(*opened);
  if (at.url != "memory:") {
    auto second = co_await open_store(at.context.get_executor(), at.url, options);
    CO_ASSERT_OK(second);
    at.theirs = std::move(*second);
  }
  at.live = std::make_unique<event_broker>(*at.ours, limits, &at.counted);
}

inline asio::awaitable<void> close_scene(scene& at) {
  if (at.live) co_await at.live->close();
  co_await at.readers.join();
  if (at.theirs) co_await at.theirs->close();
  if (at.ours) co_await at.ours->close();
}

using scene_body = asio::awaitable<void> (*)(scene&);
inline asio::awaitable<void> run_scene(asio::io_context& io, std::string url, store_options options,
                                       event_broker_options limits, scene_body body) {
  scene at(io, std::move(url));
  co_await open_scene(at, std::move(options), limits);
  if (at.live) co_await body(at);
  co_await close_scene(at);
}
inline void with_scene(const ground& on, scene_body body, const store_options& options = {},
                       event_broker_options limits = {}) {
  test::run_co_test([&](asio::io_context& io) { return run_scene(io, on.url, options, limits, body); },
                    std::chrono::seconds(60));
}

}  // namespace mcpstate::service
