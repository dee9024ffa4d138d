// SPDX-License-Identifier: MIT
#include <mcpstate/store/options.hpp>

namespace mcpstate {

result<bool> check_options(const store_options& options) {
  using namespace std::chrono_literals;
  if (options.ttl < 1s) return error(errc::bad_argument, "the TTL is under one second");
  if (options.max_lifetime && *options.max_lifetime < 1s)
    return error(errc::bad_argument, "the maximal lifetime is under one second");
  if (options.timeout < 1ms) return error(errc::bad_argument, "the timeout is under one millisecond");
  if (options.timeout > 24h) return error(errc::bad_argument, "the timeout is over a day");
  if (options.durable && *options.durable > store_options::most_replicas)
    return error(errc::bad_argument, "more replicas are to confirm a change than there can be");
  if (!options.clock) return error(errc::bad_argument, "no clock");
  MCPSTATE_CHECK(key_space::make(options.prefix, options.layout));
  return true;
}

}  // namespace mcpstate
