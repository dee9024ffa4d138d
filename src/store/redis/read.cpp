// SPDX-License-Identifier: MIT
// Reads one record, or all records of an owner in one round trip.
#include <mcpstate/core/record.hpp>

#include <algorithm>
#include <set>

#include "store/redis/checked_reply.hh"
#include "store/redis/store.hh"

namespace mcpstate {
namespace {

using redis::reply;
using redis::request;

std::optional<std::string> take_text(reply& r) {
  if (!r.is_string()) return std::nullopt;
  return std::move(r.text);
}

// Takes the fields in the order of read_order.
raw_record take_record(std::string member, std::vector<reply>& items, std::size_t first, tools_wanted want) {
  raw_record raw;
  raw.member = std::move(member);
  raw.status = take_text(items[first]);
  raw.connected_at = take_text(items[first + 1]);
  raw.info = take_text(items[first + 2]);
  raw.tools_asked = want == tools_wanted::yes;
  if (!raw.tools_asked) return raw;
  raw.tools_too_long = items[first + 3].dropped > 0;
  if (raw.tools_too_long) return raw;
  if (auto tools = take_text(items[first + 3])) raw.tools = std::make_shared<const std::string>(std::move(*tools));
  return raw;
}

// In the order of read_order.
redis::value_limits limits_of(tools_wanted want) {
  if (want == tools_wanted::no) return {max_short_value, max_short_value, max_info_bytes};
  return {max_short_value, max_short_value, max_info_bytes, default_tools_limit};
}
// The same behind the name of a member.
redis::value_limits limits_of_rows(tools_wanted want) {
  if (want == tools_wanted::no) return {redis::value_limits::none, max_short_value, max_short_value, max_info_bytes};
  return {redis::value_limits::none, max_short_value, max_short_value, max_info_bytes, default_tools_limit};
}

std::size_t fields_of(tools_wanted want) { return want == tools_wanted::yes ? 4 : 3; }

constexpr key_field read_order[] = {key_field::status, key_field::connected_at, key_field::info, key_field::tools};

bool refuses_sort(const reply& r) {
  return r.is_error() && (r.text.find("SORT") != std::string::npos || r.text.starts_with("NOPERM"));
}

void append_record(std::vector<connection>& out, const owner& account, raw_record raw) {
  if (auto one = read_record(account, std::move(raw))) out.push_back(std::move(*one));
}

void sort_by_server(std::vector<connection>& found) {
  auto earlier = [](const connection& a, const connection& b) {
    return a.server != b.server ? a.server < b.server : a.member < b.member;
  };
  std::sort(found.begin(), found.end(), earlier);
}

// Whether another program has written to the record: its keys do not belong together, or only Redis knows its expiry.
bool is_unusual(const connection& one, tools_wanted want) {
  if (!one.expires_at || !one.seen.status_bytes || one.revision == 0) return true;
  if (one.connected() && !one.seen.connected_at_bytes) return true;
  return want == tools_wanted::yes && !one.tools && !one.problems.empty();
}

constexpr std::size_t unusual_at_once = 1000;

// answers: the expiry of the status key, then the types of the keys in read_order.
void complete_record(connection& one, const reply* answers) {
  const reply& expires = answers[0];
  if (!one.expires_at && expires.kind == reply::type::integer && expires.integer > 0)
    one.expires_at = timestamp(std::chrono::milliseconds(expires.integer));
  static constexpr std::string_view names[] = {"status", "connected_at", "info", "tools"};
  for (std::size_t f = 0; f < 4; ++f) {
    const reply& type = answers[1 + f];
    if (type.is_error() || type.text == "none" || type.text == "string") continue;
    std::string problem = std::string(names[f]) + " is a Redis " + type.text + " where a string belongs";
    if (f == 0)
      set_unknown_status(one, errc::wrong_type, std::move(problem));
    else
      one.problems.push_back(std::move(problem));
  }
}

}  // namespace

task<std::optional<connection>> redis_store::get(owner account, std::string member, tools_wanted want) {
  std::vector<std::string> members{member};
  MCPSTATE_CO_TRY(got, co_await read_members(account, members, want));
  std::vector<connection> found;
  append_record(found, account, std::move(got.front()));
  if (found.empty()) {
    MCPSTATE_CO_CHECK(co_await add_unreadable(account, std::move(members), &found));
  }
  if (found.empty()) co_return std::optional<connection>();
  recount_tools(found.front());  // costs too much for a list
  if (is_unusual(found.front(), want)) MCPSTATE_CO_CHECK(co_await complete_unusual(account, &found, want));
  co_return std::optional<connection>(std::move(found.front()));
}

task<owner_snapshot_ptr> redis_store::list(owner account, tools_wanted want) {
  MCPSTATE_CO_TRY(records, co_await read_records(account, want));
  co_return std::make_shared<const owner_snapshot>(std::move(account), std::move(records), want);
}

task<std::vector<connection>> redis_store::read_records(owner account, tools_wanted want) {
  MCPSTATE_CO_TRY(all, co_await read_all(account, want));
  std::vector<connection> found;
  std::vector<std::string> unread;
  found.reserve(all.size());
  for (auto& raw : all) {
    if (!raw.status && !raw.info) unread.push_back(raw.member);
    append_record(found, account, std::move(raw));
  }
  MCPSTATE_CO_CHECK(co_await add_unreadable(account, std::move(unread), &found));
  MCPSTATE_CO_CHECK(co_await complete_unusual(account, &found, want));
  sort_by_server(found);
  co_return found;
}

task<std::vector<raw_record>> redis_store::read_all(owner account, tools_wanted want) {
  if (!sort_refused_) {
    auto sorted = co_await read_by_sort(account, want);
    if (sorted || !sort_refused_) co_return std::move(sorted);
  }
  co_return co_await read_by_mget(account, want);
}

// The servers set has the members that mcpstate wrote. A member that a foreign program added is in connections only. The
// difference is read first, so that a record that moves between the sets meanwhile is read twice and not missed.
task<std::vector<raw_record>> redis_store::read_by_sort(owner account, tools_wanted want) {
  const std::string operation = "list " + account.text();
  const std::string base = keys_.owner_prefix(account) + "server:*:";
  request commands;
  commands.add("SDIFF", keys_.connections(account), keys_.servers(account));
  const std::size_t fields = fields_of(want);
  commands.limit_values(limits_of_rows(want));
  commands.command(6 + 2 * fields).arg("SORT_RO").arg(keys_.servers(account)).arg("BY").arg("nosort").arg("GET").arg("#");
  static constexpr std::string_view names[] = {"status", "connected_at", "info", "tools"};
  for (std::size_t i = 0; i < fields; ++i) commands.arg("GET").arg(base + std::string(names[i]));
  MCPSTATE_CO_TRY(got, co_await read(route_of(account), std::move(commands), operation));
  reply& foreign = got[0];
  reply& rows = got[1];
  if (refuses_sort(rows)) sort_refused_ = true;
  for (const reply* r : {&foreign, &rows}) {
    if (!r->is_error()) continue;
    const error refused = redis::to_error(*r, operation);
    if (refused.code() != errc::wrong_type) co_return refused;
    const std::string no_member;
    co_return co_await explain_wrong_type(account, no_member, operation);
  }
  std::vector<raw_record> all;
  const std::size_t stride = fields + 1;
  all.reserve(rows.items.size() / stride);
  for (std::size_t i = 0; i + stride <= rows.items.size(); i += stride)
    all.push_back(take_record(std::move(rows.items[i].text), rows.items, i + 1, want));
  if (!foreign.items.empty()) {
    std::set<std::string_view> known;
    for (const auto& one : all) known.insert(one.member);
    std::vector<std::string> members;
    for (auto& item : foreign.items)
      if (!known.contains(item.text)) members.push_back(std::move(item.text));
    MCPSTATE_CO_TRY(more, co_await read_members(account, std::move(members), want));
    for (auto& raw : more) all.push_back(std::move(raw));
  }
  co_return all;
}

task<std::vector<raw_record>> redis_store::read_by_mget(owner account, tools_wanted want) {
  const std::string operation = "list " + account.text();
  request commands;
  commands.add("SUNION", keys_.connections(account), keys_.servers(account));
  MCPSTATE_CO_TRY(got, co_await read(route_of(account), std::move(commands), operation));
  if (got.front().is_error()) {
    const error refused = redis::to_error(got.front(), operation);
    if (refused.code() != errc::wrong_type) co_return refused;
    const std::string no_member;
    co_return co_await explain_wrong_type(account, no_member, operation);
  }
  std::vector<std::string> members;
  for (auto& item : got.front().items) members.push_back(std::move(item.text));
  co_return co_await read_members(account, std::move(members), want);
}

// One MGET reads all values at one time.
task<std::vector<raw_record>> redis_store::read_members(owner account, std::vector<std::string> members, tools_wanted want) {
  std::vector<raw_record> out;
  if (members.empty()) co_return out;
  const std::size_t fields = fields_of(want);
  request commands;
  commands.limit_values(limits_of(want));
  commands.command(1 + members.size() * fields).arg("MGET");
  for (const auto& member : members)
    for (std::size_t i = 0; i < fields; ++i) commands.arg(keys_.server_key(account, member, read_order[i]));
  const std::string operation = "read " + account.text();
  MCPSTATE_CO_TRY(got, co_await read(route_of(account), std::move(commands), operation));
  reply& values = got.front();
  if (values.is_error()) co_return redis::to_error(values, operation);
  for (std::size_t i = 0; i < members.size() && (i + 1) * fields <= values.items.size(); ++i)
    out.push_back(take_record(std::move(members[i]), values.items, i * fields, want));
  co_return out;
}

// Takes a second round trip, for unusual records only.
task<void> redis_store::complete_unusual(owner account, std::vector<connection>* found, tools_wanted want) {
  std::vector<connection*> unusual;
  for (auto& one : *found)
    if (is_unusual(one, want)) unusual.push_back(&one);
  for (std::size_t first = 0; first < unusual.size(); first += unusual_at_once) {
    request commands;
    const std::size_t last = std::min(unusual.size(), first + unusual_at_once);
    for (std::size_t i = first; i < last; ++i) {
      commands.add("PEXPIRETIME", keys_.server_key(account, unusual[i]->member, key_field::status));
      for (auto field : read_order) commands.add("TYPE", keys_.server_key(account, unusual[i]->member, field));
    }
    MCPSTATE_CO_TRY(got, co_await read(route_of(account), std::move(commands), "read " + account.text()));
    for (std::size_t i = first; i < last; ++i) complete_record(*unusual[i], &got[(i - first) * 5]);
  }
  co_return result<void>();
}

// Members with neither a status nor an :info that a read shows: their name has expired, or their status key holds another
// type than a string, so that nobody can say what it is.
task<void> redis_store::add_unreadable(owner account, std::vector<std::string> members, std::vector<connection>* found) {
  for (std::size_t first = 0; first < members.size(); first += unusual_at_once) {
    request commands;
    const std::size_t last = std::min(members.size(), first + unusual_at_once);
    for (std::size_t i = first; i < last; ++i)
      commands.add("TYPE", keys_.server_key(account, members[i], key_field::status));
    MCPSTATE_CO_TRY(got, co_await read(route_of(account), std::move(commands), "read " + account.text()));
    for (std::size_t i = first; i < last; ++i) {
      MCPSTATE_CO_TRY(type, text_of(got[i - first], "read " + account.text()));
      if (type == "none" || type == "string") continue;
      raw_record raw;
      raw.member = std::move(members[i]);
      raw.status.emplace();
      auto one = read_record(account, std::move(raw));
      one->problems.clear();
      one->seen.status_bytes.reset();
      found->push_back(std::move(*one));
    }
  }
  co_return result<void>();
}

}  // namespace mcpstate
