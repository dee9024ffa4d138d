// SPDX-License-Identifier: MIT
// Operations over all owners, which read the key space with SCAN.
#include <charconv>
#include <cstdint>

#include "core/text/number.hh"
#include "store/redis/checked_reply.hh"
#include "store/redis/store.hh"

namespace mcpstate {

using redis::reply;
using redis::request;

namespace {

std::optional<std::uint64_t> used_memory(std::string_view info) {
  constexpr std::string_view name = "used_memory:";
  const auto found = info.find(name);
  if (found == info.npos) return std::nullopt;
  std::uint64_t bytes = 0;
  std::from_chars(info.data() + found + name.size(), info.data() + info.size(), bytes);
  return bytes;
}

// What the server answers about one key. A key of a wrong type counts as none: doctor reports it. Any other refusal is an
// error, because a count that leaves something out is wrong.
result<void> count_key(const key_space::parsed& named, const reply& r, store_stats& out) {
  std::uint64_t& owners = named.owner.kind() == owner_kind::user ? out.users : out.sessions;
  if (named.field == key_field::tools || named.field == key_field::connections) {
    const auto number = number_of(r, "stats");
    if (!number) return number.error().code() == errc::wrong_type ? result<void>() : number.error();
    if (named.field == key_field::tools)
      out.tools_bytes += static_cast<std::uint64_t>(*number);
    else
      owners += *number == 0 ? 1U : 0U;
    return {};
  }
  const auto text = text_of(r, "stats");
  if (!text) return text.error().code() == errc::wrong_type ? result<void>() : text.error();
  if (named.field == key_field::servers)
    owners += *text == "set" ? 1U : 0U;
  else if (*text == to_text(status::connected))
    ++out.connected;
  else if (*text == to_text(status::failed))
    ++out.failed;
  else if (*text == to_text(status::disconnected))
    ++out.disconnected;
  return {};
}

}  // namespace

// Matches both kinds of owners, and no other prefix. A prefix has no pattern characters.
std::string redis_store::scan_pattern() const { return keys_.prefix() + ":[us]*"; }

task<std::vector<reply>> redis_store::scan_step(std::string cursor, std::vector<std::string> more_arguments) {
  if (on_cluster_) co_return co_await scan_cluster(std::move(cursor), std::move(more_arguments));
  request commands;
  commands.command(6 + more_arguments.size()).arg("SCAN").arg(cursor).arg("MATCH").arg(scan_pattern());
  commands.arg("COUNT").arg("1000");
  for (const auto& argument : more_arguments) commands.arg(argument);
  MCPSTATE_CO_TRY(got, co_await read(std::move(commands), "scan"));
  reply& answer = got.front();
  if (answer.is_error()) co_return redis::to_error(answer, "scan");
  if (answer.items.size() != 2) co_return error(errc::protocol, "scan: SCAN answers no cursor and keys");
  co_return std::move(answer.items);
}

// Lists an owner once: at its :servers key, or at its :connections key where it has no :servers key (a foreign program's).
task<owner_page> redis_store::scan(std::string cursor) {
  MCPSTATE_CO_TRY(page, co_await scan_owners(std::move(cursor)));
  std::vector<owner> owners;
  for (auto& one : page.owners) owners.push_back(std::move(one.owner));
  MCPSTATE_CO_TRY(found, co_await summaries(std::move(owners)));
  page.owners = std::move(found);
  co_return std::move(page);
}

task<owner_page> redis_store::scan_owners(std::string cursor) {
  if (!on_cluster_ && !cursor.empty() && !parse_number<std::uint64_t>(cursor))
    co_return error(errc::bad_argument, "scan: this is no cursor of this store; begin again without one");
  std::vector<std::string> sets_only{"TYPE", "set"};
  if (cursor.empty()) cursor = "0";
  MCPSTATE_CO_TRY(step, co_await scan_step(std::move(cursor), std::move(sets_only)));
  std::vector<owner> owners, unconfirmed;
  MCPSTATE_CO_TRY(keys, texts_of(step[1], "scan"));
  MCPSTATE_CO_TRY(next, text_of(step[0], "scan"));
  for (const auto& key : keys) {
    auto named = keys_.parse(key);
    if (!named) continue;
    if (named->field == key_field::servers)
      owners.push_back(std::move(named->owner));
    else if (named->field == key_field::connections)
      unconfirmed.push_back(std::move(named->owner));
  }
  if (!unconfirmed.empty()) {
    batch requests;
    for (const auto& account : unconfirmed) add_to(requests, account).add("EXISTS", keys_.servers(account));
    MCPSTATE_CO_TRY(known, co_await read_all_of(std::move(requests), "scan"));
    for (std::size_t i = 0; i < unconfirmed.size(); ++i) {
      MCPSTATE_CO_TRY(exists, number_of(known[i], "scan"));
      if (exists == 0) owners.push_back(std::move(unconfirmed[i]));
    }
  }
  owner_page page;
  for (auto& account : owners) page.owners.emplace_back(std::move(account));
  if (next != "0") page.cursor = next;
  co_return page;
}

task<std::vector<owner_summary>> redis_store::summaries(std::vector<owner> owners) {
  std::vector<owner_summary> out;
  for (const auto& account : owners) {
    auto records = co_await read_records(account, tools_wanted::no);
    if (!records && records.error().code() == errc::wrong_type) continue;  // doctor reports it
    if (!records) co_return records.error();
    if (records->empty()) continue;
    owner_summary one(account);
    one.records = records->size();
    for (const auto& record : *records) {
      if (record.connected()) ++one.connected;
      if (record.expires_at && (!one.expires_at || *one.expires_at < *record.expires_at)) one.expires_at = record.expires_at;
    }
    out.push_back(std::move(one));
  }
  co_return out;
}

task<store_stats> redis_store::stats(progress_handler progress) {
  store_stats out;
  out.kind = "redis";
  out.where = description();
  const auto& hello = redis_->hello();
  if (hello.server != out.kind) out.version.append(hello.server).append(" ");
  out.version.append(hello.version);
  redis::request about;
  about.add("INFO", "memory");
  batch requests = to_each_server(about);
  MCPSTATE_CO_TRY(info, co_await read_all_of(std::move(requests), "stats"));
  // A user without the right to INFO gets all other counts.
  for (const reply& each : info) {
    const auto text = text_of(each, "stats");
    const auto bytes = text ? used_memory(*text) : std::nullopt;
    if (bytes) out.memory_bytes = out.memory_bytes.value_or(0) + *bytes;
  }
  std::uint64_t seen = 0;
  std::string cursor = "0";
  do {
    std::vector<std::string> all_types;
    MCPSTATE_CO_TRY(step, co_await scan_step(cursor, std::move(all_types)));
    MCPSTATE_CO_TRY(next, text_of(step[0], "stats"));
    std::vector<reply>* keys = &step[1].items;
    MCPSTATE_CO_CHECK(co_await count_page(keys, &out));
    seen += keys->size();
    if (progress) progress(seen, "keys");
    cursor = next;
  } while (cursor != "0");
  co_return out;
}

// Counts owners by their :servers key (or :connections, where a foreign program wrote no other), and records by their status
// key.
task<void> redis_store::count_page(std::vector<reply>* keys, store_stats* out) {
  batch requests;
  std::vector<key_space::parsed> asked;
  for (const auto& key : *keys) {
    auto named = keys_.parse(key.text);
    if (!named) continue;
    request& commands = add_to(requests, named->owner);
    if (commands.commands() == 0) commands.limit_values({max_short_value});
    if (named->field == key_field::status)
      commands.add("GET", key.text);
    else if (named->field == key_field::tools)
      commands.add("STRLEN", key.text);
    else if (named->field == key_field::connections)
      commands.add("EXISTS", keys_.servers(named->owner));
    else if (named->field == key_field::servers)
      commands.add("TYPE", key.text);
    else
      continue;
    asked.push_back(std::move(*named));
  }
  if (asked.empty()) co_return result<void>();
  MCPSTATE_CO_TRY(got, co_await read_all_of(std::move(requests), "stats"));
  for (std::size_t i = 0; i < asked.size(); ++i) MCPSTATE_CO_CHECK(count_key(asked[i], got[i], *out));
  co_return result<void>();
}

}  // namespace mcpstate
