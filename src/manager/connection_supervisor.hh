// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aio/event.hh"
#include "aio/latch.hh"
#include "manager/manager_context.hh"
#include "manager/record_change.hh"
#include "manager/supervised_session.hh"
#include "manager/supervisor_fsm.hh"

// Manages one connection while this process has its lease: the shell around supervisor_fsm, which decides everything. One
// coroutine takes the steps; it sleeps most of the time. Tool lists pass through, and only their hash stays.
namespace mcpstate {

// Executor: the store's. Lifetime: run() has ended before it is destroyed; the context outlives it. Whoever awaits a member
// shares the supervisor meanwhile.
class connection_supervisor {
 public:
  using clock = std::chrono::steady_clock;
  using phase = supervisor_fsm::phase;
  // What to do with a connection whose endpoint this process cannot reach, while other processes may.
  enum class unreachable_rule {
    hand_over,  // leave it to them
    fail,       // they were offered it, and none took it: record that it has failed
  };

  // until: when the lease runs out by our own clock, counted from before it was requested.
  connection_supervisor(manager_context& context, lease granted, std::string registered, clock::time_point until,
                        unreachable_rule rule);
  ~connection_supervisor();
  connection_supervisor(const connection_supervisor&) = delete;
  connection_supervisor& operator=(const connection_supervisor&) = delete;

  // The record as it was just written, so that it is not read again to begin. Called before run().
  void begin_with(connection record) { first_ = std::move(record); }
  // Called when a claim has moved the connection to a user and this supervisor goes on there: name() is the user's by then,
  // `before` was the session's. Set before run().
  using move_listener = std::function<void(const managed_name& before)>;
  void set_move_listener(move_listener listener) { on_move_ = std::move(listener); }
  // Manages the connection until the lease is ended, handed over or lost. Spawned once.
  asio::awaitable<void> run();

  // The record may have changed: read it.
  void request_read();
  // The same, where the revisions of the record may have begun anew.
  void request_read_anew() {
    fsm_.expect_new_revisions();
    request_read();
  }
  // The registered server is another one now.
  void request_reopening();
  void request_hand_over();
  // The lease is not ours any more: closes the session at once; nothing more is written.
  void lose_lease();
  // The store does not know the lease any more. That of a session may have been moved by a claim, which is found out first.
  void lease_refused();
  void lease_renewed(clock::time_point until) noexcept { lease_until_ = until; }
  // A tool call was answered.
  void note_use();
  // A tool call has found this session broken, before it was sent. The session is opened anew, unless another one is there.
  void note_loss(const std::shared_ptr<server_link>& link, error reason);

  [[nodiscard]] const managed_name& name() const noexcept { return lease_.name; }
  [[nodiscard]] const lease& granted() const noexcept { return lease_; }
  [[nodiscard]] clock::time_point lease_until() const noexcept { return lease_until_; }
  // The name under which the lease is indexed; empty: none.
  [[nodiscard]] const std::string& registered() const noexcept { return registered_; }
  [[nodiscard]] phase current_phase() const noexcept { return fsm_.current_phase(); }
  [[nodiscard]] std::uint64_t revision() const noexcept { return fsm_.revision(); }
  // request_hand_over() was called.
  [[nodiscard]] bool is_leaving() const noexcept { return leaving_; }
  [[nodiscard]] bool has_lost_lease() const noexcept { return lease_lost_; }
  // request_read() was called, and the record has not been read since.
  [[nodiscard]] bool is_read_requested() const noexcept { return requests_.read; }
  void cancel_read_request() noexcept { requests_.read = false; }
  // It has failed because this process cannot reach the endpoint; others may.
  [[nodiscard]] bool is_stranded() const;
  // The session, if there is one that can be used; else null.
  [[nodiscard]] std::shared_ptr<server_link> session() const;
  // An attempt to open a session is under way, or about to begin.
  [[nodiscard]] bool is_opening() const noexcept;
  // Waits until is_opening() is false, the time is over or the caller is cancelled.
  asio::awaitable<void> wait_opened(aio::deadline until);

 private:
  using step = supervisor_fsm::step;
  // What was requested and not yet begun.
  struct requests {
    bool read = false, reopen = false, hand_over = false, early_retry = false;
  };

  void report_opened();
  void add_steps(supervisor_fsm::steps steps);
  [[nodiscard]] bool take_event();
  void handle(link_event event);
  [[nodiscard]] supervisor_fsm::steps opened(link_event& event);
  [[nodiscard]] supervisor_fsm::steps open_failed(link_event& event);
  [[nodiscard]] supervisor_fsm::steps request_failed(link_event& event);
  void note_failure(std::optional<error> reason);
  void await_early_retry();
  supervisor_fsm::listing take_listing(mcp::tool_listing listing);
  asio::awaitable<void> perform(step next);
  asio::awaitable<void> perform_guarded(step next);
  [[nodiscard]] bool take_event_guarded();
  void recover(const std::string& what);
  asio::awaitable<void> read();
  asio::awaitable<bool> restore_if_lost();
  asio::awaitable<void> restore(destination server);
  asio::awaitable<void> open();
  asio::awaitable<void> move_lease();
  asio::awaitable<void> write(step next);
  asio::awaitable<void> end(step last);
  task<std::optional<connection>> fetch();
  task<connection> put(connection before, step next);
  task<bool> follow_claim();
  void report_transition(status before);
  void report_restart(const connection& written);

  manager_context& context_;
  lease lease_;
  clock::time_point lease_until_;
  supervisor_fsm fsm_;
  std::deque<step> steps_;  // to be performed
  supervised_session session_;
  std::string registered_;
  std::string origin_;  // of the last attempt
  std::optional<origin_retries::entry> early_retry_;
  endpoint endpoint_;  // as the record says
  move_listener on_move_;
  std::optional<std::string> claimed_from_;  // details::claimed_from as last read
  bool lease_refused_ = false;
  data_losses losses_seen_;             // what the store had lost when the record was there last
  std::optional<connection> first_;     // begin_with(), until it is taken
  std::optional<tools_list> tools_;     // from a listing to the write of it
  std::optional<error> reason_;         // of the last failure
  std::optional<errc> loss_;            // why the last session was lost
  std::optional<error> reported_loss_;  // note_loss(), not yet handled
  requests requests_;
  bool leaving_ = false, lease_lost_ = false;
  unreachable_rule unreachable_;
  std::shared_ptr<aio::latch> opened_;  // while somebody waits for it
  aio::event changed_;                  // a request, or an event of the session
};

}  // namespace mcpstate
