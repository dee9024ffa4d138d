// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/core/connection.hpp>
#include <mcpstate/lease.hpp>
#include <mcpstate/manager/schedule.hpp>

// Decides what is to be done about one managed connection by the instance that holds its lease: a pure state machine. Events
// go in, steps come out, to be taken in order. No socket, no store, no clock: each event carries the time and a random
// number.
//
//     reading ──record_read──→ opening ──opened──→ up ──session_lost──→ opening (at once), or
//        │                        └──open_failed──→ waiting (for the next attempt) or stuck (until somebody asks)
//        └── DISCONNECTED, gone, not managed: over, from any phase
//
// The record says what is wanted: CONNECTING with a revision that was not acted upon is an order to connect.
namespace mcpstate {

struct supervisor_rules : connection_schedule {
  supervisor_rules() {}
  explicit supervisor_rules(const connection_schedule& schedule) : connection_schedule(schedule) {}
  using span = std::chrono::milliseconds;
  // Between a list_changed and the listing: they come in storms. After a listing that brought nothing new the next one waits
  // twice as long, up to check_every.
  span list_pause = std::chrono::milliseconds(100);
  span early_pause = std::chrono::seconds(5);    // between two checks that ended streams caused
  span steady_after = std::chrono::seconds(60);  // a session that lasted so long ends a row of failures
  span store_pause = std::chrono::seconds(1);    // before asking a store again that did not answer
  // A connection that has worked and is refused (401, 403) may have met a proxy that is out of order. It is tried so often
  // again before it counts as refused, after twice first_retry and twice as long each time.
  std::uint32_t refused_retries = 3;
};

class supervisor_fsm {
 public:
  using clock = std::chrono::steady_clock;
  using span = supervisor_rules::span;
  enum class phase { reading, opening, up, waiting, stuck, over };

  struct tick_context {
    tick_context(clock::time_point time, double random) : now(time), jitter(random) {}
    clock::time_point now;
    double jitter;  // uniform in [0, 1)
  };
  // What matters of a record that was read.
  struct record_view {
    record_view() {}
    bool present = false, managed = false;
    bool altered = false;   // a foreign program has written a status since our last write
    bool reachable = true;  // this process knows how to connect to its endpoint
    status state = status::disconnected;
    std::uint64_t revision = 0;
    std::string endpoint_key;  // the same text for the same endpoint
    std::string raw_status;    // what a foreign program may change without a new revision; the same text for the same bytes
    std::uint32_t attempt = 0;
    std::optional<span> retry_in;
    std::string tools_hash;
    std::uint64_t tool_count = 0;
  };
  // What matters of a tool list that a server has answered.
  struct listing {
    listing() {}
    std::string hash;
    std::uint64_t count = 0;
    std::optional<span> fresh_for;
    bool has_tools = false;          // the server declares tools …
    bool announces_changes = false;  // … and that it says when they change
  };
  // What a failed attempt means for the next: it may work, it never will, or it needs credentials.
  enum class failure_kind { transient, terminal, unauthorized };

  struct step {
    enum class kind {
      read,   // read the record: record_read() or read_failed() follows
      open,   // open a session and list its tools: opened() or open_failed() follows
      close,  // close the session or end the attempt, if there is one; no event of it may come afterwards
      list,   // list the tools: listed() or list_failed() follows
      ping,   // check the session: checked() or check_failed() follows
      write,  // write the members below, based on the record as last read: written(), write_refused() or write_failed()
      end,    // end the lease; always the last step
    } type;
    explicit step(kind k) : type(k) {}
    // Of write.
    status state = status::failed;
    bool facts = false, tools = false, allow_empty = false;
    bool restarted = false;  // the session takes the place of one that was lost
    std::uint32_t attempt = 0;
    std::optional<span> retry_in;
    // Of end.
    lease_end ending = lease_end::over;
    std::uint64_t revision = 0;  // lease_end::over holds for this revision of the record; 0: there is no record
  };
  using steps = std::vector<step>;

  explicit supervisor_fsm(supervisor_rules rules) : rules_(rules) {}

