// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/mcp/client_options.hpp>

#include "aio/latch.hh"
#include "mcp/protocol/jsonrpc.hh"
#include "mcp/protocol/outgoing.hh"

// The requests of the server: asks the host to answer them, and sends the answers one after the other. Everything is
// bounded, because the server decides how much it asks.
//
// Executor: the session's. Lifetime: options and group outlive it; the group has stopped before it is destroyed.
namespace mcpstate::mcp {

class server_requests {
 public:
  using sender = std::function<asio::awaitable<void>(outgoing)>;
  // send: delivers a message. on_answered: the host has answered a request, or the server has cancelled it.
  server_requests(const client_options& options, aio::task_group& group, sender send, std::function<void()> on_answered);

  // Asks the host, and sends its answer unless the server cancels the request. Refuses a request whose id is that of one
  // under way, and one too many.
  void receive(message request);
  // id: raw JSON, as received.
  void cancel(const std::string& id);
  void cancel_all();
  // The host is being asked.
  [[nodiscard]] bool answering() const noexcept { return !cancelled_.empty(); }

  // Sends an answer, after those that wait already.
  void reply(outgoing answer);
  // Drops the answers that wait: their session is over.
  void drop_replies();

 private:
  using outcome = std::variant<result<std::string>, bool>;
  void refuse(const message& request, std::int64_t code, std::string_view reason);
  asio::awaitable<outcome> ask(std::string id, std::string method, std::string params,
                               std::shared_ptr<aio::latch> cancelled);
  asio::awaitable<void> ask_host(message request, std::shared_ptr<aio::latch> cancelled);
  asio::awaitable<void> send_replies();

  const client_options& options_;
  aio::task_group& group_;
  sender send_;
  std::function<void()> on_answered_;
  std::map<std::string, std::shared_ptr<aio::latch>> cancelled_;  // of each request under way, by its raw id
  std::size_t request_bytes_ = 0;                                 // of their params
  std::deque<outgoing> replies_;
  std::size_t reply_bytes_ = 0;
  int senders_ = 0;  // tasks that send replies
};

}  // namespace mcpstate::mcp
