// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <mcpstate/aio/task_group.hpp>

#include "aio/event.hh"
#include "redis/cluster/cluster_router.hh"
#include "redis/link.hh"

// The I/O of a cluster router: links, a timer, and callers that wait. The router decides.
namespace mcpstate::redis {

class cluster_shell final : public executor, public std::enable_shared_from_this<cluster_shell> {
 public:
  cluster_shell(asio::any_io_executor home, cluster_config config, net::resolver look_up);

  void on_push(push_handler handler) override { push_handler_ = std::move(handler); }
  void on_state(state_handler handler) override { state_handler_ = std::move(handler); }
  void on_slots(slots_handler handler) override { slots_handler_ = std::move(handler); }
  void start() override;
  task<server_hello> ready(aio::deadline until) override;
  task<std::vector<reply>> exec(route target, request commands, aio::deadline until, effect kind) override;
  asio::awaitable<std::vector<outcome>> exec_all(std::vector<routed_request> requests, aio::deadline until,
                                                 effect kind) override;
  [[nodiscard]] std::vector<primary> primaries() const override;
  [[nodiscard]] const server_hello& hello() const noexcept override { return hello_; }
  [[nodiscard]] std::string address() const override;
  asio::awaitable<void> close() override;

 private:
  using clock = std::chrono::steady_clock;
  // A request and its caller; lives in the caller's frame.
  struct call {
    call(request asked, aio::deadline when, const unit_shape& what) : commands(std::move(asked)), until(when), shape(what) {}
    request commands;  // for the case that they must be sent again
    aio::deadline until;
    unit_shape shape;
    std::optional<link::outcome> answer;
    aio::event over;
  };
  struct node_link {
    node_link(std::shared_ptr<link> made, const endpoint& where)
        : connection(std::move(made)), at(where), self(shown(where)) {}
    std::shared_ptr<link> connection;
    endpoint at;
    node self;
    std::size_t owed = 0;  // requests that were handed to the link and have not ended
    bool ready = false;
    bool leaving = false;  // nothing more is sent there
  };

  // Some requests of exec_all() that go to one node.
  struct share {
    share() {}
    request commands;
    std::optional<std::uint16_t> slot;  // of the first of them
    std::vector<std::size_t> requests;  // their places
  };
  [[nodiscard]] std::vector<share> divide(const std::vector<routed_request>& requests);
  unit_id submit(call& own, std::optional<std::uint16_t> slot);
  asio::awaitable<void> wait_for(call& own, unit_id unit);

  // Does what the router wants, until it wants nothing more; and sets the timer.
  void carry_out();
  void carry_out(unit_send& action);
  void carry_out(unit_done& action) { end_call(action.unit, std::move(action.answers)); }
  void carry_out(unit_failed& action) { end_call(action.unit, std::move(action.why)); }
  void carry_out(topology_action& action);
  void tell_slots(const std::vector<slot_range>& changed) const;
  void end_call(unit_id unit, link::outcome answer);
  void arm();

  // Links.
  void open_node(node_id id, const endpoint& at);
  asio::awaitable<void> watch_first_attempt(node_id id, std::shared_ptr<link> connection);
  void leave_node(node_id id);
  void end_if_idle(node_id id);
  asio::awaitable<void> end_node(node_id id, std::shared_ptr<link> connection);
  void on_node_state(node_id id, bool ready);
  void on_identity(node_id id, link::outcome said);
  void ask_view(node_id id);
  // Hands a request to a link; `tell` is called as a receiver of it is, while this object lives.
  template <class Receiver>
  void hand_over(node_id id, request commands, aio::deadline until, effect kind, Receiver tell);
  void on_replies(unit_id unit, bool asking, bool atomic, link::outcome got);

  // Constant after start().
  asio::any_io_executor home_;
  cluster_config config_;
  net::resolver look_up_;
  push_handler push_handler_;
  state_handler state_handler_;
  slots_handler slots_handler_;

  router routing_;
  std::map<node_id, node_link> links_;
  std::unordered_map<unit_id, call*> calls_;
  server_hello hello_;
  std::vector<router_action> batch_;
  bool carrying_ = false;  // inside carry_out()
  bool stopping_ = false;
  aio::deadline armed_ = aio::deadline::max();
  asio::steady_timer timer_;
  aio::event topology_changed_;  // for ready()
  aio::task_group group_;
};

}  // namespace mcpstate::redis
