// SPDX-License-Identifier: MIT
// The life of the connection; bytes and time are in shell_io.cpp.
#include "redis/shell.hh"

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>

#include <cassert>
#include <string_view>
#include <utility>

namespace mcpstate::redis {

link::shell::shell(asio::any_io_executor where, link_config how)
    : executor(std::move(where)),
      config(std::move(how)),
      session_(config),
      requests_(config.max_pending_commands, config.max_pending_bytes),
      random_(std::random_device{}()),
      tick_timer_(executor),
      over_(executor),
      group_(executor) {
  over_.expires_at(time_point::max());
}

void link::shell::start() {
  assert(session_.now() == session_fsm::state::off && !stopping_);
  session_.start();
  group_.spawn("redis link", run());
}

asio::awaitable<void> link::shell::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto self = shared_from_this();
  std::uniform_real_distribution<double> jitter(0.0, 1.0);
  asio::steady_timer pause(executor);
  while (!stopping_) {
    attempt_until_ = clock::now() + config.connect_timeout;
    auto opened = co_await open_transport(executor, config, *tls_, attempt_until_);
    if (stopping_) break;
    if (opened) {
      begin_session(std::move(*opened));
    } else {
      session_.failed(opened.error(), std::chrono::milliseconds(0));
      hang_up(false);
    }
    while (live_ || reading_ || writing_) {
      auto waited = co_await over_.async_wait(aio::use_ec);
      static_cast<void>(waited);
    }
    transport_.reset();
    if (stopping_) break;
    pause.expires_after(session_.pause(jitter(random_)));
    auto paused = co_await pause.async_wait(aio::use_ec);
    static_cast<void>(paused);
    if (!stopping_) session_.retry();
  }
}

void link::shell::begin_session(std::unique_ptr<transport> opened) {
  transport_ = std::move(opened);
  parser::limits bounds;
  bounds.bytes = config.max_reply_bytes;
  parser_.emplace(bounds);
  in_.resize(64u * 1024);
  live_ = true;
  suspicious_ = ping_asked_ = false;
  last_received_ = clock::now();
  out_ = session_.connected().bytes();
  out_done_ = 0;
  write_rest();
  read_more();
  arm(attempt_until_);
}

void link::shell::on_ready() {
  ready_since_ = last_received_;
  owed_since_ = last_received_;
  wake_ready_waiters();
  if (state_handler) state_handler(true);
  arm(next_tick(ready_since_));
  flush_soon();
}

// The connection cannot be used any further.
void link::shell::broke(error why) {
  if (!live_) return;
  const bool was_ready = session_.now() == session_fsm::state::ready;
  const auto lived = was_ready ? clock::now() - ready_since_ : clock::duration::zero();
  session_.failed(std::move(why), std::chrono::duration_cast<std::chrono::milliseconds>(lived));
  hang_up(was_ready);
}

// After session_ has been told. Callers may come back with new requests from within: they find everything settled.
void link::shell::hang_up(bool was_ready) {
  live_ = false;
  if (transport_) transport_->close();
  auto ended = requests_.lost(errc::connection_lost);
  const bool refuse = session_.admits() == session_fsm::admission::refuse;
  std::vector<pipeline::ending> refused;
  if (refuse) refused = requests_.drop_waiting(errc::connection_lost);
  settle();
  wake_ready_waiters();
  if (was_ready && state_handler) state_handler(false);
  finish(std::move(ended));
  for (pipeline::ending& e : refused) {
    auto* const caller = static_cast<call*>(e.who.release());
    caller->finish(std::unique_ptr<call>(caller), session_.failure(), executor, true);
  }
}

void link::shell::settle() {
  if (!live_ && !reading_ && !writing_) over_.cancel();
}

void link::shell::wake_ready_waiters() {
  for (asio::steady_timer* waiter : ready_waiters_) waiter->cancel();
}

task<server_hello> link::shell::ready(aio::deadline until) {
  const auto self = shared_from_this();
  while (!stopping_ && session_.admits() == session_fsm::admission::hold) {
    asio::steady_timer waiter(executor, until);
    const auto place = ready_waiters_.insert(ready_waiters_.end(), &waiter);
    auto waited = co_await waiter.async_wait(aio::use_ec);
    ready_waiters_.erase(place);
    const auto cancelled = co_await asio::this_coro::cancellation_state;
    if (cancelled.cancelled() != asio::cancellation_type::none) co_return why_not(errc::stopped);
    if (!std::get<0>(waited)) co_return error(errc::deadline, "no answer in time from " + shown_address(config));
  }
  if (stopping_) co_return why_not(errc::stopped);
  if (session_.admits() == session_fsm::admission::refuse) co_return session_.failure();
  co_return session_.hello();
}

void link::shell::begin(std::unique_ptr<call> request) {
  call& caller = *request;
  const auto refuse = [&](answer what) { caller.finish(std::move(request), std::move(what), executor, false); };
  if (caller.commands == 0) return refuse(std::vector<reply>());
  if (stopping_) return refuse(why_not(errc::stopped));
  if (session_.admits() == session_fsm::admission::refuse) return refuse(session_.failure());
  if (!requests_.fits(caller)) return refuse(why_not(errc::queue_full));
  const time_point until = caller.until;
  const bool earlier = until < armed_;  // the clock is looked at only for those: it is behind armed_
  if (earlier && until <= clock::now()) return refuse(why_not(errc::deadline));
  const std::uint64_t number = requests_.add(std::move(request));
  caller.watch_cancellation(*this, number);
  if (earlier) arm(until);
  flush_soon();
}

void link::shell::give_up(std::uint64_t number) {
  if (auto ended = requests_.withdraw(number)) finish(std::move(*ended), false);
}

asio::awaitable<void> link::shell::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  const auto self = shared_from_this();
  if (!stopping_) {
    stopping_ = true;
    session_.stop();
    live_ = false;
    if (transport_) transport_->close();
    auto sent = requests_.lost(errc::stopped);
    auto waiting = requests_.drop_waiting(errc::stopped);
    tick_timer_.cancel();
    settle();
    wake_ready_waiters();
    finish(std::move(sent));
    finish(std::move(waiting));
  }
  co_await group_.stop();
}

void link::shell::finish(pipeline::ending ended, bool at_once) {
  auto* const caller = static_cast<call*>(ended.who.release());
  caller->finish(std::unique_ptr<call>(caller), why_not(ended.why), executor, at_once);
}

void link::shell::finish(std::vector<pipeline::ending> ended) {
  for (pipeline::ending& e : ended) finish(std::move(e), true);
}

error link::shell::why_not(errc why) const {
  const std::string where = shown_address(config);
  switch (why) {
    case errc::stopped:
      return error(why, "the request to " + where + " was stopped");
    case errc::queue_full:
      return error(why, "too much is waiting for " + where);
    case errc::deadline:
      return error(why, "no answer in time from " + where);
    case errc::connection_lost:
      return error(why, "lost the connection to " + where + ": " + session_.failure().detail());
    default:
      return error(why, "sent to " + where + ", but the answer did not come: it may or may not have been done");
  }
}

}  // namespace mcpstate::redis
