// SPDX-License-Identifier: MIT
#include "store/redis/store.hh"

#include <mcpstate/core/record.hpp>

#include <algorithm>
#include <optional>
#include <random>

#include "aio/caller_settings.hh"
#include "core/text/number.hh"
#include "store/redis/lease_value.hh"
#include "store/redis/write_answer.hh"

namespace mcpstate {

using redis_scripts::script_id;

namespace {

constexpr std::chrono::seconds shortest_staging{1};

std::string operation_text(std::string_view verb, const owner& account, std::string_view member = {}) {
  std::string out(verb);
  out += ' ';
  out += account.text();
  if (!member.empty()) {
    out += ' ';
    out += name_of_member(member).text;
  }
  return out;
}

std::string_view action_word(const change& update) {
  switch (update.action()) {
    case change::tools_action::keep:
      return "keep";
    case change::tools_action::drop:
      return "drop";
    case change::tools_action::replace:
      break;
  }
  return update.new_tools()->empty() && !update.empty_tools_allowed() ? "replace_empty" : "replace";
}

}  // namespace

redis::link_config link_config_of(const store_url& url, const store_options& options) {
  redis::link_config c;
  c.host = url.host;
  c.port = url.port;
  c.unix_path = url.path;
  c.tls = url.tls;
  c.ca_file = options.ca_file.empty() ? url.ca_file : options.ca_file;
  c.cert_file = options.cert_file.empty() ? url.cert_file : options.cert_file;
  c.key_file = options.cert_file.empty() ? url.key_file : options.key_file;
  c.tls_verify = options.tls_verify && url.tls_verify;
  c.tls_verify_host = url.tls_verify_host;
  c.user = url.user;
  c.password = url.password;
  c.password_file = options.password_file;
  c.on_stale_credentials = options.on_stale_credentials;
  c.database = url.database;
  c.connect_timeout = options.timeout - options.timeout / 10;  // the cause is known before the operation times out
  return c;
}

redis_store::redis_store(asio::any_io_executor executor, store_url url, key_space keys, store_options options)
    : store_backend(executor, options),
      keys_(std::move(keys)),
      url_(std::move(url)),
      random_(std::random_device{}()),
      servers_(executor, url_, options),
      redis_(servers_.open(link_config_of(url_, options))),
      durable_(servers_.open_durable(link_config_of(url_, options))),
      work_(executor, aio::end_process) {}

std::string redis_store::description() const {
  std::string out = "redis ";
  out += redis_->address();
  if (!on_cluster_) out.append("/").append(std::to_string(url_.database));
  return out;
}

task<void> redis_store::open() {
  const auto limit = until();
  MCPSTATE_CO_CHECK(co_await connect(limit));
  // The replies do not matter: a user without the right to load scripts can still run them by their text.
  redis::request load;
  for (const auto& script : redis_scripts::all_scripts()) load.add("SCRIPT", "LOAD", script.text);
  co_return co_await measure_clock(std::move(load), limit);
}

// The commands of `before` are sent in the same flush. The clocks of a cluster differ: the one that is furthest ahead counts,
// by which no record expires before it is looked at. A server that does not answer is left out where others do.
task<void> redis_store::measure_clock(redis::request before, aio::deadline limit) {
  add_losses_question(before);
  before.add("TIME");
  batch asked = to_each_server(before), again = asked;
  timestamp begun = options().clock->now();
  auto got = co_await redis_->exec_all(std::move(asked), std::min(limit, hint_limit()), redis::effect::read);
  const bool answered = std::any_of(got.begin(), got.end(), [](const outcome& each) { return each.has_value(); });
  if (on_cluster_ && !answered) {
    begun = options().clock->now();
    got = co_await redis_->exec_all(std::move(again), limit, redis::effect::read);
  }
  const timestamp middle = begun + (options().clock->now() - begun) / 2;
  std::optional<std::chrono::microseconds> ahead;
  std::optional<error> failed;
  for (const outcome& each : got) {
    const auto one = each ? clock_ahead_by(each->back(), middle) : result<std::chrono::microseconds>(each.error());
    if (!one) {
      failed = one.error();
      continue;
    }
    ahead = std::max(ahead.value_or(*one), *one);
    note_losses((*each)[each->size() - 2]);
  }
  if (!ahead) co_return std::move(*failed);
  clock_ahead_ = *ahead;
  co_return result<void>();
}

// By how much a server that answered TIME so, at this moment, is ahead of the local clock.
result<std::chrono::microseconds> redis_store::clock_ahead_by(const redis::reply& time, timestamp then) const {
  if (time.is_error()) return redis::to_error(time, "open " + description());
  if (time.items.size() != 2) return error(errc::protocol, "open " + description() + ": TIME answers no time");
  return std::chrono::seconds(number_in(time.items[0])) + std::chrono::microseconds(number_in(time.items[1])) -
         then.time_since_epoch();
}

void redis_store::measure_soon() {
  if (std::exchange(measuring_, true)) return;
  work_.spawn("measure the clock of Redis", measure_again());
}

// Where it fails the connection is lost, and the next one measures.
asio::awaitable<void> redis_store::measure_again() {
  co_await asio::this_coro::throw_if_cancelled(false);
  redis::request nothing_before;
  auto measured = co_await measure_clock(std::move(nothing_before), until());
  static_cast<void>(measured);
  measuring_ = false;
}

timestamp redis_store::now() const { return options().clock->now() + clock_ahead_; }

asio::awaitable<void> redis_store::close() {
  if (hub_) co_await hub_->close();
  if (tracking_) co_await tracking_->close();
  work_.request_stop();
  if (durable_) co_await durable_->close();
  co_await redis_->close();
  co_await work_.stop();
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

asio::awaitable<error> redis_store::explain_wrong_type(owner account, std::string member, std::string operation) {
  std::vector<std::pair<std::string, std::string_view>> keys;
  keys.emplace_back(keys_.connections(account), "set");
  keys.emplace_back(keys_.servers(account), "set");
  if (!member.empty())
    for (auto field : {key_field::status, key_field::tools, key_field::connected_at, key_field::info, key_field::lease})
      keys.emplace_back(keys_.server_key(account, member, field), "string");
  redis::request commands;
  for (const auto& [key, type] : keys) commands.add("TYPE", key);
  MCPSTATE_CO_TRY(got, co_await read(route_of(account), std::move(commands), operation));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string& type = got[i].text;
    if (type == "none" || type == keys[i].second) continue;
    std::string text = operation + ": the Redis key ";
    text.append(keys[i].first).append(" holds a ").append(type).append(" where a ").append(keys[i].second);
    text += " belongs; nothing was written. Delete or rename it";
    co_return error(errc::wrong_type, std::move(text));
  }
  co_return error(errc::wrong_type, operation + ": a Redis key of this record holds a wrong type; nothing was written");
}

// The first keys and arguments of every script that renews the expiry of an owner.
void redis_store::add_owner(script_call& call, const owner& account) const {
  call.argument(options().ttl).argument(options().max_lifetime ? options().max_lifetime->count() : 0);
  call.key(keys_.connections(account)).key(keys_.servers(account));
}

script_call redis_store::owner_call(script_id id, const owner& account) const {
  script_call call(id);
  add_owner(call, account);
  return call;
}

void redis_store::add_record(script_call& call, const connection& after, const basis& seen, std::string_view action,
                             std::string staged) const {
  const owner& account = after.owner;
  const std::string member = after.member.empty() ? encode_name(after.server) : after.member;
  call.member(keys_, account, member);
  // Where nothing is staged, the tools key stands for the staged one: Redis would refuse an empty key to a user who may use
  // one key pattern only.
  call.key(staged.empty() ? keys_.server_key(account, member, key_field::tools) : std::move(staged));
  call.argument(seen.revision).expected(seen.status_bytes).expected(seen.connected_at_bytes);
  call.argument(std::string(to_key_text(*after.state)));
  call.argument(after.connected_at ? to_iso8601(*after.connected_at) : std::string());
  call.argument(std::string(action)).argument(encode_info_tail(*after.state, after.connected_at, after.info));
}

// The command that stages new tools; none where the tools stay. staged: receives the key. A value that no script has moved
// expires: the write may be sent again once, in full, and then nobody waits for it any more.
redis::request redis_store::stage(const change& update, std::string* staged) {
  redis::request out;
  if (update.action() != change::tools_action::replace) return out;
  *staged = keys_.staging(update.owner(), update.member(), nonce());
  out.add("SET", *staged, update.new_tools()->bytes(), "PX",
          std::int64_t{std::max<std::chrono::milliseconds>(2 * options().timeout, shortest_staging).count()});
  return out;
}

// Removes what was staged for a write that the server has refused. A script that refuses does so itself, but Redis may refuse
// to run it (ACL, a full server). Where nothing can be known of the write, or the server cannot be reached, it expires.
asio::awaitable<void> redis_store::drop_staged(std::string key, error refused) {
  const bool answered = refused.code() != errc::outcome_unknown && refused.code() != errc::connection_lost &&
                        refused.code() != errc::deadline && refused.code() != errc::stopped;
  if (key.empty() || !answered) co_return;
  redis::request drop;
  drop.add("UNLINK", key);
  auto dropped = co_await write(route_of_key(key), std::move(drop), "unstage");
  static_cast<void>(dropped);
}

// A write that makes a record smaller uses a script that also runs on a full server.
script_call redis_store::put_call(const change& update, const connection& after, const basis& seen,
                                  std::string staged) const {
  const bool shrinks = after.state == status::disconnected && seen.status_bytes;
  script_call call = owner_call(shrinks ? script_id::disconnect : script_id::put, update.owner());
  add_change(call, update, after, seen, std::move(staged));
  return call;
}

// What put.lua takes behind the keys and arguments of the owner.
void redis_store::add_change(script_call& call, const change& update, const connection& after, const basis& seen,
                             std::string staged) const {
  call.argument(update.expiry_kept() ? "keep" : "");
  call.argument(update.required_lease() ? lease_value_start(*update.required_lease()) : std::string());
  if (update.required_lease()) call.key(keys_.server_key(update.owner(), update.member(), key_field::lease));
  call.argument(update.most_connections()).argument(options().owner_bytes);
  call.argument(update.revision_floor()).argument(1);
  add_record(call, after, seen, action_word(update), std::move(staged));
}

task<connection> redis_store::put(change update, connection after) {
  const std::string operation = operation_text("put", update.owner(), update.member());
  std::string staged;
  redis::request before = stage(update, &staged);
  const basis seen = *update.expected();
  script_call call = put_call(update, after, seen, staged);
  if (!update.required_lease()) call.durable();
  auto answer = co_await run_for(update.owner(), std::move(call), declared_keys::record, std::move(before), operation);
  if (!answer) {
    co_await drop_staged(std::move(staged), answer.error());
    if (answer.error().code() != errc::wrong_type) co_return answer.error();
    co_return co_await explain_wrong_type(update.owner(), update.member(), operation);
  }
  if (auto refused = refusal(*answer, update, options().owner_bytes, operation)) co_return std::move(*refused);
  set_written(after, *answer);
  co_return after;
}

task<std::uint64_t> redis_store::touch(owner account, std::optional<std::string> member) {
  const std::string operation = operation_text("touch", account, member.value_or(""));
  script_call call = owner_call(script_id::touch, account);
  call.argument(member ? "one" : "all");
  if (member) {
    call.member(keys_, account, *member);
  } else {
    MCPSTATE_CO_TRY(members, co_await read_member_names(account, operation));
    for (const auto& name : members) call.member(keys_, account, name);
  }
  redis::request nothing_before;
  auto answer = co_await run_for(account, std::move(call), declared_keys::record, std::move(nothing_before), operation);
  if (answer && answer->items.size() == 2) co_return static_cast<std::uint64_t>(answer->items[1].integer);
  if (answer) co_return unexpected_answer(operation);
  if (answer.error().code() != errc::wrong_type) co_return answer.error();
  co_return co_await explain_wrong_type(account, member.value_or(""), operation);
}

std::uint64_t redis_store::add_disconnects(script_call& call, const owner& account, std::vector<raw_record> all) const {
  std::uint64_t changed = 0;
  for (auto& raw : all) {
    connection none(account, raw.member);
    none.member = raw.member;
    none.seen.status_bytes = raw.status;
    none.seen.connected_at_bytes = raw.connected_at;
    const auto record = read_record(account, std::move(raw));
    const bool disconnected =
        !record || (record->state == status::disconnected && record->seen.status_bytes == to_key_text(status::disconnected));
    const connection& before = record ? *record : none;
    if (disconnected) {
      add_record(call, before, before.seen, "look", std::string());
      continue;
    }
    const change update(before, status::disconnected);
    add_record(call, update.apply_to(before, now()), before.seen, "drop", std::string());
    ++changed;
  }
  return changed;
}

// Reads and decides here, because Lua would change the JSON. One script then checks that the records are as they were read,
// and that they are all, and writes.
task<std::uint64_t> redis_store::disconnect_all(owner account) {
  const std::string operation = operation_text("disconnect", account);
  for (int tries = 0; tries < max_attempts; ++tries) {
    MCPSTATE_CO_TRY(all, co_await read_all(account, tools_wanted::no));
    if (all.empty()) co_return std::uint64_t{0};
    script_call call = owner_call(script_id::disconnect_all, account);
    // Renews the expiry; no lease, no limits, no other revisions.
    call.argument("").argument("").argument(0).argument(0).argument(0).argument(all.size());
    call.durable();
    const std::uint64_t changed = add_disconnects(call, account, std::move(all));
    redis::request nothing_before;
    auto answer = co_await run_for(account, std::move(call), declared_keys::record, std::move(nothing_before), operation);
    if (!answer) {
      if (answer.error().code() != errc::wrong_type) co_return answer.error();
      const std::string no_member;
      co_return co_await explain_wrong_type(account, no_member, operation);
    }
    auto refused = refusal(*answer, operation);
    if (!refused) co_return changed;
    if (!refused->is(cond::conflict)) co_return std::move(*refused);
  }
  co_return error(errc::stale_basis, operation + ": others keep changing these records; try again");
}

task<std::uint64_t> redis_store::erase(owner account) {
  const std::string operation = operation_text("clear", account);
  MCPSTATE_CO_TRY(members, co_await read_member_names(account, operation));
  script_call call(script_id::erase);
  call.durable();
  call.key(keys_.connections(account)).key(keys_.servers(account));
  for (const auto& name : members) declare(call, account, name, declared_keys::record_and_lease);
  redis::request nothing_before;
  MCPSTATE_CO_TRY(answer, co_await run_for(account, std::move(call), declared_keys::record_and_lease,
                                           std::move(nothing_before), operation));
  if (answer.items.size() < 2) co_return unexpected_answer(operation);
  const auto count = static_cast<std::uint64_t>(answer.items[1].integer);
  std::vector<std::string> leased;
  for (std::size_t i = 2; i < answer.items.size(); ++i) leased.push_back(std::move(answer.items[i].text));
  co_await forget(std::move(account), std::move(leased));
  co_return count;
}

namespace {}

}  // namespace

task<std::unique_ptr<store_backend>> open_redis_backend(asio::any_io_executor executor, store_url url,
                                                        store_options options) {
  MCPSTATE_CO_TRY(keys, key_space::make(options.prefix, options.layout));
  auto opened = std::make_unique<redis_store>(executor, std::move(url), std::move(keys), std::move(options));
  auto ready = co_await opened->open();
  if (!ready) {
    auto closing = opened->close();
    co_await aio::shield(executor, std::move(closing));
    co_return ready.error();
  }
  std::unique_ptr<store_backend> out = std::move(opened);
  co_return out;
}

}  // namespace mcpstate
