// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/aio/task_group.hpp>

#include "aio/event.hh"
#include "redis/link.hh"
#include "redis/sentinel/sentinel_watch.hh"

// One link to the primary of a watch, and the requests that wait for it.
namespace mcpstate::redis {

class sentinel_shell final : public executor,
                             public sentinel_watch::listener,
                             public std::enable_shared_from_this<sentinel_shell> {
 public:
  sentinel_shell(std::shared_ptr<sentinel_watch> watch, link_config config, write_rule rule);

  void on_push(push_handler handler) override { push_handler_ = std::move(handler); }
  void on_state(state_handler handler) override { state_handler_ = std::move(handler); }
  void start() override;
  task<server_hello> ready(aio::deadline until) override;
  task<std::vector<reply>> exec(route target, request commands, aio::deadline until, effect kind) override;
  [[nodiscard]] const server_hello& hello() const noexcept override { return hello_; }
  [[nodiscard]] std::string address() const override { return watch_->shown_name(); }
  asio::awaitable<void> close() override;

  void target_changed() override;
  void failure_changed() override { changed_.notify(); }

 private:
  // What becomes of a request that came back from the link.
  enum class fate {
    answer,   // it goes to the caller as it is
    again,    // nothing of it has run, or it only reads: it waits for a primary
    unknown,  // a write whose answer comes from a server that is not the primary any more
  };

  void attach(const endpoint& at);
  void detach();
  void on_link_state(std::uint64_t number, bool ready);
  void set_serving(bool serving);
  void stop_serving(error why);
  // Waits until the server that was attached to under this number is known as a primary, or is not connected any more.
  asio::awaitable<void> verify(std::uint64_t number, std::shared_ptr<link> connection, bool soon);
  [[nodiscard]] std::optional<error> unfit(const link::outcome& role, const link& connection) const;
  // Notes why the link cannot connect, until it can.
  asio::awaitable<void> watch_attempts(std::uint64_t number, std::shared_ptr<link> connection);
  asio::awaitable<void> end_link(std::shared_ptr<link> connection);
  // Waits for a primary. Failure: why there will be none, or none in time.
  task<void> served(aio::deadline until);
  [[nodiscard]] std::optional<error> hopeless() const;
  [[nodiscard]] fate decide(const link::outcome& got, std::uint64_t number, effect kind, int tries);
  [[nodiscard]] error stopped() const;

  // Constant after start().
  std::shared_ptr<sentinel_watch> watch_;
  link_config config_;
  write_rule rule_;
  push_handler push_handler_;
  state_handler state_handler_;

  // Of the present target.
  std::shared_ptr<link> link_;
  node self_{std::string()};
  std::uint64_t number_ = 0;  // of the link; counts up with each
  bool serving_ = false;      // it is a primary by its own words
  bool verifying_ = false, attempting_ = false;
  std::optional<error> why_;  // it does not serve

  server_hello hello_;
  bool stopping_ = false;
  aio::event changed_;
  aio::task_group group_;
};

}  // namespace mcpstate::redis
