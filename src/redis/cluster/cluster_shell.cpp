// SPDX-License-Identifier: MIT
#include "redis/cluster/cluster_shell.hh"

#include <boost/asio/this_coro.hpp>

#include <deque>
#include <iterator>
#include <numeric>
#include <random>
#include <utility>

#include "aio/scope_guard.hh"
#include "redis/topology/map_codec.hh"

namespace mcpstate::redis {
namespace {

// While a node is away, requests wait for it: a long pause between attempts would be added to every failover.
constexpr std::chrono::milliseconds longest_pause{250};

std::optional<std::uint16_t> slot_of_route(const route& target) {
  if (target.slot() != nullptr) return *target.slot();
  if (target.key() != nullptr) return slot_of(*target.key());
  return std::nullopt;
}

link_config config_of(link_config base, const endpoint& at) {
  base.host = at.host;
  base.port = at.port;
  base.unix_path.clear();
  base.database = 0;
  base.expected = expected_server(expected_server::kind::cluster_node, true);  // a replica knows the map, too
  base.backoff_max = std::min(base.backoff_max, longest_pause);
  return base;
}

}  // namespace

cluster_shell::cluster_shell(asio::any_io_executor home, cluster_config config, net::resolver look_up)
    : home_(std::move(home)),
      config_(std::move(config)),
      look_up_(std::move(look_up)),
      routing_(config_.rules, config_.seeds, config_.nat, std::random_device{}()),
      timer_(home_),
      group_(home_, aio::end_process) {}

void cluster_shell::start() {
  routing_.start(clock::now());
  carry_out();
}

task<server_hello> cluster_shell::ready(aio::deadline until) {
  const auto self = shared_from_this();
  for (;;) {
    if (stopping_) co_return error(errc::stopped, "the connections to the cluster are closed");
    if (const error* const why = routing_.topology().failure()) co_return *why;
    if (routing_.topology().known() != nullptr) co_return hello_;
    const bool woken = co_await topology_changed_.wait(until);
    if (woken) continue;
    const bool cancelled = co_await aio::is_cancelled();
    if (cancelled) co_return error(errc::stopped, "waiting for " + address() + " was stopped");
    co_return error(errc::deadline, "no answer in time from " + address());
  }
}

task<std::vector<reply>> cluster_shell::exec(route target, request commands, aio::deadline until, effect kind) {
  const auto self = shared_from_this();
  if (commands.commands() == 0) co_return std::vector<reply>();
  const unit_shape shape = shape_of(commands, kind);
  call own(std::move(commands), until, shape);
  const unit_id unit = submit(own, slot_of_route(target));
  carry_out();
  co_await wait_for(own, unit);
  co_return std::move(*own.answer);
}

unit_id cluster_shell::submit(call& own, std::optional<std::uint16_t> slot) {
  const unit_id unit = routing_.submit(own.shape, slot, own.until, clock::now());
  calls_.emplace(unit, &own);
  return unit;
}

asio::awaitable<void> cluster_shell::wait_for(call& own, unit_id unit) {
  while (!own.answer) {
    const bool woken = co_await own.over.wait();
    if (woken || own.answer) continue;
    routing_.cancel(unit);
    carry_out();
  }
}

// By the node that has the slot of each request. A slot without a node is a share of its own, so that nobody waits for it.
std::vector<cluster_shell::share> cluster_shell::divide(const std::vector<routed_request>& requests) {
  std::vector<share> out;
  std::map<std::pair<node_id, std::uint16_t>, std::size_t> places;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (requests[i].commands.commands() == 0) continue;
    const auto slot = slot_of_route(requests[i].target);
    const node_id owner = slot ? routing_.topology().owner(*slot) : no_node;
    const std::uint16_t alone = owner != no_node ? slot_count : slot.value_or(slot_count);
    const auto [place, added] = places.emplace(std::pair(owner, alone), out.size());
    if (added) out.emplace_back().slot = slot;
    share& part = out[place->second];
    part.commands.append(requests[i].commands);
    part.requests.push_back(i);
  }
  return out;
}

asio::awaitable<std::vector<executor::outcome>> cluster_shell::exec_all(std::vector<routed_request> requests,
                                                                        aio::deadline until, effect kind) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto self = shared_from_this();
  std::vector<share> shares = divide(requests);
  std::deque<call> calls;
  std::vector<unit_id> units;
  for (share& each : shares) {
    const unit_shape shape(each.commands.commands(), kind, false);
    calls.emplace_back(std::move(each.commands), until, shape);
    units.push_back(submit(calls.back(), each.slot));
  }
  carry_out();
  for (std::size_t i = 0; i < calls.size(); ++i) co_await wait_for(calls[i], units[i]);
  std::vector<outcome> out(requests.size(), outcome(std::vector<reply>()));
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto next = calls[i].answer->has_value() ? std::make_move_iterator((*calls[i].answer)->begin())
                                             : std::move_iterator<std::vector<reply>::iterator>();
    for (const std::size_t place : shares[i].requests) {
      if (!*calls[i].answer) {
        out[place] = calls[i].answer->error();
        continue;
      }
      const auto end = next + static_cast<std::ptrdiff_t>(requests[place].commands.commands());
      out[place] = std::vector<reply>(next, end);
      next = end;
    }
  }
  co_return out;
}

