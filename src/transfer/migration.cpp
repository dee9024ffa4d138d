// SPDX-License-Identifier: MIT
#include "transfer/migration.hh"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <mcpstate/aio/task_group.hpp>

#include "aio/caller_settings.hh"
#include "aio/event.hh"
#include "transfer/migration_rule.hh"
#include "transfer/patience.hh"

namespace mcpstate::transfer {

namespace {

constexpr std::size_t most_queued_owners = 4096;
constexpr std::size_t step_records = 500;
constexpr std::size_t step_bytes = std::size_t{4} * 1024 * 1024;
constexpr unsigned most_copies = 24;  // at a time
constexpr const char* ahead_text = "the target has a record of its own, which stays";

// The owners that are left to look at. One that is looked at just now is looked at again afterwards.
class owner_queue {
 public:
  void add(const owner& one) {
    if (busy_.contains(one))
      again_.insert(one);
    else if (queued_.insert(one).second)
      order_.push_back(one);
  }
  [[nodiscard]] bool empty() const noexcept { return order_.empty(); }
  [[nodiscard]] bool idle() const noexcept { return order_.empty() && busy_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return order_.size() + again_.size(); }
  owner take() {
    owner one = std::move(order_.front());
    order_.pop_front();
    queued_.erase(one);
    busy_.insert(one);
    return one;
  }
  void done(const owner& one) {
    busy_.erase(one);
    if (again_.erase(one) > 0) add(one);
  }

 private:
  std::deque<owner> order_;
  std::set<owner> queued_, busy_, again_;
};

// What one look at an owner has found to do.
struct owner_plan {
  owner_plan() {}
  std::vector<connection> copies, overwrites;
  std::vector<connection> all;  // of the source, where records have to be removed: they are written again
  std::uint64_t extra = 0;      // records that the source does not have
};

class migration_job {
 public:
  migration_job(store& from, store& to, migration_request request)
      : from_(from),
        to_(to),
        request_(std::move(request)),
        work_(from.executor(),
              [this](const std::string&, const std::string& cause) { fail(error(errc::bug, "internal error: " + cause)); }) {
  }

  task<migration_state> run() {
    if (request_.follow) {
      MCPSTATE_CO_CHECK(co_await open_watch());
    } else {
      work_.spawn("find owners", find_owners());
    }
    for (unsigned i = 0; i < most_copies; ++i) work_.spawn("copy owners", copy_owners());
    bool cancelled = false;
    while (!failure_ && !cancelled && (request_.follow || !state_.follows)) cancelled = !co_await ended_.wait();
    stopping_ = true;
    co_await work_.stop();
    watch_.reset();
    if (cancelled && !state_.follows) co_return error(errc::stopped, "the migration was not finished");
    if (failure_) co_return *failure_;
    state_.waiting = queue_.size();
    co_return std::move(state_);
  }

 private:
  void fail(error why) {
    if (!failure_ && !stopping_) failure_ = std::move(why);
    ended_.notify();
  }

  // Its snapshot brings all owners: only what a watch has told of does it tell the removal of.
  task<void> open_watch() {
    auto opened = co_await from_.watch(std::nullopt);
    if (!opened) co_return opened.error();
    watch_ = std::move(*opened);
    work_.spawn("follow changes", follow_changes());
    co_return result<void>();
  }

  asio::awaitable<void> follow_changes() {
    co_await asio::this_coro::throw_if_cancelled(false);
    for (;;) {
      auto next = co_await watch_->next();
      const bool cancelled = co_await aio::is_cancelled();
      if (cancelled) co_return;
      if (!next && !next.error().is(cond::unavailable)) {
        fail(next.error());
        co_return;
      }
      if (!next) {
        co_await aio::wait_until(aio::after(std::chrono::milliseconds(200)));
        continue;
      }
      if (next->what == event::kind::ready) {
        found_all_ = true;
        work_left_.notify();
      }
      if (!next->record || !wants(next->record->owner)) continue;
      if (next->what == event::kind::removed) removals_.insert(next->record->owner);
      queue_.add(next->record->owner);
      work_left_.notify();
      while (queue_.size() > most_queued_owners) {
        const bool woken = co_await queue_shorter_.wait();
        if (!woken) co_return;
      }
    }
  }

  [[nodiscard]] bool wants(const owner& one) const {
    return request_.owners.empty() ||
           std::find(request_.owners.begin(), request_.owners.end(), one) != request_.owners.end();
  }

  asio::awaitable<void> find_owners() {
    co_await asio::this_coro::throw_if_cancelled(false);
    for (const auto& one : request_.owners) queue_.add(one);
    bool found = !request_.owners.empty();
    if (!found) found = co_await find_in(from_);
    // What the source does not have any more stands in the target alone.
    if (found && request_.owners.empty() && request_.remove) found = co_await find_in(to_);
    if (!found) co_return;
    found_all_ = true;
    work_left_.notify();
  }

  // False: it has failed, or was cancelled.
  asio::awaitable<bool> find_in(store& where) {
    std::string cursor;
    patience again;
    do {
      auto page = co_await where.scan_owners(cursor);
      if (!page) {
        const bool once_more = co_await again.wait_after(page.error());
        if (once_more) continue;
        fail(page.error());
        co_return false;
      }
      for (const auto& one : page->owners) queue_.add(one.owner);
      cursor = page->cursor;
      work_left_.notify();
      while (queue_.size() > most_queued_owners) {
        const bool woken = co_await queue_shorter_.wait();
        if (!woken) co_return false;
      }
      if (cursor.empty()) co_return true;
    } while (true);
  }

