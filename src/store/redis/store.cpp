// SPDX-License-Identifier: MIT
#include "store/redis/store.hh"

#include <mcpstate/core/record.hpp>

#include <charconv>
#include <random>

#include "store/redis/lease_value.hh"

namespace mcpstate {

using redis_scripts::script_id;

namespace {

constexpr int staging_ms = 60'000;  // a staged value that no script picked up is gone after this

std::int64_t number(const redis::reply& r) {
  if (r.kind == redis::reply::type::integer) return r.integer;
  std::int64_t n = 0;
  std::from_chars(r.text.data(), r.text.data() + r.text.size(), n);
  return n;
}

std::string what_for(std::string_view verb, const owner& who, std::string_view member = {}) {
  std::string out(verb);
  out += ' ';
  out += who.text();
  if (!member.empty()) {
    out += ' ';
    out += name_of_member(member).text;
  }
  return out;
}

std::string_view action_word(const change& what) {
  switch (what.action()) {
    case change::tools_action::keep:
      return "keep";
    case change::tools_action::drop:
      return "drop";
    case change::tools_action::replace:
      break;
  }
  return what.new_tools()->empty() && !what.empty_tools_allowed() ? "replace_empty" : "replace";
}

// The script's word on a write, as an error where it refused.
std::optional<error> refusal(const redis::reply& answer, const std::string& doing) {
  if (answer.kind != redis::reply::type::array || answer.items.empty()) return unexpected_answer(doing);
  const std::string& word = answer.items.front().text;
  if (word == "ok") return std::nullopt;
  if (word == "conflict")
    return error(errc::stale_basis, doing + ": the record has changed since it was read; nothing was written");
  if (word == "lease")
    return error(errc::lease_lost,
                 doing + ": this lease has run out, or another process keeps the connection; nothing was written");
  if (word == "empty")
    return error(errc::empty_tools, doing + ": an empty tool list would replace a good one; nothing was written");
  return error(errc::connection_lost,
               doing + ": Redis lost the staged tools before they could be stored; nothing was written");
}

}  // namespace

redis::link_config link_config_of(const store_url& url, const store_options& options) {
  redis::link_config c;
  c.host = url.host;
  c.port = url.port;
  c.unix_path = url.path;
  c.tls = url.tls;
  c.ca_file = options.ca_file;
  c.tls_verify = options.tls_verify;
  c.user = url.user;
  c.password = url.password;
  c.database = url.database;
  c.connect_timeout = options.timeout - options.timeout / 10;  // so that why it failed is known when the operation gives up
  return c;
}

redis_store::redis_store(asio::any_io_executor executor, store_url url, key_space keys, store_options options)
    : store_backend(executor, options),
      keys_(std::move(keys)),
      url_(std::move(url)),
      random_(std::random_device{}()),
      redis_(redis::make_executor(executor, link_config_of(url_, options))) {}

std::string redis_store::description() const {
  std::string out = "redis ";
  out += redis_->address();
  out += '/';
  out += std::to_string(url_.database);
  return out;
}

task<void> redis_store::open() {
  redis_->start();
  const auto limit = until();
  MCPSTATE_CO_CHECK(co_await redis_->ready(limit));
  // A user who may not load scripts can still run them by text; the answers do not matter here.
  redis::request load;
  for (const auto& script : redis_scripts::all_scripts()) load.add("SCRIPT", "LOAD", script.text);
  load.add("TIME");
  const timestamp asked = options().clock->now();
  auto loaded = co_await redis_->exec(redis::route::to_any(), std::move(load), limit, redis::effect::read);
  if (!loaded) co_return loaded.error();
  const redis::reply& time = loaded->back();
  if (time.is_error()) co_return redis::to_error(time, "open " + description());
  if (time.items.size() != 2) co_return error(errc::protocol, "open " + description() + ": TIME answers no time");
  const timestamp told(std::chrono::seconds(number(time.items[0])) + std::chrono::microseconds(number(time.items[1])));
  clock_ahead_ = told - (asked + (options().clock->now() - asked) / 2);
  co_return result<void>();
}

timestamp redis_store::now() const { return options().clock->now() + clock_ahead_; }

asio::awaitable<void> redis_store::close() {
  if (hub_) co_await hub_->close();
  if (tracking_) co_await tracking_->close();
  co_await redis_->close();
}

std::string redis_store::nonce() {
  static constexpr char hex[] = "0123456789abcdef";
  std::uint64_t bits = random_();
  std::string out(16, '0');
  for (auto& c : out) {
    c = hex[bits & 15];
    bits >>= 4;
  }
  return out;
}

asio::awaitable<error> redis_store::explain_wrong_type(owner who, std::string member, std::string doing) {
  std::vector<std::pair<std::string, std::string_view>> keys;
  keys.emplace_back(keys_.connections(who), "set");
  keys.emplace_back(keys_.servers(who), "set");
  if (!member.empty())
    for (auto field : {key_field::status, key_field::tools, key_field::connected_at, key_field::info, key_field::lease})
      keys.emplace_back(keys_.server_key(who, member, field), "string");
  redis::request ask;
  for (const auto& [key, type] : keys) ask.add("TYPE", key);
  auto got = co_await read(std::move(ask), doing);
  if (!got) co_return got.error();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string& type = (*got)[i].text;
    if (type == "none" || type == keys[i].second) continue;
    std::string what = doing + ": the Redis key ";
    what.append(keys[i].first).append(" holds a ").append(type).append(" where a ").append(keys[i].second);
    what += " belongs; nothing was written. Delete or rename it";
    co_return error(errc::wrong_type, std::move(what));
  }
  co_return error(errc::wrong_type, doing + ": a Redis key of this record holds a wrong type; nothing was written");
}

