// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "store/memory/leases.hh"
#include "store/rows/steps.hh"

// Rows, and a table of them in a map, for the tests of this folder.
namespace mcpstate::test {

using namespace std::chrono_literals;

inline const timestamp now(1'790'000'000s);
inline constexpr std::uint64_t now_in_microseconds = 1'790'000'000'000'000;

inline owner user() { return owner::user("42").value(); }
inline owner session() { return owner::session("s1").value(); }
inline server_name github() { return server_name::parse("github").value(); }

inline row_clock clock_at(timestamp time, std::uint64_t revision_floor = 0) {
  row_clock out;
  out.now = time;
  out.ttl = 1h;
  out.revision_floor = revision_floor;
  return out;
}

// The row that a first write of this status makes at `time`.
inline row row_of(status state, timestamp time = now, const std::string& tools = {}) {
  change update(user(), github(), state);
  if (!tools.empty()) update.tools(tools_list::parse(tools).value());
  auto written = decide_put(std::nullopt, update, update.apply_to(std::nullopt, time), clock_at(time)).value();
  return std::move(written.after);
}

class map_table final : public row_table {
 public:
  result<std::optional<row>> find(const owner& account, const std::string& member, tools_wanted) override {
    const auto found = rows.find({account, member});
    return found == rows.end() ? std::optional<row>() : std::optional<row>(found->second);
  }
  result<std::vector<row>> all(const owner& account, tools_wanted) override {
    std::vector<row> out;
    for (const auto& [name, stored] : rows) {
      if (name.first == account) out.push_back(stored);
    }
    return out;
  }
  result<bool> write(const owner& account, const row_write& planned) override {
    auto& stored = rows[{account, planned.after.member}];
    const auto tools = planned.tools == tools_write::keep ? stored.tools : planned.after.tools;
    stored = planned.after;
    stored.tools = planned.tools == tools_write::drop ? nullptr : tools;
    return true;
  }
  result<tools_sizes> measure_tools(const owner& account, const std::string& member, timestamp) override {
    tools_sizes out;
    for (const auto& [name, stored] : rows) {
      if (name.first == account && stored.tools) (name.second == member ? out.row : out.others) += stored.tools->size();
    }
    return out;
  }
  result<bool> remove(const owner& account, const std::string& member) override {
    rows.erase({account, member});
    return true;
  }
  result<std::uint64_t> revision_floor() override { return floor; }
  result<bool> raise_revision_floor(std::uint64_t number) override {
    floor = std::max(floor, number);
    return true;
  }
  lease_table& leases() override { return lease_rows; }

  std::map<std::pair<owner, std::string>, row> rows;
  std::uint64_t floor = 0;
  memory_leases lease_rows;
};

}  // namespace mcpstate::test