  asio::awaitable<void> copy_owners() {
    co_await asio::this_coro::throw_if_cancelled(false);
    for (;;) {
      while (queue_.empty()) {
        note_copied_once();
        const bool woken = co_await work_left_.wait();
        if (!woken) co_return;
      }
      const owner account = queue_.take();
      queue_shorter_.notify();
      const bool copied = co_await copy_until_done(account);
      if (!copied) co_return;
      queue_.done(account);
      ++state_.owners;
      state_.waiting = queue_.size();
      if (request_.progress) request_.progress(state_);
    }
  }

  void note_copied_once() {
    if (state_.follows || !found_all_ || !queue_.idle()) return;
    state_.follows = true;
    if (request_.progress) request_.progress(state_);
    ended_.notify();
  }

  // False: the migration has failed.
  asio::awaitable<bool> copy_until_done(owner account) {
    patience again;
    for (;;) {
      const auto done = co_await copy_owner(account);
      if (done) co_return true;
      if (done.error().is(cond::corrupt)) {
        state_.faults.add(account.text(), done.error().detail());
        co_return true;
      }
      const bool once_more = co_await again.wait_after(done.error());
      if (once_more) continue;
      fail(done.error());
      co_return false;
    }
  }

  task<void> copy_owner(owner account) {
    const bool removes = removals_.erase(account) > 0 || request_.remove;
    MCPSTATE_CO_TRY(all, co_await from_.list(account, tools_wanted::yes));
    MCPSTATE_CO_TRY(there, co_await to_.list(account, tools_wanted::no));
    owner_plan plan = make_plan(*all, *there, removes);
    if (request_.dry_run) {
      state_.written += plan.copies.size() + plan.overwrites.size();
      state_.removed += plan.extra;
      co_return result<void>();
    }
    if (plan.extra > 0) {
      MCPSTATE_CO_CHECK(co_await to_.erase(account));
      state_.removed += plan.extra;
      co_return co_await write(std::move(plan.all), restore_rule::newer);
    }
    MCPSTATE_CO_CHECK(co_await write(std::move(plan.copies), restore_rule::newer));
    co_return co_await write(std::move(plan.overwrites), restore_rule::replace);
  }

  owner_plan make_plan(const owner_snapshot& all, const owner_snapshot& there, bool removes) {
    owner_plan plan;
    std::map<std::string_view, const connection*> by_member;
    for (const auto& one : there) by_member.emplace(one.member, &one);
    for (const auto& one : all) {
      const auto found = by_member.find(one.member);
      const connection* same = found == by_member.end() ? nullptr : found->second;
      if (same != nullptr) by_member.erase(found);
      if (!one.state) {
        state_.faults.add(one.owner.text() + " " + one.server,
                          one.problems.empty() ? "its status is unknown" : one.problems.back());
        continue;
      }
      plan.all.push_back(one);
      add_step(plan, one, same);
    }
    if (removes) plan.extra = by_member.size();
    return plan;
  }

  void add_step(owner_plan& plan, const connection& one, const connection* there) {
    switch (decide_migration(one, there)) {
      case migration_step::leave:
        ++state_.present;
        break;
      case migration_step::copy:
        plan.copies.push_back(one);
        break;
      case migration_step::overwrite:
        plan.overwrites.push_back(one);
        break;
      case migration_step::ahead:
        state_.faults.add(one.owner.text() + " " + one.server, ahead_text);
        break;
    }
  }

  // What has expired meanwhile is no loss.
  void count(restore_outcome outcome, const std::string& name) {
    if (outcome == restore_outcome::written) ++state_.written;
    if (outcome == restore_outcome::present) state_.faults.add(name, ahead_text);
  }

  task<void> write(std::vector<connection> records, restore_rule rule) {
    std::vector<connection> step;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < records.size(); ++i) {
      bytes += 1024 + (records[i].tools ? records[i].tools->size() : 0);
      step.push_back(std::move(records[i]));
      if (step.size() < step_records && bytes < step_bytes && i + 1 < records.size()) continue;
      bytes = 0;
      auto now = std::exchange(step, std::vector<connection>());
      std::vector<std::string> names;
      for (const auto& one : now) names.push_back(one.owner.text() + " " + one.server);
      MCPSTATE_CO_TRY(outcomes, co_await to_.restore(std::move(now), rule));
      for (std::size_t n = 0; n < outcomes.size(); ++n) count(outcomes[n], names[n]);
    }
    co_return result<void>();
  }

  store& from_;
  store& to_;
  migration_request request_;
  migration_state state_;
  owner_queue queue_;
  std::set<owner> removals_;  // owners of whom the source has removed something
  bool found_all_ = false, stopping_ = false;
  std::unique_ptr<watcher> watch_;
  std::optional<error> failure_;
  aio::event work_left_, queue_shorter_, ended_;
  aio::task_group work_;
};

}  // namespace

task<migration_state> migrate(store& from, store& to, migration_request request) {
  migration_job job(from, to, std::move(request));
  auto running = aio::keep_settings(job.run());
  co_return co_await std::move(running);
}

}  // namespace mcpstate::transfer
