// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <mcpstate/mcp/client.hpp>

#include "aio/caller_settings.hh"
#include "aio/latch.hh"
#include "mcp/protocol/tool_pages.hh"
#include "mcp/session/channel.hh"
#include "mcp/session/session_opener.hh"
#include "mcp/transport/restart_guard.hh"

// What users of a client ask for: tools, calls and any other request, with the questions that servers ask meanwhile. The
// channel carries the messages, and the opener opens the session, again if the server has lost it.
namespace mcpstate::mcp {

class session final : public client {
 public:
  session(asio::any_io_executor executor, target server, client_options options);
  ~session() override;

  // Finds out what the server speaks and performs the handshake. After a failure: close().
  task<void> open();

  [[nodiscard]] const server_facts& facts() const noexcept override { return opener_.facts(); }
  task<tool_listing> list_tools() override {
    return aio::keep_settings_unless_cancelled(do_list_tools(), "tools/list was cancelled; nothing was sent");
  }
  task<call_result> call_tool(std::string name, std::string arguments, call_options options) override {
    auto calling = do_call_tool(std::move(name), std::move(arguments), std::move(options));
    return aio::keep_settings_unless_cancelled(std::move(calling), "tools/call was cancelled; nothing was sent");
  }
  task<std::string> request(std::string method, std::string params, call_options options) override {
    auto asking = do_request(std::move(method), std::move(params), std::move(options));
    return aio::keep_settings_unless_cancelled(std::move(asking), "the request was cancelled; nothing was sent");
  }
  task<void> ping() override {
    return aio::keep_settings_unless_cancelled(do_ping(), "ping was cancelled; nothing was sent");
  }
  asio::awaitable<void> close() override;

 private:
  enum class stale_headers { report, refuse };
  task<void> open_guarded();
  task<tool_listing> do_list_tools();
  task<call_result> do_call_tool(std::string name, std::string arguments, call_options options);
  task<std::string> do_request(std::string method, std::string params, call_options options);
  task<void> do_ping();
  task<void> establish();
  task<void> ready();
  task<void> reopen();
  task<message> exchange(std::string method, std::string params, request_extras extras, call_options options);
  task<std::string> converse(std::string method, std::string params, request_extras extras, call_options options,
                             stale_headers rule);
  task<std::string> answer_questions(std::string result);
  task<message> check_by(std::string method);
  task<void> check();
  task<http::header_list> headers_for(std::string tool, std::string arguments);
  task<void> collect(tool_pages& pages);
  asio::awaitable<bool> is_lost_session(std::string method, bool told);
  asio::awaitable<std::optional<error>> find_loss(std::string method, const message& answer);
  [[nodiscard]] request_limits limits_for(const std::string& method, const call_options& options) const;

  const client_options options_;
  channel channel_;
  session_opener opener_;
  tool_pages::header_map tool_headers_;    // modern era over HTTP: of the last listing
  bool listed_ = false;                    // tool_headers_ are known
  std::shared_ptr<aio::latch> reopening_;  // while a caller opens the session again
  restart_guard guard_;
  bool has_answered_ = false;   // a request of this session
  std::size_t under_way_ = 0;   // requests that wait for their answers
  std::uint64_t answered_ = 0;  // requests that were answered with a result
  bool pings_useless_ = false;  // the server does not answer pings, or with errors, and lists its tools when asked
};

}  // namespace mcpstate::mcp
