// SPDX-License-Identifier: MIT
#include "store/redis/examine.hh"

#include <algorithm>
#include <utility>

namespace mcpstate {

using redis::reply;
using redis::request;

namespace {

constexpr std::size_t tools_at_once = 32;              // values in one answer, which bounds the memory
constexpr auto ghost_grace = std::chrono::seconds(1);  // a foreign program between two of its commands looks like a ghost
constexpr std::size_t per_member = 7;                  // replies about one member in examine_owner

constexpr std::string_view wrong_type = "keys that hold another type than they must; delete or rename them";
constexpr std::string_view no_expiry = "keys without a TTL: they stay for ever";

std::string_view wanted_type(key_field field) {
  return field == key_field::connections || field == key_field::servers ? "set" : "string";
}

}  // namespace

task<std::vector<finding>> redis_examiner::run() {
  MCPSTATE_CO_CHECK(co_await setup());
  MCPSTATE_CO_CHECK(co_await walk());
  if (fix_ && (!to_repair_.empty() || !indexes_to_repair_.empty())) {
    MCPSTATE_CO_CHECK(co_await repair());
    const counts before_repair = std::exchange(counted_, counts());
    keys_seen_ = records_seen_ = owners_seen_ = 0;
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
  std::vector<std::string> tools;
  std::map<owner, members_on_page> owners;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (!check_key(known[i], got[2 * i].text, got[2 * i + 1].integer)) continue;
    const auto& named = known[i].named;
    if (named.field == key_field::tools) tools.push_back(known[i].key);
    if (named.field == key_field::status) owners[named.owner].by_status.insert(named.member);
    if (named.field == key_field::info) owners[named.owner].by_info.insert(named.member);
    if (named.field == key_field::connections) owners[named.owner].connections = true;
    if (named.field == key_field::servers) owners[named.owner].servers = true;
  }
  MCPSTATE_CO_CHECK(co_await examine_tools(std::move(tools)));
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
    auto& members = to_repair_[one.named.owner];
    if (!one.named.member.empty() && one.named.field != key_field::staging) members.insert(one.named.member);
  }
  return true;
}

task<void> redis_examiner::examine_tools(std::vector<std::string> keys) {
  for (std::size_t first = 0; first < keys.size(); first += tools_at_once) {
    const std::size_t last = std::min(keys.size(), first + tools_at_once);
    request commands;
    for (std::size_t i = first; i < last; ++i) commands.add("GET", keys[i]);
    MCPSTATE_CO_TRY(got, co_await store_.read(std::move(commands), "doctor"));
    for (std::size_t i = first; i < last; ++i) {
      reply& value = got[i - first];
      if (value.is_string() && !tools_list::parse(std::move(value.text)))
        count("tools_not_a_list", level::warning, "tools that are not a JSON array; readers see them as they are", keys[i]);
    }
  }
  co_return result<void>();
}

