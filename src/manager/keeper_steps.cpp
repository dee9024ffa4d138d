// SPDX-License-Identifier: MIT
// The steps of a keeper that reach a server or a record.
#include <utility>

#include "manager/fleet_rules.hh"
#include "manager/keeper.hh"

namespace mcpstate {

namespace {

using namespace std::chrono_literals;

constexpr auto close_limit = 400ms;  // for a session, before its lease goes to somebody else
constexpr int most_tries = 5;        // of a write that somebody else is faster than, before the record is read anew

}  // namespace

timestamp keeper::store_time() const { return home_.records().options().clock->now(); }

void keeper::close_link() {
  if (!link_) return;
  link_->hush();
  closing_ = link_;
  home_.bury(std::exchange(link_, nullptr));
}

asio::awaitable<void> keeper::open() {
  close_link();
  tools_.reset();
  // Whoever looks for the connections of a registered server finds this one under the name that it has now.
  if (place_.registered != registered_) co_await register_lease();
  if (lost_) co_return;
  auto there = home_.destination_of(place_);
  const bool last = std::exchange(last_, false);
  if (!there && !last && home_.may_others_reach()) {
    hand_over();
    co_return;
  }
  if (!there) {
    why_ = there.error();
    add(fsm_.failed(home_.moment(), trouble_of(*why_)));
    co_return;
  }
  const std::uint64_t number = ++link_number_;
  auto hear = [this, number](link_news what) {
    letters_.emplace_back(number, std::move(what));
    wake();
  };
  link_ = std::make_shared<server_link>(home_.records().executor(), std::move(hear));
  link_->open(std::move(*there), home_.client_options_of(lease_.what), home_.turns(), lease_.what.whose.text());
}

asio::awaitable<void> keeper::register_lease() {
  const managed_name of = lease_.what;
  const std::string holder = lease_.holder;
  const std::string name = place_.registered;
  const auto asked = clock::now();
  auto taken = co_await home_.records().take_lease(of, holder, name, lease_span(home_.options()));
  if (!taken || lost_) co_return;  // an index has the old name; the lease itself is renewed with all others
  if (!*taken) co_return lose();
  registered_ = name;
  lease_ = std::move(**taken);
  until_ = asked + lease_span(home_.options());
}

// The record as it is, and the change that it needs.
task<connection> keeper::put(connection before, step what) {
  keeper_finding found;
  found.what = what;
  if (auto there = home_.destination_of(place_)) found.there = std::move(*there);
  if (what.to == status::connected && link_ && link_->client() != nullptr) found.facts = link_->client()->facts();
  if (what.tools) found.tools = tools_;
  if (what.to != status::connected) found.why = why_;
  change wanted = change_of(before, found, lease_, store_time());
  auto written = co_await home_.records().put(std::move(wanted));
  if (written || written.error().code() != errc::empty_tools) co_return written;
  // A list that somebody else has put there is not replaced by none.
  found.tools.reset();
  change less = change_of(before, found, lease_, store_time());
  co_return co_await home_.records().put(std::move(less));
}

void keeper::note_transition(status before) {
  const status now = fsm_.shown();
  if (home_.options().observer == nullptr || before == now) return;
  const bool fine = now == status::connected || !why_;
  home_.options().observer->on_transition(name(), before, now, fine ? std::string_view() : name_of(why_->code()));
}

asio::awaitable<void> keeper::write(step what) {
  for (int tries = 1; !lost_; ++tries) {
    auto before = co_await fetch();
    if (lost_) co_return;
    const auto m = home_.moment();
    if (!before) co_return add(fsm_.write_failed(m));
    const auto there = sight_of(*before, store_time());
    if (!fsm_.knows(there)) co_return add(fsm_.refused(m, there));
    auto putting = put(std::move(**before), what);
    auto written = co_await std::move(putting);
    if (lost_) co_return;
    if (written) {
      const status shown = fsm_.shown();
      add(fsm_.written(sight_of(*written, store_time())));
      if (!fsm_.offers_tools()) tools_.reset();
      co_return note_transition(shown);
    }
    if (written.error().code() == errc::lease_lost) co_return lose();
    if (!written.error().is(cond::conflict) || tries == most_tries) {
      const bool outage = written.error().is(cond::unavailable) || written.error().is(cond::timeout);
      if (!outage) remark("a record could not be written: " + written.error().detail(), {});
      co_return add(fsm_.write_failed(home_.moment()));
    }
  }
}

asio::awaitable<void> keeper::end(step what) {
  if (const auto last = closing_.lock()) {
    // No two keepers on one server, as far as that takes no longer than a successor should wait.
    co_await last->is_shut().wait(aio::after(close_limit));
  }
  if (lost_) co_return;
  const lease mine = lease_;
  // Somebody may want the connection again since we read that nobody does, and leave it to us because of our lease. Should
  // this process die now, others find it.
  const std::optional<std::uint64_t> seen = what.seen;
  auto ended = co_await home_.records().end_lease(mine, what.how, seen);
  if (!ended) remark("a lease could not be ended; it runs out: " + ended.error().detail(), {});
  manager_observer* const observer = home_.options().observer;
  if (observer == nullptr) co_return;
  observer->on_lease(
      name(), what.how == lease_end::over ? manager_observer::lease_news::over : manager_observer::lease_news::handed_over);
}

}  // namespace mcpstate