std::vector<primary> cluster_shell::primaries() const {
  std::map<std::string, primary> by_id;
  const cluster_view* const known = routing_.topology().known();
  const cluster_node* last = nullptr;
  for (std::uint16_t slot = 0; known != nullptr && slot < slot_count; ++slot) {
    const cluster_node* const owner = known->map.primary_of(slot);
    if (owner == nullptr) {
      last = nullptr;
      continue;
    }
    primary& one = by_id[owner->id.empty() && owner->at ? shown(*owner->at) : owner->id];
    if (one.slots.empty()) {
      one.id = owner->id;
      one.address = owner->at ? shown(*owner->at) : owner->id;
    }
    if (owner != last) one.slots.emplace_back(slot, slot);
    one.slots.back().second = slot;
    last = owner;
  }
  std::vector<primary> out;
  for (auto& [id, one] : by_id) out.push_back(std::move(one));
  return out;
}

std::string cluster_shell::address() const {
  std::string out;
  for (const endpoint& seed : config_.seeds) out += (out.empty() ? "" : ",") + shown(seed);
  return out;
}

asio::awaitable<void> cluster_shell::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  const auto self = shared_from_this();
  stopping_ = true;
  routing_.stop();
  carry_out();
  timer_.cancel();
  topology_changed_.notify();
  std::vector<std::shared_ptr<link>> open;
  for (const auto& [id, each] : links_) open.push_back(each.connection);
  for (const auto& each : open) co_await each->close();
  co_await group_.stop();
  links_.clear();
}

void cluster_shell::carry_out() {
  if (carrying_) return;
  carrying_ = true;
  const aio::scope_guard done([this] { carrying_ = false; });
  std::vector<router_action> batch = std::move(batch_);
  for (routing_.take_actions(batch); !batch.empty(); routing_.take_actions(batch)) {
    for (router_action& each : batch) std::visit([this](auto& action) { carry_out(action); }, each);
  }
  batch_ = std::move(batch);
  arm();
}

void cluster_shell::carry_out(unit_send& action) {
  const auto found = calls_.find(action.unit);
  if (found == calls_.end()) return;
  const call& asked = *found->second;
  const bool whole = action.commands.empty();
  const bool atomic = asked.shape.atomic;
  request commands;
  if (whole && !action.asking) {
    commands = asked.commands;
  } else {
    std::vector<std::size_t> wanted = std::move(action.commands);
    if (whole) wanted.resize(asked.shape.commands);
    if (whole) std::iota(wanted.begin(), wanted.end(), std::size_t{0});
    commands = select_commands(asked.commands, wanted, atomic, action.asking);
  }
  hand_over(action.node, std::move(commands), asked.until, asked.shape.kind,
            [unit = action.unit, asking = action.asking, atomic](cluster_shell& self, link::outcome got) {
              self.on_replies(unit, asking, atomic, std::move(got));
            });
}

void cluster_shell::on_replies(unit_id unit, bool asking, bool atomic, link::outcome got) {
  if (got) {
    if (asking) drop_asking_replies(*got, atomic);
    routing_.replied(unit, std::move(*got), clock::now());
  } else {
    routing_.failed(unit, got.error(), clock::now());
  }
  carry_out();
}

void cluster_shell::carry_out(topology_action& action) {
  switch (action.what) {
    case topology_action::kind::open:
      if (!stopping_) open_node(action.node, action.at);
      break;
    case topology_action::kind::close:
      leave_node(action.node);
      break;
    case topology_action::kind::ask:
      ask_view(action.node);
      break;
    case topology_action::kind::changed:
      tell_slots(action.slots);
      break;
    case topology_action::kind::fail:
      break;
  }
  topology_changed_.notify();
}

void cluster_shell::tell_slots(const std::vector<slot_range>& changed) const {
  if (!slots_handler_ || stopping_) return;
  std::vector<slot_span> told;
  for (const slot_range& each : changed) told.emplace_back(each.first, each.last);
  slots_handler_(told);
}

void cluster_shell::end_call(unit_id unit, link::outcome answer) {
  const auto found = calls_.find(unit);
  if (found == calls_.end()) return;
  call& asked = *found->second;
  calls_.erase(found);
  asked.answer = std::move(answer);
  asked.over.notify();
}

