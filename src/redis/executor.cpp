// SPDX-License-Identifier: MIT
#include "redis/executor.hh"

#include "redis/link.hh"

namespace mcpstate::redis {

std::shared_ptr<executor> make_executor(asio::any_io_executor home, link_config config) {
  return make_link(std::move(home), std::move(config));
}

}  // namespace mcpstate::redis
