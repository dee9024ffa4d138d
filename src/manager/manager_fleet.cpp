// SPDX-License-Identifier: MIT
// Leases, how the work is shared, and the end.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>
#include <utility>

#include "manager/fleet_rules.hh"
#include "manager/manager_impl.hh"

namespace mcpstate {

namespace {

using namespace std::chrono_literals;
using lease_news = manager_observer::lease_news;

constexpr auto leave_limit = 300ms;      // for telling the others that we go
constexpr auto hand_over_limit = 700ms;  // for the leases; together: within a second
constexpr auto shortest_pause = 10ms;
constexpr std::size_t most_offered = 128;  // half of fleet::unheld

std::string make_instance_name() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  std::array<char, 32> tail{};
  std::snprintf(tail.data(), tail.size(), "-%ld-%08x", static_cast<long>(::getpid()), std::random_device()());
  return std::string(host.data()) + tail.data();
}

destination_rules rules_of(const manager_options& options) {
  destination_rules out;
  out.protocol = options.client.protocol;
  out.egress = options.client.egress;
  out.egress_for_urls = options.egress_for_urls;
  return out;
}

}  // namespace

manager_impl::manager_impl(store& from, manager_options options)
    : store_(from),
      options_(std::move(options)),
      rules_(rules_of(options_)),
      reach_(reach_of(rules_, options_.servers.get())),
      turns_(options_.attempts_per_origin),
      eras_(options_.client.eras ? options_.client.eras : std::make_shared<mcp::era_memory>()),
      dice_(std::random_device()()),
      none_left_(from.executor(), asio::steady_timer::time_point::max()),
      watches_(from,
               [this](const owner& whose, const std::string& server, const event* what) { changed(whose, server, what); }),
      graves_(from.executor()),
      keeping_(from.executor()),
      loops_(from.executor()) {
  if (options_.instance.empty()) options_.instance = make_instance_name();
  loops_.spawn("beat", beat());
  loops_.spawn("renew leases", renew());
  loops_.spawn("watch deadlines", watch_deadlines());
}

manager_impl::~manager_impl() = default;

void manager_impl::tell_lease(const managed_name& of, lease_news what) {
  if (options_.observer != nullptr) options_.observer->on_lease(of, what);
}

void manager_impl::remark(std::string_view what, const error& why) {
  if (options_.observer == nullptr) return;
  options_.observer->on_remark(nullptr, std::string(what) + ": " + why.detail(), why.peer_text());
}

// A record of an owner whose connections we keep. Most of what comes is what we have written ourselves.
void manager_impl::changed(const owner& whose, const std::string& server, const event* what) {
  if (server.empty()) return;  // what follows brings the difference
  const auto name = server_name::parse(server);
  if (!name) return;
  const keeper_ptr mine = find(managed_name(whose, *name));
  if (!mine) return;
  const bool known =
      what->what == event::kind::present && !what->record->altered && what->record->revision <= mine->revision();
  if (!known) mine->look();
}

namespace {

asio::awaitable<void> shut(std::shared_ptr<server_link> link) { co_await link->shut(); }

}  // namespace

void manager_impl::bury(std::shared_ptr<server_link> link) { graves_.spawn("end a session", shut(std::move(link))); }

// Whether it is kept by anybody now; if by nobody, by us.
task<bool> manager_impl::ensure_kept(managed_name of, std::string registered, taking how) {
  if (const keeper_ptr mine = find(of)) {
    mine->look();
    co_return true;
  }
  const auto asked = clock::now();
  auto taken = co_await store_.take_lease(of, options_.instance, registered, lease_span(options_));
  if (!taken) co_return taken.error();
  if (!*taken) co_return true;
  if (stopping_) {
    lease back = **taken;
    co_return co_await give_back(std::move(back));
  }
  if (const keeper_ptr other = find(of)) {
    other->look();
  } else {
    start(std::move(**taken), std::move(registered), asked + lease_span(options_), how);
  }
  co_return true;
}

task<bool> manager_impl::give_back(lease mine) {
  MCPSTATE_CO_CHECK(co_await store_.end_lease(std::move(mine), lease_end::hand_over));
  co_return true;
}

