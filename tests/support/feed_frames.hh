// SPDX-License-Identifier: MIT
#pragma once
#include <boost/json/parse.hpp>

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// What a client of the live events reads and believes.
namespace mcpstate::test {

struct feed_frame {
  std::uint64_t id = 0;  // 0: none
  std::string event, server, status, owner;
  std::uint64_t revision = 0;
};

// Strict: whatever is not exactly such a frame throws.
inline std::vector<feed_frame> frames_of(std::string_view text) {
  std::vector<feed_frame> out;
  const auto take_line = [&text](std::string_view name) {
    if (!text.starts_with(name)) throw std::runtime_error("not a frame: " + std::string(text));
    const auto end = text.find('\n');
    auto value = std::string(text.substr(name.size(), end - name.size()));
    text.remove_prefix(end + 1);
    return value;
  };
  while (!text.empty()) {
    auto& one = out.emplace_back();
    if (text.starts_with("id: ")) one.id = std::stoull(take_line("id: "));
    one.event = take_line("event: ");
    const auto data = boost::json::parse(take_line("data: ")).as_object();
    if (!take_line("").empty()) throw std::runtime_error("a frame without its end");
    if (const auto* server = data.if_contains("server")) one.server = server->as_string().c_str();
    if (const auto* owner = data.if_contains("owner")) one.owner = owner->as_string().c_str();
    if (const auto* status = data.if_contains("status")) one.status = status->as_string().c_str();
    if (const auto* revision = data.if_contains("revision")) one.revision = revision->to_number<std::uint64_t>();
  }
  return out;
}

// A client that follows the frames as the documentation says.
struct followed {
  std::map<std::string, std::uint64_t> revisions;
  std::map<std::string, std::string> statuses;
  std::map<std::string, std::size_t> events;  // how often each came
  bool ready = false;
  std::uint64_t last_id = 0;
  std::string fault;  // empty: none

  void apply(std::string_view text) {
    for (const auto& one : frames_of(text)) take(one);
  }

 private:
  void take(const feed_frame& one) {
    ++events[one.event];
    if (one.event == "resync") {
      revisions.clear();
      statuses.clear();
      ready = false;
      last_id = 0;
    } else if (one.event == "ready") {
      if (ready) fault = "ready twice";
      ready = true;
    } else if (one.event == "connection" || one.event == "removed") {
      if (one.id <= last_id) fault = "ids must grow";
      last_id = one.id;
      if (one.event == "removed") {
        revisions.erase(one.server);
        statuses.erase(one.server);
        return;
      }
      if (auto& known = revisions[one.server]; one.revision < known) {
        fault = "an old state after a newer one";
      } else {
        known = one.revision;
      }
      statuses[one.server] = one.status;
    }
  }
};

}  // namespace mcpstate::test
