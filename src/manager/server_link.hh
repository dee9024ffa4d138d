// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/mcp/client.hpp>

#include "aio/latch.hh"
#include "manager/origin_limit.hh"
#include "manager/servers/destination.hh"

// One attempt to reach a server, and the session that comes of it. A new attempt is a new link.
//
// Ownership: shared by its keeper, by whoever shuts it, and by calls under way. Executor: all members on the given one.
// Lifetime: shut() is awaited before the last owner lets go. Cancellation: shut() ends everything that is under way.
namespace mcpstate {

// What a link tells. Errors are without the secrets of the server.
struct link_news {
  enum class kind {
    opened,
    failed,
    lost,
    stream_ended,  // mcp::host::told_stream_ended
    list_changed,
    listed,
    list_failed,
    checked,
    check_failed
  } what;
  explicit link_news(kind k) : what(k) {}
  std::optional<error> why;                  // failed, lost, …_failed
  std::optional<mcp::tool_listing> listing;  // opened, listed
  std::chrono::microseconds took{0};         // opened, failed: without waiting for its turn
};

class server_link final : public std::enable_shared_from_this<server_link> {
 public:
  using listener = std::function<void(link_news)>;  // called on the executor; must not await

  server_link(asio::any_io_executor executor, listener tell);
  ~server_link();
  server_link(const server_link&) = delete;
  server_link& operator=(const server_link&) = delete;

  // Waits for the turn of this owner at the origin, connects, and lists the tools; then opened or failed is told. Once. The
  // limit outlives the link.
  void open(destination where, mcp::client_options options, origin_limit& turns, std::string whose);
  void list();
  // limit: for the answer.
  void ping(std::chrono::milliseconds limit);

  // Null before it is open.
  [[nodiscard]] mcp::client* client() noexcept { return ready_ ? client_.get() : nullptr; }
  [[nodiscard]] const secret_list& secrets() const noexcept { return secrets_; }
  // Tells nothing any more.
  void hush() noexcept { tell_ = nullptr; }
  // Ends what is under way, then the session. Await it once.
  asio::awaitable<void> shut();
  [[nodiscard]] aio::latch& is_shut() noexcept { return is_shut_; }

 private:
  class ears;  // the host of the client
  void tell(link_news what);
  [[nodiscard]] link_news failure_news(link_news::kind what, const error& why) const;
  asio::awaitable<void> do_open(destination where, mcp::client_options options, origin_limit* turns, std::string whose);
  task<mcp::tool_listing> connect_and_list(destination where, mcp::client_options options);
  asio::awaitable<void> do_list();
  asio::awaitable<void> do_ping(std::chrono::milliseconds limit);

  asio::any_io_executor executor_;
  listener tell_;
  std::shared_ptr<ears> ears_;
  secret_list secrets_;
  std::unique_ptr<mcp::client> client_;
  bool ready_ = false;
  bool lost_ = false;
  aio::latch is_shut_;
  aio::task_group group_;
};

}  // namespace mcpstate
