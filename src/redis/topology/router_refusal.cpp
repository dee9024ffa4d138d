// SPDX-License-Identifier: MIT
// The part of router that reads replies: what is done, and what becomes of a unit that was refused.
#include <algorithm>
#include <cassert>
#include <utility>

#include "core/backoff.hh"
#include "redis/topology/router.hh"

namespace mcpstate::redis {

void router::replied(unit_id id, std::vector<reply> answers, time_point now) {
  unit* const u = find(id);
  if (u == nullptr || u->now != stage::sent) return;
  unit_shape sent = u->shape;
  if (!u->left.empty()) sent.commands = u->left.size();
  if (answers.size() != sent.commands) return fail(id, error(errc::bug, "a node's replies were counted wrongly"));
  const verdict seen = judge(answers, sent);
  switch (seen.next) {
    case verdict::step::done:
      merge(*u, std::move(answers), seen);
      answers = std::move(u->answers);
      finish(id, *u);
      actions_.emplace_back(unit_done{id, std::move(answers)});
      break;
    case verdict::step::again:
      u->last = seen.why.kind;
      merge(*u, std::move(answers), seen);
      repeat(id, *u, seen.why, now);
      settle(now);
      break;
    case verdict::step::unknown:
      if (u->shape.kind == effect::read) {
        u->last = seen.why.kind;
        repeat(id, *u, seen.why, now);
      } else {
        fail(id,
             error(errc::outcome_unknown, std::string(words_of(seen.why.kind)) + ", and may have done a part of its work"));
      }
      settle_after(now, [&] { topology_.doubt(now); });
      break;
    case verdict::step::bug:
      fail(id, error(errc::bug, std::string(words_of(seen.why.kind))));
      break;
  }
}

// Puts the replies of what has run in their places, and keeps which commands are left.
void router::merge(unit& u, std::vector<reply>&& answers, const verdict& seen) {
  if (u.left.empty()) {
    u.answers = std::move(answers);
    u.left = seen.commands;
  } else {
    for (std::size_t i = 0; i < answers.size(); ++i) u.answers[u.left[i]] = std::move(answers[i]);
    std::vector<std::size_t> left;
    for (const std::size_t index : seen.commands) left.push_back(u.left[index]);
    u.left = std::move(left);
  }
  if (seen.next == verdict::step::again) u.any_ran = u.left.size() < u.shape.commands;
  if (u.left.size() == u.shape.commands) u.left.clear();
}

void router::repeat(unit_id id, unit& u, const refusal& why, time_point now) {
  switch (why.kind) {
    case refusal_kind::moved:
      return follow_moved(id, u, why, now);
    case refusal_kind::ask:
      return follow_ask(id, u, why, now);
    case refusal_kind::try_again:  // the same node, until the other one has all keys
      u.pinned = u.node;
      return pause(id, u, rules_.move_min, rules_.move_max, now);
    default:
      break;
  }
  const node_id from = u.node;
  const bool starting = why.kind == refusal_kind::loading || why.kind == refusal_kind::master_down ||
                        why.kind == refusal_kind::busy || why.kind == refusal_kind::too_many_clients;
  u.pinned = no_node;
  u.asking = false;
  pause(id, u, starting ? rules_.startup_min : rules_.down_min, starting ? rules_.startup_max : rules_.down_max, now);
  if (why.kind == refusal_kind::read_only) {
    topology_.distrust(from, now);
  } else {
    topology_.doubt(now);
  }
}

void router::follow_moved(unit_id id, unit& u, const refusal& why, time_point now) {
  u.pinned = no_node;
  u.asking = false;
  const std::optional<endpoint> to = target_of(why, u.node);
  if (!to) {
    pause(id, u, rules_.down_min, rules_.down_max, now);
    return topology_.doubt(now);
  }
  if (++u.redirects > rules_.max_redirects) return fail(id, error(code_of(why.kind), std::string(words_of(why.kind))));
  u.slot = why.slot;
  const node_id target = topology_.moved(why.slot, to, u.node, now);
  if (target == no_node) return pause(id, u, rules_.down_min, rules_.down_max, now);
  if (target == u.node || u.redirects > rules_.prompt_redirects) return pause(id, u, rules_.move_min, rules_.move_max, now);
  dispatch(id, now);
}

void router::follow_ask(unit_id id, unit& u, const refusal& why, time_point now) {
  const node_id target = topology_.importing(target_of(why, u.node), now);
  if (target == no_node) {
    u.pinned = no_node;
    u.asking = false;
    return pause(id, u, rules_.down_min, rules_.down_max, now);
  }
  if (++u.redirects > rules_.max_redirects) return fail(id, error(code_of(why.kind), std::string(words_of(why.kind))));
  u.slot = why.slot;
  u.pinned = target;
  u.asking = true;
  if (u.redirects > rules_.prompt_redirects) return pause(id, u, rules_.move_min, rules_.move_max, now);
  dispatch(id, now);
}

void router::pause(unit_id id, unit& u, span first, span longest, time_point now) {
  const double share = std::uniform_real_distribution<double>(0.5, 1.0)(random_);
  wait(id, u, now + backoff(++u.pauses, first, longest, share), false);
}

std::optional<endpoint> router::target_of(const refusal& why, node_id from) const {
  const endpoint* const asked = topology_.place(from);
  // It was closed meanwhile: on whose host the target is can only be told if it says so.
  if (asked == nullptr && why.target.kind == announced_endpoint::naming::same_host) return std::nullopt;
  return resolve(why.target, asked == nullptr ? endpoint() : *asked, nat_);
}

}  // namespace mcpstate::redis
