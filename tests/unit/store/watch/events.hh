// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mcpstate/store.hpp>

// Events, and what is told of them, as short text.
namespace mcpstate::test {

inline owner user(std::string_view id = "42") { return owner::user(id).value(); }

inline connection record(std::string name, std::uint64_t revision, int expires = 100) {
  connection c(user(), std::move(name));
  c.state = status::connected;
  c.revision = c.seen.revision = revision;
  c.expires_at = timestamp(std::chrono::seconds(expires));
  return c;
}

inline event present(std::string name, std::uint64_t revision) {
  event e;
  e.record = std::make_shared<const connection>(record(std::move(name), revision));
  return e;
}

inline event removed(std::string name) {
  event e = present(std::move(name), 0);
  e.what = event::kind::removed;
  return e;
}

// "+a1", "-b", "ready", "!" for an error.
inline std::string text(const result<event>& got) {
  if (!got) return "!";
  switch (got->what) {
    case event::kind::present:
      return "+" + got->record->server + std::to_string(got->record->revision);
    case event::kind::removed:
      return "-" + got->record->server;
    case event::kind::ready:
      return "ready";
    case event::kind::resync:
      return "resync";
    case event::kind::overrun:
      return "overrun";
  }
  return "?";
}

inline std::string text(const std::vector<event>& events) {
  std::string out;
  for (const auto& e : events) out += (out.empty() ? "" : " ") + text(result<event>(e));
  return out;
}

// What there is to read, until it waits: "+a1 -b ready resync !".
inline std::string drain(const std::function<std::optional<result<event>>()>& take) {
  std::string out;
  for (auto got = take(); got; got = take()) out += (out.empty() ? "" : " ") + text(*got);
  return out;
}
template <class Feed>
  requires requires(Feed& feed) { feed.take(); }
std::string drain(Feed& feed) {
  return drain([&feed] { return feed.take(); });
}

}  // namespace mcpstate::test
