// SPDX-License-Identifier: MIT
// The part of doctor that checks the records of an owner.
#include <algorithm>
#include <utility>

#include "store/redis/checked_reply.hh"
#include "store/redis/doctor/examine.hh"

namespace mcpstate {

using redis::reply;
using redis::request;

namespace {

constexpr std::size_t members_at_once = 128;  // of one owner, in one transaction; bounds the memory, too
constexpr std::size_t per_member = 7;         // replies about one member

// Reads the replies about one member one after the other; remembers the first refusal.
class member_reader {
 public:
  explicit member_reader(const reply* answers) : next_(answers) {}

  // Absent: the key is of a wrong type, which is reported with the key.
  std::optional<std::int64_t> number() { return value(number_of(*next_++, unexamined_text)); }
  // Absent also where the key does not exist.
  std::optional<std::string> text() {
    const bool is_null = next_->is_null();
    const auto got = value(text_of(*next_++, unexamined_text));
    if (!got || is_null) return std::nullopt;
    return std::string(*got);
  }
  [[nodiscard]] const std::optional<error>& refused() const { return refused_; }

 private:
  template <class T>
  std::optional<T> value(const result<T>& got) {
    if (got) return *got;
    if (!refused_ && got.error().code() != errc::wrong_type) refused_ = got.error();
    return std::nullopt;
  }

