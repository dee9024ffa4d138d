// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/store.hpp>

#include "store/watch/change_log.hh"

// Turns "something of this owner may have changed" into events, for every store alike.
//
// A store says which owners may have changed; the hub lists them again (at most one listing of an owner at a time, those
// that come meanwhile are served by one more), and puts the difference into the log of that owner. All watchers of an owner
// read this one log, so a change costs one listing, however many watch. A watcher that joins costs a listing too; all that
// join in one turn of the executor share it. So a notice too many costs a listing and nothing else. Records that expire send
// no notice anywhere: the hub looks at their time itself.
//
// Watches on all owners walk the scan pages once, and from then on rely on changed(), changed_all() and restored(). They read
// a log of their own, which has the changes of all owners in one order: a position in each owner's log would have to be
// looked for at every read.
//
// Ownership: a member of the store, after everything that source uses. Executor: all members on the given one. Lifetime:
// await close() before destroying; watchers may outlive it (they are then closed). Failure: a listing that fails is tried
// again until it succeeds, and the watchers concerned are told once per outage.
namespace mcpstate {

class watch_hub {
 public:
  struct source {
    std::function<task<std::vector<connection>>(owner)> list;  // without tools
    std::function<task<owner_page>(std::string cursor)> scan;
    // One record with its tools, counted and hashed as they are; null where nobody else can write tools.
    std::function<task<std::optional<connection>>(owner, std::string member)> with_tools;
    std::function<timestamp()> now;  // the clock by which records expire
    // Told when a record is listed that has expired by this clock: the clock may be wrong. May be null.
    std::function<void()> overdue;
  };
  watch_hub(asio::any_io_executor executor, source from);
  ~watch_hub();
  watch_hub(const watch_hub&) = delete;
  watch_hub& operator=(const watch_hub&) = delete;

  // A watch on one owner, or on all; its first event may be an outage. Does not wait.
  [[nodiscard]] std::unique_ptr<watcher> open(std::optional<owner> account, const watch_options& options);

  // Notices from the store; each may come at any time, also for owners that nobody watches.
  void changed(const owner& account);
  // Of this record only the tools: another program put them there, and what a listing says of them is of those before. From
  // now on they are read, until the record says the same.
  void changed_tools(const owner& account, const std::string& member);
  void changed_all();           // anything may have changed
  void lost(const error& why);  // changes may be missed from now on
  // … until now: resync, then the difference. remark: what the store has lost (event::remark); a static text.
  void restored(std::string_view remark = {});
  // The store has lost data while the link was there: the same.
  void lost_data(std::string_view remark);

  [[nodiscard]] bool watched() const noexcept { return owner_watchers_ > 0 || all_watched(); }
  // Ends every watch with "stopped", and waits for the hub's own coroutines.
  asio::awaitable<void> close();

 private:
  // Between attempts to read from a store that does not answer.
  static constexpr std::chrono::milliseconds first_pause{50}, longest_pause{1000};
  class subscription;
  class subscription_watcher;
  // What watchers of one owner read, or those of all owners.
  struct watched_log {
    watched_log(watch_hub& owning_hub, std::optional<owner> watched) : hub(owning_hub), account(std::move(watched)) {}
    watch_hub& hub;
    std::optional<owner> account;  // absent: all
    change_log log;
  };
  struct entry : watched_log {
    using watched_log::watched_log;
    std::vector<std::string> foreign;  // members whose tools another program wrote
    bool queued = false, listing = false, dirty = false;
    bool empty = true;                           // no records when it was listed last
    std::optional<timestamp> due;                // its place in due_
    std::chrono::milliseconds overdue_pause{0};  // before it is looked at again; 0: no record of it is overdue
  };
  using entries = std::map<owner, entry>;

  [[nodiscard]] entries::iterator entry_of(const owner& account);
  static void wake_readers(const change_log& changed);
  template <class Fn>
  void for_each_log(Fn fn);
  void remove(subscription& leaves, watched_log& from);
  void end_subscriptions();
  [[nodiscard]] bool wanted(const owner& account) const;
  [[nodiscard]] bool all_watched() const noexcept { return !all_.log.readers().empty(); }
  void look_at(const owner& account);
  void mark_dirty(entries::iterator at);
  void pump();
  void forget(const owner& account);
  void finish(const owner& account, std::uint64_t started, std::vector<connection> listed);
  void failed(const owner* account, const error& why);
  void succeeded(const owner* account);
  void set_due(entries::iterator at, std::optional<timestamp> when);
  [[nodiscard]] std::optional<timestamp> next_look(entry& listed_entry, const std::vector<connection>& listed) const;
  void start_walk();
  asio::awaitable<void> relist(owner account);
  task<void> read_foreign_tools(owner account, std::vector<connection>* listed);
  asio::awaitable<void> walk();
  asio::awaitable<bool> walk_pages();
  asio::awaitable<void> expire();
  void take_due();
  asio::awaitable<bool> pause(std::chrono::milliseconds how_long);
  asio::awaitable<void> outstanding_at_most(std::size_t limit);

  asio::any_io_executor executor_;
  source from_;
  entries entries_;
  watched_log all_{*this, std::nullopt};
  std::size_t owner_watchers_ = 0;  // watchers of one owner
  std::deque<owner> queue_;         // dirty, not yet being listed
  std::size_t listings_ = 0;        // under way
  std::uint64_t ticks_ = 0;         // orders joins and starts of listings
  std::set<owner> outstanding_;     // owners that the walk under way still waits for
  std::uint64_t walk_started_ = 0;
  bool walking_ = false, walk_again_ = false;
  std::set<std::pair<timestamp, owner>> due_;  // when to look at an owner again
  std::set<std::optional<owner>> failing_;     // whose listing failed last; absent: the walk
  std::set<asio::steady_timer*> pauses_;
  std::optional<error> lost_;
  asio::steady_timer due_timer_, progress_;
  aio::task_group work_;
};

}  // namespace mcpstate
