// SPDX-License-Identifier: MIT
#include "redis/sentinel/sentinel_shell.hh"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

#include "redis/topology/redirect.hh"

namespace mcpstate::redis {
namespace {

// While a primary is away, requests wait for it: a long pause between attempts would be added to every failover.
constexpr std::chrono::milliseconds longest_primary_pause{250};
constexpr std::chrono::milliseconds role_pause{100};  // between two questions for the role
constexpr int most_reads = 3;                         // of one request: it may be what breaks the connection

// Waiting does not help against these.
bool is_final(const error& why) noexcept {
  switch (why.code()) {
    case errc::auth_failed:
    case errc::tls_failed:
    case errc::unsupported:
    case errc::protocol:
      return true;
    default:
      return false;
  }
}

// Whether the server ran nothing because it is no primary that has its data.
bool all_refused(const std::vector<reply>& answers) {
  return std::all_of(answers.begin(), answers.end(), [](const reply& each) {
    const refusal_kind kind = read_refusal(each).kind;
    return kind == refusal_kind::read_only || kind == refusal_kind::master_down || kind == refusal_kind::loading;
  });
}
// A replica's refusal among the answers; null when there is none.
const reply* find_read_only(const std::vector<reply>& answers) {
  const auto found = std::find_if(answers.begin(), answers.end(),
                                  [](const reply& each) { return read_refusal(each).kind == refusal_kind::read_only; });
  return found == answers.end() ? nullptr : &*found;
}

}  // namespace

sentinel_shell::sentinel_shell(std::shared_ptr<sentinel_watch> watch, link_config config, write_rule rule)
    : watch_(std::move(watch)), config_(std::move(config)), rule_(rule), group_(watch_->home(), aio::end_process) {
  config_.unix_path.clear();
  config_.backoff_max = std::min(config_.backoff_max, longest_primary_pause);
}

void sentinel_shell::start() {
  watch_->join(*this);
  if (watch_->target() != nullptr && !link_) target_changed();
}

task<server_hello> sentinel_shell::ready(aio::deadline until) {
  const auto self = shared_from_this();
  MCPSTATE_CO_CHECK(co_await served(until));
  co_return hello_;
}

task<void> sentinel_shell::served(aio::deadline until) {
  while (!serving_) {
    if (stopping_) co_return stopped();
    if (auto why = hopeless()) co_return std::move(*why);
    const bool woken = co_await changed_.wait(until);
    if (woken) continue;
    const bool cancelled = co_await aio::is_cancelled();
    if (cancelled) co_return stopped();
    const std::string where = watch_->target() == nullptr ? std::string("unknown") : self_.address;
    const std::string reason = why_ ? ": " + why_->detail() : std::string();
    const errc code = why_ && why_->is(cond::unavailable) ? why_->code() : errc::deadline;
    co_return error(code, "the primary " + watch_->shown_name() + " (" + where + ") did not serve in time" + reason);
  }
  co_return result<void>();
}

// Why waiting for a primary cannot help.
std::optional<error> sentinel_shell::hopeless() const {
  if (why_ && is_final(*why_)) return why_;
  const error* const blind = watch_->failure();
  if (blind == nullptr || (watch_->target() != nullptr && !why_)) return std::nullopt;
  if (!why_) return *blind;
  return error(blind->code(), why_->detail() + "; " + blind->detail(), blind->peer_text());
}

task<std::vector<reply>> sentinel_shell::exec(route, request commands, aio::deadline until, effect kind) {
  const auto self = shared_from_this();
  if (commands.commands() == 0) co_return std::vector<reply>();
  for (int tries = 1;; ++tries) {
    if (!serving_) MCPSTATE_CO_CHECK(co_await served(until));
    if (kind == effect::write && rule_ == write_rule::while_confirmed && !watch_->confirmed()) {
      co_return error(errc::read_only, "no majority of Sentinels confirms the primary " + watch_->shown_name() +
                                           "; writes are refused until one does");
    }
    const std::uint64_t number = number_;
    const auto connection = link_;
    request copy = commands;
    auto got = co_await connection->exec(std::move(copy), until, kind);
    const bool cancelled = co_await aio::is_cancelled();
    const fate next = cancelled || stopping_ ? fate::answer : decide(got, number, kind, tries);
    if (next == fate::again) continue;
    if (next == fate::answer) co_return std::move(got);
    co_return error(
        errc::outcome_unknown,
        connection->address() + " answered after the Sentinels had replaced it as the primary: what it did is lost");
  }
}

sentinel_shell::fate sentinel_shell::decide(const link::outcome& got, std::uint64_t number, effect kind, int tries) {
  const bool left = number != number_;
  if (got) {
    if (left) return kind == effect::write ? fate::unknown : fate::again;
    const bool refused = all_refused(*got);
    const reply* const said = refused ? &got->front() : find_read_only(*got);
    if (said != nullptr) stop_serving(to_error(*said, self_.address));
    return refused ? fate::again : fate::answer;
  }
  switch (got.error().code()) {
    case errc::connection_lost:  // of a write: it was not sent
      return kind == effect::write || tries < most_reads ? fate::again : fate::answer;
    case errc::stopped:
      return left ? fate::again : fate::answer;
    case errc::queue_full:
      return fate::answer;
    case errc::deadline:
    case errc::outcome_unknown:
      if (!left) watch_->doubt();
      return fate::answer;
    default:
      return serving_ ? fate::answer : fate::again;  // an attempt to connect failed
  }
}

void sentinel_shell::target_changed() {
  detach();
  if (const endpoint* const at = watch_->target(); at != nullptr && !stopping_) attach(*at);
  changed_.notify();
}

void sentinel_shell::attach(const endpoint& at) {
  link_config config = config_;
  config.host = at.host;
  config.port = at.port;
  link_ = make_link(watch_->home(), std::move(config), watch_->look_up());
  self_ = node(link_->address());
  const std::uint64_t number = number_;
  link_->on_push([weak = weak_from_this(), number](const node&, const reply& what) {
    const auto self = weak.lock();
    if (self && self->number_ == number && self->serving_ && self->push_handler_) self->push_handler_(self->self_, what);
  });
  link_->on_state([weak = weak_from_this(), number](const node&, bool ready) {
    if (const auto self = weak.lock()) self->on_link_state(number, ready);
  });
  link_->start();
  attempting_ = true;
  group_.spawn("primary attempts", watch_attempts(number, link_));
}

// What the old server still says concerns nobody from now on: number_ tells.
void sentinel_shell::detach() {
  set_serving(false);
  ++number_;
  verifying_ = attempting_ = false;
  why_.reset();
  if (link_) group_.spawn("old primary", end_link(std::exchange(link_, nullptr)));
}

void sentinel_shell::set_serving(bool serving) {
  if (std::exchange(serving_, serving) == serving) return;
  if (state_handler_) state_handler_(self_, serving);
  watch_->set_unserved(*this, !serving);
  if (serving) changed_.notify();
}

// The connection stays. The server is asked for its role until it is a primary, or is left.
void sentinel_shell::stop_serving(error why) {
  why_ = std::move(why);
  set_serving(false);
  watch_->doubt();
  if (!link_ || !link_->connected() || std::exchange(verifying_, true)) return;
  group_.spawn("primary", verify(number_, link_, false));
}

void sentinel_shell::on_link_state(std::uint64_t number, bool ready) {
  if (number != number_ || stopping_) return;
  if (ready) {
    if (!std::exchange(verifying_, true)) group_.spawn("primary", verify(number, link_, true));
    return;
  }
  why_ = error(errc::connection_lost, "lost the connection to " + self_.address);
  set_serving(false);
  watch_->doubt();
  if (!std::exchange(attempting_, true)) group_.spawn("primary attempts", watch_attempts(number, link_));
}

asio::awaitable<void> sentinel_shell::verify(std::uint64_t number, std::shared_ptr<link> connection, bool soon) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto self = shared_from_this();
  while (number == number_ && connection->connected()) {
    if (!std::exchange(soon, false)) co_await aio::wait_until(aio::after(role_pause));
    if (number != number_ || stopping_ || !connection->connected()) break;
    request role;
    role.add("ROLE");
    auto got = co_await connection->exec(std::move(role), aio::after(config_.connect_timeout), effect::read);
    if (number != number_ || stopping_ || !connection->connected()) break;
    auto why = unfit(got, *connection);
    if (!why) {
      verifying_ = false;
      why_.reset();
      hello_ = connection->hello();
      set_serving(true);
      co_return;
    }
    why_ = std::move(why);
    changed_.notify();
    watch_->doubt();
  }
  if (number == number_) verifying_ = false;
}

