// SPDX-License-Identifier: MIT
#include <utility>

#include <mcpstate/change.hpp>
#include <mcpstate/core/keys.hpp>

namespace mcpstate {

namespace {

constexpr change::tools_action default_action(status state) noexcept {
  return state == status::disconnected ? change::tools_action::drop : change::tools_action::keep;
}

// An error says why a connection is not up. One that is up, or was disconnected on purpose, has none of before; one that is up
// may have an error that its writer sets, about what could not be stored.
constexpr bool shows_error(status s) noexcept { return s != status::connected && s != status::disconnected; }

// The count and the hash of the tools follow from the tools that are stored, whatever the new details say.
void set_tools_facts(details& info, const change& update, const std::optional<connection>& before) {
  info.tool_count.reset();
  info.tools_hash.clear();
  info.tools_bytes.reset();
  if (update.action() == change::tools_action::replace) {
    info.tool_count = update.new_tools()->count();
    info.tools_hash = update.new_tools()->hash();
    info.tools_bytes = update.new_tools()->bytes().size();
  } else if (update.action() == change::tools_action::keep && before) {
    info.tool_count = before->info.tool_count;
    info.tools_hash = before->info.tools_hash;
    info.tools_bytes = before->info.tools_bytes;
  }
}

// A record of an older version does not say when its status began; nor does one whose status a foreign program has written.
void set_status_time(connection& after, const std::optional<connection>& before, timestamp now) {
  after.info.status_changed_at.reset();
  if (after.connected()) return;
  const bool same = before && before->state == after.state;
  after.info.status_changed_at = same ? before->info.status_changed_at : now;
}

}  // namespace

change::change(mcpstate::owner account, server_name server, status state)
    : owner_(std::move(account)),
      server_(server.text()),
      member_(encode_name(server_)),
      state_(state),
      action_(default_action(state)) {}

change::change(const connection& before, status state)
    : owner_(before.owner),
      server_(before.server),
      member_(before.member.empty() ? encode_name(server_) : before.member),
      state_(state),
      expected_(before.seen),
      before_(before),
      action_(default_action(state)) {}

change& change::based_on(basis expected) {
  // A record with another basis is not the record that this change will find.
  if (before_ && before_->seen != expected) before_.reset();
  expected_ = std::move(expected);
  return *this;
}

change& change::set_details(details info) {
  details_ = std::move(info);
  return *this;
}

change& change::connected_at(timestamp time) {
  connected_at_ = time;
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

change& change::revise_above(std::uint64_t revision) {
  revision_floor_ = revision;
  return *this;
}

change& change::limit_connections(std::size_t most) {
  most_connections_ = most;
  return *this;
}

change& change::require_lease(lease guard) {
  required_lease_ = std::move(guard);
  return *this;
}

change& change::fail(failure cause) {
  error_ = std::move(cause);
  return *this;
}

connection change::apply_to(const std::optional<connection>& before, timestamp now) const {
  connection after(owner_, server_);
  after.member = member_;
  after.state = state_;
  if (details_) {
    after.info = *details_;
  } else if (before) {
    after.info = before->info;
  }
  if (state_ == status::connected) {
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
  set_status_time(after, before, now);
  if (!shows_error(state_)) after.info.error.reset();
  if (error_ && state_ != status::disconnected) after.info.error = error_;
  if (after.info.error && after.info.error->time == timestamp{}) after.info.error->time = now;
  set_tools_facts(after.info, *this, before);
  return after;
}

}  // namespace mcpstate