// Reads both sets and the keys of each member in one transaction. Checks only the members of this page, so that each record
// is counted once, however the pages divide an owner.
task<void> redis_examiner::examine_owner(owner account, members_on_page page) {
  const auto& keys = store_.keys_;
  request commands;
  commands.add("SUNION", keys.connections(account), keys.servers(account));
  MCPSTATE_CO_TRY(members, co_await store_.read(std::move(commands), "doctor"));
  if (members.front().is_error()) co_return result<void>();  // a wrong type, which is reported already
  std::set<std::string> all(page.by_status.begin(), page.by_status.end());
  all.insert(page.by_info.begin(), page.by_info.end());
  for (const auto& item : members.front().items) all.insert(item.text);
  request reads;
  reads.add("MULTI").add("PTTL", keys.connections(account)).add("PTTL", keys.servers(account));
  for (const auto& member : all) add_member_reads(reads, account, member);
  reads.add("EXEC");
  MCPSTATE_CO_TRY(got, co_await store_.read(std::move(reads), "doctor"));
  const reply& exec = got.back();
  if (exec.items.size() != 2 + all.size() * per_member) co_return result<void>();  // a wrong type again
  std::int64_t longest = -1;
  const reply* one = &exec.items[2];
  for (const auto& member : all) {
    longest = std::max(longest, one[3].integer);
    const bool in_connections = one[0].integer == 1, status_here = one[2].is_string();
    const bool keyless = !status_here && one[5].integer == 0;
    const bool known = page.by_status.contains(member) || (page.by_info.contains(member) && !status_here) ||
                       (keyless && (in_connections ? page.connections : page.servers));
    if (known) check_member(account, member, one);
    one += per_member;
  }
  if (page.connections) check_set(account, keys.connections(account), exec.items[0].integer, longest);
  if (page.servers) check_set(account, keys.servers(account), exec.items[1].integer, longest);
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

void redis_examiner::check_set(const owner& account, const std::string& key, std::int64_t left, std::int64_t longest) {
  if (left < 0 || left >= longest) return;
  count("set_expires_early", level::problem, "sets that expire before a member does", key, "extends them");
  to_repair_[account];
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
    to_repair_[account].insert(member);
  }
  if (connected && !in_connections) {
    count("not_in_connections", level::problem, "CONNECTED servers that are missing in connections", example, "adds them");
    to_repair_[account].insert(member);
  }
  if (exists && !in_servers) {
    count("not_in_servers", has_info ? level::problem : level::note,
          "records of other programs that mcpstate has not met yet", example, "adopts them");
    to_repair_[account].insert(member);
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
    count("junk_status", level::warning, "a status that is not CONNECTED, DISCONNECTED or FAILED", example);
  if (name_of_member(member).foreign)
    count("foreign_names", level::note, "names that another program wrote unencoded; shown as they are", example);
  if (has_info && (!decode_info(answers[6].text) || !has_info_head(answers[6].text)))
    count("junk_info", level::warning, ":info values that cannot be read; the documented keys still count", example);
}

// A foreign program may be between two of its commands: it may add a name to connections before it writes the status. The
// repair script therefore checks a suspected ghost again after a second, and removes it only if it still is one.
task<void> redis_examiner::repair() {
  if (!indexes_to_repair_.empty()) {
    request expiries;
    const auto expiry =
        std::chrono::floor<std::chrono::milliseconds>(store_.now() + store_.options().ttl).time_since_epoch();
    for (const auto& key : indexes_to_repair_) expiries.add("PEXPIREAT", key, static_cast<std::int64_t>(expiry.count()));
    MCPSTATE_CO_CHECK(co_await store_.write(std::move(expiries), "doctor"));
  }
  if (to_repair_.empty()) co_return result<void>();
  co_await aio::wait_until(aio::after(ghost_grace));
  for (const auto& [account, members] : to_repair_) {
    MCPSTATE_CO_TRY(names, co_await store_.read_member_names(account, "doctor"));
    std::set<std::string> all(names.begin(), names.end());
    all.insert(members.begin(), members.end());
    script_call call(redis_scripts::script_id::repair);
    call.key(store_.keys_.connections(account)).key(store_.keys_.servers(account));
    call.argument(store_.options().ttl).argument(members.size());
    for (const auto& member : members) call.argument(member);
    for (const auto& member : all) store_.declare(call, account, member, redis_store::declared_keys::record_and_lease);
    request nothing_before;
    auto answer = co_await store_.run_for(account, std::move(call), redis_store::declared_keys::record_and_lease,
                                          std::move(nothing_before), "doctor");
    if (!answer && answer.error().code() == errc::wrong_type) continue;
    if (!answer && !answer.error().is(cond::conflict)) co_return answer.error();  // after a conflict the next run repairs it
  }
  co_return result<void>();
}

// Reports the faults that were found before the repair and not after it.
void redis_examiner::report_repairs(const counts& before_repair) {
  for (const auto& [check, before] : before_repair) {
    const auto now = counted_.find(check);
    finding f = before.found;
    if (now != counted_.end()) {
      if (now->second.found.count >= f.count) continue;
      f.count -= now->second.found.count;
      const auto& still = now->second.found.examples;
      std::erase_if(f.examples, [&](const auto& e) { return std::find(still.begin(), still.end(), e) != still.end(); });
    }
    if (f.severity == level::note && before.repair.empty()) continue;  // notes change without a repair
    f.severity = level::repaired;
    findings_.push_back(std::move(f));
  }
}

void redis_examiner::add_summary() {
  bool clean = true;
  for (auto& [check, one] : counted_) {
    finding& f = one.found;
    if (!one.repair.empty()) f.text.append(" (--fix ").append(one.repair).append(")");
    clean = clean && f.severity == level::note;
    findings_.push_back(std::move(f));
  }
  finding f;
  f.check = "records";
  f.severity = level::ok;
  f.count = records_seen_;
  f.text = "records of " + std::to_string(owners_seen_) + " owners in " + std::to_string(keys_seen_) + " keys" +
           (clean ? "; every invariant holds" : "");
  findings_.push_back(std::move(f));
}

task<std::vector<finding>> redis_store::examine(bool fix, progress_handler progress) {
  redis_examiner examiner(*this, fix, std::move(progress));
  co_return co_await examiner.run();
}

}  // namespace mcpstate
