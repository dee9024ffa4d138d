// SPDX-License-Identifier: MIT
// For operators: walking the key space with SCAN. Nothing here runs on behalf of one owner.
#include <charconv>

#include "store/redis_store.hh"

namespace mcpstate {

using redis::reply;
using redis::request;

// Both kinds of owners, and nothing of another prefix. A prefix holds no pattern characters.
std::string redis_store::scan_pattern() const { return keys_.prefix() + ":[us]*"; }

task<std::vector<reply>> redis_store::scan_step(std::string cursor, std::vector<std::string> more_arguments) {
  request ask;
  ask.command(6 + more_arguments.size()).arg("SCAN").arg(cursor).arg("MATCH").arg(scan_pattern());
  ask.arg("COUNT").arg("1000");
  for (const auto& argument : more_arguments) ask.arg(argument);
  auto got = co_await read(std::move(ask), "scan");
  if (!got) co_return got.error();
  reply& answer = got->front();
  if (answer.is_error()) co_return redis::to_error(answer, "scan");
  if (answer.items.size() != 2) co_return error(errc::protocol, "scan: SCAN answers no cursor and keys");
  co_return std::move(answer.items);
}

// An owner is told once, at its :servers key; or at its :connections key where it has no :servers (a foreign program's).
task<owner_page> redis_store::do_scan(std::string cursor) {
  if (cursor.find_first_not_of("0123456789") != std::string::npos || cursor.size() > 20)
    co_return error(errc::bad_argument, "scan: this is no cursor of this store; begin again without one");
  std::vector<std::string> sets_only{"TYPE", "set"};
  if (cursor.empty()) cursor = "0";
  auto step = co_await scan_step(std::move(cursor), std::move(sets_only));
  if (!step) co_return step.error();
  std::vector<owner> owners, maybe;
  for (const auto& key : (*step)[1].items) {
    auto named = keys_.parse(key.text);
    if (!named) continue;
    if (named->field == key_field::servers) owners.push_back(std::move(named->whose));
    else if (named->field == key_field::connections) maybe.push_back(std::move(named->whose));
  }
  if (!maybe.empty()) {
    request ask;
    for (const auto& who : maybe) ask.add("EXISTS", keys_.servers(who));
    auto known = co_await read(std::move(ask), "scan");
    if (!known) co_return known.error();
    for (std::size_t i = 0; i < maybe.size(); ++i)
      if ((*known)[i].integer == 0) owners.push_back(std::move(maybe[i]));
  }
  auto found = co_await summaries(std::move(owners));
  if (!found) co_return found.error();
  owner_page page;
  page.owners = std::move(*found);
  if ((*step)[0].text != "0") page.cursor = (*step)[0].text;
  co_return page;
}

task<std::vector<owner_summary>> redis_store::summaries(std::vector<owner> owners) {
  std::vector<owner_summary> out;
  for (const auto& who : owners) {
    auto records = co_await do_list(who, tools_wanted::no);
    if (!records && records.error().code() == errc::wrong_type) continue;  // doctor tells about it
    if (!records) co_return records.error();
    if (records->empty()) continue;
    owner_summary one(who);
    one.records = records->size();
    for (const auto& record : *records) {
      if (record.connected()) ++one.connected;
      if (record.expires_at && (!one.expires_at || *one.expires_at < *record.expires_at)) one.expires_at = record.expires_at;
    }
    out.push_back(std::move(one));
  }
  co_return out;
}

task<store_stats> redis_store::do_stats(progress_handler progress) {
  store_stats out;
  out.kind = "redis";
  out.where = description();
  const auto& hello = link_.hello();
  if (hello.server != out.kind) out.version = hello.server + ' ';
  out.version += hello.version;
  request about;
  about.add("INFO", "memory");
  auto info = co_await read(std::move(about), "stats");
  if (!info) co_return info.error();
  if (const auto at = info->front().text.find("used_memory:"); at != std::string::npos) {
    std::uint64_t bytes = 0;
    const char* from = info->front().text.data() + at + 12;
    std::from_chars(from, info->front().text.data() + info->front().text.size(), bytes);
    out.memory_bytes = bytes;
  }
  std::uint64_t seen = 0;
  std::string cursor = "0";
  do {
    std::vector<std::string> all_types;
    auto step = co_await scan_step(cursor, std::move(all_types));
    if (!step) co_return step.error();
    request ask;
    std::vector<key_field> asked;
    std::vector<owner> maybe;
    for (const auto& key : (*step)[1].items) {
      auto named = keys_.parse(key.text);
      if (!named) continue;
      const bool user = named->whose.kind() == owner_kind::user;
      if (named->field == key_field::servers) ++(user ? out.users : out.sessions);
      if (named->field == key_field::connections) maybe.push_back(named->whose);
      if (named->field == key_field::status) ask.add("GET", key.text);
      else if (named->field == key_field::tools) ask.add("STRLEN", key.text);
      else continue;
      asked.push_back(named->field);
    }
    const std::size_t values = asked.size();
    for (const auto& who : maybe) ask.add("EXISTS", keys_.servers(who));
    if (ask.commands() > 0) {
      auto got = co_await read(std::move(ask), "stats");
      if (!got) co_return got.error();
      for (std::size_t i = 0; i < values; ++i) {
        const reply& r = (*got)[i];
        if (asked[i] == key_field::tools) out.tools_bytes += static_cast<std::uint64_t>(r.integer);
        else if (r.text == "CONNECTED") ++out.connected;
        else if (r.text == "FAILED") ++out.failed;
        else if (r.is_string()) ++out.disconnected;
      }
      for (std::size_t i = 0; i < maybe.size(); ++i)
        if ((*got)[values + i].integer == 0) ++(maybe[i].kind() == owner_kind::user ? out.users : out.sessions);
    }
    seen += (*step)[1].items.size();
    if (progress) progress(seen, "keys");
    cursor = (*step)[0].text;
  } while (cursor != "0");
  co_return out;
}

}  // namespace mcpstate
