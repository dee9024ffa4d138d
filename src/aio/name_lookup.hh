// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/ip/address.hpp>

#include <functional>
#include <string>
#include <vector>

#include <mcpstate/aio/task.hpp>

// The addresses of host names, as the system knows them.
//
// The system's resolver blocks, for half a minute when no name server answers, and cannot be interrupted. Asio's waits for
// it: a cancelled look-up ends late, the executor runs on until it has, and all others stand in line behind it. Here each
// one has a thread (up to a limit; others wait), and whoever waits can go away at once: the thread's answer is then dropped.
namespace mcpstate::aio {

using host_addresses = std::vector<asio::ip::address>;
// Asks the system. Blocks; any thread. resolve_failed.
[[nodiscard]] result<host_addresses> look_up_blocking(const std::string& host);

// In the order of preference, each once. An address is its own and asks nobody. Executor: the caller's. Cancellation:
// stopped, at once. Failure: resolve_failed.
task<host_addresses> look_up(std::string host);

// The same with another way to ask, which must own or outlive what it uses: it may run on after the caller has gone.
using blocking_lookup = std::function<result<host_addresses>(const std::string& host)>;
task<host_addresses> look_up_with(blocking_lookup how, std::string host);

}  // namespace mcpstate::aio
