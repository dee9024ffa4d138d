// SPDX-License-Identifier: MIT
#include "manager/record_change.hh"

#include <algorithm>
#include <utility>

#include "core/text/secrets.hh"
#include "core/text/utf8.hh"
#include "manager/servers/server_details.hh"
#include "manager/servers/target_secrets.hh"

namespace mcpstate {

namespace {

constexpr std::size_t longest_message = 500;  // bytes

void set_destination(details& info, const destination& server) {
  info.managed = true;
  info.registered = server.registered;
  info.url = server.url;
  const bool replaced = info.transport.empty() || server.transport == "stdio" || info.transport == "stdio";
  if (replaced) info.transport = server.transport;
}

// Stays true until a list is written.
bool is_about_full_owner(const std::optional<failure>& cause) {
  return cause && cause->code == name_of(errc::tools_too_large);
}

}  // namespace

supervisor_fsm::record_view view_of(const std::optional<connection>& record, timestamp now) {
  supervisor_fsm::record_view out;
  if (!record) return out;
  out.present = true;
  out.managed = record->info.managed;
  out.altered = record->altered;
  // Unknown: another program wrote what is no status. It is repaired as a foreign FAILED would be.
  out.state = record->state.value_or(status::failed);
  out.revision = record->revision;
  out.endpoint_key = endpoint_key(endpoint_of(record->info));
  out.raw_status = record->seen.status_bytes.value_or("-") + " " + record->seen.connected_at_bytes.value_or("-");
  out.tools_hash = record->info.tools_hash;
  out.tool_count = record->info.tool_count.value_or(0);
  if (!record->info.error) return out;
  out.attempt = record->info.error->attempt;
  if (const auto retry_at = record->info.error->retry_at) {
    out.retry_in = std::chrono::duration_cast<supervisor_fsm::span>(*retry_at - now);
  }
  return out;
}

supervisor_fsm::failure_kind kind_of_failure(const error& reason) {
  using kind = supervisor_fsm::failure_kind;
  if (reason.is(cond::unauthorized)) return kind::unauthorized;
  const bool final = reason.is(cond::invalid) || reason.code() == errc::unsupported || reason.code() == errc::spawn_failed;
  return final ? kind::terminal : kind::transient;
}

std::string failure_message(const error& reason) {
  const std::string text = without_secrets(reason.full_text());
  std::string out;
  for (std::size_t at = 0; at < text.size() && out.size() < longest_message;) {
    const std::size_t length = utf8_length(std::string_view(text).substr(at));
    const bool control = length == 1 && (static_cast<unsigned char>(text[at]) < 0x20 || text[at] == 0x7f);
    if (length == 0) {
      out += '?';
    } else if (control) {
      out += ' ';
    } else {
      out.append(text, at, length);
    }
    at += std::max<std::size_t>(length, 1);
    if (out.size() >= longest_message && at < text.size()) out += "…";
  }
  return out;
}

change make_order(const managed_name& name, const std::optional<connection>& before, const destination& server) {
  change out = before ? change(*before, status::connecting) : change(name.owner, name.server, status::connecting);
  if (!before) out.based_on(basis());
  details info = before ? before->info : details();
  const bool same = before && endpoint_key(endpoint_of(info)) == endpoint_key(endpoint_of(server));
  if (!same) {
    clear_server_details(info);
    info.checked_at.reset();
    out.drop_tools();
  }
  info.error.reset();
  info.restarts = 0;
  set_destination(info, server);
  out.set_details(std::move(info));
  return out;
}

bool is_about_tools(const error& refusal) {
  return refusal.code() == errc::empty_tools || refusal.code() == errc::tools_too_large;
}

change make_change(const connection& before, const supervision_result& found, const lease& granted, timestamp now) {
  change out(before, found.step.state);
  details info = before.info;
  if (found.server) set_destination(info, *found.server);
  if (found.step.state == status::connected) {
    if (found.facts) set_server_details(info, without_secrets(*found.facts, found.server ? found.server->secrets : nullptr));
    if (found.step.restarted) ++info.restarts;
    info.error.reset();
    out.keep_connected_at();
    if (found.step.tools && found.tools) {
      out.tools(*found.tools);
      if (found.step.allow_empty) out.allow_empty_tools();
    } else if (!found.reason && is_about_full_owner(before.info.error)) {
      out.fail(*before.info.error);
    }
  }
  if (found.reason) {
    failure reason;
    reason.code = std::string(name_of(found.reason->code()));
    reason.message = failure_message(*found.reason);
    reason.attempt = found.step.attempt;
    if (found.step.retry_in) reason.retry_at = now + *found.step.retry_in;
    info.error.reset();
    out.fail(std::move(reason));
  }
  out.set_details(std::move(info));
  out.keep_expiry();
  out.require_lease(granted);
  return out;
}

}  // namespace mcpstate
