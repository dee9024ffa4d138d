// SPDX-License-Identifier: MIT
#include <utility>

#include <mcpstate/change.hpp>
#include <mcpstate/core/keys.hpp>

namespace mcpstate {

namespace {

constexpr change::tools_action default_action(status to) noexcept {
  return to == status::disconnected ? change::tools_action::drop : change::tools_action::keep;
}

// An error says why a connection is not up: it has no place where the connection is up, or was ended on purpose.
constexpr bool shows_error(status s) noexcept { return s != status::connected && s != status::disconnected; }

// How many tools there are and their hash belong to the bytes, whatever the new details say.
void set_tools_facts(details& info, const change& what, const std::optional<connection>& before) {
  info.tool_count.reset();
  info.tools_hash.clear();
  info.tools_bytes.reset();
  if (what.action() == change::tools_action::replace) {
    info.tool_count = what.new_tools()->count();
    info.tools_hash = what.new_tools()->hash();
    info.tools_bytes = what.new_tools()->bytes().size();
  } else if (what.action() == change::tools_action::keep && before) {
    info.tool_count = before->info.tool_count;
    info.tools_hash = before->info.tools_hash;
    info.tools_bytes = before->info.tools_bytes;
  }
}

}  // namespace

change::change(owner who, server_name server, status to)
    : who_(std::move(who)), server_(server.text()), member_(encode_name(server_)), to_(to), action_(default_action(to)) {}

change::change(const connection& seen, status to)
    : who_(seen.whose),
      server_(seen.server),
      member_(seen.member.empty() ? encode_name(server_) : seen.member),
      to_(to),
      expected_(seen.seen),
      seen_(seen),
      action_(default_action(to)) {}

change& change::based_on(basis seen) {
  // What was read under another basis is not what this change will meet.
  if (seen_ && seen_->seen != seen) seen_.reset();
  expected_ = std::move(seen);
  return *this;
}

change& change::with(details info) {
  details_ = std::move(info);
  return *this;
}

change& change::connected_at(timestamp t) {
  connected_at_ = t;
  return *this;
}

change& change::keep_connected_at() {
  keep_connected_at_ = true;
  return *this;
}

change& change::tools(tools_list list) {
  tools_ = std::move(list);
  action_ = tools_action::replace;
  return *this;
}

change& change::allow_empty_tools() {
  allow_empty_ = true;
  return *this;
}

change& change::drop_tools() {
  tools_.reset();
  action_ = tools_action::drop;
  return *this;
}

change& change::keep_expiry() {
  keep_expiry_ = true;
  return *this;
}

change& change::under(lease keeper) {
  keeper_ = std::move(keeper);
  return *this;
}

change& change::fail(failure why) {
  error_ = std::move(why);
  return *this;
}

connection change::apply_to(const std::optional<connection>& before, timestamp now) const {
  connection after(who_, server_);
  after.member = member_;
  after.state = to_;
  if (details_) {
    after.info = *details_;
  } else if (before) {
    after.info = before->info;
  }
  if (to_ == status::connected) {
    const bool keep = keep_connected_at_ && before && before->connected() && before->connected_at;
    after.connected_at = connected_at_ ? *connected_at_ : keep ? *before->connected_at : now;
    after.info.checked_at = now;
  }
  if (after.connected_at) {
    after.info.last_connected_at = after.connected_at;
  } else if (before && before->connected_at) {
    after.info.last_connected_at = before->connected_at;
  } else if (before && before->info.last_connected_at) {
    after.info.last_connected_at = before->info.last_connected_at;
  }
  if (error_) after.info.error = error_;
  if (!shows_error(to_)) after.info.error.reset();
  if (after.info.error && after.info.error->at == timestamp{}) after.info.error->at = now;
  set_tools_facts(after.info, *this, before);
  return after;
}

}  // namespace mcpstate
