// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include <mcpstate/lease.hpp>
#include <mcpstate/manager/observer.hpp>
#include <mcpstate/manager/registry.hpp>
#include <mcpstate/manager/schedule.hpp>
#include <mcpstate/mcp/client_options.hpp>

namespace mcpstate {

// How a manager behaves. A value; make_manager() takes a copy. The fields of connection_schedule (check_every, first_retry,
// last_retry) are fields of it. Nothing checks the ranges: the command line does for its users.
struct manager_options : connection_schedule {
  manager_options() {}

  // Who this process is.

  // The name under which this process holds leases. It must be unique among all processes of the store, now and later.
  // Default: empty, which makes one of the host's name, the process id and a random number. Range: 1 to 256 bytes.
  std::string instance;
  // The URL of this process' HTTP API, for people who have to find the process that runs a program
  // (instance_report::address). Default: empty, which means that it has none.
  std::string address;

  // Sharing the work with other processes.

  // How long a connection stays without a managing instance after its instance was killed. A shorter time means faster
  // take-over and more writes to the store. The leases are renewed about every third of it.
  // Default: 15 s. Range: over 0, at most a day; `mcpstate serve` takes 1 s and more.
  std::chrono::milliseconds lease_time = std::chrono::seconds(15);
  // How often this process reports itself and looks for connections that nobody manages. A report that says the same is
  // written about every quarter of lease_time; the other beats only read.
  // Default: 500 ms. Range: over 0, well below lease_time.
  std::chrono::milliseconds beat_every = std::chrono::milliseconds(500);

  // What happens to a connection that this process manages when the store loses its record. A record that vanishes alone was
  // removed by somebody, and is never written again.
  // Default: by_cause.
  loss_rule on_data_loss = loss_rule::by_cause;

  // Limits.

  // How many attempts to connect may be under way at a time to one origin (scheme, host and port; a registered program is an
  // origin of its own). The others wait, and the owners take turns. A server that has just come back is not overrun.
  // Default: 8. Range: 1 and more (0 counts as 1).
  unsigned attempts_per_origin = 8;
  // How many connections this process manages at most. connect() reports exhausted (queue_full) beyond it.
  // Default: 20,000. Range: 1 and more.
  std::size_t max_connections = 20'000;
  // What the messages of all servers may take together while they arrive, and of this those for one owner. Messages of up to
  // 64 KiB take nothing. A call whose result finds no room fails with exhausted (busy).
  // Default: 256 MiB and 64 MiB. Range: over client.max_message_bytes, so that one message always finds room by itself.
  std::size_t message_bytes = 256u * 1024 * 1024;
  std::size_t owner_message_bytes = 64u * 1024 * 1024;

  // Reaching servers.

  // How the clients of all connections behave: timeouts, limits, certificates. client.egress holds for registered servers.
  // Not used: user, follow, reopen, on_oddity, message_budget, which the manager sets, and protocol where the registry names one.
  mcp::client_options client;
  // How long a program may be silent when it is started, before it is ended: its first start in this process, and the starts
  // after one success. One that was ended for that has longer the next time (at most 10 min). The servers file can say
  // another time (startup_timeout_sec).
  // Default: 120 s and 30 s. Range: over 0.
  std::chrono::milliseconds first_startup_timeout = std::chrono::seconds(120);
  std::chrono::milliseconds startup_timeout = std::chrono::seconds(30);
  // Which URLs that came from users may be connected to.
  // Default: strict(): https only, and no address of a private network. Registered servers are not bound by it.
  mcp::egress_policy egress_for_urls = mcp::egress_policy::strict();
  // The servers that the host knows. Default: null: none. manager::set_servers() replaces it.
  std::shared_ptr<const server_registry> servers;

  // Receives what the manager does. Default: null: nobody does. It outlives the manager.
  manager_observer* observer = nullptr;
};

}  // namespace mcpstate
