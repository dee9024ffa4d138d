// SPDX-License-Identifier: MIT
// The life of the connection, and requests; bytes and time are in shell_io.cpp.
#include "redis/shell.hh"

#include <boost/asio/async_result.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/secret_file.hh"

namespace mcpstate::redis {

void shell::call::watch_cancellation(shell&, std::uint64_t) {}

// A request whose outcome is told inside the read loop.
class shell::receiver_call final : public call {
 public:
  receiver_call(receiver tell, request asked, aio::deadline until, effect what)
      : call(std::move(asked), until, what), tell_(std::move(tell)) {}

  void finish(std::unique_ptr<call> self, outcome answer, const asio::any_io_executor& home, bool at_once) override {
    receiver tell = std::move(tell_);
    self.reset();
    if (at_once) return tell(std::move(answer));
    auto later = [tell = std::move(tell), answer = std::move(answer)]() mutable { tell(std::move(answer)); };
    asio::post(home, std::move(later));
  }

 private:
  receiver tell_;
};

shell::shell(asio::any_io_executor home, link_config config, net::resolver look_up)
    : home_(std::move(home)),
      config_(std::move(config)),
      look_up_(std::move(look_up)),
      node_(shown_address(config_)),
      fsm_(config_),
      requests_(config_.max_pending_commands, config_.max_pending_bytes),
      random_(std::random_device{}()),
      tick_timer_(home_),
      group_(home_, aio::end_process) {}

void shell::start() {
  assert(fsm_.now() == link_fsm::state::off && !stopping_);
  fsm_.start();
  group_.spawn("redis link", run());
}

asio::awaitable<void> shell::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto self = shared_from_this();
  while (!stopping_) {
    attempt_until_ = clock::now() + config_.connect_timeout;
    auto opened = co_await open();
    if (stopping_) break;
    if (opened) {
      begin_session(std::move(*opened));
    } else {
      fsm_.failed(opened.error(), std::chrono::milliseconds(0));
      end_session(false);
    }
    // Whoever stops this coroutine closes the transport: the session ends of itself.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    while (live_ || reading_ || writing_) co_await session_over_.wait();
    transport_.reset();
    if (stopping_) break;
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    co_await rest();
    if (!stopping_) fsm_.retry();
  }
}

task<std::unique_ptr<transport>> shell::open() {
  co_await asio::this_coro::throw_if_cancelled(false);
  MCPSTATE_CO_CHECK(renew_password());
  co_return co_await open_transport(home_, config_, look_up_, attempt_until_);
}

// A password that was changed in its file is used by the next attempt.
result<void> shell::renew_password() {
  if (config_.password_file.empty()) return {};
  auto read = read_secret_file(config_.password_file);
  if (read) {
    password_fault_.clear();
    fsm_.set_password(std::move(*read));
    return {};
  }
  if (!fsm_.has_password() || !config_.on_stale_credentials) return read.error();
  const std::string fault = read.error().detail();
  if (fault != password_fault_) config_.on_stale_credentials(fault);
  password_fault_ = fault;
  return {};
}

// Waits for the time of the next attempt. A request that comes meanwhile brings it forward.
asio::awaitable<void> shell::rest() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const double random = std::uniform_real_distribution<double>(0.0, 1.0)(random_);
  const time_point whole = clock::now() + fsm_.pause(random);
  const bool wanted = co_await wanted_.wait(whole);
  if (!wanted || stopping_) co_return;
  co_await aio::wait_until(std::min(whole, aio::after(fsm_.pause(random))));
}

void shell::begin_session(std::unique_ptr<transport> opened) {
  transport_ = std::move(opened);
  parser::limits bounds;
  bounds.bytes = config_.max_reply_bytes;
  parser_.emplace(bounds);
  in_.resize(64u * 1024);
  live_ = true;
  suspicious_ = asking_identity_ = false;
  last_received_ = clock::now();
  out_ = fsm_.connected().bytes();
  out_done_ = 0;
  write_rest();
  read_more();
  arm(attempt_until_);
}

void shell::session_ready() {
  ready_since_ = identity_asked_at_ = last_received_;
  owed_since_ = last_received_;
  attempt_ended_.notify();
  if (state_handler_) state_handler_(node_, true);
  arm(next_tick(ready_since_));
  flush_soon();
}

// The connection cannot be used any further.
void shell::session_failed(error why) {
  if (!live_) return;
  const bool was_ready = connected();
  const auto lived = was_ready ? clock::now() - ready_since_ : clock::duration::zero();
  fsm_.failed(std::move(why), std::chrono::duration_cast<std::chrono::milliseconds>(lived));
  end_session(was_ready);
}

