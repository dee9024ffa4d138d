// SPDX-License-Identifier: MIT
#include "manager/keeper.hh"

#include <algorithm>
#include <utility>

namespace mcpstate {

namespace {

using namespace std::chrono_literals;
using kind = keeper_fsm::step::kind;
using news_kind = link_news::kind;

constexpr auto check_limit = std::chrono::milliseconds(10'000);

keeper_rules rules_of(const manager_options& options) {
  keeper_rules out;
  out.check_every = options.check_every;
  out.first_retry = options.first_retry;
  out.last_retry = options.last_retry;
  return out;
}

// Whether a request that failed says that there is no session any more: not if there was merely no answer, or one that
// says no.
bool is_broken(const error& why) { return !why.is(cond::timeout) && why.code() != errc::rpc_error; }

}  // namespace

keeper::keeper(keeper_home& home, lease mine, std::string registered, clock::time_point until)
    : home_(home),
      lease_(std::move(mine)),
      until_(until),
      fsm_(rules_of(home.options())),
      registered_(std::move(registered)),
      timer_(home.records().executor()) {}

keeper::~keeper() = default;

void keeper::wake() { timer_.cancel(); }

void keeper::look() {
  look_ = true;
  wake();
}

void keeper::moved() {
  moved_ = true;
  wake();
}

void keeper::hand_over() {
  hand_over_ = leaving_ = true;
  wake();
}

bool keeper::is_stranded() const {
  if (fsm_.where() != keeper_fsm::phase::stuck || leaving_ || lost_) return false;
  return (why_ && why_->code() == errc::forbidden_target) || !home_.destination_of(place_);
}

void keeper::lose() {
  lost_ = true;
  close_link();
  tell_outcome();
  wake();
}

void keeper::used() { fsm_.used(home_.moment()); }

std::shared_ptr<server_link> keeper::session() const {
  return link_ && link_->client() != nullptr && !lost_ ? link_ : nullptr;
}

bool keeper::is_coming() const noexcept {
  const auto at = fsm_.where();
  return !lost_ && !ended_ && (at == keeper_fsm::phase::reading || at == keeper_fsm::phase::opening);
}

asio::awaitable<void> keeper::outcome(aio::deadline until) {
  if (!is_coming()) co_return;
  if (!outcome_) outcome_ = std::make_shared<aio::latch>();
  const std::shared_ptr<aio::latch> mine = outcome_;
  co_await mine->wait(until);
}

void keeper::tell_outcome() {
  if (outcome_ && !is_coming()) std::exchange(outcome_, nullptr)->open();
}

void keeper::add(keeper_fsm::steps more) { todo_.insert(todo_.end(), more.begin(), more.end()); }

asio::awaitable<void> keeper::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  add(fsm_.start());
  for (;;) {
    tell_outcome();
    while (!todo_.empty() && !lost_) {
      const step next = todo_.front();
      todo_.erase(todo_.begin());
      co_await carry_out(next);
    }
    if (fsm_.where() == keeper_fsm::phase::over) break;
    if (take_next()) continue;
    const bool stopped = co_await aio::is_cancelled();
    if (stopped) break;
    co_await wait();
  }
  ended_ = true;
  close_link();
  tell_outcome();
}

// The next thing that has happened; false if there is none.
bool keeper::take_next() {
  if (lost_) {
    todo_.clear();
    static_cast<void>(fsm_.lease_gone());
    close_link();
  } else if (std::exchange(hand_over_, false)) {
    add(fsm_.hand_over());
  } else if (std::exchange(look_, false)) {
    todo_.emplace_back(kind::read);
  } else if (std::exchange(moved_, false)) {
    add(fsm_.moved(home_.moment()));
  } else if (!letters_.empty()) {
    letter first = std::move(letters_.front());
    letters_.erase(letters_.begin());
    if (first.link == link_number_ && link_) read_letter(std::move(first));
    if (!fsm_.offers_tools()) tools_.reset();
  } else {
    const auto due = fsm_.wake_at();
    const auto m = home_.moment();
    if (!due || *due > m.now) return false;
    add(fsm_.tick(m));
  }
  return true;
}

asio::awaitable<void> keeper::wait() {
  timer_.expires_at(fsm_.wake_at().value_or(clock::time_point::max()));
  auto [ec] = co_await timer_.async_wait(aio::use_ec);
  static_cast<void>(ec);  // whatever woke it: it looks
}

keeper_fsm::listing keeper::note_listing(mcp::tool_listing listing) {
  keeper_fsm::listing out;
  out.hash = listing.tools.hash();
  out.count = listing.tools.count();
  out.fresh_for = listing.fresh_for;
  const auto& facts = link_->client()->facts();
  out.has_tools = facts.has_tools;
  out.announced = facts.tools_list_changed;
  tools_ = std::move(listing.tools);
  for (const std::string& each : listing.dropped) remark("a tool was left out", each);
  return out;
}

keeper_fsm::steps keeper::failed_by(link_news& news) {
  const auto m = home_.moment();
  why_ = std::move(news.why);
  const bool broken = is_broken(*why_);
  if (news.what == news_kind::check_failed) return fsm_.check_failed(m, broken);
  return fsm_.list_failed(m, broken);
}

void keeper::read_letter(letter what) {
  link_news& news = what.news;
  manager_observer* const observer = home_.options().observer;
  const auto m = home_.moment();
  switch (news.what) {
    case news_kind::opened:
      if (observer != nullptr) observer->on_attempt(name(), true, news.took);
      return add(fsm_.opened(m, note_listing(std::move(*news.listing))));
    case news_kind::failed:
      if (observer != nullptr) observer->on_attempt(name(), false, news.took);
      why_ = std::move(news.why);
      close_link();
      return add(fsm_.failed(m, trouble_of(*why_)));
    case news_kind::lost:
      why_ = std::move(news.why);
      return add(fsm_.lost(m));
    case news_kind::stream_ended:
      return fsm_.stream_ended(m);
    case news_kind::list_changed:
      return fsm_.list_changed(m);
    case news_kind::listed:
      if (observer != nullptr) observer->on_tools_refreshed(name(), true);
      return add(fsm_.listed(m, note_listing(std::move(*news.listing))));
    case news_kind::list_failed:
      if (observer != nullptr) observer->on_tools_refreshed(name(), false);
      return add(failed_by(news));
    case news_kind::checked:
      return add(fsm_.checked(m));
    case news_kind::check_failed:
      return add(failed_by(news));
  }
}

asio::awaitable<void> keeper::carry_out(step what) {
  switch (what.what) {
    case kind::read:
      co_return co_await read();
    case kind::open:
      co_return co_await open();
    case kind::close:
      close_link();
      co_return;
    case kind::list:
      if (link_) link_->list();
      co_return;
    case kind::ping:
      if (link_) link_->ping(std::min(check_limit, home_.options().client.request_timeout));
      co_return;
    case kind::write:
      co_return co_await write(what);
    case kind::end:
      co_return co_await end(what);
  }
}

task<std::optional<connection>> keeper::fetch() {
  const managed_name of = lease_.what;
  auto got = co_await home_.records().get(of.whose, of.server, tools_wanted::no);
  if (got && *got) place_ = place_of((*got)->info);
  co_return got;
}

asio::awaitable<void> keeper::read() {
  auto got = co_await fetch();
  const auto m = home_.moment();
  if (!got) {
    add(fsm_.read_failed(m));
  } else {
    auto sight = sight_of(*got, store_time());
    sight.in_reach = home_.destination_of(place_).has_value();
    add(fsm_.seen(m, sight));
  }
}

void keeper::remark(std::string_view what, std::string_view peer) {
  if (home_.options().observer != nullptr) home_.options().observer->on_remark(&lease_.what, what, peer);
}

}  // namespace mcpstate
