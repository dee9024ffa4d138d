// SPDX-License-Identifier: MIT
#include "redis/session_fsm.hh"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <utility>

namespace mcpstate::redis {
namespace {

constexpr int oldest_major = 7;
constexpr const char* needs = "needs Redis 7.0 or Valkey";

int major_of(std::string_view version) {
  int major = 0;
  std::from_chars(version.data(), version.data() + version.size(), major);
  return major;
}

}  // namespace

session_fsm::session_fsm(const link_config& config)
    : user_(config.user),
      password_(config.password),
      client_name_(config.client_name),
      database_(config.database),
      prefixes_(config.tracking_prefixes),
      backoff_min_(std::max(config.backoff_min, std::chrono::milliseconds(1))),
      backoff_max_(std::max(config.backoff_max, backoff_min_)) {}

void session_fsm::start() {
  assert(state_ == state::off);
  state_ = state::connecting;
  attempt_failed_ = false;
  rounds_ = 0;
}

void session_fsm::stop() { state_ = state::off; }

// Everything in one write; the answers are judged one by one. PING comes last because it is the one command of these that a
// server refuses while it loads.
request session_fsm::connected() {
  assert(state_ == state::connecting);
  state_ = state::handshaking;
  answered_ = 0;
  asked_.assign(1, ask::hello);
  request all;
  if (password_.empty() && user_.empty()) {
    all.add("HELLO", "3");
  } else {
    all.add("HELLO", "3", "AUTH", user_.empty() ? std::string("default") : user_, password_);
  }
  if (database_ != 0) {
    all.command(2).arg("SELECT").arg(std::int64_t{database_});
    asked_.push_back(ask::select);
  }
  if (!client_name_.empty()) {
    all.add("CLIENT", "SETNAME", client_name_);
    asked_.push_back(ask::setname);
  }
  if (!prefixes_.empty()) {
    all.command(4 + 2 * prefixes_.size()).arg("CLIENT").arg("TRACKING").arg("ON").arg("BCAST");
    for (const std::string& prefix : prefixes_) all.arg("PREFIX").arg(prefix);
    asked_.push_back(ask::tracking);
  }
  all.add("PING");
  asked_.push_back(ask::ping);
  return all;
}

session_fsm::progress session_fsm::on_reply(const reply& answer) {
  assert(state_ == state::handshaking);
  if (auto refused = judge(asked_[answered_], answer)) {
    failed(std::move(*refused), std::chrono::milliseconds(0));
    return progress::refused;
  }
  if (++answered_ < asked_.size()) return progress::more;
  state_ = state::ready;
  attempt_failed_ = false;
  return progress::ready;
}

std::optional<error> session_fsm::judge(ask what, const reply& answer) {
  if (what == ask::hello) return judge_hello(answer);
  if (!answer.is_error()) return std::nullopt;
  error meant = to_error(answer, "handshake");
  if (meant.code() == errc::loading) return error(errc::loading, "the server is loading its data", answer.text);
  switch (what) {
    case ask::select:
      return to_error(answer, "select database " + std::to_string(database_));
    case ask::tracking:
      return to_error(answer, "ask for invalidation messages");
    // A name is for the eyes of operators, and PING is asked for LOADING only: users who may use neither are welcome.
    default:
      return std::nullopt;
  }
}

std::optional<error> session_fsm::judge_hello(const reply& answer) {
  if (answer.is_error()) {
    error meant = to_error(answer, "log in to Redis");
    if (meant.code() != errc::server_error) return meant;
    if (answer.text.find("unknown command") != std::string::npos || answer.text.starts_with("NOPROTO")) {
      return error(errc::unsupported, std::string(needs) + "; this server does not know the protocol (HELLO 3)",
                   answer.text);
    }
    return meant;
  }
  if (answer.kind != reply::type::map) return error(errc::protocol, "what answers there is not a Redis server");
  server_hello found;
  for (std::size_t i = 0; i + 1 < answer.items.size(); i += 2) {
    const std::string& key = answer.items[i].text;
    const std::string& value = answer.items[i + 1].text;
    if (key == "server") found.server = value;
    if (key == "version") found.version = value;
    if (key == "mode") found.mode = value;
    if (key == "role") found.role = value;
  }
  hello_ = std::move(found);
  // Valkey's first release says 7.2, and none was ever older than Redis 7.0.
  if (hello_.server == "valkey" || major_of(hello_.version) >= oldest_major) return std::nullopt;
  return error(errc::unsupported, std::string(needs) + "; this server is older", hello_.server + " " + hello_.version);
}

void session_fsm::failed(error why, std::chrono::milliseconds lived) {
  assert(state_ != state::off && state_ != state::waiting);
  if (state_ == state::ready) {
    // A connection that lasted proves the server good; one that is lost again and again is an attempt that fails late.
    rounds_ = lived >= backoff_max_ ? 0 : rounds_ + 1;
  } else {
    attempt_failed_ = true;
    ++rounds_;
  }
  failure_ = std::move(why);
  state_ = state::waiting;
}

std::chrono::milliseconds session_fsm::pause(double random) const {
  const unsigned doublings = std::min(rounds_ == 0 ? 0U : rounds_ - 1, 20U);
  const auto most = std::min(backoff_max_, backoff_min_ * (std::int64_t{1} << doublings));
  return std::chrono::milliseconds(static_cast<std::int64_t>(static_cast<double>(most.count()) * random));
}

void session_fsm::retry() {
  assert(state_ == state::waiting);
  state_ = state::connecting;
}

session_fsm::admission session_fsm::admits() const noexcept {
  if (state_ == state::ready) return admission::open;
  return attempt_failed_ ? admission::refuse : admission::hold;
}

}  // namespace mcpstate::redis
