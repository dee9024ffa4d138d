// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/post.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "redis/link.hh"
#include "support/co_test.hh"
#include "support/redis_server.hh"

namespace mcpstate::redis {

using aio::after;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::eventually;
using test::redis_options;
using test::redis_server;
using test::run_co_test;

inline link_config tcp_of(const redis_server& server) {
  link_config out;
  out.host = "127.0.0.1";
  out.port = server.port();
  return out;
}

template <class... Args>
request of(const Args&... args) {
  request out;
  out.add(args...);
  return out;
}

// A link that is ready, with a log of its changes.
struct observed_link {
  observed_link(asio::io_context& context, const link_config& config)
      : owned(make_link(context.get_executor(), config)), to(*owned) {
    to.on_state([this](const node&, bool ready) { states.push_back(ready); });
    to.start();
  }
  std::shared_ptr<link> owned;
  link& to;
  std::vector<bool> states;
};

// One request as a coroutine of its own, so that it can be cancelled, or run beside the test.
struct outcome {
  bool ended = false;
  result<std::vector<reply>> got = error(errc::bug, "not answered yet");
};
inline asio::awaitable<void> ask(link& to, request what, aio::deadline until, effect kind, std::shared_ptr<outcome> out) {
  out->got = co_await to.exec(std::move(what), until, kind);
  out->ended = true;
}
inline std::shared_ptr<outcome> ask_beside(asio::io_context& context, link& to, request what, aio::deadline until,
                                           effect kind, asio::cancellation_slot slot = {}) {
  auto out = std::make_shared<outcome>();
  auto note = [](std::exception_ptr failure) { EXPECT_FALSE(failure); };
  asio::co_spawn(context, ask(to, std::move(what), until, kind, out), asio::bind_cancellation_slot(slot, std::move(note)));
  return out;
}

// Lets everything run that is ready to run: what was asked for has then been written.
inline asio::awaitable<void> turn(asio::io_context& context) {
  for (int i = 0; i < 5; ++i) co_await asio::post(context, asio::use_awaitable);
}

}  // namespace mcpstate::redis