// Comes after fsm_ has been told. Callers may ask for more from within: everything is settled before they are answered.
void shell::end_session(bool was_ready) {
  live_ = false;
  if (transport_) transport_->close();
  auto ended = requests_.lost(errc::connection_lost);
  if (!ended.empty() || requests_.waiting() != 0) fsm_.want();
  const bool refuse = fsm_.admits() == link_fsm::admission::refuse;
  std::vector<pipeline::ending> refused;
  if (refuse) refused = requests_.drop_waiting(errc::connection_lost);
  notify_if_over();
  attempt_ended_.notify();
  if (was_ready && state_handler_) state_handler_(node_, false);
  finish(std::move(ended));
  for (pipeline::ending& each : refused) {
    auto* const caller = static_cast<call*>(each.caller.release());
    caller->finish(std::unique_ptr<call>(caller), fsm_.failure(), home_, true);
  }
}

void shell::notify_if_over() {
  if (!live_ && !reading_ && !writing_) session_over_.notify();
}

task<server_hello> shell::ready(aio::deadline until) {
  const auto self = shared_from_this();
  while (!stopping_ && fsm_.admits() == link_fsm::admission::hold) {
    const bool woken = co_await attempt_ended_.wait(until);
    if (woken) continue;
    const bool cancelled = co_await aio::is_cancelled();
    co_return error_of(cancelled ? errc::stopped : errc::deadline);
  }
  if (stopping_) co_return error_of(errc::stopped);
  if (fsm_.admits() == link_fsm::admission::refuse) co_return fsm_.failure();
  co_return fsm_.hello();
}

// Not a coroutine itself: one coroutine frame and one call object are all that a request costs.
task<std::vector<reply>> shell::exec(route target, request commands, aio::deadline until, effect kind) {
  static_cast<void>(target);  // there is one server
  auto begin = [self = this, commands = std::move(commands), until, kind](auto handler) mutable {
    using made = handler_call<decltype(handler)>;
    self->submit(std::make_unique<made>(std::move(handler), std::move(commands), until, kind));
  };
  return asio::async_initiate<const asio::use_awaitable_t<>, void(outcome)>(std::move(begin), asio::use_awaitable);
}

void shell::exec_in_stream(request commands, aio::deadline until, effect kind, receiver tell) {
  submit(std::make_unique<receiver_call>(std::move(tell), std::move(commands), until, kind));
}

void shell::submit(std::unique_ptr<call> asked) {
  call& caller = *asked;
  const auto refuse = [&](outcome answer) { caller.finish(std::move(asked), std::move(answer), home_, false); };
  if (caller.commands == 0) return refuse(std::vector<reply>());
  if (stopping_) return refuse(error_of(errc::stopped));
  if (!connected() && fsm_.want()) wanted_.notify();
  if (fsm_.admits() == link_fsm::admission::refuse) return refuse(fsm_.failure());
  if (!requests_.fits(caller)) return refuse(error_of(errc::queue_full));
  const time_point until = caller.deadline;
  const bool earlier = until < armed_;  // a later one cannot be over: the clock is always behind armed_
  if (earlier && until <= clock::now()) return refuse(error_of(errc::deadline));
  const std::uint64_t number = requests_.add(std::move(asked));
  caller.watch_cancellation(*this, number);
  if (earlier) arm(until);
  flush_soon();
}

void shell::withdraw(std::uint64_t number) {
  if (auto ended = requests_.withdraw(number)) finish(std::move(*ended), false);
}

asio::awaitable<void> shell::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  const auto self = shared_from_this();
  if (!stopping_) {
    stopping_ = true;
    fsm_.stop();
    live_ = false;
    if (transport_) transport_->close();
    auto sent = requests_.lost(errc::stopped);
    auto waiting = requests_.drop_waiting(errc::stopped);
    tick_timer_.cancel();
    notify_if_over();
    attempt_ended_.notify();
    finish(std::move(sent));
    finish(std::move(waiting));
  }
  co_await group_.stop();
}

void shell::finish(pipeline::ending ended, bool at_once) {
  auto* const caller = static_cast<call*>(ended.caller.release());
  caller->finish(std::unique_ptr<call>(caller), error_of(ended.reason), home_, at_once);
}

void shell::finish(std::vector<pipeline::ending> ended) {
  for (pipeline::ending& each : ended) finish(std::move(each), true);
}

error shell::error_of(errc reason) const {
  const std::string& where = node_.address;
  switch (reason) {
    case errc::stopped:
      return error(reason, "the request to " + where + " was stopped");
    case errc::queue_full:
      return error(reason, "too much is waiting for " + where);
    case errc::deadline:
      return error(reason, "no answer in time from " + where);
    case errc::connection_lost:
      return error(reason, "lost the connection to " + where + ": " + fsm_.failure().detail());
    default:
      return error(reason, "sent to " + where + ", but the answer did not come: it may or may not have been done");
  }
}

}  // namespace mcpstate::redis
