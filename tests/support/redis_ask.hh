// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

#include "redis/reply.hh"
#include "support/redis_server.hh"

namespace mcpstate::test {

// What a server answers to one command, over its unix socket. Throws std::runtime_error when it does not answer within twenty
// seconds. Blocking.
redis::reply ask_server(redis_server& server, const std::vector<std::string>& command);

}  // namespace mcpstate::test
