// SPDX-License-Identifier: MIT
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "store/redis/store.hh"

namespace mcpstate {

// One run of doctor over a Redis store. It checks the settings of the server, then every key under the prefix. Each owner is
// read in one transaction, so that a healthy system under load shows no fault. The store outlives the examiner.
class redis_examiner {
 public:
  redis_examiner(redis_store& store, bool fix, progress_handler progress)
      : store_(store), fix_(fix), progress_(std::move(progress)) {}

  task<std::vector<finding>> run();

 private:
  using level = finding::level;
  using info_map = std::map<std::string, std::string, std::less<>>;

  // examine.cpp: the keys
  task<void> walk();
  struct found_key {
    std::string key;
    key_space::parsed named;
  };
  bool check_key(const found_key& one, const std::string& type, std::int64_t left);
  task<void> examine_page(const std::vector<redis::reply>* keys);
  // The indexes of managed connections, which belong to no owner.
  struct index_key {
    std::string key;
    std::string_view type;
  };
  task<void> examine_indexes(std::vector<index_key> indexes);
  task<void> examine_tools(std::vector<std::string> keys);
  struct members_on_page {
    members_on_page() {}
    std::set<std::string> by_status, by_info;   // members whose status or :info key is on the page
    bool connections = false, servers = false;  // whether these sets are
  };
  task<void> examine_owner(owner account, members_on_page page);
  void add_member_reads(redis::request& reads, const owner& account, const std::string& member) const;
  void check_member(const owner& account, const std::string& member, const redis::reply* answers);
  void check_set(const owner& account, const std::string& key, std::int64_t left, std::int64_t longest);
  task<void> repair();
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

  // examine_setup.cpp: the server
  task<void> setup();
  void check_server(const info_map& info);
  void check_persistence(const info_map& info, bool never_saves);
  void check_memory(const info_map& info);
  void check_access(const std::string& user);
  void add(std::string_view check, level severity, std::string text);

  redis_store& store_;
  bool fix_;
  progress_handler progress_;
  std::vector<finding> findings_;
  counts counted_;
  // The members whose set entries may be wrong; none: only an expiry is missing.
  std::map<owner, std::set<std::string>> to_repair_;
  std::set<std::string> indexes_to_repair_;  // without an expiry
  std::uint64_t keys_seen_ = 0, records_seen_ = 0, owners_seen_ = 0;
};

}  // namespace mcpstate
