// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/redis/store.hh"

namespace mcpstate {

// One search for managed connections without a lease. It puts wrong index entries right where it finds them: one that stands
// in a wrong part is moved or removed, one whose lease runs gets the time of the lease, one that names no connection is
// removed. The store outlives it. Used once.
class unheld_search {
 public:
  explicit unheld_search(redis_store& store);
  // Fills managed, unheld and faults. Connections with a record come first.
  task<void> run(fleet* out);

 private:
  struct part {
    std::size_t passed = 0;          // entries in front of the next page
    std::size_t offered_before = 0;  // of those, the ones that will be there in the next beat, too
    bool more = true;
    bool at_end = false;   // the next page is the first one
    bool wrapped = false;  // it has been
  };
  struct entry {
    entry(unsigned part_number, std::string text) : part(part_number), member(std::move(text)) {}
    unsigned part;  // the part that it was read from
    std::string member;
    std::optional<managed_name> name;
    std::optional<std::size_t> rank;  // among the entries of its part that stay; absent: it goes to another part
    bool claim = false;               // it is no connection, but a claim under way
    bool wrapped = false;             // read after the start over: ranks begin anew
  };
  // Searches these parts.
  task<void> run_parts(std::vector<unsigned> parts, fleet* out);
  [[nodiscard]] bool has_room() const noexcept;
  void take_page(unsigned number, const redis::reply& page, std::size_t limit, fleet* out);
  void start_over();
  bool take_claim(entry& one);
  task<void> examine_entries(fleet* out);
  void sort_entry(entry one, const redis::reply* answers, fleet* out);
  void remove(const entry& one) { wrong_[one.part].push_back(one.member); }
  void offer(fleet* out);
  [[nodiscard]] std::vector<script_call> corrections();

  redis_store& store_;
  std::map<unsigned, part> parts_;  // that were begun
  std::size_t read_ = 0;
  std::vector<entry> entries_;                                    // of the last pages
  std::vector<entry> recorded_, bare_;                            // without a lease; with a record, and without
  std::set<std::string> found_;                                   // the members of both
  std::map<unsigned, std::vector<std::string>> wrong_, waiting_;  // to remove from a part, and to add
  struct leased_entry {
    leased_entry(unsigned number, std::string text, std::chrono::milliseconds time)
        : part(number), member(std::move(text)), left(time) {}
    unsigned part;  // where it belongs
    std::string member;
    std::chrono::milliseconds left;  // that the lease runs
  };
  std::vector<leased_entry> leased_;
};

}  // namespace mcpstate
