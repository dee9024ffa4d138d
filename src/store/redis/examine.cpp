// SPDX-License-Identifier: MIT
#include "store/redis/examine.hh"

#include <algorithm>
#include <utility>

namespace mcpstate {

using redis::reply;
using redis::request;

namespace {

constexpr std::size_t tools_at_once = 32;     // values in one answer, which bounds the memory
constexpr std::size_t members_at_once = 128;  // of one owner, in one transaction; bounds the memory, too
constexpr std::size_t per_member = 7;         // replies about one member

constexpr std::string_view wrong_type = "keys that hold another type than they must; delete or rename them";
constexpr std::string_view no_expiry = "keys without a TTL: they stay for ever";

std::string_view wanted_type(key_field field) {
  return field == key_field::connections || field == key_field::servers ? "set" : "string";
}

}  // namespace

task<std::vector<finding>> redis_examiner::run() {
  MCPSTATE_CO_CHECK(co_await setup());
  MCPSTATE_CO_CHECK(co_await walk());
  if (fix_ && has_repairs()) {
    MCPSTATE_CO_CHECK(co_await repair());
    const counts before_repair = std::exchange(counted_, counts());
    keys_seen_ = records_seen_ = owners_seen_ = 0;
    indexed_.clear();
    MCPSTATE_CO_CHECK(co_await walk());
    report_repairs(before_repair);
  }
  add_summary();
  co_return std::move(findings_);
}

void redis_examiner::count(std::string_view check, level severity, std::string_view text, const std::string& example,
                           std::string_view repair) {
  auto entry = counted_.find(check);
  if (entry == counted_.end()) {
    counted one;
    one.found.check = check;
    one.found.severity = severity;
    one.found.text = text;
    one.repair = repair;
    entry = counted_.emplace(std::string(check), std::move(one)).first;
  }
  ++entry->second.found.count;
  auto& examples = entry->second.found.examples;
  if (examples.size() < 5 && std::find(examples.begin(), examples.end(), example) == examples.end())
    examples.push_back(example);
}

task<void> redis_examiner::walk() {
  std::vector<index_key> fixed;
  fixed.push_back(index_key{store_.keys_.instances(), "hash"});
  for (unsigned shard = 0; shard < key_space::index_shards; ++shard)
    fixed.push_back(index_key{store_.keys_.managed(shard), "zset"});
  MCPSTATE_CO_CHECK(co_await examine_indexes(std::move(fixed)));
  MCPSTATE_CO_CHECK(co_await examine_managed());
  std::string cursor = "0";
  do {
    std::vector<std::string> all_types;
    MCPSTATE_CO_TRY(step, co_await store_.scan_step(cursor, std::move(all_types)));
    const std::vector<reply>* keys = &step[1].items;
    MCPSTATE_CO_CHECK(co_await examine_page(keys));
    keys_seen_ += keys->size();
    if (progress_) progress_(keys_seen_, "keys");
    cursor = step[0].text;
  } while (cursor != "0");
  co_return result<void>();
}

task<void> redis_examiner::examine_page(const std::vector<reply>* keys) {
  std::vector<found_key> known;
  std::vector<index_key> indexes;
  request commands;
  for (const auto& key : *keys) {
    auto named = store_.keys_.parse(key.text);
    if (!named) {
      const auto other = store_.keys_.identify(key.text);
      if (other && other->kind == key_kind::server_owners)
        indexes.push_back(index_key{key.text, "set"});
      else if (!other)
        count("unknown_keys", level::note, "keys under the prefix that are not part of the layout; mcpstate ignores them",
              key.text);
      continue;
    }
    commands.add("TYPE", key.text).add("PTTL", key.text);
    known.push_back(found_key{key.text, std::move(*named)});
  }
  MCPSTATE_CO_CHECK(co_await examine_indexes(std::move(indexes)));
  if (known.empty()) co_return result<void>();
  MCPSTATE_CO_TRY(got, co_await store_.read(std::move(commands), "doctor"));
  std::vector<std::string> tools, leases;
  std::map<owner, members_on_page> owners;
  for (std::size_t i = 0; i < known.size(); ++i) {
    for (const reply* r : {&got[2 * i], &got[2 * i + 1]})
      if (r->is_error()) co_return redis::to_error(*r, "doctor");
    if (!check_key(known[i], got[2 * i].text, got[2 * i + 1].integer)) continue;
    const auto& named = known[i].named;
    if (named.field == key_field::tools) tools.push_back(known[i].key);
    if (named.field == key_field::lease) leases.push_back(known[i].key);
    if (named.field == key_field::status) owners[named.owner].by_status.insert(named.member);
    if (named.field == key_field::info) owners[named.owner].by_info.insert(named.member);
    if (named.field == key_field::connections) owners[named.owner].connections = true;
    if (named.field == key_field::servers) owners[named.owner].servers = true;
  }
  MCPSTATE_CO_CHECK(co_await examine_tools(std::move(tools)));
  MCPSTATE_CO_CHECK(co_await examine_leases(std::move(leases)));
  for (auto& [account, page] : owners) {
    if (page.servers) ++owners_seen_;
    MCPSTATE_CO_CHECK(co_await examine_owner(account, std::move(page)));
  }
  co_return result<void>();
}

task<void> redis_examiner::examine_indexes(std::vector<index_key> indexes) {
  if (indexes.empty()) co_return result<void>();
  request commands;
  for (const auto& one : indexes) commands.add("TYPE", one.key).add("PTTL", one.key);
  MCPSTATE_CO_TRY(got, co_await store_.read(std::move(commands), "doctor"));
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    const auto& [key, wanted] = indexes[i];
    for (const reply* r : {&got[2 * i], &got[2 * i + 1]})
      if (r->is_error()) co_return redis::to_error(*r, "doctor");
    const std::string& type = got[2 * i].text;
    if (type == "none") continue;
    if (type != wanted) {
      count("wrong_type", level::problem, wrong_type, key);
    } else if (got[2 * i + 1].integer == -1) {
      count("no_expiry", level::problem, no_expiry, key, "gives them one");
      indexes_to_repair_.insert(key);
    }
  }
  co_return result<void>();
}

