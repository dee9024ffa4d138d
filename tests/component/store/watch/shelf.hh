// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/watch/hub.hh"

// A hub on a store that fails, is slow or is wrong on command.
namespace mcpstate::test {

inline owner user(std::string_view id) { return owner::user(id).value(); }

// Records by owner, as revisions; and switches to break it.
struct shelf {
  explicit shelf(asio::any_io_executor executor) : gate(executor), hub(executor, source()) {
    gate.expires_at(asio::steady_timer::time_point::max());
  }
  std::map<owner, std::map<std::string, std::uint64_t>> records;
  bool list_fails = false, scan_fails = false, slow = false;
  int listings = 0, readings = 0, overdue = 0;
  std::optional<timestamp> expires;            // when all records expire
  std::optional<std::uint64_t> foreign_count;  // tools that another program wrote
  asio::steady_timer gate;                     // what a slow listing waits for
  watch_hub hub;

  task<std::vector<connection>> list(owner who) {
    ++listings;
    if (slow) {
      auto [ec] = co_await gate.async_wait(aio::use_ec);
      static_cast<void>(ec);
    }
    if (list_fails) co_return error(errc::deadline, "no answer");
    std::vector<connection> out;
    for (const auto& [name, revision] : records[who]) {
      auto& c = out.emplace_back(who, name);
      c.state = status::connected;
      c.member = name;
      c.revision = revision;
      c.info.tool_count = revision;
      c.expires_at = expires;
    }
    co_return out;
  }
  task<std::optional<connection>> with_tools(owner who, std::string member) {
    ++readings;
    connection c(who, member);
    c.state = status::connected;
    c.member = member;
    c.revision = records[who][member];
    c.info.tool_count = foreign_count.value_or(c.revision);
    c.tools = std::make_shared<const std::string>("[]");
    co_return std::optional<connection>(std::move(c));
  }
  task<owner_page> scan(std::string) {
    if (scan_fails) co_return error(errc::connection_lost, "gone");
    owner_page page;
    for (const auto& [who, mine] : records) page.owners.emplace_back(who);
    co_return page;
  }
  watch_hub::source source() {
    watch_hub::source s;
    s.list = [this](owner who) { return list(std::move(who)); };
    s.scan = [this](std::string cursor) { return scan(std::move(cursor)); };
    s.with_tools = [this](owner who, std::string member) { return with_tools(std::move(who), std::move(member)); };
    s.now = [] { return wall_clock().now(); };
    s.overdue = [this] { ++overdue; };
    return s;
  }
};

inline std::string text(const result<event>& e) {
  if (!e) return "!" + std::string(name_of(e.error().condition()));
  if (e->what == event::kind::ready) return "ready";
  if (e->what == event::kind::resync) return "resync";
  if (e->what == event::kind::overrun) return "overrun";
  const auto id = e->record->owner.id() + "/" + e->record->server;
  return e->what == event::kind::removed ? "-" + id : "+" + id + "@" + std::to_string(e->record->revision);
}

// The next so many events, in order.
inline asio::awaitable<std::string> next(watcher& w, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) {
    const auto e = co_await w.next();
    out += (out.empty() ? "" : " ") + text(e);
  }
  co_return out;
}

}  // namespace mcpstate::test