void cluster_shell::arm() {
  const aio::deadline next = stopping_ ? aio::deadline::max() : routing_.next_tick();
  if (next == armed_) return;
  armed_ = next;
  timer_.expires_at(next);
  if (next == aio::deadline::max()) return;
  auto due = [weak = weak_from_this()](const boost::system::error_code& ec) {
    const auto self = weak.lock();
    if (ec || !self) return;
    self->armed_ = aio::deadline::max();
    self->routing_.tick(clock::now());
    self->carry_out();
  };
  timer_.async_wait(std::move(due));
}

void cluster_shell::open_node(node_id id, const endpoint& at) {
  auto connection = make_link(home_, config_of(config_.link, at), look_up_);
  node_link& made = links_.emplace(id, node_link(connection, at)).first->second;
  connection->on_push([weak = weak_from_this(), shown_node = made.self](const node&, const reply& what) {
    if (const auto self = weak.lock(); self && self->push_handler_) self->push_handler_(shown_node, what);
  });
  connection->on_state([weak = weak_from_this(), id](const node&, bool ready) {
    if (const auto self = weak.lock()) self->on_node_state(id, ready);
  });
  connection->start();
  group_.spawn("cluster node", watch_first_attempt(id, std::move(connection)));
}

// A link tells changes, and an attempt that fails first is none.
asio::awaitable<void> cluster_shell::watch_first_attempt(node_id id, std::shared_ptr<link> connection) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto self = shared_from_this();
  auto first = co_await connection->ready(aio::deadline::max());
  if (first || stopping_ || first.error().is(cond::cancelled)) co_return;
  routing_.node_lost(id, first.error(), clock::now());
  carry_out();
}

void cluster_shell::leave_node(node_id id) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  found->second.leaving = true;
  end_if_idle(id);
}

void cluster_shell::end_if_idle(node_id id) {
  const auto found = links_.find(id);
  if (found == links_.end() || stopping_) return;
  node_link& each = found->second;
  if (!each.leaving || each.owed != 0) return;
  if (std::exchange(each.ready, false) && state_handler_) state_handler_(each.self, false);
  group_.spawn("cluster node end", end_node(id, each.connection));
}

asio::awaitable<void> cluster_shell::end_node(node_id id, std::shared_ptr<link> connection) {
  const auto self = shared_from_this();
  co_await connection->close();
  links_.erase(id);
}

void cluster_shell::on_node_state(node_id id, bool ready) {
  const auto found = links_.find(id);
  if (found == links_.end() || stopping_) return;
  node_link& each = found->second;
  each.ready = ready;
  const node self = each.self;
  if (ready) {
    hello_ = each.connection->hello();
    request who;
    who.add("CLUSTER", "MYID");
    hand_over(id, std::move(who), aio::after(config_.link.connect_timeout), effect::read,
              [id](cluster_shell& shell, link::outcome said) { shell.on_identity(id, std::move(said)); });
  } else {
    const std::string detail = "lost the connection to " + self.address;
    routing_.node_lost(id, error(errc::connection_lost, detail), clock::now());
  }
  if (state_handler_) state_handler_(self, ready);
  carry_out();
}

// A node is used once it is known which one it is.
void cluster_shell::on_identity(node_id id, link::outcome said) {
  const auto found = links_.find(id);
  if (!said || found == links_.end()) return;  // the loss is told as a change of state
  const reply& answer = said->front();
  const std::string name = answer.is_string() ? answer.text : std::string();
  routing_.node_ready(id, found->second.connection->hello(), name, clock::now());
  carry_out();
}

void cluster_shell::ask_view(node_id id) {
  const auto within = 2 * config_.rules.topology.answer_within;
  hand_over(id, ask_for_view(), aio::after(within), effect::read, [id](cluster_shell& self, link::outcome got) {
    const auto found = self.links_.find(id);
    if (found == self.links_.end()) return;
    const map_reading how(found->second.at, self.config_.link.tls, self.config_.nat);
    auto view = got ? read_view(*got, how) : result<cluster_view>(got.error());
    self.routing_.node_answered(id, std::move(view), clock::now());
    self.carry_out();
  });
}

template <class Receiver>
void cluster_shell::hand_over(node_id id, request commands, aio::deadline until, effect kind, Receiver tell) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  ++found->second.owed;
  auto receive = [weak = weak_from_this(), id, tell = std::move(tell)](link::outcome got) {
    const auto self = weak.lock();
    if (!self) return;
    if (const auto on = self->links_.find(id); on != self->links_.end()) --on->second.owed;
    tell(*self, std::move(got));
    self->end_if_idle(id);
  };
  found->second.connection->exec_in_stream(std::move(commands), until, kind, std::move(receive));
}

}  // namespace mcpstate::redis
