// SPDX-License-Identifier: MIT
#include "service/events/owner_feed.hh"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <utility>

namespace mcpstate::service {

namespace {

constexpr auto watch_again = std::chrono::seconds(1);

}  // namespace

// What the subscribers of one owner share. It lives as long as one of them, or as the coroutine that follows the store.
struct feeds::topic {
  topic(owner whose, const asio::any_io_executor& executor, std::size_t removals_kept)
      : who(whose), log(std::move(whose), removals_kept), wake(executor) {
    wake.expires_at(asio::steady_timer::time_point::max());
  }
  owner who;
  feed_log log;
  feeds* home = nullptr;  // null: closed
  std::size_t readers = 0;
  bool over = false;
  // Listings for those who come when the log has long been loaded: how many are wanted, and done.
  std::uint64_t renewals = 0, renewed = 0;
  bool renewing = false;
  std::unique_ptr<watcher> watching;
  asio::steady_timer wake;              // all readers that wait; cancelled when there is news
  asio::steady_timer* pause = nullptr;  // before the next attempt to watch
};

feeds::feeds(store& records, feed_limits limits, metrics* counted)
    : store_(records), limits_(limits), metrics_(counted), renewals_(records.executor()), work_(records.executor()) {}

feeds::~feeds() {
  for (auto& [who, of] : topics_) of->home = nullptr;
}

void feeds::count(std::ptrdiff_t more) {
  subscribers_ += static_cast<std::size_t>(more);
  if (metrics_ != nullptr) metrics_->subscribers(subscribers_);
}

std::shared_ptr<subscriber> feeds::open(owner who) {
  auto found = topics_.find(who);
  const bool known = found != topics_.end();
  std::shared_ptr<topic> of;
  if (known) {
    of = found->second;
  } else {
    of = std::make_shared<topic>(who, store_.executor(), limits_.removals_kept);
    of->over = work_.stopping();
    if (!of->over) {
      of->home = this;
      topics_.emplace(std::move(who), of);
      work_.spawn("live events", follow(of));
    }
  }
  if (of->home != nullptr) {
    ++of->readers;
    count(1);
  }
  std::shared_ptr<subscriber> out(new subscriber(of));
  if (known && !of->log.loading()) {
    out->renewal_ = ++of->renewals;
    if (!std::exchange(of->renewing, true)) renewals_.spawn("what live events begin with", renew(of));
  }
  return out;
}

// The log tells what has changed, and that a record was used is no change. One listing serves all who came before it began,
// those of one turn of the executor among them. If it fails the log will do.
asio::awaitable<void> feeds::renew(std::shared_ptr<topic> of) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await asio::post(store_.executor(), asio::use_awaitable);
  while (!of->over && of->renewed < of->renewals) {
    const auto served = of->renewals;
    auto listing = store_.list(of->who, tools_wanted::no);
    const auto listed = co_await std::move(listing);
    if (listed) {
      for (const auto& one : *listed) of->log.renew(one);
    }
    of->renewed = served;
    of->wake.cancel();
  }
  of->renewing = false;
}

// Ends what waits on this topic: its readers, and the coroutine that follows the store.
void feeds::end(topic& of) {
  of.over = true;
  of.watching.reset();
  of.wake.cancel();
  if (of.pause != nullptr) of.pause->cancel();
}

void feeds::leave(topic& from) {
  count(-1);
  if (--from.readers > 0) return;
  end(from);
  from.home = nullptr;
  const owner who = from.who;
  topics_.erase(who);
}

asio::awaitable<void> feeds::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  for (auto& [who, of] : topics_) {
    count(-static_cast<std::ptrdiff_t>(of->readers));
    of->home = nullptr;
    end(*of);
  }
  topics_.clear();
  co_await renewals_.stop();
  co_await work_.stop();
}

asio::awaitable<void> feeds::follow(std::shared_ptr<topic> of) {
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!of->over) {
    of->log.load();
    std::optional<owner> whose(of->who);
    auto opening = store_.watch(std::move(whose));
    auto opened = co_await std::move(opening);
    if (of->over) co_return;
    if (!opened) {
      refused(*of, opened.error());
      co_await pause(*of);
      continue;
    }
    of->watching = std::move(*opened);
    bool good = true;
    while (good) {
      auto reading = of->watching->next();
      const auto got = co_await std::move(reading);
      good = !of->over && take(*of, got);
    }
  }
}

// The store could not be watched.
void feeds::refused(topic& of, const error& why) {
  if (why.is(cond::cancelled)) return end(of);
  of.log.unavailable(why);
  of.wake.cancel();
}

asio::awaitable<void> feeds::pause(topic& of) {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (of.over) co_return;
  asio::steady_timer timer(store_.executor(), watch_again);
  of.pause = &timer;
  auto [ec] = co_await timer.async_wait(aio::use_ec);
  static_cast<void>(ec);
  of.pause = nullptr;
}

// False when the watch has to be started again: what came before an outage may be old, and only a new watch says when all
// is new.
bool feeds::take(topic& of, const result<event>& got) {
  const bool was_loading = of.log.loading();
  if (!got) {
    refused(of, got.error().is(cond::unavailable) ? got.error() : error(errc::stopped, "the store was closed"));
    return !of.over && was_loading;
  }
  switch (got->what) {
    case event::kind::present:
      of.log.put(*got->record);
      break;
    case event::kind::removed:
      of.log.remove(got->record->server);
      break;
    case event::kind::ready:
      of.log.loaded();
      break;
    case event::kind::resync:
      return was_loading;
  }
  of.wake.cancel();
  return true;
}

subscriber::~subscriber() {
  if (topic_->home != nullptr) topic_->home->leave(*topic_);
}

bool subscriber::ended() const noexcept { return topic_->over || place_.dropped; }

std::optional<frame> subscriber::take() {
  if (ended()) return std::nullopt;
  const bool too_early = place_.snapshot == 0 && topic_->renewed < renewal_;
  if (too_early) return std::nullopt;
  auto got = topic_->log.take(place_);
  auto* counted = topic_->home != nullptr ? topic_->home->metrics_ : nullptr;
  if (counted != nullptr && got.what == feed_log::news::resynced) counted->subscriber_resynced();
  if (counted != nullptr && got.what == feed_log::news::dropped) counted->subscriber_dropped();
  if (!got.text) return std::nullopt;
  return std::move(got.text);
}

asio::awaitable<std::optional<frame>> subscriber::next() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto of = topic_;
  for (;;) {
    if (auto got = take()) co_return got;
    if (ended()) co_return std::nullopt;
    auto [ec] = co_await of->wake.async_wait(aio::use_ec);
    static_cast<void>(ec);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return std::nullopt;
  }
}

}  // namespace mcpstate::service
