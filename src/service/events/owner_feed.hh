// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/store.hpp>

#include "service/events/feed_log.hh"
#include "service/operations/metrics.hh"

// Live events of owners, as frames of an event stream (SSE).
//
//     auto mine = feeds.open(who);
//     for (auto next = co_await mine->next(); next; next = co_await mine->next()) { … write **next … }
//
// Every subscriber first gets a snapshot: one `connection` per record, then `ready`. Then every change, whoever made it:
//     id: 7\nevent: connection\ndata: {…}\n\n                          a record as it is now, without tools
//     id: 8\nevent: removed\ndata: {"owner":…,"server":…}\n\n          cleared, claimed or expired
//     event: resync\ndata: {}\n\n                                      forget everything: a new snapshot follows
//     event: unavailable\ndata: {"code":…,"message":…}\n\n             the store cannot be reached; resync when it can again
// Ids grow within a stream, and mean nothing in another one. That a record was used is no event; a snapshot says when it
// expires as of then.
//
// All subscribers of an owner share one watch of the store and one log of encoded frames (feed_log.hh): each is a place in
// it, no queue of its own, so a slow one costs nothing and holds up nobody. It gets the latest state of each record it has
// not seen; if too much was removed meanwhile, a resync; and if that happens again before it has caught up, it is ended.
//
// Executor: the store's. Lifetime: the store and the metrics outlive the feeds; await close() before destroying. Subscribers
// may outlive them: they are ended then.
namespace mcpstate::service {

struct feed_limits {
  std::size_t removals_kept = 256;  // per owner, for those who have not seen them yet
};

class subscriber;

class feeds {
 public:
  feeds(store& records, feed_limits limits, metrics* counted);
  ~feeds();
  feeds(const feeds&) = delete;
  feeds& operator=(const feeds&) = delete;

  // Does not wait. The last one who drops his subscriber ends the watch of that owner.
  [[nodiscard]] std::shared_ptr<subscriber> open(owner who);
  // Ends all subscribers and watches. Not cancellable.
  asio::awaitable<void> close();

  [[nodiscard]] std::size_t subscribers() const noexcept { return subscribers_; }
  [[nodiscard]] std::size_t owners() const noexcept { return topics_.size(); }
  // Of the store; one that was just ended may still be among them.
  [[nodiscard]] std::size_t watches() const noexcept { return work_.size(); }

 private:
  friend class subscriber;
  struct topic;
  static void end(topic& of);
  void leave(topic& from);
  void count(std::ptrdiff_t more);
  asio::awaitable<void> follow(std::shared_ptr<topic> of);
  asio::awaitable<void> renew(std::shared_ptr<topic> of);
  asio::awaitable<void> pause(topic& of);
  static void refused(topic& of, const error& why);
  [[nodiscard]] static bool take(topic& of, const result<event>& got);

  store& store_;
  feed_limits limits_;
  metrics* metrics_;
  std::size_t subscribers_ = 0;
  std::map<owner, std::shared_ptr<topic>> topics_;
  aio::task_group renewals_, work_;
};

class subscriber {
 public:
  ~subscriber();
  subscriber(const subscriber&) = delete;
  subscriber& operator=(const subscriber&) = delete;

  // The next frame, or several in one text (a snapshot); waits for it. Absent: the end; also on cancellation. The same text
  // is handed to all subscribers. One call at a time; the subscriber outlives it.
  asio::awaitable<std::optional<frame>> next();
  // What next() would answer without waiting; absent otherwise.
  [[nodiscard]] std::optional<frame> take();
  // No frame will come any more.
  [[nodiscard]] bool ended() const noexcept;

 private:
  friend class feeds;
  explicit subscriber(std::shared_ptr<feeds::topic> of) : topic_(std::move(of)) {}
  std::shared_ptr<feeds::topic> topic_;
  feed_reader place_;
  std::uint64_t renewal_ = 0;  // its snapshot waits for this one
};

}  // namespace mcpstate::service
