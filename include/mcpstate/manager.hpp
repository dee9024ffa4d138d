// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/manager/place.hpp>
#include <mcpstate/manager/registry.hpp>
#include <mcpstate/mcp/client.hpp>
#include <mcpstate/store.hpp>

// Connects owners to servers, and keeps what the store says about it true: checks that each server is up, follows its tool
// list, opens again what broke, and records why something failed.
//
//     manager_options options;  options.servers = registry;
//     auto keeping = make_manager(store, options);
//     auto asked = co_await keeping->connect(who, name, by_registration("github"));   // CONNECTING, at once
//     auto now = co_await keeping->settled(who, name, asked->revision);               // CONNECTED, FAILED, …
//
// The record is the order book: connect() writes CONNECTING, a disconnect (by anybody: this library, the command line, a
// program in another language) writes DISCONNECTED, and whichever process keeps that connection sees it and acts. So any
// process may be asked, and none has to know which one keeps what. Records that are not marked `managed` are left alone.
namespace mcpstate {

// Told what happens, for metrics and logs. Called on the executor; returns at once. Server names may come from anybody:
// never use them as labels.
class manager_observer {
 public:
  virtual ~manager_observer() = default;
  // A record that we keep went from one status to another. why: an error code's name, or empty.
  virtual void on_transition(const managed_name& of, status from, status to, std::string_view why) = 0;
  // One attempt to connect (handshake and tool list), and how it ended.
  virtual void on_attempt(const managed_name& of, bool ok, std::chrono::microseconds took) = 0;
  virtual void on_tools_refreshed(const managed_name& of, bool ok) = 0;
  enum class lease_news { taken, lost, handed_over, over };
  virtual void on_lease(const managed_name& of, lease_news what) = 0;
  // Anything a person should know: one line of ours, then the peer's own words (for logs of the operator only).
  virtual void on_remark(const managed_name* of, std::string_view what, std::string_view peer) = 0;
};

struct manager_options {
  manager_options() {}
  std::string instance;  // unique per process; empty: one is made of host name, process id and a random number
  std::string address;   // instance_report::address
  std::chrono::milliseconds lease_time = std::chrono::seconds(15);  // after a kill, another takes over within this
  std::chrono::milliseconds beat_every = std::chrono::milliseconds(500);
  std::chrono::milliseconds check_every = std::chrono::seconds(30);  // is a quiet server still there?
  std::chrono::milliseconds first_retry = std::chrono::seconds(1);   // full jitter, doubled each time …
  std::chrono::milliseconds last_retry = std::chrono::minutes(5);    // … up to this
  unsigned attempts_per_origin = 8;                                  // at the same time, to one scheme, host and port
  std::size_t max_connections = 20'000;                              // kept by this process
  mcp::client_options client;  // timeouts, limits, certificates; egress: of registered servers
  mcp::egress_policy egress_for_urls = mcp::egress_policy::strict();  // of places by URL
  std::shared_ptr<const server_registry> servers;                     // null: none
  manager_observer* observer = nullptr;                               // outlives the manager; null: nobody is told
};

struct manager_counts {
  manager_counts() {}
  std::size_t kept = 0;       // leases held
  std::size_t connected = 0;  // of these
  std::size_t waiting = 0;    // for their next attempt
  std::size_t instances = 0;  // of the fleet, this one included
  std::uint64_t managed = 0;  // in the store
};

// Executor: all members on the store's executor. Lifetime: the store and the observer outlive it; await close() before
// destroying. Cancellation: of a wait only; what was ordered goes on.
class manager {
 public:
  virtual ~manager() = default;
  manager(const manager&) = delete;
  manager& operator=(const manager&) = delete;

  // Orders a connection: writes CONNECTING and answers that record. A connection that leads to the same place and is up
  // stays as it is, and is answered. seen: as in store::put (If-Match). Failure: invalid (URL, forbidden_target for one the
  // policy refuses by its looks, unknown or disabled registration), exhausted, and what put reports.
  virtual task<connection> connect(owner who, server_name server, place where, std::optional<basis> seen) = 0;
  // The record once it is neither CONNECTING nor older than `since`; its present state on cancellation or when it is gone
  // (not_found). Bound it with aio::with_deadline.
  virtual task<connection> settled(owner who, server_name server, std::uint64_t since) = 0;
  // Tries now, whatever the back-off says: a managed record that is not DISCONNECTED (invalid otherwise).
  virtual task<connection> retry(owner who, server_name server) = 0;
  // Calls a tool as its owner, and counts as use (touch). With no live session here one is opened for the call; a program
  // that another process runs: kept_elsewhere, detail says where. Never made twice: outcome_unknown when the session was
  // closed meanwhile (by a retry, a disconnect, a lost lease). Failure: not_found without a connection, invalid for one that
  // is not managed, and what mcp::client::call_tool reports.
  virtual task<mcp::call_result> call(owner who, server_name server, std::string tool, std::string arguments,
                                      mcp::call_options options) = 0;
  // Disconnects a registered server for every owner. Answers how many were. Stopped (cancelled) by the caller or by close():
  // some are disconnected then.
  virtual task<std::uint64_t> disconnect_everywhere(std::string registered, progress_handler progress) = 0;
  // The host's servers have changed: connections to one that is gone, or leads elsewhere, are opened again (and fail, if it
  // is gone).
  virtual void set_servers(std::shared_ptr<const server_registry> servers) = 0;

  [[nodiscard]] virtual const manager_options& options() const noexcept = 0;
  [[nodiscard]] virtual manager_counts counts() const = 0;
  [[nodiscard]] virtual const fleet& others() const noexcept = 0;  // as of the last beat
  // Hands everything over within a second, closes the clients, leaves the fleet. Records stay as they are. Calls that are
  // under way end; await them before destroying.
  virtual asio::awaitable<void> close() = 0;

 protected:
  manager() = default;
};

// Starts keeping at once.
[[nodiscard]] std::unique_ptr<manager> make_manager(store& records, manager_options options);

}  // namespace mcpstate
