// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/manager.hpp>

#include "manager/keeper_fsm.hh"
#include "manager/record_change.hh"
#include "manager/server_link.hh"

// The shell around keeper_fsm: keeps one managed connection while we have its lease. Everything it decides, the state
// machine decided. One coroutine that sleeps; tool lists pass through, and only their hash stays.
namespace mcpstate {

class keeper;

// What a keeper works with, and whom it tells. Outlives it.
class keeper_home {
 public:
  virtual store& records() = 0;
  [[nodiscard]] virtual const manager_options& options() const = 0;
  [[nodiscard]] virtual result<destination> destination_of(const place& where) = 0;
  // Whether the fleet has somebody who reaches other servers than we do.
  [[nodiscard]] virtual bool may_others_reach() const = 0;
  virtual mcp::client_options client_options_of(const managed_name& of) = 0;
  virtual origin_limit& turns() = 0;
  [[nodiscard]] virtual keeper_fsm::moment moment() = 0;
  // Shuts it in the background.
  virtual void bury(std::shared_ptr<server_link> link) = 0;

 protected:
  ~keeper_home() = default;
};

// Executor: the store's. Lifetime: run() has ended before it is destroyed.
class keeper {
 public:
  using clock = std::chrono::steady_clock;
  // until: when the lease runs out by our own clock, counted from before it was asked for.
  keeper(keeper_home& home, lease mine, std::string registered, clock::time_point until);
  ~keeper();
  keeper(const keeper&) = delete;
  keeper& operator=(const keeper&) = delete;

  // Keeps it until the lease is over, handed over or lost. Spawned once.
  asio::awaitable<void> run();

  // Nobody has taken it for long: what we cannot reach has failed, and is offered to nobody any more. Before run().
  void take_as_last() noexcept { last_ = true; }
  // The record may have changed.
  void look();
  // The registered server leads elsewhere now.
  void moved();
  void hand_over();
  // The lease is not ours any more: the session is closed now, and nothing more is written.
  void lose();
  void renewed(clock::time_point until) noexcept { until_ = until; }
  void used();

  [[nodiscard]] const managed_name& name() const noexcept { return lease_.what; }
  [[nodiscard]] const lease& held() const noexcept { return lease_; }
  [[nodiscard]] clock::time_point until() const noexcept { return until_; }
  [[nodiscard]] const std::string& registered() const noexcept { return registered_; }
  [[nodiscard]] keeper_fsm::phase where() const noexcept { return fsm_.where(); }
  [[nodiscard]] std::uint64_t revision() const noexcept { return fsm_.revision(); }
  [[nodiscard]] bool is_leaving() const noexcept { return leaving_; }  // hand_over() was said
  [[nodiscard]] bool is_lost() const noexcept { return lost_; }
  // It has its lease, and has not begun to end it.
  [[nodiscard]] bool is_keeping() const noexcept {
    return !lost_ && !ended_ && !leaving_ && fsm_.where() != keeper_fsm::phase::over;
  }
  // Whether somebody has told it to look at the record, and it has not done so yet.
  [[nodiscard]] bool wants_to_look() const noexcept { return look_; }
  void forget_to_look() noexcept { look_ = false; }
  // It has failed because this process does not know how to get there; others may.
  [[nodiscard]] bool is_stranded() const;
  // The session, if there is one that can be used.
  [[nodiscard]] std::shared_ptr<server_link> session() const;
  // Whether an attempt to open one is under way, or about to be.
  [[nodiscard]] bool is_coming() const noexcept;
  // Waits until it is not, the time is over or the caller is cancelled. The caller shares this keeper meanwhile.
  asio::awaitable<void> outcome(aio::deadline until);

 private:
  struct letter {  // news of a link; those of one that was closed are thrown away
    letter(std::uint64_t number, link_news what) : link(number), news(std::move(what)) {}
    std::uint64_t link;
    link_news news;
  };
  using step = keeper_fsm::step;

  void wake();
  void tell_outcome();
  void add(keeper_fsm::steps more);
  [[nodiscard]] bool take_next();
  void read_letter(letter what);
  [[nodiscard]] keeper_fsm::steps failed_by(link_news& news);
  keeper_fsm::listing note_listing(mcp::tool_listing listing);
  asio::awaitable<void> wait();
  asio::awaitable<void> carry_out(step what);
  asio::awaitable<void> read();
  asio::awaitable<void> open();
  asio::awaitable<void> register_lease();
  asio::awaitable<void> write(step what);
  asio::awaitable<void> end(step what);
  task<std::optional<connection>> fetch();
  task<connection> put(connection before, step what);
  [[nodiscard]] timestamp store_time() const;
  void close_link();
  void note_transition(status before);
  void remark(std::string_view what, std::string_view peer);

  keeper_home& home_;
  lease lease_;
  clock::time_point until_;
  keeper_fsm fsm_;
  std::vector<step> todo_;
  std::vector<letter> letters_;
  std::shared_ptr<server_link> link_;
  std::weak_ptr<server_link> closing_;  // the one before
  std::uint64_t link_number_ = 0;
  std::string registered_;           // under which name the lease is found
  place place_;                      // as the record says
  std::optional<tools_list> tools_;  // between a listing and the write of it
  std::optional<error> why_;         // of the last failure
  bool look_ = false, moved_ = false, hand_over_ = false, leaving_ = false, lost_ = false, ended_ = false;
  bool last_ = false;
  std::shared_ptr<aio::latch> outcome_;  // while somebody waits for it
  asio::steady_timer timer_;
};

}  // namespace mcpstate
