// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/watch/change_log.hh"

// A log of changes with a reader, and what it reads as text.
namespace mcpstate::test {

inline owner user(std::string_view id = "42") { return owner::user(id).value(); }

inline connection record(std::string name, std::uint64_t revision, int expires = 100) {
  connection c(user(), std::move(name));
  c.state = status::connected;
  c.revision = c.seen.revision = revision;
  c.expires_at = timestamp(std::chrono::seconds(expires));
  return c;
}

// "+a1", "-b", "ready", "!" for an error.
inline std::string text(const result<event>& got) {
  constexpr const char* marks[] = {"+", "-", "ready", "resync", "overrun"};  // in the order of event::kind
  if (!got) return "!";
  std::string out = marks[static_cast<std::size_t>(got->what)];
  if (got->record) out += got->record->server;
  return got->what == event::kind::present ? out + std::to_string(got->record->revision) : out;
}

inline watch_options bounded(std::size_t max_removals) {
  watch_options out;
  out.max_removals = max_removals;
  out.snapshot_after_outage = true;
  return out;
}

// A log with a clock: each listing begins later than all that was before.
struct log_scene {
  change_log log;
  std::uint64_t now = 0;
  change_log::reader quick{watch_options()};  // has read everything
  log_scene() {
    join(quick);
    list({});
  }

  std::string list(std::vector<connection> listed) {
    log.replace(user(), std::move(listed));
    log.complete(++now);
    return read(quick);
  }
  void join(change_log::reader& reader) { log.add(reader, ++now); }
  // What there is to read, until it waits: "+a1 -b ready resync !".
  std::string read(change_log::reader& reader) {
    std::string out;
    while (const auto got = log.read(reader)) out += (out.empty() ? "" : " ") + text(*got);
    return out;
  }
};

inline std::vector<connection> records(std::initializer_list<std::pair<const char*, std::uint64_t>> all) {
  std::vector<connection> out;
  for (const auto& [name, revision] : all) out.push_back(record(name, revision));
  return out;
}

}  // namespace mcpstate::test
