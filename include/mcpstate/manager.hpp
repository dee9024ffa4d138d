// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <mcpstate/manager/observer.hpp>
#include <mcpstate/manager/options.hpp>
#include <mcpstate/manager/place.hpp>
#include <mcpstate/manager/registry.hpp>
#include <mcpstate/mcp/client.hpp>
#include <mcpstate/store.hpp>

// Connects owners to MCP servers and makes sure that the records in the store are true: it checks that each server is up,
// follows its tool list, opens again what broke, and records why something failed.
//
//     manager_options options;
//     options.servers = registry;
//     auto connections = make_manager(records, options);
//     auto ordered = co_await connections->connect(who, name, by_registration("github"), std::nullopt);
//     auto settled = co_await connections->settled(who, name, ordered.value().revision);  // CONNECTED, FAILED, …
//     co_await connections->close();
//
// Orders travel through the records. connect() writes CONNECTING; a disconnect by anybody (this library, the command line, a
// program in another language) writes DISCONNECTED. The instance that manages the connection watches the record and acts on
// it. So any process may be asked, whichever one manages the connection. Records that are not marked `managed` are left
// alone.
namespace mcpstate {

struct manager_counts {
  manager_counts() {}
  std::size_t managed_here = 0;  // connections that this process manages: leases it holds
  std::size_t connected = 0;     // of these, connections with a session that is up
  std::size_t waiting = 0;       // of these, failed connections with a retry to come
  std::size_t instances = 0;     // processes that share the store, this one included; as of the last beat
  std::uint64_t managed = 0;     // managed connections in the store, of all processes; as of the last beat
  // The store has taken a report of this process, and its time is not over: the process can do its work. A store without room
  // counts as one that takes it.
  bool reported = false;
};

// Thread rule: every member is called on the store's executor, one thread at a time. This is not asserted.
// Lifetime: the store and the observer outlive the manager. Await close() before destroying it; calls under way have ended
// by then.
// Cancellation: of a member that waits (settled, call) it ends the wait; what was ordered goes on.
// Failure: results carry the error; callers decide on its condition. Every operation may report what the store reports:
// unavailable, timeout, unauthorized, corrupt, exhausted, outcome_unknown. Nothing throws but std::bad_alloc.
// After close(): connect, retry and disconnect_everywhere report cancelled.
class manager {
 public:
  virtual ~manager() = default;
  manager(const manager&) = delete;
  manager& operator=(const manager&) = delete;

  // Orders a connection: writes CONNECTING and answers that record. A connection that is up and leads to the same endpoint
  // stays as it is; this counts as use, and its record is answered. expected: write only if the record still is as it was
  // read (If-Match); absent: whatever it is now.
  // Failure: invalid (the URL is none, or the policy refuses it as it is written; the server is not registered or is
  // disabled), exhausted (max_connections; owner_limit connections of this owner are there, and this would be one more),
  // conflict (not as expected, or others change the record again and again). owner_limit 0: no limit.
  virtual task<connection> connect(owner account, server_name server, endpoint target, std::optional<basis> expected,
                                   std::size_t owner_limit = 0) = 0;
  // Waits until the record is not CONNECTING and its revision is at least `since`; answers it. Without a bound of its own:
  // use aio::with_deadline. When cancelled it answers the record as last seen.
  // Failure: not_found when there is no record or it is removed meanwhile.
  virtual task<connection> settled(owner account, server_name server, std::uint64_t since) = 0;
  // Tries to connect now, whatever the back-off says; answers the CONNECTING record. A connection that is up is opened anew.
  // Failure: not_found without a record, invalid for one that is DISCONNECTED or not managed, and what connect() reports.
  virtual task<connection> retry(owner account, server_name server) = 0;
  // Calls a tool as its owner. This counts as use: the record's expiry is renewed. Uses the session of this process if there
  // is one or one is being opened; else it opens a session for this call.
  // The call is never repeated once it may have been carried out. Failure: not_found without a connection that could be
  // used, invalid for one that is not managed, conflict (kept_elsewhere) for a program that another process runs, whose
  // detail names that process, outcome_unknown when the session was closed during the call (by a retry, a disconnect, a lost
  // lease), exhausted (busy) where the results that arrive for this owner, or for all, take all the room there is
  // (message_bytes), and what mcp::client::call_tool() reports.
  virtual task<mcp::call_result> call(owner account, server_name server, std::string tool, std::string arguments,
                                      mcp::call_options options) = 0;
  // store::claim(), and goes on with the sessions of the connections that this process manages: what their servers hold in
  // memory stays, and a call as the user finds it when this returns. Another process that manages one follows by itself.
  virtual task<claim_result> claim(owner session, owner user) = 0;
  // Disconnects a registered server for every owner; answers how many connections changed. progress: called after each
  // connection that was looked at; may be empty.
  // Failure: cancelled by the caller or by close(); some connections are disconnected then.
  virtual task<std::uint64_t> disconnect_everywhere(std::string registered, progress_handler progress) = 0;
  // Replaces the host's servers. Connections to a server that is gone or has changed are opened again, and fail if it is
  // gone.
  virtual void set_servers(std::shared_ptr<const server_registry> servers) = 0;

  [[nodiscard]] virtual const manager_options& options() const noexcept = 0;
  [[nodiscard]] virtual manager_counts counts() const = 0;
  // The processes that share the store, as of the last beat. Valid until the next suspension of the caller.
  [[nodiscard]] virtual const fleet& others() const noexcept = 0;

  // Hands all connections over to the other processes within a second, closes the sessions and leaves the fleet. Records
  // stay as they are. Calls under way end; await them before destroying. Not cancellable; a second call returns at once.
  virtual asio::awaitable<void> close() = 0;

 protected:
  manager() = default;
};

// Begins to manage connections at once, in the background, on the store's executor.
[[nodiscard]] std::unique_ptr<manager> make_manager(store& records, manager_options options);

}  // namespace mcpstate
