// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mcpstate/core/connection.hpp>
#include <mcpstate/lease.hpp>

// What is to be done about one managed connection, by whoever has its lease: a pure state machine. It is told what happens
// and answers what to do, in order. No socket, no store, no clock: the time and a random number come with each event.
//
//     reading ──seen──→ opening ──opened──→ up ──lost──→ opening (at once), or
//        │                 └──failed──→ waiting (for its next attempt) or stuck (until somebody asks)
//        └── DISCONNECTED, gone, not managed: over, from anywhere
//
// The record is the truth about what is wanted: CONNECTING with a revision that was not acted upon is an order to open.
namespace mcpstate {

struct keeper_rules {
  keeper_rules() {}
  using span = std::chrono::milliseconds;
  span check_every = std::chrono::seconds(30);
  span first_retry = std::chrono::seconds(1), last_retry = std::chrono::minutes(5);
  span list_pause = std::chrono::milliseconds(100);  // announcements of new lists come in storms
  span early_pause = std::chrono::seconds(5);        // between checks that ended streams gave rise to
  span steady_after = std::chrono::seconds(60);      // a session that lasted so long ends a row of failures
  span store_pause = std::chrono::seconds(1);        // before asking a store again that did not answer
};

class keeper_fsm {
 public:
  using clock = std::chrono::steady_clock;
  using span = keeper_rules::span;
  enum class phase { reading, opening, up, waiting, stuck, over };

  struct moment {
    moment(clock::time_point t, double d) : now(t), dice(d) {}
    clock::time_point now;
    double dice;  // even in [0, 1)
  };
  // The record as it was read.
  struct sight {
    sight() {}
    bool present = false, managed = false, altered = false;
    bool in_reach = true;  // this process knows how to get there
    status state = status::disconnected;
    std::uint64_t revision = 0;
    std::string place;  // where it leads; equal for the same
    std::string mark;   // what a foreign program may have changed under the same revision; equal for the same
    std::uint32_t attempt = 0;
    std::optional<span> retry_in;
    std::string tools_hash;
    std::uint64_t tool_count = 0;
  };
  struct listing {
    listing() {}
    std::string hash;
    std::uint64_t count = 0;
    std::optional<span> fresh_for;
    bool has_tools = false, announced = false;  // the server has tools; it says when they change
  };
  // Why an attempt failed: whether it may work later, never will, or wants credentials.
  enum class trouble { transient, terminal, unauthorized };

  struct step {
    enum class kind {
      read,   // the record: seen() or read_failed()
      open,   // a session, and list its tools: opened() or failed()
      close,  // the session or the attempt, if there is one; no event of it may come any more
      list,   // listed() or list_failed()
      ping,   // checked() or check_failed()
      write,  // what follows, if the record is still the one last seen: written(), refused() or write_failed()
      end,    // the lease; the last step of all
    } what;
    explicit step(kind k) : what(k) {}
    // write
    status to = status::failed;
    bool facts = false, tools = false, allow_empty = false;
    std::uint32_t attempt = 0;
    std::optional<span> retry_in;
    // end
    lease_end how = lease_end::over;
    std::uint64_t seen = 0;  // over: for this revision of the record
  };
  using steps = std::vector<step>;

  explicit keeper_fsm(keeper_rules rules) : rules_(rules) {}

  // The lease was taken.
  [[nodiscard]] steps start();
  [[nodiscard]] steps seen(moment m, const sight& what);
  [[nodiscard]] steps read_failed(moment m);
  // Of the session.
  [[nodiscard]] steps opened(moment m, const listing& what);
  [[nodiscard]] steps failed(moment m, trouble why);
  [[nodiscard]] steps lost(moment m);
  // The stream on which the server speaks first: the server may be gone, so it is checked now.
  void stream_ended(moment m);
  void list_changed(moment m);
  [[nodiscard]] steps listed(moment m, const listing& what);
  // broken: the session is no more; else it only did not answer that.
  [[nodiscard]] steps list_failed(moment m, bool broken);
  [[nodiscard]] steps checked(moment m);
  [[nodiscard]] steps check_failed(moment m, bool broken);
  void used(moment m);  // somebody's call was answered: that is a check, too
  // Of a write.
  [[nodiscard]] steps written(const sight& now_there);
  [[nodiscard]] steps refused(moment m, const sight& now_there);
  [[nodiscard]] steps write_failed(moment m);
  // From outside.
  [[nodiscard]] steps moved(moment m);  // the registered server leads elsewhere now
  [[nodiscard]] steps hand_over();
  [[nodiscard]] steps lease_gone();
  [[nodiscard]] steps tick(moment m);

  // When tick() is due; absent: never.
  [[nodiscard]] std::optional<clock::time_point> wake_at() const;
  // Whether the record is as it was when it was last seen or written.
  [[nodiscard]] bool knows(const sight& what) const;
  // The list last told is to be written, now or when the store answers again.
  [[nodiscard]] bool offers_tools() const noexcept { return offer_tools_; }
  [[nodiscard]] phase where() const noexcept { return phase_; }
  [[nodiscard]] std::uint64_t revision() const noexcept { return revision_; }
  [[nodiscard]] status shown() const noexcept { return shown_; }  // what the record says

 private:
  using when = std::optional<clock::time_point>;
  [[nodiscard]] steps let_go(lease_end how, std::uint64_t seen = 0);
  [[nodiscard]] steps first_look(moment m, const sight& what);
  [[nodiscard]] steps look_again(moment m, const sight& what);
  [[nodiscard]] steps open_anew();
  [[nodiscard]] steps begin_opening(bool close_first);
  [[nodiscard]] steps wait_for_next(moment m, steps before);
  [[nodiscard]] step truth(moment m) const;
  [[nodiscard]] bool note_list(moment m, const listing& what);
  void note_record(const sight& what);
  void plan_check(moment m);
  void plan_refresh(moment m, const listing& what);
  [[nodiscard]] span back_off(double dice) const;

  keeper_rules rules_;
  phase phase_ = phase::reading;
  bool known_ = false;  // the record has been read
  status shown_ = status::disconnected;
  std::uint64_t revision_ = 0;
  std::string place_, mark_, tools_hash_;
  std::uint64_t tool_count_ = 0;
  std::uint32_t attempt_ = 0;  // failures in a row
  bool quick_ = false;         // the attempt at once, after a loss, has been made
  bool wants_credentials_ = false;
  bool doubted_ = false;  // somebody else wrote a status: check, and write what is true
  bool empty_once_ = false;
  bool pinging_ = false, listing_ = false;
  bool offer_tools_ = false, offer_empty_ = false, offer_facts_ = false;  // of the write that is due
  int misses_ = 0;
  clock::time_point up_since_;
  when early_at_;  // the last check that an ended stream gave rise to
  when check_at_, list_at_, retry_at_, read_at_, write_at_;
};

}  // namespace mcpstate
