// SPDX-License-Identifier: MIT
#include "redis/link.hh"

#include <utility>

#include "redis/shell.hh"

namespace mcpstate::redis {

std::shared_ptr<link> make_link(asio::any_io_executor home, link_config config, net::resolver look_up) {
  return std::make_shared<shell>(std::move(home), std::move(config), std::move(look_up));
}

}  // namespace mcpstate::redis
