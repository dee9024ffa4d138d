// SPDX-License-Identifier: MIT
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "store/redis/store.hh"

namespace mcpstate {

// One run of doctor over a Redis store: how the server is set up, then every key of ours. Lives as long as the run; the
// store outlives it. Each owner is looked at in one transaction, so that a healthy system under load shows no fault.
class redis_examiner {
 public:
  redis_examiner(redis_store& on, bool fix, progress_handler progress)
      : store_(on), fix_(fix), progress_(std::move(progress)) {}

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
  bool judge_key(const found_key& one, const std::string& type, std::int64_t left);
  task<void> look_at_page(const std::vector<redis::reply>* keys);
  // The indexes of managed connections, which belong to no owner.
  struct index_key {
    std::string key;
    std::string_view type;
  };
  task<void> look_at_indexes(std::vector<index_key> indexes);
  task<void> look_at_tools(std::vector<std::string> keys);
  struct seen_on_page {
    seen_on_page() {}
    std::set<std::string> by_status, by_info;  // members whose status, :info was met
    bool connections = false, servers = false;
  };
  task<void> look_at_owner(owner who, seen_on_page seen);
  void add_member_reads(redis::request& look, const owner& who, const std::string& member) const;
  void judge_member(const owner& who, const std::string& member, const redis::reply* answers);
  void judge_set(const owner& who, const std::string& key, std::int64_t left, std::int64_t longest);
  task<void> repair();
  // One more of that kind; `cure` is what --fix does about it, if anything.
  void count(std::string_view check, level how_bad, std::string_view text, const std::string& example,
             std::string_view cure = {});
  struct counted {
    counted() {}
    finding found;
    std::string_view cure;
  };
  using counts = std::map<std::string, counted, std::less<>>;
  void tell_repairs(const counts& met);
  void sum_up();

  // examine_setup.cpp: the server
  task<void> setup();
  void judge_server(const info_map& info);
  void judge_persistence(const info_map& info, bool never_saves);
  void judge_memory(const info_map& info);
  void judge_access(const std::string& user);
  void add(std::string_view check, level how_bad, std::string text);

  redis_store& store_;
  bool fix_;
  progress_handler progress_;
  std::vector<finding> findings_;
  counts counted_;
  std::map<owner, std::set<std::string>> to_repair_;  // members that may be ghosts or strays; empty: only expiry is missing
  std::set<std::string> indexes_to_repair_;           // whose expiry is missing
  std::uint64_t keys_seen_ = 0, records_seen_ = 0, owners_seen_ = 0;
};

}  // namespace mcpstate
