// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <mcpstate/aio/task_group.hpp>
#include <mcpstate/store.hpp>

#include "service/events/event_stream.hh"
#include "service/operations/metrics.hh"

// Live events of owners, as frames of an event stream (SSE).
//
//     auto events = broker.subscribe(account);
//     for (auto next = co_await events->next(); next; next = co_await events->next()) { … write **next … }
//
// Every subscription begins with a snapshot: one `connection` per record, then `ready`. Then every change follows, whoever
// made it:
//     id: 7\nevent: connection\ndata: {…}\n\n                          a record as it is now, without tools
//     id: 8\nevent: removed\ndata: {"owner":…,"server":…}\n\n          the record was cleared, claimed or expired
//     event: resync\ndata: {} or {"remark":…}\n\n                      forget everything: a new snapshot follows
//     event: unavailable\ndata: {"code":…,"message":…}\n\n             the store cannot be reached; a resync follows later
// Ids grow within a stream, from one resync to the next, and mean nothing in another one. The use of a record is no event; a
// snapshot says when its records expire at that time.
//
// A subscription is a watcher of the store: a position in the log of the owner's changes, which the manager reads as well. It
// has no queue of its own, so a slow reader costs nothing and delays nobody. All subscriptions of an owner share one channel,
// with the encoded frames. A reader gets the latest state of each record that it has not seen. If too many removals happened
// meanwhile it gets a resync; if that happens again before it has caught up, its subscription ends.
//
// Executor: the store's. Lifetime: the store and the metrics outlive the broker; await close() before destroying it.
// Subscriptions may outlive it: they have ended then.
namespace mcpstate::service {

struct event_broker_options {
  event_broker_options() {}
  std::size_t max_removals = 256;  // that a reader may have unread
};

class subscription;

class event_broker {
 public:
  event_broker(store& watched_store, event_broker_options options, metrics* broker_metrics);
  ~event_broker();
  event_broker(const event_broker&) = delete;
  event_broker& operator=(const event_broker&) = delete;

  // Does not wait. The watch of an owner ends when the last subscription of that owner is destroyed.
  [[nodiscard]] std::shared_ptr<subscription> subscribe(owner account);
  // Ends all subscriptions and watches. Not cancellable.
  asio::awaitable<void> close();

  [[nodiscard]] std::size_t subscriptions() const noexcept { return subscriptions_; }
  [[nodiscard]] std::size_t owners() const noexcept { return channels_.size(); }
  // Subscriptions whose watch is open.
  [[nodiscard]] std::size_t watches() const noexcept;

 private:
  friend class subscription;
  struct channel;
  static void end(channel& ended);
  void unsubscribe(subscription& leaves);
  void change_subscriptions(std::ptrdiff_t difference);
  [[nodiscard]] std::shared_ptr<channel> channel_of(owner account);
  asio::awaitable<void> open_watches(std::shared_ptr<channel> current);
  task<std::unique_ptr<watcher>> open_watch(owner account);

  store& store_;
  asio::any_io_executor executor_;
  watch_options options_;
  metrics* metrics_;
  std::size_t subscriptions_ = 0;
  std::map<owner, std::shared_ptr<channel>> channels_;
  aio::task_group opening_;
};

class subscription {
 public:
  explicit subscription(std::shared_ptr<event_broker::channel> subscribed) : channel_(std::move(subscribed)) {}
  ~subscription();
  subscription(const subscription&) = delete;
  subscription& operator=(const subscription&) = delete;

  // Waits for the next frame, or several frames in one text (a snapshot). All subscriptions of an owner share the text.
  // Absent at the end, and on cancellation. One call at a time; the subscription outlives it.
  asio::awaitable<std::optional<frame>> next();
  // What next() would answer without waiting; absent otherwise.
  [[nodiscard]] std::optional<frame> try_next();
  // No frame will follow.
  [[nodiscard]] bool ended() const noexcept;

 private:
  friend class event_broker;
  [[nodiscard]] frame take(const result<event>& received);

  std::shared_ptr<event_broker::channel> channel_;
  std::unique_ptr<watcher> watch_;  // null: not open yet, or the channel is over
  std::uint32_t position_ = 0;      // among the subscriptions of the channel
  event_stream stream_;
};

}  // namespace mcpstate::service
