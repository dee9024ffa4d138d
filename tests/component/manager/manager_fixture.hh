// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <mcpstate/manager.hpp>
#include <mcpstate/open_store.hpp>

#include "component/mcp/http_fixture.hh"
#include "component/mcp/mcp_support.hh"
#include "support/co_test.hh"

// Managers to test, servers for them to reach, and ways to see what they wrote.
namespace mcpstate::test {

inline const server_name srv = server_name::parse("srv").value();
inline owner user(int number) { return owner::user(std::to_string(number)).value(); }

// Times that fit tests: nothing waits longer than it must, and a busy machine still keeps up.
manager_options quick_options();
std::shared_ptr<const server_registry> registry(const std::string& servers);

// A server of the legacy era that announces new tools; each session has an id.
class announcing_server {
 public:
  explicit announcing_server(asio::any_io_executor executor) : executor_(std::move(executor)) { start(); }

  void start();                      // again on the same port
  asio::awaitable<void> stop();      // as if it were killed
  void set_tools(std::string json);  // and says so to everybody who listens
  void announce();
  void end_streams();      // those on which it announces
  void forget_sessions();  // and say so inside the answers to their requests
  [[nodiscard]] std::string url() const { return url_; }
  [[nodiscard]] scripted_server& http() { return *http_; }
  [[nodiscard]] long sessions() const { return opened_; }
  [[nodiscard]] long ended() const { return ended_; }  // with DELETE

  std::optional<http_reply> instead;      // of every answer to a POST
  std::optional<http_reply> call_answer;  // to tools/call
  std::string tools = "[" + plain_tool + "]";
  bool announces_each_list = false;  // as if it had changed

 private:
  http_reply answer(const http_seen& request);
  asio::any_io_executor executor_;
  std::string url_;
  std::uint16_t port_ = 0;
  long opened_ = 0, ended_ = 0, forgotten_ = 0;
  std::vector<std::shared_ptr<http_rest>> streams_;
  std::unique_ptr<scripted_server> http_;
};

// What a manager tells.
class recording_observer final : public manager_observer {
 public:
  std::vector<std::string> transitions, leases, remarks, restarts, losses;
  int attempts_ok = 0, attempts_failed = 0, refreshes = 0;
  void on_transition(const managed_name& of, status from, status to, std::string_view why) override;
  void on_attempt(const managed_name& of, bool ok, std::chrono::microseconds took) override;
  void on_session_restarted(const managed_name& of, std::string_view reason, std::uint64_t restarts) override;
  void on_tools_refreshed(const managed_name& of, bool ok) override;
  void on_lease(const managed_name& of, lease_news what) override;
  void on_data_loss(loss_cause cause, std::uint64_t count) override;
  void on_remark(const managed_name* of, std::string_view what, std::string_view peer) override;
};

using record_check = std::function<bool(const connection& record)>;
// Waits until the record with its tools is so; empty if that never came.
asio::awaitable<std::optional<connection>> seen(store& records, owner who, record_check holds,
                                                std::chrono::milliseconds within = std::chrono::seconds(10));
record_check is(status what);
record_check has_tools(std::uint64_t count);
// Waits until nobody keeps it.
asio::awaitable<bool> is_let_go(store& records, owner who);
asio::awaitable<std::string> holder_of(store& records, owner who);
// Orders a connection, and waits for its outcome.
task<connection> connect_and_settle(manager& with, owner who, endpoint target);

}  // namespace mcpstate::test
