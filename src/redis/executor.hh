// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <mcpstate/aio/deadline.hpp>
#include <mcpstate/aio/task.hpp>

#include "redis/link_config.hh"
#include "redis/reply.hh"

// Runs commands on Redis. This is all that a store knows of its servers: how many there are, and how they are reached, is
// the executor's matter.
//
//     auto redis = redis::make_executor(io.get_executor(), config);
//     redis->start();
//     MCPSTATE_CO_CHECK(co_await redis->ready(until));
//     redis::request ask;
//     ask.add("GET", key);
//     auto replies = co_await redis->exec(redis::route::to_key(key), std::move(ask), until, redis::effect::read);
//     co_await redis->close();
namespace mcpstate::redis {

// What decides which server runs a request. With a single server it makes no difference.
class route {
 public:
  [[nodiscard]] static route to_any() { return {}; }
  // The server that has this key, and all others of its slot.
  [[nodiscard]] static route to_key(std::string key) { return route(choice(std::move(key))); }
  // The server that has this slot of a cluster; below 16384.
  [[nodiscard]] static route to_slot(std::uint16_t slot) { return route(choice(slot)); }

  // Null unless a key or a slot decides.
  [[nodiscard]] const std::string* key() const noexcept { return std::get_if<std::string>(&choice_); }
  [[nodiscard]] const std::uint16_t* slot() const noexcept { return std::get_if<std::uint16_t>(&choice_); }

 private:
  using choice = std::variant<std::monostate, std::string, std::uint16_t>;
  route() {}
  explicit route(choice made) : choice_(std::move(made)) {}
  choice choice_;
};

// One of several requests that are sent at once.
struct routed_request {
  routed_request(route where, request what) : target(std::move(where)), commands(std::move(what)) {}
  route target;
  request commands;
};

// Slots of a cluster from the first to the last, both among them.
using slot_span = std::pair<std::uint16_t, std::uint16_t>;

// A server of a cluster that takes writes.
struct primary {
  primary() {}
  std::string id;                // 40 hexadecimal digits, as CLUSTER MYID answers
  std::string address;           // for people
  std::vector<slot_span> slots;  // ascending; at least one
};

// One server that an executor talks to.
struct node {
  explicit node(std::string shown) : address(std::move(shown)) {}
  std::string address;  // "localhost:6379", "[::1]:6379", "unix:/path"
};

// Ownership: owns its connections and coroutines; shared with whatever is under way. Executor: every member on the one it
// was made with (one thread at a time), handlers too. Lifetime: await close() before giving it up.
class executor {
 public:
  using push_handler = std::function<void(const node&, const reply&)>;
  using state_handler = std::function<void(const node&, bool ready)>;
  using slots_handler = std::function<void(const std::vector<slot_span>&)>;
  using outcome = result<std::vector<reply>>;

  virtual ~executor() = default;
  executor(const executor&) = delete;
  executor& operator=(const executor&) = delete;

  // Handlers are set before start(), and called until close() begins. They may call exec(), and must not call close().
  //
  // Each push of each server, in the order of that server's stream.
  virtual void on_push(push_handler handler) = 0;
  // Each change of a connection to a server: true when it became ready, false when it was lost. Between a false and the next
  // true pushes of that server may have been missed.
  virtual void on_state(state_handler handler) = 0;
  // Slots of a cluster that another server has now, or the same one over another connection: what it pushed about them in
  // between may have been missed. Never called for a single server.
  virtual void on_slots(slots_handler) {}

  // Begins to connect, and to connect again whenever a connection is lost. Once.
  virtual void start() = 0;
  // Waits for the first attempt to end; an attempt that failed is followed by others. Answers what the server said of
  // itself. Failure: the reason of that attempt (auth_failed, unsupported for a server older than 7.0, tls_failed,
  // resolve_failed, connect_failed, loading), deadline, stopped. Cancellation: stopped.
  virtual task<server_hello> ready(aio::deadline until) = 0;

  // Sends the commands together and answers their replies, one each; error replies are among them, as values. A command is
  // never sent twice.
  // Failure, when nothing was sent: connection_lost or the reason of the last attempt, queue_full, deadline, stopped. When
  // it was sent and no answer came: deadline or connection_lost for effect::read, outcome_unknown for effect::write. Waits,
  // until the deadline, while the first attempt to connect or the first after a loss is under way; after an attempt that
  // failed every request fails at once, so that nothing piles up. Cancellation: a request that waits is withdrawn (stopped);
  // of one that was sent the reply is dropped.
  virtual task<std::vector<reply>> exec(route target, request commands, aio::deadline until, effect kind) = 0;
  // Sends several requests at once, each to its server, and waits until all have ended. One outcome each, in their order, as
  // exec() would answer it: what one server refuses or does not answer costs no request to another. Requests to one server
  // are sent together, in their order, and those may share the fate of a lost connection. None is a transaction (MULTI). All
  // have the same limits for their replies, from their first command on. Cancellation: as of exec(), of each.
  virtual asio::awaitable<std::vector<outcome>> exec_all(std::vector<routed_request> requests, aio::deadline until,
                                                         effect kind);

  // The servers of a cluster as they are known now, by id; none where there is a single server.
  [[nodiscard]] virtual std::vector<primary> primaries() const { return {}; }

  // What the server said of itself in the latest handshake; empty before the first.
  [[nodiscard]] virtual const server_hello& hello() const noexcept = 0;
  // For people: "localhost:6379".
  [[nodiscard]] virtual std::string address() const = 0;

  // Ends what is under way (stopped, or outcome_unknown), closes the connections, and waits until nothing runs any more. May
  // be awaited again. Cannot be cancelled. Afterwards every request fails with stopped.
  virtual asio::awaitable<void> close() = 0;

 protected:
  executor() = default;
};

// An executor on the one server that the configuration names.
[[nodiscard]] std::shared_ptr<executor> make_executor(asio::any_io_executor home, link_config config);

}  // namespace mcpstate::redis
