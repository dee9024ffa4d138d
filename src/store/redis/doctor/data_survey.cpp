// SPDX-License-Identifier: MIT
#include "store/redis/doctor/data_survey.hh"

#include <algorithm>
#include <functional>

namespace mcpstate {

namespace {

constexpr std::size_t names_shown = 5;
constexpr std::int64_t soon = 3'600'000;                          // milliseconds
constexpr std::uint64_t worth_sharing = 1024UL * 1024;            // bytes
constexpr std::size_t status_bytes = 9, connected_at_bytes = 32;  // of a connected record

finding make(finding::level severity, std::string_view check, std::string text, std::uint64_t count = 0) {
  finding f;
  f.severity = severity;
  f.check = check;
  f.text = std::move(text);
  f.count = count;
  return f;
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 10'240) return std::to_string(bytes) + " bytes";
  if (bytes < 10'485'760) return std::to_string(bytes / 1024) + " KiB";
  return std::to_string(bytes / 1'048'576) + " MiB";
}

}  // namespace

void data_survey::rank(ranking& largest, std::uint64_t size, const std::string& name) {
  if (largest.size() == names_shown && size <= largest.back().first) return;
  const auto later = [size](const auto& entry) { return entry.first < size; };
  largest.emplace(std::find_if(largest.begin(), largest.end(), later), size, name);
  if (largest.size() > names_shown) largest.pop_back();
}

void data_survey::add_owner(const std::string& name, std::uint64_t connections) { rank(largest_owners_, connections, name); }

void data_survey::add_record(const std::string& name, std::size_t info_bytes, std::int64_t left) {
  ++records_;
  info_bytes_ += info_bytes;
  if (left < 0 || left > soon) return;
  ++expiring_;
  if (expiring_names_.size() < names_shown) expiring_names_.push_back(name);
}

void data_survey::add_tools(const std::string& name, std::string_view tools, std::uint64_t dropped) {
  const std::uint64_t size = tools.size() + dropped;
  ++tools_;
  tools_bytes_ += size;
  rank(largest_tools_, size, name);
  if (dropped > 0) return;  // its beginning does not tell it from others
  const auto hash = std::hash<std::string_view>()(tools);
  if (distinct_.contains(hash))
    shareable_bytes_ += size;
  else if (distinct_.size() < max_distinct)
    distinct_.insert(hash);
}

std::vector<finding> data_survey::findings() const {
  std::vector<finding> out;
  if (records_ == 0) return out;
  const auto each = (info_bytes_ + tools_bytes_) / records_ + status_bytes + connected_at_bytes;
  out.push_back(make(finding::level::note, "sizes",
                     bytes_text(each) + " of values per connection, names of keys not counted; " + bytes_text(tools_bytes_) +
                         " of tools in all",
                     records_));
  if (!largest_owners_.empty()) {
    auto f = make(finding::level::note, "largest_owners",
                  "owners with the most connections; the first has " + std::to_string(largest_owners_.front().first));
    for (const auto& [size, name] : largest_owners_) f.examples.push_back(name + ": " + std::to_string(size));
    out.push_back(std::move(f));
  }
  if (!largest_tools_.empty()) {
    auto f = make(finding::level::note, "largest_tools",
                  "tool lists with the most bytes; the first has " + bytes_text(largest_tools_.front().first));
    for (const auto& [size, name] : largest_tools_) f.examples.push_back(name + ": " + bytes_text(size));
    out.push_back(std::move(f));
  }
  if (tools_ > 0) {
    const bool some = distinct_.size() == max_distinct;
    out.push_back(make(finding::level::note, "shared_tools",
                       std::string(some ? "at least " : "") + bytes_text(shareable_bytes_) + " of " +
                           bytes_text(tools_bytes_) + " are copies of a list that is stored already" +
                           (shareable_bytes_ >= worth_sharing ? "; one copy of each would save them" : ""),
                       tools_));
  }
  if (expiring_ > 0) {
    auto f =
        make(finding::level::note, "expiring_soon", "records that expire within an hour unless they are used", expiring_);
    f.examples = expiring_names_;
    out.push_back(std::move(f));
  }
  return out;
}

}  // namespace mcpstate
