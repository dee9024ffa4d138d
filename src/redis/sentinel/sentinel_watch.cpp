// SPDX-License-Identifier: MIT
#include "redis/sentinel/sentinel_watch.hh"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <random>
#include <utility>

#include "aio/scope_guard.hh"

namespace mcpstate::redis {
namespace {

constexpr std::chrono::milliseconds answer_within{1000};
constexpr std::chrono::milliseconds longest_sentinel_pause{1000};  // between two attempts to reach a Sentinel
constexpr std::chrono::milliseconds silence{2000};        // of a Sentinel, which is asked each second

}  // namespace

sentinel_watch::sentinel_watch(asio::any_io_executor home, sentinel_config config, net::resolver look_up)
    : home_(std::move(home)),
      config_(std::move(config)),
      look_up_(std::move(look_up)),
      fsm_(config_.rules, config_.sentinels, std::random_device{}()),
      timer_(home_),
      group_(home_, aio::end_process) {}

void sentinel_watch::join(listener& who) {
  listeners_.emplace(&who, true);
  if (!std::exchange(started_, true)) fsm_.start(clock::now());
  fsm_.set_unserved(true, clock::now());
  carry_out();
}

asio::awaitable<void> sentinel_watch::leave(listener& who) {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  const auto self = shared_from_this();
  listeners_.erase(&who);
  if (!listeners_.empty() || stopping_) co_return;
  stopping_ = true;
  timer_.cancel();
  std::vector<std::shared_ptr<link>> open;
  for (const auto& [id, each] : links_) open.push_back(each);
  for (const auto& each : open) co_await each->close();
  co_await group_.stop();
  links_.clear();
}

void sentinel_watch::set_unserved(listener& who, bool unserved) {
  const auto found = listeners_.find(&who);
  if (found == listeners_.end() || found->second == unserved) return;
  found->second = unserved;
  const bool any = std::any_of(listeners_.begin(), listeners_.end(), [](const auto& each) { return each.second; });
  fsm_.set_unserved(any, clock::now());
  carry_out();
}

void sentinel_watch::doubt() {
  fsm_.doubt(clock::now());
  carry_out();
}

bool sentinel_watch::confirmed() const {
  const auto at = fsm_.confirmed_at();
  return at && clock::now() - *at <= fsm_.down_after();
}

std::string sentinel_watch::shown_name() const {
  std::string out = config_.name;
  for (const endpoint& each : config_.sentinels) out += (&each == &config_.sentinels.front() ? " of " : ",") + shown(each);
  return out;
}

void sentinel_watch::carry_out() {
  if (carrying_ || stopping_) return;
  carrying_ = true;
  const aio::scope_guard done([this] { carrying_ = false; });
  for (auto batch = fsm_.take_actions(); !batch.empty(); batch = fsm_.take_actions()) {
    for (const sentinel_action& each : batch) carry_out(each);
  }
  arm();
}

void sentinel_watch::carry_out(const sentinel_action& action) {
  using kind = sentinel_action::kind;
  if (action.what == kind::open) return open_sentinel(action.on, action.at);
  if (action.what == kind::ask) return ask(action.on);
  if (action.what == kind::close) {
    const auto found = links_.find(action.on);
    if (found == links_.end()) return;
    group_.spawn("sentinel end", end_sentinel(std::move(found->second)));
    links_.erase(found);
    return;
  }
  const auto all = listeners_;
  for (const auto& [each, unserved] : all) {
    if (!listeners_.contains(each)) continue;
    action.what == kind::target ? each->target_changed() : each->failure_changed();
  }
}

void sentinel_watch::arm() {
  const aio::deadline next = fsm_.next_tick();
  if (next == armed_) return;
  armed_ = next;
  timer_.expires_at(next);
  auto due = [weak = weak_from_this()](const boost::system::error_code& ec) {
    const auto self = weak.lock();
    if (ec || !self || self->stopping_) return;
    self->armed_ = aio::deadline::max();
    self->fsm_.tick(clock::now());
    self->carry_out();
  };
  timer_.async_wait(std::move(due));
}

link_config sentinel_watch::config_of(const endpoint& at) const {
  link_config out;
  out.host = at.host;
  out.port = at.port;
  out.tls = config_.sentinel_tls;
  out.ca_file = config_.link.ca_file;
  out.cert_file = config_.link.cert_file;
  out.key_file = config_.link.key_file;
  out.tls_verify = config_.link.tls_verify;
  out.tls_verify_host = config_.link.tls_verify_host;
  out.expected = expected_server(expected_server::kind::sentinel, false);
  out.user = config_.sentinel_user;
  out.password = config_.sentinel_password;
  out.client_name = config_.link.client_name;
  out.channels = {switch_channel};
  out.expected = expected_server(expected_server::kind::sentinel, false);
  out.connect_timeout = config_.link.connect_timeout;
  out.backoff_max = std::min(config_.link.backoff_max, longest_sentinel_pause);
  out.ping_after = silence;
  return out;
}

void sentinel_watch::open_sentinel(sentinel_id id, const endpoint& at) {
  auto connection = make_link(home_, config_of(at), look_up_);
  links_.emplace(id, connection);
  connection->on_push([weak = weak_from_this(), id](const node&, const reply& what) {
    if (const auto self = weak.lock()) self->on_sentinel_push(id, what);
  });
  connection->on_state([weak = weak_from_this(), id](const node&, bool ready) {
    if (const auto self = weak.lock()) self->on_sentinel_state(id, ready);
  });
  connection->start();
  group_.spawn("sentinel", watch_first_attempt(id, std::move(connection)));
}

// A link tells changes, and an attempt that fails first is none.
asio::awaitable<void> sentinel_watch::watch_first_attempt(sentinel_id id, std::shared_ptr<link> connection) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto self = shared_from_this();
  auto first = co_await connection->ready(aio::deadline::max());
  if (first || stopping_ || first.error().is(cond::cancelled)) co_return;
  const std::string detail = "the Sentinel " + connection->address() + ": " + first.error().detail();
  fsm_.lost(id, error(first.error().code(), detail, first.error().peer_text()), clock::now());
  carry_out();
}

