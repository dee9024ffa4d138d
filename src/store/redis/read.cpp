// SPDX-License-Identifier: MIT
// Reading: one record, and all of an owner in one round trip.
#include <mcpstate/core/record.hpp>

#include <algorithm>
#include <set>

#include "store/redis/store.hh"

namespace mcpstate {
namespace {

using redis::reply;
using redis::request;

std::optional<std::string> text_of(reply& r) {
  if (!r.is_string()) return std::nullopt;
  return std::move(r.text);
}

// status, connected_at, info and, if asked for, tools: the order in which every read here asks.
raw_record take_record(std::string member, std::vector<reply>& items, std::size_t at, tools_wanted want) {
  raw_record raw;
  raw.member = std::move(member);
  raw.status = text_of(items[at]);
  raw.connected_at = text_of(items[at + 1]);
  raw.info = text_of(items[at + 2]);
  raw.tools_asked = want == tools_wanted::yes;
  if (raw.tools_asked)
    if (auto tools = text_of(items[at + 3])) raw.tools = std::make_shared<const std::string>(std::move(*tools));
  return raw;
}

std::size_t fields_of(tools_wanted want) { return want == tools_wanted::yes ? 4 : 3; }

constexpr key_field read_order[] = {key_field::status, key_field::connected_at, key_field::info, key_field::tools};

bool refuses_sort(const reply& r) {
  return r.is_error() && (r.text.find("SORT") != std::string::npos || r.text.starts_with("NOPERM"));
}

void keep_record(std::vector<connection>& out, const owner& who, raw_record raw) {
  if (auto one = read_record(who, std::move(raw))) out.push_back(std::move(*one));
}

void sort_by_server(std::vector<connection>& found) {
  auto earlier = [](const connection& a, const connection& b) {
    return a.server != b.server ? a.server < b.server : a.member < b.member;
  };
  std::sort(found.begin(), found.end(), earlier);
}

// Nothing of ours looks like this: a record whose keys do not belong together, or whose expiry only Redis knows.
bool odd(const connection& one, tools_wanted want) {
  if (!one.expires_at || !one.seen.status_bytes || one.revision == 0) return true;
  if (one.connected() && !one.seen.connected_at_bytes) return true;
  return want == tools_wanted::yes && !one.tools && !one.problems.empty();
}

}  // namespace

task<std::optional<connection>> redis_store::get(owner who, std::string member, tools_wanted want) {
  std::vector<std::string> members{member};
  auto got = co_await read_members(who, std::move(members), want);
  if (!got) co_return got.error();
  std::vector<connection> found;
  keep_record(found, who, std::move(got->front()));
  if (found.empty()) co_return std::optional<connection>();
  recount_tools(found.front());  // of one record it is worth its time; a list does without
  if (odd(found.front(), want)) MCPSTATE_CO_CHECK(co_await look_closer(who, &found, want));
  co_return std::optional<connection>(std::move(found.front()));
}

task<owner_snapshot_ptr> redis_store::list(owner who, tools_wanted want) {
  auto records = co_await read_records(who, want);
  if (!records) co_return records.error();
  co_return std::make_shared<const owner_snapshot>(std::move(who), std::move(*records), want);
}

task<std::vector<connection>> redis_store::read_records(owner who, tools_wanted want) {
  auto all = co_await read_all(who, want);
  if (!all) co_return all.error();
  std::vector<connection> found;
  found.reserve(all->size());
  for (auto& raw : *all) keep_record(found, who, std::move(raw));
  MCPSTATE_CO_CHECK(co_await look_closer(who, &found, want));
  sort_by_server(found);
  co_return found;
}

task<std::vector<raw_record>> redis_store::read_all(owner who, tools_wanted want) {
  if (!sort_refused_) {
    auto sorted = co_await read_by_sort(who, want);
    if (sorted || !sort_refused_) co_return std::move(sorted);
  }
  co_return co_await read_by_mget(who, want);
}

// Members that a foreign program added are in connections only; ours are in servers. The difference is asked for first: a
// record that moves from one to the other in between is then seen twice, not never.
task<std::vector<raw_record>> redis_store::read_by_sort(owner who, tools_wanted want) {
  const std::string doing = "list " + who.text();
  const std::string base = keys_.owner_prefix(who) + "server:*:";
  request ask;
  ask.add("SDIFF", keys_.connections(who), keys_.servers(who));
  const std::size_t fields = fields_of(want);
  ask.command(6 + 2 * fields).arg("SORT_RO").arg(keys_.servers(who)).arg("BY").arg("nosort").arg("GET").arg("#");
  static constexpr std::string_view names[] = {"status", "connected_at", "info", "tools"};
  for (std::size_t i = 0; i < fields; ++i) ask.arg("GET").arg(base + std::string(names[i]));
  auto got = co_await read(std::move(ask), doing);
  if (!got) co_return got.error();
  reply& foreign = (*got)[0];
  reply& rows = (*got)[1];
  if (refuses_sort(rows)) sort_refused_ = true;
  for (const reply* r : {&foreign, &rows}) {
    if (!r->is_error()) continue;
    const error refused = redis::to_error(*r, doing);
    if (refused.code() != errc::wrong_type) co_return refused;
    const std::string no_member;
    co_return co_await explain_wrong_type(who, no_member, doing);
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
    auto more = co_await read_members(who, std::move(members), want);
    if (!more) co_return more.error();
    for (auto& raw : *more) all.push_back(std::move(raw));
  }
  co_return all;
}

task<std::vector<raw_record>> redis_store::read_by_mget(owner who, tools_wanted want) {
  const std::string doing = "list " + who.text();
  request ask;
  ask.add("SUNION", keys_.connections(who), keys_.servers(who));
  auto got = co_await read(std::move(ask), doing);
  if (!got) co_return got.error();
  if (got->front().is_error()) {
    const error refused = redis::to_error(got->front(), doing);
    if (refused.code() != errc::wrong_type) co_return refused;
    const std::string no_member;
    co_return co_await explain_wrong_type(who, no_member, doing);
  }
  std::vector<std::string> members;
  for (auto& item : got->front().items) members.push_back(std::move(item.text));
  co_return co_await read_members(who, std::move(members), want);
}

// One MGET: one moment for all of them.
task<std::vector<raw_record>> redis_store::read_members(owner who, std::vector<std::string> members, tools_wanted want) {
  std::vector<raw_record> out;
  if (members.empty()) co_return out;
  const std::size_t fields = fields_of(want);
  request ask;
  ask.command(1 + members.size() * fields).arg("MGET");
  for (const auto& member : members)
    for (std::size_t i = 0; i < fields; ++i) ask.arg(keys_.server_key(who, member, read_order[i]));
  const std::string doing = "read " + who.text();
  auto got = co_await read(std::move(ask), doing);
  if (!got) co_return got.error();
  reply& values = got->front();
  if (values.is_error()) co_return redis::to_error(values, doing);
  for (std::size_t i = 0; i < members.size() && (i + 1) * fields <= values.items.size(); ++i)
    out.push_back(take_record(std::move(members[i]), values.items, i * fields, want));
  co_return out;
}

// A second round trip, for records that a foreign program had a hand in only.
task<void> redis_store::look_closer(owner who, std::vector<connection>* found, tools_wanted want) {
  std::vector<connection*> strange;
  for (auto& one : *found)
    if (odd(one, want)) strange.push_back(&one);
  if (strange.empty()) co_return result<void>();
  request ask;
  for (const auto* one : strange) {
    ask.add("PEXPIRETIME", keys_.server_key(who, one->member, key_field::status));
    for (auto field : read_order) ask.add("TYPE", keys_.server_key(who, one->member, field));
  }
  auto got = co_await read(std::move(ask), "read " + who.text());
  if (!got) co_return got.error();
  static constexpr std::string_view names[] = {"status", "connected_at", "info", "tools"};
  for (std::size_t i = 0; i < strange.size(); ++i) {
    const reply& expires = (*got)[i * 5];
    connection& one = *strange[i];
    if (!one.expires_at && expires.kind == reply::type::integer && expires.integer > 0)
      one.expires_at = timestamp(std::chrono::milliseconds(expires.integer));
    for (std::size_t f = 0; f < 4; ++f) {
      const std::string& type = (*got)[i * 5 + 1 + f].text;
      if (type == "none" || type == "string") continue;
      one.problems.push_back(std::string(names[f]) + " is a Redis " + type + " where a string belongs");
    }
  }
  co_return result<void>();
}

}  // namespace mcpstate
