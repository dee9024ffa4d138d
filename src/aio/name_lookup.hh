// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/ip/address.hpp>

#include <functional>
#include <string>
#include <vector>

#include <mcpstate/aio/task.hpp>

// The addresses of host names, as the system knows them. Whoever wants a connection uses net/dial, which looks up, checks
// and connects.
//
// The system's resolver blocks, for half a minute when no name server answers, and cannot be interrupted. Asio's resolver
// waits for it: a cancelled look-up ends late, its executor runs on until then, and all other look-ups wait behind it. Here
// each look-up has a thread (up to 16; further ones wait for a free thread), and whoever waits can leave at once. The
// thread's answer is then dropped.
namespace mcpstate::aio {

using host_addresses = std::vector<asio::ip::address>;
// Asks the system. Blocks. Any thread. Failure: resolve_failed.
[[nodiscard]] result<host_addresses> look_up_blocking(const std::string& host);

// Answers the addresses in the order of preference, each once. A host that is an address is answered without asking.
// Executor: the caller's. Cancellation: stopped, at once. Failure: resolve_failed.
task<host_addresses> look_up(std::string host);

// The same with another way to ask. `ask` runs on another thread, and may run on after the caller has gone: it owns or
// outlives what it uses.
using blocking_lookup = std::function<result<host_addresses>(const std::string& host)>;
task<host_addresses> look_up_with(blocking_lookup ask, std::string host);

}  // namespace mcpstate::aio