  const reply* next_;
  std::optional<error> refused_;
};

}  // namespace

// Checks the members of this page, so that each record is counted once, however the pages divide an owner. Names in a set
// that have no keys are checked with their set.
task<void> redis_examiner::examine_owner(owner account, members_on_page page) {
  std::vector<std::string> members(page.by_status.begin(), page.by_status.end());
  for (const auto& member : page.by_info)
    if (!page.by_status.contains(member)) members.push_back(member);
  const auto check = [&](const std::string& member, const member_facts& facts) {
    if (page.by_status.contains(member) || !facts.status_word) check_member(account, member, facts);
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
    if (!transactions_) {
      const error refused(errc::auth_failed, std::string(unexamined_text) + ": this user may not run transactions");
      for (std::size_t i = first; i < last; ++i) MCPSTATE_CO_CHECK(unexamined(refused, record_text(account, members[i])));
      continue;
    }
    request reads;
    reads.limit_values({0, 0, max_short_value, 0, 0, 0, max_info_bytes});
    reads.add("MULTI");
    for (std::size_t i = first; i < last; ++i) add_member_reads(reads, account, members[i]);
    reads.add("EXEC");
    MCPSTATE_CO_TRY(got, co_await store_.read(store_.route_of(account), std::move(reads), "doctor"));
    const reply& exec = got.back();
    const bool whole = !exec.is_error() && exec.items.size() == (last - first) * per_member;
    // Of a transaction that is refused the first refusal says why, and EXEC only that there was one.
    const auto refused = std::find_if(got.begin(), got.end(), [](const reply& r) { return r.is_error(); });
    if (!whole && refused == got.end()) continue;
    for (std::size_t i = first; i < last; ++i) {
      if (whole) {
        MCPSTATE_CO_CHECK(check_answers(account, members[i], &exec.items[(i - first) * per_member], *check));
      } else {
        MCPSTATE_CO_CHECK(unexamined(redis::to_error(*refused, unexamined_text), record_text(account, members[i])));
      }
    }
  }
  co_return result<void>();
}

std::string redis_examiner::record_text(const owner& account, const std::string& member) {
  return account.text() + " " + name_of_member(member).text;
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

// answers: in the order of add_member_reads.
result<void> redis_examiner::check_answers(const owner& account, const std::string& member, const reply* answers,
                                           const member_check& check) {
  member_reader read(answers);
  member_facts facts;
  const auto in_connections = read.number(), in_servers = read.number();
  facts.sets_readable = in_connections && in_servers;
  facts.in_connections = in_connections == 1;
  facts.in_servers = in_servers == 1;
  facts.status_word = read.text();
  facts.left = read.number().value_or(-2);
  facts.has_connected_at = read.number() == 1;
  facts.has_info = read.number() == 1;
  facts.info = read.text().value_or(std::string());
  if (read.refused()) return unexamined(*read.refused(), record_text(account, member));
  check(member, facts);
  return {};
}

// Walks one of an owner's two sets: names without a record, and whether the set outlives its members.
task<void> redis_examiner::examine_set(owner account, key_field field) {
  const bool is_connections = field == key_field::connections;
  const auto key = is_connections ? store_.keys_.connections(account) : store_.keys_.servers(account);
  set_walk walk;
  std::string cursor = "0";
  do {
    request commands;
    commands.add("SSCAN", key, cursor, "COUNT", "1000");
    MCPSTATE_CO_TRY(got, co_await store_.read(store_.route_of(account), std::move(commands), "doctor"));
    auto step = scanned_of(got.front(), unexamined_text);
    if (!step) co_return unless_wrong_type(step.error(), key);
    walk.members += step->found.size();
    cursor = step->cursor;
    set_walk* const into = &walk;
    MCPSTATE_CO_CHECK(co_await find_keyless(account, std::move(step->found), into));
    if (progress_ && walk.members >= members_at_once) progress_(keys_seen_ + members_seen_ + walk.members, "keys");
  } while (cursor != "0");
  members_seen_ += walk.members;
  if (!is_connections) survey_.add_owner(account.text(), walk.members);
  request expiry;
  expiry.add("PEXPIRETIME", key).add("PTTL", key);
  MCPSTATE_CO_TRY(got, co_await store_.read(store_.route_of(account), std::move(expiry), "doctor"));
  const auto expires = number_of(got[0], unexamined_text), left = number_of(got[1], unexamined_text);
  if (!expires || !left) co_return unexamined(expires ? left.error() : expires.error(), key);
  check_set(account, key, *expires, *left, walk.longest);
  const auto check = [&](const std::string& member, const member_facts& facts) {
    const bool still = !facts.status_word && !facts.has_info;
    const bool here = facts.in_connections == is_connections;  // a name in both sets counts with connections
    if (still && here) check_member(account, member, facts);
  };
  const member_check without_record = check;
  std::vector<std::string> names(walk.keyless.begin(), walk.keyless.end());
  co_return co_await read_members(account, std::move(names), &without_record);
}

// Adds the members that have neither a status nor an :info, and notes when the last status expires: a moment, not what is
// left of it, since the set is read later than its members.
task<void> redis_examiner::find_keyless(owner account, std::vector<std::string> members, set_walk* walk) {
  if (members.empty()) co_return result<void>();
  request commands;
  for (const auto& member : members)
    commands.add("PEXPIRETIME", store_.keys_.server_key(account, member, key_field::status))
        .add("EXISTS", store_.keys_.server_key(account, member, key_field::info));
  MCPSTATE_CO_TRY(got, co_await store_.read(store_.route_of(account), std::move(commands), "doctor"));
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto expires = number_of(got[2 * i], unexamined_text), exists = number_of(got[2 * i + 1], unexamined_text);
    if (!expires || !exists) {
      MCPSTATE_CO_CHECK(unexamined(expires ? exists.error() : expires.error(), record_text(account, members[i])));
      continue;
    }
    walk->longest = std::max(walk->longest, *expires);
    if (*expires == -2 && *exists == 0) walk->keyless.insert(std::move(members[i]));
  }
  co_return result<void>();
}

void redis_examiner::check_set(const owner& account, const std::string& key, std::int64_t expires, std::int64_t left,
                               std::int64_t longest) {
  if (expires < 0 || expires >= longest) return;
  count("set_expires_early", level::problem, "sets that expire before a member does", key, "extends them");
  auto& repairs = to_repair_[account];
  repairs.longest = std::max(repairs.longest, longest - (expires - left));
}

void redis_examiner::check_member(const owner& account, const std::string& member, const member_facts& facts) {
  const std::string example = record_text(account, member);
  const bool exists = facts.status_word || facts.has_info;
  if (exists) {
    ++records_seen_;
    survey_.add_record(example, facts.info.size(), facts.left);
  }
  if (facts.sets_readable) check_membership(account, member, facts);
  check_values(account, member, facts);
  if (name_of_member(member).foreign)
    count("foreign_names", level::note, "names that another program wrote unencoded; shown as they are", example);
}

void redis_examiner::check_membership(const owner& account, const std::string& member, const member_facts& facts) {
  const std::string example = record_text(account, member);
  const bool connected = facts.connected(), exists = facts.status_word || facts.has_info;
  if (facts.in_connections && !connected) {
    count("ghosts", level::problem, "names in connections whose status is not CONNECTED", example, "removes them");
    to_repair_[account].members.insert(member);
  }
  if (connected && !facts.in_connections) {
    count("not_in_connections", level::problem, "CONNECTED servers that are missing in connections", example, "adds them");
    to_repair_[account].members.insert(member);
  }
  if (exists && !facts.in_servers) {
    count("not_in_servers", facts.has_info ? level::problem : level::note,
          "records of other programs that mcpstate has not met yet", example, "adopts them");
    to_repair_[account].members.insert(member);
  }
  if (facts.in_servers && !exists && !facts.in_connections)
    count("expired_names", level::note, "names whose record has expired; they go with their set", example);
}

void redis_examiner::check_values(const owner& account, const std::string& member, const member_facts& facts) {
  const std::string example = record_text(account, member);
  if (facts.connected() && !facts.has_connected_at)
    count("no_connected_at", level::warning, "CONNECTED servers without connected_at; another program left it out", example);
  if (facts.has_connected_at && !facts.connected())
    count("stale_connected_at", level::warning, "connected_at of servers that are not CONNECTED; readers ignore it",
          example);
  const bool junk_status = facts.status_word && !facts.status_word->empty() && !status_from_text(*facts.status_word);
  if (junk_status)
    count("junk_status", level::warning,
          "a status that is not CONNECTED, DISCONNECTED or FAILED: it is unknown until somebody writes one", example);
  if (!facts.has_info) return;
  const auto info = revision_of_info(facts.info) ? decode_info(facts.info) : std::nullopt;
  const std::string status_word = facts.status_word.value_or(std::string());
  if (!info) {
    count("junk_info", level::warning, ":info values that cannot be read; the documented keys still count", example,
          "writes them anew");
    if (!status_word.empty() && !junk_status) to_repair_[account].rewrite.insert(member);
  } else if (info->info.managed && (status_word != to_key_text(status::disconnected) || info->state == status::connecting)) {
    managed_.push_back(member);
  }
}

}  // namespace mcpstate
