// SPDX-License-Identifier: MIT
#include "mcp/protocol/detect_fsm.hh"

#include <algorithm>
#include <utility>

#include "core/text/ascii.hh"

namespace mcpstate::mcp {
namespace {

using step = detect_fsm::step;

step fail(error reason) {
  step out;
  out.type = step::kind::fail;
  out.why = std::move(reason);
  return out;
}

step done(era found, std::string_view version) {
  step out;
  out.type = step::kind::done;
  out.found = found;
  out.version = version;
  return out;
}

std::optional<std::string> common_version(const std::vector<std::string>& versions) {
  const auto found = std::find_if(versions.begin(), versions.end(), is_modern_version);
  return found == versions.end() ? std::nullopt : std::optional<std::string>(*found);
}

error no_common_version(const std::vector<std::string>& versions) {
  std::string listed;
  for (const std::string& version : versions) listed += (listed.empty() ? "" : ", ") + version;
  return error(errc::unsupported, "the server speaks no protocol version that mcpstate does", std::move(listed));
}

error refused_by(const observed& got, std::string_view method) {
  const std::string code = std::to_string(got.msg.error_code);
  return error(errc::rpc_error, "the server refused " + std::string(method) + " with error " + code, got.msg.error_message);
}

// Whether something came, or would have come, that no MCP client can use, from a server that can be reached.
bool is_unusable(const observed& got) noexcept {
  if (got.type == observed::kind::silent || got.type == observed::kind::ended) return true;
  if (got.why.retry_after()) return false;  // it is not to be asked again now
  switch (got.why.code()) {
    case errc::http_status:
      return got.status == 408 || got.status >= 500;
    case errc::protocol:
    case errc::too_large:
    case errc::outcome_unknown:
      return true;
    default:
      return false;
  }
}

}  // namespace

observed observe(result<message> got, const std::optional<http::answer>& refusal, timestamp now) {
  observed out;
  if (refusal) out.status = refusal->status;
  if (!got) out.why = got.error();
  // A server that is asked too often says nothing of what it speaks, also where it says so in JSON-RPC.
  if (out.status == 429 || (refusal && wait_of(*refusal, now))) {
    out.type = observed::kind::broken;
    if (got) out.why = explain_answer(*refusal, now);
    return out;
  }
  if (out.status == 401 || out.status == 403) {
    out.type = observed::kind::denied;
    if (got) out.why = explain_answer(*refusal);
    return out;
  }
  if (got) {
    out.type = got->type == message::kind::failure ? observed::kind::failure : observed::kind::answer;
    out.msg = std::move(*got);
    return out;
  }
  const bool client_error = out.status >= 400 && out.status < 500 && out.status != 408 && out.status != 429;
  const bool not_mcp = out.status >= 200 && out.status < 300;
  if (client_error || not_mcp) {
    out.type = observed::kind::refused;
  } else if (got.error().code() == errc::deadline) {
    out.type = observed::kind::silent;
  } else if (got.error().code() == errc::child_exited || got.error().code() == errc::connection_lost) {
    out.type = observed::kind::ended;
  }
  return out;
}

step detect_fsm::discover(std::string_view version) {
  state_ = state::discovering;
  probed_ = true;
  step out;
  out.type = step::kind::discover;
  out.version = version;
  return out;
}

step detect_fsm::initialize() {
  state_ = state::initializing;
  step out;
  out.type = step::kind::initialize;
  out.version = offered_;
  return out;
}

// What was asked first failed first; what comes of the questions after it says less.
step detect_fsm::fail_initialize(error reason) const {
  if (discover_failed_) return fail(*discover_failed_);
  return fail(version_refused_ ? *version_refused_ : std::move(reason));
}

step detect_fsm::restart() {
  probed_ = unanswered_ = probe_read_ = false;
  step out = initialize();
  out.type = step::kind::restart;
  return out;
}

step detect_fsm::open_sse(error reason) {
  post_failed_ = discover_failed_ ? discover_failed_ : std::move(reason);
  return open_sse();
}

step detect_fsm::open_sse() {
  state_ = state::opening_sse;
  step out;
  out.type = step::kind::open_sse;
  out.version = offered_;
  return out;
}

step detect_fsm::start() {
  switch (wanted_) {
    case era_choice::modern:
      return discover(modern_version);
    case era_choice::legacy:
      return initialize();
    case era_choice::sse:
      return carrier_ == carrier::stdio ? initialize() : open_sse();
    case era_choice::automatic:
      if (remembered_ == era::legacy) return initialize();
      if (remembered_ == era::sse && carrier_ != carrier::stdio) break;
      return discover(modern_version);
  }
  return open_sse();
}

// The remembered era is wrong: begins anew, as if nothing were known.
step detect_fsm::detect_again() {
  contradicted_ = true;
  remembered_.reset();
  return discover(modern_version);
}

step detect_fsm::next(const observed& got) {
  if (got.type == observed::kind::denied) return fail(got.why);
  switch (state_) {
    case state::discovering:
      return on_discovered(got);
    case state::initializing:
      return on_initialized(got);
    case state::opening_sse:
      break;
  }
  if (got.type == observed::kind::answer) return done(era::sse, {});
  if (got.type == observed::kind::refused && remembered_ == era::sse && wanted_ == era_choice::automatic)
    return detect_again();
  if (revise_offer(got)) return open_sse();
  if (post_failed_) return fail(*post_failed_);
  return fail(got.type == observed::kind::failure ? refused_by(got, "initialize") : got.why);
}

step detect_fsm::on_discovered(const observed& got) {
  switch (got.type) {
    case observed::kind::answer: {
      const auto told = read_discover(got.msg.body);
      if (told) return on_versions(told->versions, true);
      return may_initialize() ? initialize() : fail(told.error());
    }
    case observed::kind::failure:
      return on_discover_failure(got);
    case observed::kind::refused:
      return may_initialize() ? initialize() : fail(got.why);
    case observed::kind::silent:
    case observed::kind::ended:
      // A server that is known to be modern is slow or broken, not old.
      if (carrier_ != carrier::stdio || !may_fall_back()) break;
      if (got.type == observed::kind::ended) return restart();
      // It ignores what it does not know, or it is still being installed or started: then it will read both questions.
      unanswered_ = true;
      probe_read_ = got.reads;
      return initialize();
    case observed::kind::denied:
    case observed::kind::broken:
      break;
  }
  if (carrier_ != carrier::http || !may_fall_back() || !is_unusable(got)) return fail(got.why);
  // Nobody has asked old servers for what they do not know, so that nobody has noticed how they answer.
  discover_failed_ = got.why;
  return initialize();
}

step detect_fsm::on_versions(const std::vector<std::string>& versions, bool answered) {
  const auto common = common_version(versions);
  if (common && answered) return done(era::modern, *common);
  if (common && !resent_) {
    resent_ = true;
    return discover(*common);
  }
  if (common) return fail(no_common_version(versions));  // it lists the version that it refuses
  const bool legacy = std::any_of(versions.begin(), versions.end(), is_legacy_version);
  if (legacy && may_initialize() && !back_to_modern_) return initialize();
  return fail(no_common_version(versions));
}

step detect_fsm::on_discover_failure(const observed& got) {
  const auto code = got.msg.error_code;
  if (code == rpc::unsupported_version) {
    const auto versions = versions_of_refusal(got.msg);
    if (!versions.empty()) return on_versions(versions, false);
  }
  if ((code == rpc::header_mismatch || code == rpc::missing_capability) && !resent_) {
    resent_ = true;
    return discover(modern_version);
  }
  // Every server of the modern era knows server/discover, so this one is of the legacy era.
  if (may_initialize() && !back_to_modern_) {
    if (remembered_ == era::modern) contradicted_ = true;
    return initialize();
  }
  return fail(refused_by(got, "server/discover"));
}

// A server should answer an offer with the revision that it speaks, and some refuse the offer instead.
bool detect_fsm::revise_offer(const observed& got) {
  const bool failed = got.type == observed::kind::failure;
  if (version_refused_ || (!failed && got.type != observed::kind::refused)) return false;
  const std::string words = failed ? got.msg.error_message + " " + got.msg.error_data : got.why.peer_text();
  const auto named = revision_to_offer(words);
  if (!named) return false;
  version_refused_ = failed ? refused_by(got, "initialize") : got.why;
  offered_ = *named;
  return true;
}

step detect_fsm::on_initialized(const observed& got) {
  if (got.type == observed::kind::answer) return done(era::legacy, {});
  if (got.type == observed::kind::failure && got.msg.error_code == rpc::method_not_found && unanswered_ &&
      !back_to_modern_) {
    back_to_modern_ = true;  // it was only slow, and knows nothing but the modern era
    return discover(modern_version);
  }
  if (got.type == observed::kind::failure && got.msg.error_code == rpc::unsupported_version && !back_to_modern_ &&
      wanted_ == era_choice::automatic && common_version(versions_of_refusal(got.msg))) {
    back_to_modern_ = true;
    contradicted_ = remembered_.has_value();
    return discover(modern_version);
  }
  if (revise_offer(got)) return initialize();
  // Some programs answer the probe and end afterwards.
  if (carrier_ == carrier::stdio && got.type == observed::kind::ended && probed_) return restart();
  // And some are stuck after it. One that has read nothing is not: it has not seen the question yet.
  const bool has_read = probe_read_ || got.reads;
  if (carrier_ == carrier::stdio && got.type == observed::kind::silent && unanswered_ && has_read) return restart();
  const error reason = got.type == observed::kind::failure ? refused_by(got, "initialize") : got.why;
  const bool client_error = got.status >= 400 && got.status < 500;
  const bool refused = got.type == observed::kind::refused || got.type == observed::kind::failure;
  if (carrier_ != carrier::http || !refused || !client_error) return fail_initialize(reason);
  if (remembered_ == era::legacy && wanted_ == era_choice::automatic) return detect_again();
  return open_sse(reason);
}

}  // namespace mcpstate::mcp
