// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <mcpstate/aio/task_group.hpp>

#include "redis/link.hh"
#include "redis/sentinel/sentinel_executor.hh"

// The I/O of a sentinel_fsm: links to the Sentinels and a timer. Shared by the executors that follow its primary.
//
// Executor: every member on the one it was made with. Lifetime: until the last of its listeners has left.
namespace mcpstate::redis {

class sentinel_watch : public std::enable_shared_from_this<sentinel_watch> {
 public:
  // Whoever follows the primary.
  class listener {
   public:
    // target() is another one, or null.
    virtual void target_changed() = 0;
    // failure() has changed.
    virtual void failure_changed() = 0;

   protected:
    ~listener() = default;
  };

  sentinel_watch(asio::any_io_executor home, sentinel_config config, net::resolver look_up);

  // A listener stays until it leaves. The first one starts the watch, and the last one that leaves ends it for ever.
  void join(listener& who);
  asio::awaitable<void> leave(listener& who);
  // Whether this listener waits for a primary.
  void set_unserved(listener& who, bool unserved);
  // The primary is not what it should be.
  void doubt();

  [[nodiscard]] const endpoint* target() const noexcept { return fsm_.target(); }
  [[nodiscard]] const error* failure() const noexcept { return fsm_.failure(); }
  // Whether a majority has confirmed the primary, not longer ago than the Sentinels wait before they replace it.
  [[nodiscard]] bool confirmed() const;
  // For people: "mymaster of a:26379,b:26379".
  [[nodiscard]] std::string shown_name() const;

  [[nodiscard]] const asio::any_io_executor& home() const noexcept { return home_; }
  [[nodiscard]] const net::resolver& look_up() const noexcept { return look_up_; }
  [[nodiscard]] std::string primary_name() const { return config_.name; }

 private:
  using clock = std::chrono::steady_clock;

  void carry_out();
  void carry_out(const sentinel_action& action);
  void arm();
  void open_sentinel(sentinel_id id, const endpoint& at);
  asio::awaitable<void> watch_first_attempt(sentinel_id id, std::shared_ptr<link> connection);
  asio::awaitable<void> end_sentinel(std::shared_ptr<link> connection);
  void ask(sentinel_id id);
  void on_sentinel_state(sentinel_id id, bool ready);
  void on_sentinel_push(sentinel_id id, const reply& push);
  void on_answer(sentinel_id id, link::outcome got);
  [[nodiscard]] link_config config_of(const endpoint& at) const;
  [[nodiscard]] sentinel_reading reading(const endpoint& at) const { return {at, config_.nat, config_.name}; }

  // Constant.
  asio::any_io_executor home_;
  sentinel_config config_;
  net::resolver look_up_;

  sentinel_fsm fsm_;
  std::map<sentinel_id, std::shared_ptr<link>> links_;
  std::map<listener*, bool> listeners_;  // → whether it is unserved
  bool started_ = false, stopping_ = false;
  bool carrying_ = false;  // inside carry_out()
  aio::deadline armed_ = aio::deadline::max();
  asio::steady_timer timer_;
  aio::task_group group_;
};

}  // namespace mcpstate::redis