// The arguments that every script about an owner's expiry begins with.
script_call redis_store::owner_call(script_id id, const owner& who) const {
  script_call call(id);
  call.argument(options().ttl).argument(options().max_lifetime ? options().max_lifetime->count() : 0);
  call.key(keys_.connections(who)).key(keys_.servers(who));
  return call;
}

void redis_store::add_record(script_call& to, const connection& after, const basis& seen, std::string_view action,
                             std::string staged) const {
  const owner& who = after.whose;
  const std::string member = after.member.empty() ? encode_name(after.server) : after.member;
  to.member(keys_, who, member);
  // Where nothing is staged the script takes the tools key in its place. An empty name would be refused to a user who may
  // use one key pattern only.
  to.key(staged.empty() ? keys_.server_key(who, member, key_field::tools) : std::move(staged));
  to.argument(seen.revision).expected(seen.status_bytes).expected(seen.connected_at_bytes);
  to.argument(std::string(to_key_text(after.state)));
  to.argument(after.connected_at ? to_iso8601(*after.connected_at) : std::string());
  to.argument(std::string(action)).argument(encode_info_tail(after.state, after.connected_at, after.info));
}

// The command that stages new tools, and under which key; nothing where the tools stay.
redis::request redis_store::stage(const change& what, std::string* staged) {
  redis::request out;
  if (what.action() != change::tools_action::replace) return out;
  *staged = keys_.staging(what.whose(), what.member(), nonce());
  out.add("SET", *staged, what.new_tools()->bytes(), "PX", std::int64_t{staging_ms});
  return out;
}

// A write that makes a record smaller runs on a full server, too.
script_call redis_store::put_call(const change& what, const connection& after, const basis& seen, std::string staged) const {
  const bool shrinks = after.state == status::disconnected && seen.status_bytes;
  script_call call = owner_call(shrinks ? script_id::disconnect : script_id::put, what.whose());
  call.argument(what.expiry_kept() ? "keep" : "");
  call.argument(what.keeper() ? lease_value_start(*what.keeper()) : std::string());
  if (what.keeper()) call.key(keys_.server_key(what.whose(), what.member(), key_field::lease));
  call.argument(1);
  add_record(call, after, seen, action_word(what), std::move(staged));
  return call;
}

task<connection> redis_store::put(change what, connection after) {
  const std::string doing = what_for("put", what.whose(), what.member());
  std::string staged;
  redis::request before = stage(what, &staged);
  const basis seen = *what.expected();
  script_call call = put_call(what, after, seen, std::move(staged));
  auto answer = co_await run_for(what.whose(), std::move(call), declared_keys::record, std::move(before), doing);
  if (!answer) {
    if (answer.error().code() != errc::wrong_type) co_return answer.error();
    co_return co_await explain_wrong_type(what.whose(), what.member(), doing);
  }
  if (auto refused = refusal(*answer, doing)) co_return std::move(*refused);
  after.revision = static_cast<std::uint64_t>(number(answer->items.at(1)));
  after.expires_at = timestamp(std::chrono::milliseconds(number(answer->items.at(2))));
  after.seen.revision = after.revision;
  after.seen.status_bytes = std::string(to_key_text(after.state));
  after.seen.connected_at_bytes.reset();
  if (after.connected_at) after.seen.connected_at_bytes = to_iso8601(*after.connected_at);
  co_return after;
}