void manager_impl::start(lease mine, std::string registered, clock::time_point until, taking how) {
  const managed_name of = mine.what;
  keeper_home& home = *this;
  auto made = std::make_shared<keeper>(home, std::move(mine), std::move(registered), until);
  if (how == taking::as_last) made->take_as_last();
  keepers_[of] = made;
  watches_.add(of.whose);
  tell_lease(of, lease_news::taken);
  keeping_.spawn("keep a connection", keep(std::move(made)));
}

asio::awaitable<void> manager_impl::keep(keeper_ptr mine) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const managed_name of = mine->name();
  co_await mine->run();
  bool again = false;
  if (!mine->is_lost() && !mine->is_leaving() && !stopping_) {
    auto wanted = co_await still_wanted(mine);
    again = wanted && *wanted;
  }
  if (mine->is_lost()) tell_lease(of, lease_news::lost);
  if (mine->is_lost() && mine->wants_to_look()) again = true;  // somebody left an order to it, and did not know
  std::string registered = mine->registered();
  keepers_.erase(of);
  watches_.remove(of.whose);
  if (keepers_.empty()) none_left_.cancel();
  if (!again || stopping_) co_return;
  auto kept = co_await ensure_kept(of, std::move(registered));
  if (!kept) remark("a connection could not be taken again", kept.error());
}

// A connection that was ordered again while we let it go: whoever ordered it saw our lease and left it to us.
task<bool> manager_impl::still_wanted(keeper_ptr mine) {
  for (;;) {
    mine->forget_to_look();
    const managed_name of = mine->name();
    auto got = co_await store_.get(of.whose, of.server, tools_wanted::no);
    if (!got) co_return got.error();
    if (mine->wants_to_look()) continue;
    co_return *got && (*got)->info.managed && (*got)->state != status::disconnected;
  }
}

instance_report manager_impl::report() const {
  instance_report out;
  out.name = options_.instance;
  out.address = options_.address;
  out.reach = reach_;
  out.kept = keepers_.size();
  return out;
}

asio::awaitable<void> manager_impl::beat() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto lasts = std::min<std::chrono::milliseconds>(options_.lease_time, std::max(4 * options_.beat_every, 2000ms));
  bool told = false;
  while (!stopping_) {
    const auto begun = clock::now();
    instance_report me = report();
    auto seen = co_await store_.beat(std::move(me), lasts);
    if (stopping_) break;
    if (seen) {
      fleet_ = std::move(*seen);
      told = false;
      co_await share();
    } else if (!std::exchange(told, true)) {
      remark("the store does not answer", seen.error());
    }
    const auto next = std::max(begun + options_.beat_every, clock::now() + shortest_pause);
    if (!co_await aio::wait_until(next)) break;
  }
}

// Takes what nobody keeps up to the fair share, and hands over what is above it.
asio::awaitable<void> manager_impl::share() {
  const std::size_t fair = fair_share(fleet_, report());
  co_await adopt_all(std::min(fair, options_.max_connections));
  hand_over_surplus(fair);
  offer_stranded();
}

asio::awaitable<void> manager_impl::adopt_all(std::size_t most) {
  std::vector<managed_name> free = fleet_.unheld;
  const std::set<managed_name> waiting(free.begin(), free.end());
  std::erase_if(left_alone_, [&waiting](const auto& each) { return !waiting.contains(each.first); });
  std::shuffle(free.begin(), free.end(), dice_);  // others look at the same ones now
  for (managed_name& each : free) {
    if (stopping_ || keepers_.size() >= most) break;
    co_await adopt(std::move(each));
  }
}

void manager_impl::hand_over_surplus(std::size_t fair) {
  const auto leaving = [](const auto& each) { return each.second->is_leaving(); };
  const auto gone = static_cast<std::size_t>(std::count_if(keepers_.begin(), keepers_.end(), leaving));
  std::size_t surplus = to_hand_over(keepers_.size() - gone, fair);
  for (const auto& [of, mine] : keepers_) {
    if (surplus == 0) break;
    if (mine->is_leaving()) continue;
    --surplus;
    mine->hand_over();
  }
}

