// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <mcpstate/open_store.hpp>

#include "redis/link.hh"
#include "support/redis_server.hh"

// Stores on one server, and another program that writes to it behind their back.
namespace mcpstate::test {

// close() what was opened, foreign included, before it is destroyed.
struct redis_scene {
  redis_scene(asio::io_context& io, const redis_server& on)
      : context(io),
        url("redis://127.0.0.1:" + std::to_string(on.port()) + "/0"),
        owned(redis::make_link(io.get_executor(), config(on))),
        foreign(*owned) {
    foreign.start();
  }
  static redis::link_config config(const redis_server& on) {
    redis::link_config c;
    c.host = "127.0.0.1";
    c.port = on.port();
    return c;
  }
  task<std::unique_ptr<store>> open(std::chrono::milliseconds ttl = std::chrono::hours(24)) const {
    store_options options;
    options.ttl = ttl;
    return open_store(context.get_executor(), url, options);
  }
  // What the other program says; the last answer.
  task<redis::reply> says(redis::request commands) {
    auto got = co_await foreign.exec(std::move(commands), aio::after(std::chrono::seconds(10)), redis::effect::write);
    if (!got) co_return got.error();
    co_return std::move(got->back());
  }
  task<redis::reply> asks(std::string command, std::string key) {
    redis::request r;
    r.add(command, key);
    co_return co_await says(std::move(r));
  }
  asio::io_context& context;
  std::string url;
  std::shared_ptr<redis::link> owned;
  redis::link& foreign;
};

}  // namespace mcpstate::test
