// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <vector>

#include "net/dial.hh"
#include "redis/executor.hh"
#include "redis/topology/router.hh"

// An executor on a Redis Cluster: a link to each primary, and each request to the one that has its slot.
//
// Every primary is connected to, so that the pushes of all arrive; replicas are not read from. A request whose slot has no
// primary just now waits until its deadline, and no other request waits with it. Only when no node of the cluster can be asked
// do requests fail at once. What a node refuses to run is sent again, where its refusal says or after a pause, until the
// deadline; what may have run is not (redis/topology/router.hh has the rules). So exec() can send a command twice: after a node
// has said that it did not run it, and, of effect::read, once after a connection was lost.
// Pushes of a node come in the order of its stream. An answer of exec() keeps no order with them.
// A route with a key or a slot decides for all commands of a request; route::to_any() takes any primary.
namespace mcpstate::redis {

struct cluster_config {
  cluster_config() {}
  // How each node is reached; host, port, unix_path and database are not used.
  link_config link;
  std::vector<endpoint> seeds;  // at least one
  nat_map nat;
  router_rules rules;
};

[[nodiscard]] std::shared_ptr<executor> make_cluster_router(asio::any_io_executor home, cluster_config config,
                                                            net::resolver look_up = aio::look_up);

}  // namespace mcpstate::redis
