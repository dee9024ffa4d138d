// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "store/redis/doctor/data_survey.hh"
#include "store/redis/store.hh"

namespace mcpstate {

struct acl_right;

// Begins what is said of a key about which the server answers an error.
inline constexpr std::string_view unexamined_text = "could not be examined";

// One run of doctor over a Redis store. It checks the settings of the server, then every key under the prefix. Each owner is
// read in one transaction, so that a healthy system under load shows no fault. The store outlives the examiner.
class redis_examiner {
 public:
  redis_examiner(redis_store& store, bool fix, progress_handler progress)
      : store_(store), fix_(fix), progress_(std::move(progress)) {}

  task<std::vector<finding>> run();

 private:
  using level = finding::level;

  // examine.cpp: the keys
  task<void> walk();
  struct found_key {
    std::string key;
    key_space::parsed named;
  };
  bool check_key(const found_key& one, std::string_view type, std::int64_t left);
  task<void> examine_page(std::vector<std::string> keys);
  // The indexes of managed connections, which belong to no owner.
  struct index_key {
    std::string key;
    std::string_view type;
  };
  // The keys of owners on a page; adds those of indexes to the others.
  std::vector<found_key> sort_keys(const std::vector<std::string>& keys, std::vector<index_key>& indexes);
  task<void> examine_indexes(std::vector<index_key> indexes);
  task<void> examine_tools(std::vector<found_key> keys);
  // The server refuses to tell about a key or record: that is counted as unexamined, and says nothing of what is there. Any
  // other failure is answered, and ends the run.
  result<void> unexamined(const error& cause, const std::string& subject);
  // The same where a wrong type is reported with its key.
  result<void> unless_wrong_type(const error& cause, const std::string& subject);

  // examine_owner.cpp: the records of an owner
  struct members_on_page {
    members_on_page() {}
    std::set<std::string> by_status, by_info;   // members whose status or :info key is on the page
    bool connections = false, servers = false;  // whether these sets are
  };
  task<void> examine_owner(owner account, members_on_page page);
  // What the keys of a member say.
  struct member_facts {
    member_facts() {}
    [[nodiscard]] bool connected() const { return status_word == to_key_text(status::connected); }
    bool sets_readable = false;  // else the two that follow say nothing
    bool in_connections = false, in_servers = false;
    std::optional<std::string> status_word;  // absent where it is no string, too
    std::int64_t left = -2;                  // milliseconds that the status lives; negative as PTTL answers
    bool has_connected_at = false, has_info = false;
    std::string info;
  };
  using member_check = std::function<void(const std::string& member, const member_facts& facts)>;
  task<void> read_members(owner account, std::vector<std::string> members, const member_check* check);
  result<void> check_answers(const owner& account, const std::string& member, const redis::reply* answers,
                             const member_check& check);
  // What a walk of a set finds.
  struct set_walk {
    set_walk() {}
    std::int64_t longest = -1;  // when the last status of a member expires; milliseconds since 1970
    std::uint64_t members = 0;
    std::set<std::string> keyless;  // have neither a status nor an :info
  };
  task<void> examine_set(owner account, key_field field);
  task<void> find_keyless(owner account, std::vector<std::string> members, set_walk* walk);
  void add_member_reads(redis::request& reads, const owner& account, const std::string& member) const;
  void check_member(const owner& account, const std::string& member, const member_facts& facts);
  void check_membership(const owner& account, const std::string& member, const member_facts& facts);
  void check_values(const owner& account, const std::string& member, const member_facts& facts);
  // A set that expires at this moment, `left` from now; longest: when its last member does. Milliseconds.
  void check_set(const owner& account, const std::string& key, std::int64_t expires, std::int64_t left,
                 std::int64_t longest);
  static std::string record_text(const owner& account, const std::string& member);

  // examine_managed.cpp: leases, and the index by which managed connections are found
  task<void> examine_managed();
  task<void> find_index_parts();
  bool check_claim(const std::string& member);
  void check_index_entry(const std::string& key, unsigned shard, const std::string& member);
  task<void> examine_leases(std::vector<std::string> keys);
  task<void> examine_managed_records(owner account);
  task<void> repair_indexes();

  // examine_repair.cpp
  [[nodiscard]] bool has_repairs() const;
  task<void> repair();
  task<void> repair_members(owner account, std::vector<std::string> members, std::int64_t longest);
  task<void> rewrite(owner account, std::string member);
  // Counts one more fault of this check. repair: what --fix does about it; may be empty.
  void count(std::string_view check, level severity, std::string_view text, const std::string& example,
             std::string_view repair = {});
  struct counted {
    counted() {}
    finding found;
    std::string_view repair;
  };
  using counts = std::map<std::string, counted, std::less<>>;
  void report_repairs(const counts& before_repair);
  void add_summary();

  // examine_setup.cpp: the connection, the server, the rights
  task<void> setup();
  task<void> measure_latency();
  void check_access(const std::string& user);
  task<void> check_transactions();
  task<void> check_rights();
  void lacks(const acl_right& one);
  void add(std::string_view check, level severity, std::string text);

  redis_store& store_;
  bool fix_;
  progress_handler progress_;
  std::vector<finding> findings_;
  counts counted_;
  struct owner_repairs {
    owner_repairs() {}
    std::set<std::string> members;  // whose set entries may be wrong; none: only an expiry is missing
    std::set<std::string> rewrite;  // whose :info cannot be read
    std::int64_t longest = 0;       // how long the longest member lives, where a set expires before
  };
  std::map<owner, owner_repairs> to_repair_;
  std::vector<std::string> managed_;         // members of the owner that is examined
  std::unordered_set<std::size_t> indexed_;  // hashes of the entries of the index of managed connections
  std::map<unsigned, std::vector<std::string>> wrong_entries_, waiting_entries_;  // of the index, by part
  std::vector<unsigned> parts_;  // of the index, those that are read
  std::set<std::string> indexes_to_repair_;                                       // without an expiry
  data_survey survey_;
  bool transactions_ = true;    // whether this user may run them
  bool index_readable_ = true;  // whether indexed_ is all of the index
  std::uint64_t keys_seen_ = 0, members_seen_ = 0, records_seen_ = 0, owners_seen_ = 0;
};

}  // namespace mcpstate