// Answers false where no other check applies: the key has expired meanwhile, or holds a wrong type.
bool redis_examiner::check_key(const found_key& one, const std::string& type, std::int64_t left) {
  if (type == "none") return false;
  if (type != wanted_type(one.named.field)) {
    count("wrong_type", level::problem, wrong_type, one.key);
    return false;
  }
  if (left == -1) {
    count("no_expiry", level::problem, no_expiry, one.key, "gives them one");
    auto& members = to_repair_[one.named.owner].members;
    if (!one.named.member.empty() && one.named.field != key_field::staging) members.insert(one.named.member);
  }
  return true;
}

task<void> redis_examiner::examine_tools(std::vector<std::string> keys) {
  for (std::size_t first = 0; first < keys.size(); first += tools_at_once) {
    const std::size_t last = std::min(keys.size(), first + tools_at_once);
    request commands;
    commands.limit_values({default_tools_limit});
    for (std::size_t i = first; i < last; ++i) commands.add("GET", keys[i]);
    MCPSTATE_CO_TRY(got, co_await store_.read(std::move(commands), "doctor"));
    for (std::size_t i = first; i < last; ++i) {
      reply& value = got[i - first];
      if (value.dropped > 0)
        count("tools_too_long", level::warning, "tools that are too long to be read; readers see none", keys[i]);
      else if (value.is_string() && !tools_list::parse(std::move(value.text)))
        count("tools_not_a_list", level::warning, "tools that are not a JSON array; readers see them as they are", keys[i]);
    }
  }
  co_return result<void>();
}

