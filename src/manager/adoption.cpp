// SPDX-License-Identifier: MIT
#include "manager/adoption.hh"

#include <algorithm>
#include <optional>
#include <utility>

#include "aio/scope_guard.hh"
#include "core/bug.hh"

namespace mcpstate {

namespace {

constexpr std::size_t max_workers = 16;
constexpr std::size_t full_offer = 16;  // a smaller offer is complete

}  // namespace

adoption::adoption(manager_context& context, supervisor_set& supervisors)
    : context_(context),
      supervisors_(supervisors),
      workers_(context.records().executor(), [this](const std::string&, const std::string& what) {
        context_.remark("a connection could not be taken over", bug_error("its adoption", what));
      }) {}

void adoption::offer(std::vector<managed_name> unheld, std::size_t limit) {
  const std::set<managed_name> names(unheld.begin(), unheld.end());
  // One that is not offered now may be among those that the next beat offers.
  const auto forgotten = clock::now() - 4 * context_.options().lease_time;
  std::erase_if(unreachable_since_, [&names, forgotten](const auto& entry) {
    return !names.contains(entry.first) && (names.size() < full_offer || entry.second < forgotten);
  });
  std::shuffle(unheld.begin(), unheld.end(), context_.random());  // other processes see the same list now
  offered_ = std::move(unheld);
  limit_ = limit;
  const std::size_t wanted = std::min(offered_.size(), max_workers);
  while (workers_.size() < wanted && !workers_.stopping()) workers_.spawn("adopt connections", work());
}

bool adoption::may_take_more() const {
  return !context_.stopping() && !workers_.stopping() && supervisors_.size() + under_way_.size() < limit_;
}

asio::awaitable<void> adoption::work() {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await asio::post(context_.records().executor(), asio::use_awaitable);
  while (!offered_.empty() && may_take_more()) {
    managed_name name = std::move(offered_.back());
    offered_.pop_back();
    const auto [position, added] = under_way_.insert(name);
    if (!added) continue;
    const aio::scope_guard over([this, name] { under_way_.erase(name); });
    co_await adopt(std::move(name));
  }
}

// A connection that this process cannot reach is left to other processes that may, for the time of a lease.
bool adoption::leave_to_others(const managed_name& name) {
  const auto since = unreachable_since_.try_emplace(name, clock::now()).first->second;
  return context_.may_others_reach() && clock::now() - since < context_.options().lease_time;
}

asio::awaitable<void> adoption::adopt(managed_name name) {
  using unreachable_rule = supervisor_set::unreachable_rule;
  auto got = co_await context_.records().get(name.owner, name.server, tools_wanted::no);
  if (!got || context_.stopping()) co_return;
  std::string registered;
  unreachable_rule rule = unreachable_rule::hand_over;
  if (*got) {
    registered = (*got)->info.registered;
    const bool reachable = context_.find(endpoint_of((*got)->info)).has_value();
    if (!reachable && leave_to_others(name)) co_return;
    if (!reachable) rule = unreachable_rule::fail;
  }
  auto managed = co_await supervisors_.ensure_managed(std::move(name), std::move(registered), rule);
  if (!managed) context_.remark("a connection could not be taken over", managed.error());
}

}  // namespace mcpstate
