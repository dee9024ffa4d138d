// SPDX-License-Identifier: MIT
#include "store/redis/doctor/examine.hh"

#include <algorithm>
#include <utility>

#include "store/redis/checked_reply.hh"

namespace mcpstate {

using redis::reply;
using redis::request;

namespace {

constexpr std::size_t tools_at_once = 32;  // values in one answer, which bounds the memory

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
    index_readable_ = true;
    survey_ = data_survey();
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
  MCPSTATE_CO_CHECK(co_await find_index_parts());
  std::vector<index_key> fixed;
  fixed.push_back(index_key{store_.keys_.instances(), "hash"});
  if (store_.on_cluster_)
    for (const unsigned part : parts_) fixed.push_back(index_key{store_.managed_key(part), "zset"});
  for (unsigned shard = 0; shard < key_space::index_shards; ++shard)
    fixed.push_back(index_key{store_.keys_.managed(shard), "zset"});
  MCPSTATE_CO_CHECK(co_await examine_indexes(std::move(fixed)));
  MCPSTATE_CO_CHECK(co_await examine_managed());
  std::string cursor = "0";
  do {
    std::vector<std::string> all_types;
    auto step = co_await store_.scan_step(cursor, std::move(all_types));
    if (!step) {
      const error refused(step.error().code(), std::string(unexamined_text) + ": " + step.error().detail(),
                          step.error().peer_text());
      co_return unexamined(refused, store_.scan_pattern());
    }
    MCPSTATE_CO_TRY(next, text_of((*step)[0], "doctor"));
    MCPSTATE_CO_TRY(keys, texts_of((*step)[1], "doctor"));
    keys_seen_ += keys.size();
    MCPSTATE_CO_CHECK(co_await examine_page(std::move(keys)));
    if (progress_) progress_(keys_seen_, "keys");
    cursor = next;
  } while (cursor != "0");
  co_return result<void>();
}

result<void> redis_examiner::unless_wrong_type(const error& cause, const std::string& subject) {
  return cause.code() == errc::wrong_type ? result<void>() : unexamined(cause, subject);
}

result<void> redis_examiner::unexamined(const error& cause, const std::string& subject) {
  if (!is_refusal(cause)) return cause;
  count("unexamined", level::problem, cause.detail(), subject);
  return {};
}

std::vector<redis_examiner::found_key> redis_examiner::sort_keys(const std::vector<std::string>& keys,
                                                                 std::vector<index_key>& indexes) {
  std::vector<found_key> known;
  for (const auto& key : keys) {
    if (auto named = store_.keys_.parse(key)) {
      known.push_back(found_key{key, std::move(*named)});
      continue;
    }
    const auto other = store_.keys_.identify(key);
    if (other && other->kind == key_kind::server_owners)
      indexes.push_back(index_key{key, "set"});
    else if (!other)
      count("unknown_keys", level::note, "keys under the prefix that are not part of the layout; mcpstate ignores them",
            key);
  }
  return known;
}

task<void> redis_examiner::examine_page(std::vector<std::string> keys) {
  std::vector<index_key> indexes;
  const std::vector<found_key> known = sort_keys(keys, indexes);
  MCPSTATE_CO_CHECK(co_await examine_indexes(std::move(indexes)));
  if (known.empty()) co_return result<void>();
  redis_store::batch requests;
  for (const auto& one : known) store_.add_to(requests, one.named.owner).add("TYPE", one.key).add("PTTL", one.key);
  MCPSTATE_CO_TRY(got, co_await store_.read_all_of(std::move(requests), "doctor"));
  std::vector<std::string> leases;
  std::vector<found_key> tools;
  std::map<owner, members_on_page> owners;
  for (std::size_t i = 0; i < known.size(); ++i) {
    const auto type = text_of(got[2 * i], unexamined_text);
    const auto left = number_of(got[2 * i + 1], unexamined_text);
    if (!type || !left) {
      MCPSTATE_CO_CHECK(unexamined(type ? left.error() : type.error(), known[i].key));
      continue;
    }
    if (!check_key(known[i], *type, *left)) continue;
    const auto& named = known[i].named;
    if (named.field == key_field::tools) tools.push_back(known[i]);
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
  redis_store::batch requests;
  for (const auto& one : indexes) store_.add_for_key(requests, one.key).add("TYPE", one.key).add("PTTL", one.key);
  MCPSTATE_CO_TRY(got, co_await store_.read_all_of(std::move(requests), "doctor"));
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    const auto& [key, wanted] = indexes[i];
    const auto type = text_of(got[2 * i], unexamined_text);
    const auto left = number_of(got[2 * i + 1], unexamined_text);
    if (!type || !left) {
      MCPSTATE_CO_CHECK(unexamined(type ? left.error() : type.error(), key));
    } else if (*type != "none" && *type != wanted) {
      count("wrong_type", level::problem, wrong_type, key);
    } else if (*left == -1) {
      count("no_expiry", level::problem, no_expiry, key, "gives them one");
      indexes_to_repair_.insert(key);
    }
  }
  co_return result<void>();
}

// Answers false where no other check applies: the key has expired meanwhile, or holds a wrong type.
bool redis_examiner::check_key(const found_key& one, std::string_view type, std::int64_t left) {
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

task<void> redis_examiner::examine_tools(std::vector<found_key> keys) {
  for (std::size_t first = 0; first < keys.size(); first += tools_at_once) {
    const std::size_t last = std::min(keys.size(), first + tools_at_once);
    redis_store::batch requests;
    for (std::size_t i = first; i < last; ++i) {
      request& commands = store_.add_for_key(requests, keys[i].key);
      if (commands.commands() == 0) commands.limit_values({default_tools_limit});
      commands.add("GET", keys[i].key);
    }
    MCPSTATE_CO_TRY(got, co_await store_.read_all_of(std::move(requests), "doctor"));
    for (std::size_t i = first; i < last; ++i) {
      const reply& value = got[i - first];
      const auto text = text_of(value, unexamined_text);
      if (!text) {
        MCPSTATE_CO_CHECK(unless_wrong_type(text.error(), keys[i].key));
        continue;
      }
      if (value.is_null()) continue;
      survey_.add_tools(keys[i].named.owner.text() + " " + name_of_member(keys[i].named.member).text, *text, value.dropped);
      if (value.dropped > 0)
        count("tools_too_long", level::warning, "tools that are too long to be read; readers see none", keys[i].key);
      else if (!tools_list::parse(std::string(*text)))
        count("tools_not_a_list", level::warning, "tools that are not a JSON array; readers see them as they are",
              keys[i].key);
    }
  }
  co_return result<void>();
}

task<std::vector<finding>> redis_store::examine(bool fix, progress_handler progress) {
  redis_examiner examiner(*this, fix, std::move(progress));
  co_return co_await examiner.run();
}

}  // namespace mcpstate
