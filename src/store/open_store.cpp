// SPDX-License-Identifier: MIT
#include <mcpstate/open_store.hpp>

#include "aio/caller_settings.hh"

#include <utility>

namespace mcpstate {
namespace {

task<std::unique_ptr<store>> store_on(task<std::unique_ptr<store_backend>> opening) {
  MCPSTATE_CO_TRY(backend, co_await std::move(opening));
  co_return std::make_unique<store>(std::move(backend));
}

}  // namespace

task<std::unique_ptr<store_backend>> open_backend(asio::any_io_executor executor, std::string url, store_options options) {
  MCPSTATE_CO_TRY(parsed, parse_store_url(url));
  MCPSTATE_CO_CHECK(check_options(options));
  if (options.durable && parsed.type != store_url::kind::redis)
    co_return error(errc::bad_argument, "--durable is for Redis, which has replicas; " + parsed.shown() + " has none");
  switch (parsed.type) {
    case store_url::kind::memory:
      co_return make_memory_backend(std::move(executor), std::move(options));
    case store_url::kind::sqlite:
      co_return co_await open_sqlite_backend(std::move(executor), std::move(parsed.path), std::move(options));
    case store_url::kind::redis:
      break;
  }
  co_return co_await open_redis_backend(std::move(executor), std::move(parsed), std::move(options));
}

task<std::unique_ptr<store>> open_store(asio::any_io_executor executor, std::string url, store_options options) {
  return aio::keep_settings(store_on(open_backend(std::move(executor), std::move(url), std::move(options))));
}

std::unique_ptr<store> make_memory_store(asio::any_io_executor executor, store_options options) {
  return std::make_unique<store>(make_memory_backend(std::move(executor), std::move(options)));
}

task<std::unique_ptr<store>> open_sqlite_store(asio::any_io_executor executor, std::string path, store_options options) {
  return aio::keep_settings(store_on(open_sqlite_backend(std::move(executor), std::move(path), std::move(options))));
}

task<std::unique_ptr<store>> open_redis_store(asio::any_io_executor executor, store_url url, store_options options) {
  return aio::keep_settings(store_on(open_redis_backend(std::move(executor), std::move(url), std::move(options))));
}

}  // namespace mcpstate
