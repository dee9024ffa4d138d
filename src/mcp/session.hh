// SPDX-License-Identifier: MIT
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/mcp/client.hpp>

#include "mcp/latch.hh"
#include "mcp/session_fsm.hh"
#include "mcp/transport.hh"

// The shell around session_fsm: a client over whichever transport. Everything it decides, the state machine decided.
namespace mcpstate::mcp {

class session final : public client, private message_sink {
 public:
  session(asio::any_io_executor executor, client_options options);
  ~session() override = default;

  // Sets the transport; before open().
  void use(std::unique_ptr<transport> way) { way_ = std::move(way); }
  // What the transport gives its messages to.
  [[nodiscard]] message_sink& sink() noexcept { return *this; }
  // Opens the transport and performs the handshake. After a failure: close().
  task<void> open();

  [[nodiscard]] const server_facts& facts() const noexcept override { return facts_; }
  task<tool_listing> list_tools() override;
  task<void> ping() override;
  asio::awaitable<void> close() override;

 private:
  // A request under way; lives in the frame of ask().
  struct waiter {
    latch answered;
    latch over;  // the session ends: stop waiting
    std::optional<message> answer;
    std::optional<error> failure;
  };
  result<void> on_text(std::string text) override;
  void on_lost(error why) override;
  [[nodiscard]] bool is_waiting(std::uint64_t id) const override { return fsm_.is_waiting(id); }

  task<message> ask(outgoing what, aio::deadline until, std::string name);
  task<message> exchange(outgoing what, waiter& mine);
  task<message> call(std::string method, std::string params, aio::deadline until);
  error why_unanswered(const waiter& mine, const std::string& name, bool cancelled) const;
  asio::awaitable<void> deliver(outgoing what);
  asio::awaitable<void> do_close();
  void learn(handshake told);

  asio::any_io_executor executor_;
  client_options options_;
  session_fsm fsm_;
  server_facts facts_;
  std::unique_ptr<transport> way_;
  std::map<std::uint64_t, waiter*> waiters_;
  asio::steady_timer nobody_waits_;  // cancelled when the last waiter leaves
  std::optional<error> lost_;        // the transport ended
  aio::task_group group_;            // answers to the server's requests, and cancellations
};

}  // namespace mcpstate::mcp
