// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/mcp/client.hpp>

#include "aio/latch.hh"
#include "manager/origins/origin_limit.hh"
#include "manager/origins/origin_pauses.hh"
#include "manager/servers/destination.hh"
#include "manager/servers/startup_times.hh"

// One attempt to reach a server, and the session that comes of it. A new attempt is a new link.
//
// Ownership: shared by its supervisor, by whoever closes it, and by calls under way. Executor: all members on the given one.
// Lifetime: close() is awaited before the last owner lets go. Cancellation: close() ends everything that is under way.
namespace mcpstate {

// What a link reports. Errors come without the secrets of the server.
struct link_event {
  enum class kind {
    opened,
    open_failed,
    lost,
    stream_ended,  // mcp::host::told_stream_ended
    list_changed,
    listed,
    list_failed,
    checked,
    check_failed
  } type;
  explicit link_event(kind k) : type(k) {}
  std::optional<error> reason;               // open_failed, lost, list_failed, check_failed
  std::optional<mcp::tool_listing> listing;  // opened, listed
  std::chrono::microseconds took{0};         // opened, open_failed: without the wait for a slot
  bool attempted = true;                     // open_failed: false where the origin asks to wait, so that nothing was sent
};

// What all attempts share. Outlives every link.
struct attempt_services {
  attempt_services(origin_limit& slots, origin_pauses& asked, startup_times& starts)
      : limit(&slots), pauses(&asked), startups(&starts) {}
  origin_limit* limit;
  origin_pauses* pauses;
  startup_times* startups;
};

class server_link final : public std::enable_shared_from_this<server_link> {
 public:
  using listener = std::function<void(link_event)>;  // called on the executor; must not await

  server_link(asio::any_io_executor executor, listener on_event);
  ~server_link();
  server_link(const server_link&) = delete;
  server_link& operator=(const server_link&) = delete;

  // Waits for a slot of this owner at the origin, connects, and lists the tools; opened or open_failed follows. Called once.
  // A program gets the time that `startups` says, which learns how it went.
  void open(destination server, mcp::client_options options, attempt_services services, std::string owner);
  // listed or list_failed follows.
  void list();
  // checked or check_failed follows.
  void ping();

  // Null until the link is open.
  [[nodiscard]] mcp::client* client() noexcept { return ready_ ? client_.get() : nullptr; }
  [[nodiscard]] const secret_list& secrets() const noexcept { return secrets_; }
  [[nodiscard]] const std::string& origin() const noexcept { return origin_; }
  // No event is reported any more.
  void remove_listener() noexcept { on_event_ = nullptr; }
  // Ends what is under way, then the session. Await it once.
  asio::awaitable<void> close();
  [[nodiscard]] aio::latch& closed() noexcept { return closed_; }

 private:
  class client_host;
  void report(link_event event);
  void report_loss(const error& reason);
  [[nodiscard]] link_event failure_event(link_event::kind type, const error& reason) const;
  asio::awaitable<void> do_open(destination server, mcp::client_options options, attempt_services services,
                                std::string owner);
  task<mcp::tool_listing> connect_and_list(destination server, mcp::client_options options, startup_times& startups);
  asio::awaitable<void> do_list();
  asio::awaitable<void> do_ping();

  asio::any_io_executor executor_;
  listener on_event_;
  std::shared_ptr<client_host> host_;
  secret_list secrets_;
  std::string origin_;
  std::unique_ptr<mcp::client> client_;
  bool ready_ = false;
  bool lost_ = false;
  aio::latch closed_;
  aio::task_group group_;
};

}  // namespace mcpstate