  // The lease was taken.
  [[nodiscard]] steps start() { return {step(step::kind::read)}; }
  // Results of a read.
  [[nodiscard]] steps record_read(tick_context context, const record_view& record);
  // The revisions of the record may have begun anew: the next that is read counts, however low it is.
  void expect_new_revisions() noexcept { begun_anew_ = true; }
  [[nodiscard]] steps read_failed(tick_context context);
  // A claim has moved the record to a user, and the lease with it: the session goes on as it is.
  [[nodiscard]] steps record_moved(tick_context context, const record_view& record);
  // The store had lost the record, and it was written again, as an order. What is true of the session follows.
  [[nodiscard]] steps record_restored(tick_context context, const record_view& record);
  // Events of the session.
  [[nodiscard]] steps opened(tick_context context, const listing& tools);
  // wait: how long the server asks to wait before the next request; absent: it does not ask.
  [[nodiscard]] steps open_failed(tick_context context, failure_kind reason, std::optional<span> wait = std::nullopt);
  [[nodiscard]] steps session_lost(tick_context context, std::optional<span> wait = std::nullopt);
  // Another connection to the same origin is up again: see may_retry_early().
  [[nodiscard]] steps origin_answered() { return may_retry_early() ? begin_opening(false) : steps(); }
  // The stream on which the server speaks first has ended. The server may be gone, so a check is due.
  void stream_ended(tick_context context);
  void list_changed(tick_context context);
  [[nodiscard]] steps listed(tick_context context, const listing& tools);
  // broken: the session is gone. Otherwise only this request failed.
  [[nodiscard]] steps list_failed(tick_context context, bool broken, std::optional<span> wait = std::nullopt);
  [[nodiscard]] steps checked(tick_context context);
  [[nodiscard]] steps check_failed(tick_context context, bool broken, std::optional<span> wait = std::nullopt);
  // The server is there, and was asked too often: the listing or the check comes later. After several in a row, and nothing
  // else, the server is of no use to anybody: the session is lost.
  [[nodiscard]] steps request_postponed(tick_context context, span wait);
  // A tool call was answered, which counts as a check.
  void used(tick_context context);
  // Results of a write.
  [[nodiscard]] steps written(const record_view& record);
  [[nodiscard]] steps write_refused(tick_context context, const record_view& record);
  [[nodiscard]] steps write_failed(tick_context context);
  // Events from outside.
  [[nodiscard]] steps server_changed();  // the registered server is another one now
  [[nodiscard]] steps hand_over() { return phase_ == phase::over ? steps() : end_lease(lease_end::hand_over); }
  // The lease is lost, or the process gives up: nothing more is written.
  [[nodiscard]] steps abandon() {
    phase_ = phase::over;
    return {step(step::kind::close)};
  }
  [[nodiscard]] steps tick(tick_context context);

  // When tick() is due; absent: never.
  [[nodiscard]] std::optional<clock::time_point> wake_at() const;
  // Whether the record is as it was when it was last read or written.
  [[nodiscard]] bool knows(const record_view& record) const;
  // Whether a record was there.
  [[nodiscard]] bool has_record() const noexcept { return record_known_ && phase_ != phase::over; }
  // Whether the next attempt may come before its time: it waits because the server could not be reached, and not because the
  // server asked to wait.
  [[nodiscard]] bool may_retry_early() const noexcept { return phase_ == phase::waiting && back_off_only_; }
  // Whether the last tool list is to be written, now or when the store answers again.
  [[nodiscard]] bool offers_tools() const noexcept { return offer_tools_; }
  [[nodiscard]] phase current_phase() const noexcept { return phase_; }
  [[nodiscard]] std::uint64_t revision() const noexcept { return revision_; }
  [[nodiscard]] status recorded_status() const noexcept { return recorded_; }

 private:
  using optional_time = std::optional<clock::time_point>;
  [[nodiscard]] steps end_lease(lease_end ending, std::uint64_t revision = 0);
  [[nodiscard]] steps take_over(tick_context context, const record_view& record);
  [[nodiscard]] steps record_changed(tick_context context, const record_view& record);
  [[nodiscard]] steps reopen();
  [[nodiscard]] steps begin_opening(bool close_first);
  [[nodiscard]] steps schedule_retry(tick_context context, steps before, std::optional<span> wait);
  [[nodiscard]] bool retries_refusal(failure_kind reason);
  void forget_history();
  [[nodiscard]] step write_step(tick_context context) const;
  [[nodiscard]] bool take_listing(tick_context context, const listing& tools);
  void remember(const record_view& record);
  void schedule_check(tick_context context);
  void schedule_listing(tick_context context, const listing& tools);

  supervisor_rules rules_;
  phase phase_ = phase::reading;

  // The record as last read or written.
  bool record_known_ = false;
  status recorded_ = status::disconnected;
  bool begun_anew_ = false;  // a revision below the last is no late read
  std::uint64_t revision_ = 0;
  std::string endpoint_key_, raw_status_, tools_hash_;
  std::uint64_t tool_count_ = 0;

  // Attempts.
  std::uint32_t attempt_ = 0;       // failures in a row
  bool quick_retry_used_ = false;   // the attempt at once, after a loss, was made
  bool needs_credentials_ = false;  // the reason of phase::stuck
  bool worked_ = false;             // there was a session since the connection was ordered
  std::uint32_t refusals_ = 0;      // attempts in a row that the server refused, of a connection that has worked
  bool back_off_only_ = false;      // phase::waiting: nothing but the back-off says when to try again
  bool lost_ = false;               // the last session was lost, and there is no other yet

  // The session.
  bool pinging_ = false, listing_ = false;
  bool contested_ = false;             // somebody else has written a status: check the server, then write what is true
  bool announced_ = false;             // the listing that is due was announced …
  bool answers_announcement_ = false;  // … or the one under way
  span list_pause_{0};                 // from one listing to the next that is announced
  optional_time listed_at_;
  bool empty_list_seen_ = false;           // an empty list came in place of a good one; it counts when it comes twice
  int missed_checks_ = 0, postponed_ = 0;  // in a row
  clock::time_point up_since_;
  optional_time early_check_at_;  // the last check that an ended stream caused

  // Members of the write that is due.
  bool offer_tools_ = false, offer_empty_ = false, offer_facts_ = false, offer_restart_ = false;
  optional_time check_at_, list_at_, retry_at_, read_at_, write_at_;
};

}  // namespace mcpstate
