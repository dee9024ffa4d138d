// SPDX-License-Identifier: MIT
#include "service/events/event_broker.hh"

#include <boost/asio/post.hpp>

#include <chrono>
#include <utility>

#include "aio/event.hh"
#include "aio/executor_check.hh"

namespace mcpstate::service {

namespace {

constexpr auto retry_delay = std::chrono::seconds(1);

}  // namespace

// What the subscriptions of one owner share. It lives as long as one of them, or as a coroutine that works for it.
struct event_broker::channel {
  channel(owner key, std::size_t max_removals) : account(key), history(std::move(key), max_removals) {}
  owner account;
  event_history history;
  event_broker* broker = nullptr;  // null: the channel is closed
  std::size_t subscriptions = 0;
  bool over = false;
  // Listings for subscriptions that join after the history was loaded: how many are requested, and done.
  std::uint64_t requested_refreshes = 0, finished_refreshes = 0;
  bool refreshing = false;
  std::unique_ptr<watcher> watch;
  aio::event changed;  // wakes waiting readers
  aio::event ended;    // wakes the pause before the next attempt to watch
};

event_broker::event_broker(store& watched_store, event_broker_options options, metrics* broker_metrics)
    : store_(watched_store),
      executor_(watched_store.executor()),
      options_(options),
      metrics_(broker_metrics),
      refreshing_(executor_, aio::end_process),
      watching_(executor_, aio::end_process) {}

event_broker::~event_broker() {
  for (auto& [account, open] : channels_) open->broker = nullptr;
}

void event_broker::change_subscriptions(std::ptrdiff_t difference) {
  subscriptions_ += static_cast<std::size_t>(difference);
  if (metrics_ != nullptr) metrics_->set_event_streams(subscriptions_);
}

std::shared_ptr<event_broker::channel> event_broker::open_channel(owner account) {
  auto made = std::make_shared<channel>(account, options_.max_removals);
  made->over = watching_.stopping();
  if (made->over) return made;
  made->broker = this;
  channels_.emplace(std::move(account), made);
  watching_.spawn("live events", follow_store(made));
  return made;
}

std::shared_ptr<subscription> event_broker::subscribe(owner account) {
  aio::assert_on_executor(executor_);
  const auto found = channels_.find(account);
  const bool known = found != channels_.end();
  const auto joined = known ? found->second : open_channel(std::move(account));
  if (joined->broker != nullptr) {
    ++joined->subscriptions;
    change_subscriptions(1);
  }
  std::shared_ptr<subscription> out(new subscription(joined));
  if (known && !joined->history.loading()) {
    out->required_refresh_ = ++joined->requested_refreshes;
    if (!std::exchange(joined->refreshing, true)) refreshing_.spawn("refresh of live events", refresh_expiry(joined));
  }
  return out;
}

// Lists the owner's records, because the history does not know when a record that was used expires: use is no event. One
// listing serves all subscriptions that joined before it began, those of one turn of the executor among them. If it fails
// the history is used as it is.
asio::awaitable<void> event_broker::refresh_expiry(std::shared_ptr<channel> current) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await asio::post(executor_, asio::use_awaitable);
  while (!current->over && current->finished_refreshes < current->requested_refreshes) {
    const auto served = current->requested_refreshes;
    auto listing = store_.list(current->account, tools_wanted::no);
    const auto listed = co_await std::move(listing);
    if (listed) {
      for (const auto& record : **listed) current->history.update_expiry(record);
    }
    current->finished_refreshes = served;
    current->changed.notify();
  }
  current->refreshing = false;
}

// Ends everything that waits on this channel: its readers, and the coroutine that follows the store.
void event_broker::end(channel& ended) {
  ended.over = true;
  ended.watch.reset();
  ended.changed.notify();
  ended.ended.notify();
}

void event_broker::unsubscribe(channel& left) {
  change_subscriptions(-1);
  if (--left.subscriptions > 0) return;
  end(left);
  left.broker = nullptr;
  const owner key = left.account;
  channels_.erase(key);
}

asio::awaitable<void> event_broker::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  aio::assert_on_executor(executor_);
  for (auto& [account, open] : channels_) {
    change_subscriptions(-static_cast<std::ptrdiff_t>(open->subscriptions));
    open->broker = nullptr;
    end(*open);
  }
  channels_.clear();
  co_await refreshing_.stop();
  co_await watching_.stop();
}

// Watches the owner's records in the store until the channel is over.
asio::awaitable<void> event_broker::follow_store(std::shared_ptr<channel> current) {
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!current->over) {
    current->history.begin_load();
    std::optional<owner> watched(current->account);
    auto opening = store_.watch(std::move(watched));
    auto opened = co_await std::move(opening);
    if (current->over) co_return;
    if (opened) {
      current->watch = std::move(*opened);
      co_await follow_watch(current);
    } else {
      report_failure(*current, opened.error());
      if (!current->over) co_await current->ended.wait(aio::after(retry_delay));
    }
  }
}

// Applies the events of one watch until it has to be opened again.
asio::awaitable<void> event_broker::follow_watch(std::shared_ptr<channel> current) {
  co_await asio::this_coro::throw_if_cancelled(false);
  bool usable = true;
  while (usable) {
    auto reading = current->watch->next();
    const auto received = co_await std::move(reading);
    usable = !current->over && apply(*current, received);
  }
}

// Tells the readers that the store cannot be watched.
void event_broker::report_failure(channel& current, const error& why) {
  if (why.is(cond::cancelled)) return end(current);
  current.history.mark_unavailable(why);
  current.changed.notify();
}

// Applies one event of the watch. False when the watch has to be opened again: after an outage only a new watch says when
// everything that it reports is new.
bool event_broker::apply(channel& current, const result<event>& received) {
  const bool was_loading = current.history.loading();
  if (!received) {
    const bool outage = received.error().is(cond::unavailable);
    report_failure(current, outage ? received.error() : error(errc::stopped, "the store was closed"));
    return !current.over && was_loading;
  }
  switch (received->what) {
    case event::kind::present:
      current.history.put(*received->record);
      break;
    case event::kind::removed:
      current.history.remove(received->record->server);
      break;
    case event::kind::ready:
      current.history.finish_load();
      break;
    case event::kind::resync:
      return was_loading;
  }
  current.changed.notify();
  return true;
}

subscription::~subscription() {
  if (channel_->broker != nullptr) channel_->broker->unsubscribe(*channel_);
}

bool subscription::ended() const noexcept { return channel_->over || position_.dropped; }

std::optional<frame> subscription::try_next() {
  if (ended()) return std::nullopt;
  const bool too_early = position_.load == 0 && channel_->finished_refreshes < required_refresh_;
  if (too_early) return std::nullopt;
  auto read = channel_->history.read(position_);
  auto* metrics = channel_->broker != nullptr ? channel_->broker->metrics_ : nullptr;
  if (metrics != nullptr && read.outcome == event_history::lag::resynced) metrics->count_event_stream_resynced();
  if (metrics != nullptr && read.outcome == event_history::lag::dropped) metrics->count_event_stream_dropped();
  if (!read.text) return std::nullopt;
  return std::move(read.text);
}

asio::awaitable<std::optional<frame>> subscription::next() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto current = channel_;
  for (;;) {
    if (auto read = try_next()) co_return read;
    if (ended()) co_return std::nullopt;
    const bool woken = co_await current->changed.wait();
    if (!woken) co_return std::nullopt;
  }
}

}  // namespace mcpstate::service
