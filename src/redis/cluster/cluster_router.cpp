// SPDX-License-Identifier: MIT
#include "redis/cluster/cluster_router.hh"

#include "redis/cluster/cluster_shell.hh"

namespace mcpstate::redis {

std::shared_ptr<executor> make_cluster_router(asio::any_io_executor home, cluster_config config, net::resolver look_up) {
  return std::make_shared<cluster_shell>(std::move(home), std::move(config), std::move(look_up));
}

}  // namespace mcpstate::redis