task<std::uint64_t> redis_store::touch(owner who, std::optional<std::string> member) {
  const std::string doing = what_for("touch", who, member.value_or(""));
  script_call call = owner_call(script_id::touch, who);
  call.argument(member ? "one" : "all");
  if (member) {
    call.member(keys_, who, *member);
  } else {
    const auto members = co_await read_member_names(who, doing);
    if (!members) co_return members.error();
    for (const auto& name : *members) call.member(keys_, who, name);
  }
  redis::request nothing_before;
  auto answer = co_await run_for(who, std::move(call), declared_keys::record, std::move(nothing_before), doing);
  if (answer && answer->items.size() == 2) co_return static_cast<std::uint64_t>(answer->items[1].integer);
  if (answer) co_return unexpected_answer(doing);
  if (answer.error().code() != errc::wrong_type) co_return answer.error();
  co_return co_await explain_wrong_type(who, member.value_or(""), doing);
}

std::uint64_t redis_store::add_disconnects(script_call& to, const owner& who, std::vector<raw_record> all) const {
  std::uint64_t changed = 0;
  for (auto& raw : all) {
    connection none(who, raw.member);
    none.member = raw.member;
    none.seen.status_bytes = raw.status;
    none.seen.connected_at_bytes = raw.connected_at;
    const auto record = read_record(who, std::move(raw));
    const bool down =
        !record || (record->state == status::disconnected && record->seen.status_bytes == to_key_text(status::disconnected));
    const connection& before = record ? *record : none;
    if (down) {
      add_record(to, before, before.seen, "look", std::string());
      continue;
    }
    const change what(before, status::disconnected);
    add_record(to, what.apply_to(before, now()), before.seen, "drop", std::string());
    ++changed;
  }
  return changed;
}

// Read, decide, write in one script that checks what was read, and that it was all. The decision needs JSON, which Lua would
// spoil.
task<std::uint64_t> redis_store::disconnect_all(owner who) {
  const std::string doing = what_for("disconnect", who);
  for (int tries = 0; tries < max_attempts; ++tries) {
    auto all = co_await read_all(who, tools_wanted::no);
    if (!all) co_return all.error();
    if (all->empty()) co_return std::uint64_t{0};
    script_call call = owner_call(script_id::disconnect_all, who);
    call.argument("").argument("").argument(all->size());  // the expiry is renewed, and no lease asked for
    const std::uint64_t changed = add_disconnects(call, who, std::move(*all));
    redis::request nothing_before;
    auto answer = co_await run_for(who, std::move(call), declared_keys::record, std::move(nothing_before), doing);
    if (!answer) {
      if (answer.error().code() != errc::wrong_type) co_return answer.error();
      const std::string no_member;
      co_return co_await explain_wrong_type(who, no_member, doing);
    }
    auto refused = refusal(*answer, doing);
    if (!refused) co_return changed;
    if (!refused->is(cond::conflict)) co_return std::move(*refused);
  }
  co_return error(errc::stale_basis, doing + ": others keep changing these records; try again");
}

task<std::uint64_t> redis_store::erase(owner who) {
  const std::string doing = what_for("clear", who);
  const auto members = co_await read_member_names(who, doing);
  if (!members) co_return members.error();
  script_call call(script_id::erase);
  call.key(keys_.connections(who)).key(keys_.servers(who));
  for (const auto& name : *members) declare(call, who, name, declared_keys::record_and_lease);
  redis::request nothing_before;
  auto answer = co_await run_for(who, std::move(call), declared_keys::record_and_lease, std::move(nothing_before), doing);
  if (!answer) co_return answer.error();
  if (answer->items.size() < 2) co_return unexpected_answer(doing);
  const auto count = static_cast<std::uint64_t>(answer->items[1].integer);
  std::vector<std::string> leased;
  for (std::size_t i = 2; i < answer->items.size(); ++i) leased.push_back(std::move(answer->items[i].text));
  co_await forget(std::move(who), std::move(leased));
  co_return count;
}

task<std::unique_ptr<store_backend>> open_redis_backend(asio::any_io_executor executor, store_url url,
                                                        store_options options) {
  auto keys = key_space::make(options.prefix, options.layout);
  if (!keys) co_return keys.error();
  auto opened = std::make_unique<redis_store>(executor, std::move(url), std::move(*keys), std::move(options));
  auto ready = co_await opened->open();
  if (!ready) {
    co_await opened->close();
    co_return ready.error();
  }
  std::unique_ptr<store_backend> out = std::move(opened);
  co_return out;
}

}  // namespace mcpstate
