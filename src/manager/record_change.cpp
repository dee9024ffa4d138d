// SPDX-License-Identifier: MIT
#include "manager/record_change.hh"

#include <algorithm>
#include <utility>

#include "core/text/secrets.hh"
#include "core/text/utf8.hh"
#include "manager/server_details.hh"

namespace mcpstate {

namespace {

constexpr std::size_t longest_message = 500;  // bytes

void note_place(details& info, const destination& there) {
  info.managed = true;
  info.registered = there.registered;
  info.url = there.url;
  if (info.transport.empty() || there.transport == "stdio" || info.transport == "stdio") info.transport = there.transport;
}

}  // namespace

keeper_fsm::sight sight_of(const std::optional<connection>& record, timestamp now) {
  keeper_fsm::sight out;
  if (!record) return out;
  out.present = true;
  out.managed = record->info.managed;
  out.altered = record->altered;
  out.state = record->state;
  out.revision = record->revision;
  out.place = place_key(place_of(record->info));
  out.mark = record->seen.status_bytes.value_or("-") + " " + record->seen.connected_at_bytes.value_or("-");
  out.tools_hash = record->info.tools_hash;
  out.tool_count = record->info.tool_count.value_or(0);
  if (!record->info.error) return out;
  out.attempt = record->info.error->attempt;
  if (const auto at = record->info.error->retry_at) {
    out.retry_in = std::chrono::duration_cast<keeper_fsm::span>(*at - now);
  }
  return out;
}

keeper_fsm::trouble trouble_of(const error& why) {
  if (why.is(cond::unauthorized)) return keeper_fsm::trouble::unauthorized;
  const bool final = why.is(cond::invalid) || why.code() == errc::unsupported || why.code() == errc::spawn_failed;
  return final ? keeper_fsm::trouble::terminal : keeper_fsm::trouble::transient;
}

std::string message_of(const error& why) {
  const std::string text = without_secrets(why.full_text());
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

change order_of(const managed_name& of, const std::optional<connection>& before, const destination& there) {
  change out = before ? change(*before, status::connecting) : change(of.whose, of.server, status::connecting);
  if (!before) out.based_on(basis());
  details info = before ? before->info : details();
  const auto target = there.registered.empty() ? by_url(there.url) : by_registration(there.registered);
  const bool same = before && place_key(place_of(info)) == place_key(target);
  if (!same) {
    clear_server_details(info);
    info.checked_at.reset();
    out.drop_tools();
  }
  info.error.reset();
  note_place(info, there);
  out.with(std::move(info));
  return out;
}

change change_of(const connection& before, const keeper_finding& found, const lease& under, timestamp now) {
  change out(before, found.what.to);
  details info = before.info;
  if (found.there) note_place(info, *found.there);
  if (found.what.to == status::connected) {
    if (found.facts) set_server_details(info, *found.facts);
    info.error.reset();
    out.keep_connected_at();
    if (found.what.tools && found.tools) {
      out.tools(*found.tools);
      if (found.what.allow_empty) out.allow_empty_tools();
    }
  } else if (found.why) {
    failure reason;
    reason.code = std::string(name_of(found.why->code()));
    reason.message = message_of(*found.why);
    reason.attempt = found.what.attempt;
    if (found.what.retry_in) reason.retry_at = now + *found.what.retry_in;
    info.error.reset();
    out.fail(std::move(reason));
  }
  out.with(std::move(info));
  out.keep_expiry();
  out.under(under);
  return out;
}

}  // namespace mcpstate
