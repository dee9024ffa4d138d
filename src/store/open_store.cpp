// SPDX-License-Identifier: MIT
#include <mcpstate/open_store.hpp>

#include <utility>

#include "store/check_options.hh"

namespace mcpstate {

task<std::unique_ptr<store>> open_store(asio::any_io_executor executor, std::string url, store_options options) {
  auto parsed = parse_store_url(url);
  if (!parsed) co_return parsed.error();
  MCPSTATE_CO_CHECK(check_options(options));
  switch (parsed->type) {
    case store_url::kind::memory:
      co_return make_memory_store(std::move(executor), std::move(options));
    case store_url::kind::sqlite:
      co_return co_await open_sqlite_store(std::move(executor), std::move(parsed->path), std::move(options));
    case store_url::kind::redis:
      break;
  }
  co_return co_await open_redis_store(std::move(executor), std::move(*parsed), std::move(options));
}

}  // namespace mcpstate