std::optional<error> sentinel_shell::unfit(const link::outcome& role, const link& connection) const {
  const server_hello& hello = connection.hello();
  if (!role) return role.error();
  if (hello.mode == "cluster" || hello.mode == "sentinel") {
    return error(errc::unsupported, self_.address + " is no server of its own, but one of a " + hello.mode);
  }
  const bool primary = says_primary(role->front()).value_or(hello.role != "replica" && hello.role != "slave");
  if (primary) return std::nullopt;
  return error(errc::read_only, self_.address + " is a replica, and the Sentinels name no other primary yet");
}

// A link tells changes, and an attempt that fails is none.
asio::awaitable<void> sentinel_shell::watch_attempts(std::uint64_t number, std::shared_ptr<link> connection) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto self = shared_from_this();
  while (number == number_ && !stopping_) {
    auto attempt = co_await connection->ready(aio::deadline::max());
    if (number != number_ || stopping_ || attempt) break;
    why_ = attempt.error();
    changed_.notify();
    co_await aio::wait_until(aio::after(longest_primary_pause));
  }
  if (number == number_) attempting_ = false;
}

asio::awaitable<void> sentinel_shell::end_link(std::shared_ptr<link> connection) {
  const auto self = shared_from_this();
  co_await connection->close();
}

error sentinel_shell::stopped() const {
  return error(errc::stopped, "the request to the primary " + watch_->shown_name() + " was stopped");
}

asio::awaitable<void> sentinel_shell::close() {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  const auto self = shared_from_this();
  stopping_ = true;
  state_handler_ = nullptr;  // nobody is told of an end that was asked for
  serving_ = false;
  const auto open = link_;
  changed_.notify();
  if (open) co_await open->close();
  co_await watch_->leave(*this);
  co_await group_.stop();
}

}  // namespace mcpstate::redis
