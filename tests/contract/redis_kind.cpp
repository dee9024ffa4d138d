// SPDX-License-Identifier: MIT
#include <mcpstate/open_store.hpp>

#include <atomic>
#include <cstdlib>
#include <optional>
#include <string>

#include "contract/store_contract.hh"
#include "support/redis_cluster.hh"
#include "support/redis_sentinel.hh"
#include "support/redis_server.hh"

namespace mcpstate::test {

namespace {

// One real server for the whole run; each set of data has a prefix of its own. It is ended with the program, unless it is
// given from outside (monitor_test.py).
std::string port_of_server() {
  if (const char* given = std::getenv("MCPSTATE_TEST_REDIS_PORT")) return given;
  static redis_server server = [] {
    redis_options options;
    // Someone who may read and write these keys only, and therefore may not use SORT_RO … GET.
    options.acl = {"narrow on >wonder ~t* &* +@all"};
    return redis_server(options);
  }();
  return std::to_string(server.port());
}

// One cluster for the whole run, ended with the program. Made before any executor runs: it takes seconds.
std::string port_of_cluster() {
  static redis_cluster cluster;
  return std::to_string(cluster.server(0).port());
}

// Sentinels and the servers that they watch, likewise.
redis_sentinel& trio_of_sentinels() {
  static redis_sentinel trio;
  return trio;
}

struct variant {
  const char* user_info;
  key_layout layout;
  std::string (*port)() = port_of_server;
};

class redis_data final : public store_data {
 public:
  explicit redis_data(variant what) : what_(what) {
    static std::atomic<int> next{0};
    prefix_ = std::string("t").append(std::to_string(++next));
    port_ = what_.port();
  }
  task<std::shared_ptr<store>> open(asio::any_io_executor executor, store_options options, bool) override {
    options.prefix = prefix_;
    options.layout = what_.layout;
    std::string url("redis://");
    url.append(what_.user_info).append("localhost:").append(port_).append("/0");
    auto opened = co_await open_store(std::move(executor), std::move(url), std::move(options));
    if (!opened) co_return opened.error();
    co_return std::shared_ptr<store>(std::move(*opened));
  }
  asio::awaitable<void> pass(std::chrono::milliseconds time) override { co_await aio::wait_until(aio::after(time)); }
  [[nodiscard]] bool has_manual_clock() const override { return false; }

 private:
  variant what_;
  std::string prefix_, port_;
};

// Behind Sentinels, confirmed by replicas or not.
class sentinel_data final : public store_data {
 public:
  explicit sentinel_data(std::optional<unsigned> durable) : durable_(durable) {
    static std::atomic<int> next{0};
    prefix_ = std::string("s").append(std::to_string(++next));
    redis_sentinel& trio = trio_of_sentinels();
    url_ = "redis-sentinel://";
    for (std::size_t i = 0; i < trio.sentinels(); ++i) {
      url_.append(i == 0 ? "" : ",").append("127.0.0.1:").append(std::to_string(trio.sentinel(i).port()));
    }
    url_.append("/0#").append(redis_sentinel::name);
  }
  task<std::shared_ptr<store>> open(asio::any_io_executor executor, store_options options, bool) override {
    options.prefix = prefix_;
    options.durable = durable_;
    std::string url = url_;
    auto opened = co_await open_store(std::move(executor), std::move(url), std::move(options));
    if (!opened) co_return opened.error();
    co_return std::shared_ptr<store>(std::move(*opened));
  }
  asio::awaitable<void> pass(std::chrono::milliseconds time) override { co_await aio::wait_until(aio::after(time)); }
  [[nodiscard]] bool has_manual_clock() const override { return false; }

 private:
  std::optional<unsigned> durable_;
  std::string prefix_, url_;
};

const bool redis_sentinel_registered =
    register_store({"redis_sentinel", [] { return std::make_unique<sentinel_data>(std::nullopt); }}) &&
    register_store({"redis_durable", [] { return std::make_unique<sentinel_data>(0u); }});

const bool redis_registered =
    register_store({"redis", [] { return std::make_unique<redis_data>(variant{"", key_layout::plain}); }}) &&
    register_store({"redis_tagged", [] { return std::make_unique<redis_data>(variant{"", key_layout::tagged}); }}) &&
    register_store(
        {"redis_cluster", [] { return std::make_unique<redis_data>(variant{"", key_layout::plain, port_of_cluster}); }}) &&
    register_store(
        {"redis_narrow", [] { return std::make_unique<redis_data>(variant{"narrow:wonder@", key_layout::plain}); }});

}  // namespace

}  // namespace mcpstate::test
