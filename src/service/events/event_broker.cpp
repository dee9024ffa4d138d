// SPDX-License-Identifier: MIT
#include "service/events/event_broker.hh"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>
#include <vector>

#include "aio/event.hh"
#include "aio/executor_check.hh"
#include "core/bug.hh"

namespace mcpstate::service {

namespace {

constexpr auto retry_delay = std::chrono::seconds(1);
constexpr std::size_t opened_per_turn = 1000;

}  // namespace

// What the subscriptions of one owner share. It lives as long as one of them, or as a coroutine that works for it.
struct event_broker::channel {
  explicit channel(owner key) : account(std::move(key)) {}
  owner account;
  event_frames frames;
  event_broker* broker = nullptr;  // null: the channel is closed
  std::vector<subscription*> subscriptions;
  std::set<subscription*> pending;  // those without a watch
  bool over = false;
  bool opening = false;         // a coroutine opens the watches that are missing
  std::optional<error> outage;  // why they cannot be opened now
  aio::event changed;           // wakes those who wait for their watch, and the pause before the next attempt
};

event_broker::event_broker(store& watched_store, event_broker_options options, metrics* broker_metrics)
    : store_(watched_store),
      executor_(watched_store.executor()),
      metrics_(broker_metrics),
      opening_(executor_, aio::end_process) {
  options_.max_removals = options.max_removals;
  options_.snapshot_after_outage = true;
}

event_broker::~event_broker() {
  for (auto& [account, open] : channels_) open->broker = nullptr;
}

void event_broker::change_subscriptions(std::ptrdiff_t difference) {
  subscriptions_ += static_cast<std::size_t>(difference);
  if (metrics_ != nullptr) metrics_->set_event_streams(subscriptions_);
}

std::size_t event_broker::watches() const noexcept {
  std::ptrdiff_t open = 0;
  for (const auto& [account, one] : channels_)
    open += std::ranges::count_if(one->subscriptions, [](const subscription* s) { return s->watch_ != nullptr; });
  return static_cast<std::size_t>(open);
}

std::shared_ptr<event_broker::channel> event_broker::channel_of(owner account) {
  if (const auto found = channels_.find(account); found != channels_.end()) return found->second;
  auto made = std::make_shared<channel>(account);
  made->over = opening_.stopping();
  if (made->over) return made;
  made->broker = this;
  channels_.emplace(std::move(account), made);
  return made;
}

std::shared_ptr<subscription> event_broker::subscribe(owner account) {
  aio::assert_on_executor(executor_);
  const auto joined = channel_of(std::move(account));
  auto out = std::make_shared<subscription>(joined);
  if (joined->broker == nullptr) return out;
  out->position_ = static_cast<std::uint32_t>(joined->subscriptions.size());
  joined->subscriptions.push_back(out.get());
  joined->pending.insert(out.get());
  change_subscriptions(1);
  if (!joined->over && !std::exchange(joined->opening, true)) opening_.spawn("live events", open_watches(joined));
  return out;
}

// Ends everything that waits on this channel.
void event_broker::end(channel& ended) {
  ended.over = true;
  for (auto* one : ended.subscriptions) one->watch_.reset();
  ended.pending.clear();
  ended.changed.notify();
}

void event_broker::unsubscribe(subscription& leaves) {
  const auto left = leaves.channel_;
  change_subscriptions(-1);
  left->pending.erase(&leaves);
  subscription* const last = left->subscriptions.back();
  last->position_ = leaves.position_;
  left->subscriptions[leaves.position_] = last;
  left->subscriptions.pop_back();
  if (!left->subscriptions.empty()) return;
  end(*left);
  left->broker = nullptr;
  channels_.erase(left->account);
}

asio::awaitable<void> event_broker::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  aio::assert_on_executor(executor_);
  for (auto& [account, open] : channels_) {
    change_subscriptions(-static_cast<std::ptrdiff_t>(open->subscriptions.size()));
    open->broker = nullptr;
    end(*open);
    open->subscriptions.clear();
  }
  channels_.clear();
  co_await opening_.stop();
}

// An exception is an outage of this owner's events, and of no others.
task<std::unique_ptr<watcher>> event_broker::open_watch(owner account) {
  std::string bug;
  try {
    std::optional<owner> watched(std::move(account));
    auto opening = store_.watch(std::move(watched), options_);
    co_return co_await std::move(opening);
  } catch (...) {
    bug = caught_text();
  }
  co_return bug_error("a watch", std::move(bug));
}

// Opens a watch for each subscription of the channel that has none. While the store cannot be reached, one attempt stands for
// all of them.
asio::awaitable<void> event_broker::open_watches(std::shared_ptr<channel> current) {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::size_t opened_now = 0;
  while (!current->over && !current->pending.empty()) {
    auto opening = open_watch(current->account);
    auto opened = co_await std::move(opening);
    if (current->over) break;
    if (opened) {
      current->outage.reset();
      if (!current->pending.empty()) {
        const auto next = current->pending.begin();
        (*next)->watch_ = std::move(*opened);
        current->pending.erase(next);
      }
      // A store may answer at once, and subscriptions may be many: others have a turn in between.
      if (++opened_now % opened_per_turn == 0) co_await asio::post(executor_, asio::use_awaitable);
    } else if (opened.error().is(cond::cancelled)) {
      end(*current);
    } else {
      current->outage = opened.error();
      current->changed.notify();
      co_await current->changed.wait(aio::after(retry_delay));
    }
  }
  current->opening = false;
  current->changed.notify();
}

subscription::~subscription() {
  if (channel_->broker != nullptr) channel_->broker->unsubscribe(*this);
}

bool subscription::ended() const noexcept { return channel_->over || stream_.ended(); }

frame subscription::take(const result<event>& received) {
  auto taken = stream_.take(received, channel_->frames);
  auto* const metrics = channel_->broker != nullptr ? channel_->broker->metrics_ : nullptr;
  if (metrics != nullptr && taken.outcome == event_stream::lag::resynced) metrics->count_event_stream_resynced();
  if (metrics != nullptr && taken.outcome == event_stream::lag::dropped) metrics->count_event_stream_dropped();
  return std::move(taken.text);
}

std::optional<frame> subscription::try_next() {
  if (ended()) return std::nullopt;
  if (!watch_) {
    if (!channel_->outage) return std::nullopt;
    auto told = stream_.take_outage(*channel_->outage, channel_->frames);
    return told.text ? std::optional(std::move(told.text)) : std::nullopt;
  }
  while (const auto received = watch_->try_next()) {
    if (auto text = take(*received)) return text;
    if (ended()) return std::nullopt;
  }
  stream_.caught_up();
  return std::nullopt;
}

asio::awaitable<std::optional<frame>> subscription::next() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto current = channel_;
  for (;;) {
    if (auto text = try_next()) co_return text;
    if (ended()) co_return std::nullopt;
    if (!watch_) {
      const bool woken = co_await current->changed.wait();
      if (!woken) co_return std::nullopt;
      continue;
    }
    auto reading = watch_->next();
    const auto received = co_await std::move(reading);
    const bool cancelled = co_await aio::is_cancelled();
    if (cancelled || ended()) co_return std::nullopt;
    if (auto text = take(received)) co_return text;
  }
}

}  // namespace mcpstate::service