asio::awaitable<void> sentinel_watch::end_sentinel(std::shared_ptr<link> connection) {
  const auto self = shared_from_this();
  co_await connection->close();
}

void sentinel_watch::on_sentinel_state(sentinel_id id, bool ready) {
  const auto found = links_.find(id);
  if (found == links_.end() || stopping_) return;
  if (ready) {
    fsm_.ready(id, clock::now());
  } else {
    const std::string detail = "lost the connection to the Sentinel " + found->second->address();
    fsm_.lost(id, error(errc::connection_lost, detail), clock::now());
  }
  carry_out();
}

void sentinel_watch::on_sentinel_push(sentinel_id id, const reply& push) {
  const endpoint* const at = fsm_.place(id);
  if (at == nullptr || stopping_) return;
  const auto told = read_switch(push, reading(*at));
  if (!told) return;
  fsm_.switched(id, *told, clock::now());
  carry_out();
}

void sentinel_watch::ask(sentinel_id id) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  found->second->exec_in_stream(ask_sentinel(config_.name), aio::after(answer_within), effect::read,
                                [weak = weak_from_this(), id](link::outcome got) {
                                  if (const auto self = weak.lock()) self->on_answer(id, std::move(got));
                                });
}

void sentinel_watch::on_answer(sentinel_id id, link::outcome got) {
  const endpoint* const at = fsm_.place(id);
  if (at == nullptr || stopping_) return;
  if (got) {
    fsm_.answered(id, read_sentinel_view(*got, reading(*at)), clock::now());
  } else {
    fsm_.answered(id, got.error(), clock::now());
  }
  carry_out();
}

}  // namespace mcpstate::redis