// Checks the members of this page, so that each record is counted once, however the pages divide an owner. Names in a set
// that have no keys are checked with their set.
task<void> redis_examiner::examine_owner(owner account, members_on_page page) {
  std::vector<std::string> members(page.by_status.begin(), page.by_status.end());
  for (const auto& member : page.by_info)
    if (!page.by_status.contains(member)) members.push_back(member);
  const auto check = [&](const std::string& member, const reply* answers) {
    if (page.by_status.contains(member) || !answers[2].is_string()) check_member(account, member, answers);
  };
  const member_check on_page = check;
  MCPSTATE_CO_CHECK(co_await read_members(account, std::move(members), &on_page));
  MCPSTATE_CO_CHECK(co_await examine_managed_records(account));
  if (page.connections) MCPSTATE_CO_CHECK(co_await examine_set(account, key_field::connections));
  if (page.servers) MCPSTATE_CO_CHECK(co_await examine_set(account, key_field::servers));
  co_return result<void>();
}

// Reads the keys of these members, those of each member in one transaction. check outlives the call.
task<void> redis_examiner::read_members(owner account, std::vector<std::string> members, const member_check* check) {
  for (std::size_t first = 0; first < members.size(); first += members_at_once) {
    const std::size_t last = std::min(members.size(), first + members_at_once);
    request reads;
    reads.limit_values({0, 0, max_short_value, 0, 0, 0, max_info_bytes});
    reads.add("MULTI");
    for (std::size_t i = first; i < last; ++i) add_member_reads(reads, account, members[i]);
    reads.add("EXEC");
    MCPSTATE_CO_TRY(got, co_await store_.read(std::move(reads), "doctor"));
    const reply& exec = got.back();
    if (exec.is_error()) co_return redis::to_error(exec, "doctor");
    if (exec.items.size() != (last - first) * per_member) continue;
    for (std::size_t i = first; i < last; ++i) (*check)(members[i], &exec.items[(i - first) * per_member]);
  }
  co_return result<void>();
}

// Walks one of an owner's two sets: names without a record, and whether the set outlives its members.
task<void> redis_examiner::examine_set(owner account, key_field field) {
  const bool is_connections = field == key_field::connections;
  const auto key = is_connections ? store_.keys_.connections(account) : store_.keys_.servers(account);
  std::int64_t longest = -1;
  std::set<std::string> keyless;
  std::string cursor = "0";
  do {
    request commands;
    commands.add("SSCAN", key, cursor, "COUNT", "1000");
    MCPSTATE_CO_TRY(got, co_await store_.read(std::move(commands), "doctor"));
    reply& step = got.front();
    if (step.is_error() || step.items.size() != 2) co_return result<void>();  // a wrong type, which is reported already
    const std::vector<reply>* members = &step.items[1].items;
    MCPSTATE_CO_CHECK(co_await find_keyless(account, members, &longest, &keyless));
    members_seen_ += members->size();
    if (progress_ && members->size() >= members_at_once) progress_(keys_seen_ + members_seen_, "keys");
    cursor = step.items[0].text;
  } while (cursor != "0");
  request expiry;
  expiry.add("PEXPIRETIME", key).add("PTTL", key);
  MCPSTATE_CO_TRY(set, co_await store_.read(std::move(expiry), "doctor"));
  check_set(account, key, set[0].integer, set[1].integer, longest);
  const auto check = [&](const std::string& member, const reply* answers) {
    const bool still = !answers[2].is_string() && answers[5].integer == 0;
    const bool here = (answers[0].integer == 1) == is_connections;  // a name in both sets counts with connections
    if (still && here) check_member(account, member, answers);
  };
  const member_check without_record = check;
  std::vector<std::string> names(keyless.begin(), keyless.end());
  co_return co_await read_members(account, std::move(names), &without_record);
}

// Adds the members that have neither a status nor an :info. longest: when the last status expires. Moments, not what is left of them:
// the set is read later than its members.
task<void> redis_examiner::find_keyless(owner account, const std::vector<reply>* members, std::int64_t* longest,
                                        std::set<std::string>* keyless) {
  if (members->empty()) co_return result<void>();
  request commands;
  for (const auto& member : *members)
    commands.add("PEXPIRETIME", store_.keys_.server_key(account, member.text, key_field::status))
        .add("EXISTS", store_.keys_.server_key(account, member.text, key_field::info));
  MCPSTATE_CO_TRY(got, co_await store_.read(std::move(commands), "doctor"));
  for (std::size_t i = 0; i < members->size(); ++i) {
    const auto& expires = got[2 * i];
    *longest = std::max(*longest, expires.integer);
    if (expires.integer == -2 && got[2 * i + 1].integer == 0) keyless->insert((*members)[i].text);
  }
  co_return result<void>();
}

