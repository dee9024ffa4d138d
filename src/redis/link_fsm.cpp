// SPDX-License-Identifier: MIT
#include "redis/link_fsm.hh"

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/backoff.hh"
#include "redis/error_meaning.hh"

namespace mcpstate::redis {

link_fsm::link_fsm(const link_config& config)
    : user_(config.user),
      client_name_(config.client_name),
      database_(config.database),
      track_reads_(config.track_reads),
      prefixes_(config.tracking_prefixes),
      channels_(config.channels),
      expected_(config.expected),
      backoff_min_(std::max(config.backoff_min, std::chrono::milliseconds(1))),
      backoff_max_(std::max(config.backoff_max, backoff_min_)),
      wanted_backoff_max_(std::clamp(config.wanted_backoff_max, backoff_min_, backoff_max_)),
      password_(config.password) {}

void link_fsm::start() {
  assert(state_ == state::off);
  state_ = state::connecting;
  attempt_failed_ = wanted_ = false;
  failures_ = 0;
}

void link_fsm::stop() { state_ = state::off; }

// Everything goes out in one write, and the answers are judged one by one. PING comes last: it is the one command of these
// that a server refuses while it loads its data.
request link_fsm::connected() {
  assert(state_ == state::connecting);
  state_ = state::handshaking;
  answered_ = 0;
  asked_.assign(1, command::hello);
  request all;
  if (password_.empty() && user_.empty()) {
    all.add("HELLO", "3");
  } else {
    all.add("HELLO", "3", "AUTH", user_.empty() ? std::string("default") : user_, password_.text());
  }
  if (database_ != 0) {
    all.command(2).arg("SELECT").arg(std::int64_t{database_});
    asked_.push_back(command::select);
  }
  if (!client_name_.empty()) {
    all.add("CLIENT", "SETNAME", client_name_);
    asked_.push_back(command::setname);
  }
  if (track_reads_) {
    all.add("CLIENT", "TRACKING", "ON");
    asked_.push_back(command::tracking);
  } else if (!prefixes_.empty()) {
    all.command(4 + 2 * prefixes_.size()).arg("CLIENT").arg("TRACKING").arg("ON").arg("BCAST");
    for (const std::string& prefix : prefixes_) all.arg("PREFIX").arg(prefix);
    asked_.push_back(command::tracking);
  }
  for (const std::string& channel : channels_) {
    all.add("SUBSCRIBE", channel);
    asked_.push_back(command::subscribe);
  }
  all.add("PING");
  asked_.push_back(command::ping);
  return all;
}

link_fsm::progress link_fsm::on_reply(const reply& answer) {
  assert(state_ == state::handshaking);
  if (auto refused = check_reply(asked_[answered_], answer)) {
    failed(std::move(*refused), std::chrono::milliseconds(0));
    return progress::refused;
  }
  if (++answered_ < asked_.size()) return progress::more;
  state_ = state::ready;
  attempt_failed_ = false;
  return progress::ready;
}

std::optional<error> link_fsm::check_reply(command sent, const reply& answer) {
  if (sent == command::hello) return judge_hello(answer);
  if (!answer.is_error()) return std::nullopt;
  error meant = to_error(answer, "handshake");
  if (meant.code() == errc::loading) return error(errc::loading, "the server is loading its data", answer.text);
  switch (sent) {
    case command::select:
      return to_error(answer, "select database " + std::to_string(database_));
    case command::tracking:
      return to_error(answer, "ask for invalidation messages");
    // The name only helps operators, and PING is sent for LOADING only: a user who may use neither command can still
    // connect.
    default:
      return std::nullopt;
  }
}

std::optional<error> link_fsm::judge_hello(const reply& answer) {
  if (answer.is_error()) {
    error meant = to_error(answer, "log in to Redis");
    // A proxy may refuse what the server behind it knows.
    if (meant.code() == errc::server_error && refuses_hello(answer.text)) {
      return error(errc::unsupported,
                   "needs Redis 7.0 or Valkey; what answers there does not know the protocol (HELLO 3): an old server, or a "
                   "proxy before it",
                   answer.text);
    }
    return meant;
  }
  auto found = read_hello(answer);
  if (!found) return error(errc::protocol, "what answers there is not a Redis server");
  hello_ = std::move(*found);
  return judge(hello_, expected_);
}

// What cannot be read says nothing against the server: a user may not be allowed to ask.
std::optional<error> link_fsm::on_identity(const reply& answer) {
  assert(state_ == state::ready);
  auto found = read_hello(answer);
  if (!found) return std::nullopt;
  hello_ = std::move(*found);
  return judge(hello_, expected_);
}

bool link_fsm::want() { return !std::exchange(wanted_, true); }

void link_fsm::failed(error why, std::chrono::milliseconds lived) {
  assert(state_ != state::off && state_ != state::waiting);
  if (state_ == state::ready) {
    // A connection that lasted shows that the server is healthy. One that is lost soon counts as an attempt that failed
    // late.
    failures_ = lived >= backoff_max_ ? 0 : failures_ + 1;
  } else {
    attempt_failed_ = true;
    ++failures_;
  }
  failure_ = std::move(why);
  state_ = state::waiting;
}

std::chrono::milliseconds link_fsm::pause(double random) const {
  return backoff(failures_, backoff_min_, wanted_ ? wanted_backoff_max_ : backoff_max_, random);
}

void link_fsm::retry() {
  assert(state_ == state::waiting);
  state_ = state::connecting;
  wanted_ = false;
}

link_fsm::admission link_fsm::admits() const noexcept {
  if (state_ == state::ready) return admission::open;
  return attempt_failed_ ? admission::refuse : admission::hold;
}

}  // namespace mcpstate::redis