// When somebody comes who reaches other servers, what we keep without reaching it is handed over, so many at a time that
// they do not stand before others that wait for a keeper. Those that nobody takes come back (leave_to_others).
void manager_impl::offer_stranded() {
  std::set<std::string> others = other_reaches(fleet_, report());
  if (!std::includes(met_.begin(), met_.end(), others.begin(), others.end())) {
    to_offer_.clear();
    for (const auto& [of, mine] : keepers_) {
      if (mine->is_stranded()) to_offer_.push_back(of);
    }
  }
  met_ = std::move(others);
  for (std::size_t waiting = fleet_.unheld.size(); waiting < most_offered && !to_offer_.empty(); ++waiting) {
    const keeper_ptr mine = find(to_offer_.back());
    to_offer_.pop_back();
    if (mine && mine->is_stranded()) mine->hand_over();
  }
}

// What leads to where this process does not get is left to others who may, for the time of a lease.
bool manager_impl::leave_to_others(const managed_name& of) {
  const auto since = left_alone_.try_emplace(of, clock::now()).first->second;
  return may_others_reach() && clock::now() - since < options_.lease_time;
}

asio::awaitable<void> manager_impl::adopt(managed_name of) {
  auto got = co_await store_.get(of.whose, of.server, tools_wanted::no);
  if (!got || stopping_) co_return;
  std::string registered;
  taking how = taking::wanted;
  if (*got) {
    registered = (*got)->info.registered;
    const bool in_reach = destination_of(place_of((*got)->info)).has_value();
    if (!in_reach && leave_to_others(of)) co_return;
    if (!in_reach) how = taking::as_last;
  }
  auto kept = co_await ensure_kept(std::move(of), std::move(registered), how);
  if (!kept) remark("a connection could not be taken over", kept.error());
}

asio::awaitable<void> manager_impl::renew() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto often = lease_span(options_) / 3;
  const auto soon = std::max<std::chrono::milliseconds>(options_.lease_time / 15, shortest_pause);
  bool fine = true;
  while (!stopping_) {
    if (!co_await aio::wait_until(aio::after(fine ? often : soon))) break;
    fine = co_await renew_all();
  }
}

// Counted from before the request was sent: the store counts from later.
asio::awaitable<bool> manager_impl::renew_all() {
  std::vector<lease> held;
  for (const auto& [of, mine] : keepers_) {
    if (!mine->is_lost()) held.push_back(mine->held());
  }
  if (held.empty()) co_return true;
  const auto until = clock::now() + lease_span(options_);
  std::vector<lease> asked = held;
  auto renewed = co_await store_.renew_leases(std::move(asked), lease_span(options_));
  if (!renewed) co_return false;
  std::set<managed_name> lost;
  for (const lease& each : *renewed) lost.insert(each.what);
  for (const lease& each : held) {
    const keeper_ptr mine = find(each.what);
    if (!mine || mine->held() != each) continue;
    if (lost.contains(each.what)) {
      mine->lose();
    } else {
      mine->renewed(until);
    }
  }
  co_return true;
}

// A lease that has run out by our own clock is not ours, whatever the store says later.
asio::awaitable<void> manager_impl::watch_deadlines() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto often = std::max<std::chrono::milliseconds>(options_.lease_time / 60, shortest_pause);
  while (co_await aio::wait_until(aio::after(often))) {
    const auto now = clock::now();
    for (const auto& [of, mine] : keepers_) {
      if (mine->until() <= now && !mine->is_lost()) mine->lose();
    }
  }
}

asio::awaitable<void> manager_impl::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (std::exchange(stopping_, true)) co_return;
  co_await loops_.stop();
  auto leaving = store_.beat(report(), 0ms);
  auto bounded = aio::with_deadline(std::move(leaving), aio::after(leave_limit), "leaving the fleet");
  auto left = co_await std::move(bounded);
  if (!left) remark("the others do not know that this process stops", left.error());
  for (const auto& [of, mine] : keepers_) mine->hand_over();
  if (!keepers_.empty()) {
    none_left_.expires_after(hand_over_limit);
    auto [ec] = co_await none_left_.async_wait(aio::use_ec);
    static_cast<void>(ec);
  }
  co_await keeping_.stop();
  co_await watches_.stop();
  co_await graves_.join();
}

}  // namespace mcpstate