void redis_examiner::add_member_reads(request& reads, const owner& account, const std::string& member) const {
  const auto& keys = store_.keys_;
  reads.add("SISMEMBER", keys.connections(account), member).add("SISMEMBER", keys.servers(account), member);
  reads.add("GET", keys.server_key(account, member, key_field::status));
  reads.add("PTTL", keys.server_key(account, member, key_field::status));
  reads.add("EXISTS", keys.server_key(account, member, key_field::connected_at));
  reads.add("EXISTS", keys.server_key(account, member, key_field::info));
  reads.add("GET", keys.server_key(account, member, key_field::info));
}

void redis_examiner::check_set(const owner& account, const std::string& key, std::int64_t expires, std::int64_t left,
                               std::int64_t longest) {
  if (expires < 0 || expires >= longest) return;
  count("set_expires_early", level::problem, "sets that expire before a member does", key, "extends them");
  auto& repairs = to_repair_[account];
  repairs.longest = std::max(repairs.longest, longest - (expires - left));
}

void redis_examiner::check_member(const owner& account, const std::string& member, const reply* answers) {
  const bool in_connections = answers[0].integer == 1, in_servers = answers[1].integer == 1;
  const std::string example = account.text() + " " + name_of_member(member).text;
  const std::string status_word = answers[2].is_string() ? answers[2].text : std::string();
  const bool connected = status_word == "CONNECTED", has_info = answers[5].integer == 1;
  const bool exists = answers[2].is_string() || has_info;
  if (exists) ++records_seen_;
  if (in_connections && !connected) {
    count("ghosts", level::problem, "names in connections whose status is not CONNECTED", example, "removes them");
    to_repair_[account].members.insert(member);
  }
  if (connected && !in_connections) {
    count("not_in_connections", level::problem, "CONNECTED servers that are missing in connections", example, "adds them");
    to_repair_[account].members.insert(member);
  }
  if (exists && !in_servers) {
    count("not_in_servers", has_info ? level::problem : level::note,
          "records of other programs that mcpstate has not met yet", example, "adopts them");
    to_repair_[account].members.insert(member);
  }
  if (in_servers && !exists && !in_connections) {
    count("expired_names", level::note, "names whose record has expired; they go with their set", example);
  }
  if (connected && answers[4].integer == 0)
    count("no_connected_at", level::warning, "CONNECTED servers without connected_at; another program left it out", example);
  if (answers[4].integer == 1 && !connected)
    count("stale_connected_at", level::warning, "connected_at of servers that are not CONNECTED; readers ignore it",
          example);
  if (!status_word.empty() && !status_from_text(status_word))
    count("junk_status", level::warning,
          "a status that is not CONNECTED, DISCONNECTED or FAILED: it is unknown until somebody writes one", example);
  if (name_of_member(member).foreign)
    count("foreign_names", level::note, "names that another program wrote unencoded; shown as they are", example);
  if (!has_info) return;
  const auto info = revision_of_info(answers[6].text) ? decode_info(answers[6].text) : std::nullopt;
  if (!info) {
    count("junk_info", level::warning, ":info values that cannot be read; the documented keys still count", example,
          "writes them anew");
    if (!status_word.empty() && status_from_text(status_word)) to_repair_[account].rewrite.insert(member);
  } else if (info->info.managed && status_word != to_key_text(status::disconnected)) {
    managed_.push_back(member);
  } else if (info->info.managed && info->state == status::connecting) {
    managed_.push_back(member);
  }
}

task<std::vector<finding>> redis_store::examine(bool fix, progress_handler progress) {
  redis_examiner examiner(*this, fix, std::move(progress));
  co_return co_await examiner.run();
}

}  // namespace mcpstate
