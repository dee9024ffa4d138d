// SPDX-License-Identifier: MIT
#include "redis/sentinel/sentinel_executor.hh"

#include <utility>

#include "redis/sentinel/sentinel_shell.hh"
#include "redis/sentinel/sentinel_watch.hh"

namespace mcpstate::redis {

std::shared_ptr<sentinel_watch> make_sentinel_watch(asio::any_io_executor home, sentinel_config config,
                                                    net::resolver look_up) {
  return std::make_shared<sentinel_watch>(std::move(home), std::move(config), std::move(look_up));
}

std::shared_ptr<executor> make_sentinel_executor(std::shared_ptr<sentinel_watch> watch, link_config link, write_rule rule) {
  return std::make_shared<sentinel_shell>(std::move(watch), std::move(link), rule);
}

}  // namespace mcpstate::redis
