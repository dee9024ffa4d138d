// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>

#include <string>

#include "manager/supervisor_fsm.hh"

// supervisor_fsm in virtual time, and its steps as text.
namespace mcpstate::supervisor_scenes {
using namespace std::chrono_literals;
using phase = supervisor_fsm::phase;
using failure_kind = supervisor_fsm::failure_kind;
using record_view = supervisor_fsm::record_view;
using listing = supervisor_fsm::listing;
using steps = supervisor_fsm::steps;
using kind = supervisor_fsm::step::kind;

inline std::string text(const supervisor_fsm::step& s) {
  switch (s.type) {
    case kind::read:
      return "read";
    case kind::open:
      return "open";
    case kind::close:
      return "close";
    case kind::list:
      return "list";
    case kind::ping:
      return "ping";
    case kind::end:
      return s.ending == lease_end::over ? "over" : "hand_over";
    case kind::write:
      break;
  }
  std::string out = "write(" + std::string(to_text(s.state));
  if (s.facts) out += " facts";
  if (s.tools) out += " tools";
  if (s.allow_empty) out += " even_empty";
  if (s.restarted) out += " restarted";
  if (s.attempt > 0) out += " attempt " + std::to_string(s.attempt);
  if (s.retry_in) out += " in " + std::to_string(s.retry_in->count());
  return out + ")";
}

inline std::string text(const steps& all) {
  std::string out;
  for (const auto& each : all) out += (out.empty() ? "" : " ") + text(each);
  return out;
}

inline record_view record(status state, std::uint64_t revision, const std::string& endpoint_key = "name a") {
  record_view out;
  out.present = out.managed = true;
  out.state = state;
  out.revision = revision;
  out.endpoint_key = endpoint_key;
  return out;
}

inline record_view failed_record(std::uint64_t revision, std::uint32_t attempt,
                                 std::optional<supervisor_fsm::span> retry_in) {
  record_view out = record(status::failed, revision);
  out.attempt = attempt;
  out.retry_in = retry_in;
  return out;
}

inline listing tools(const std::string& hash, std::uint64_t count = 1) {
  listing out;
  out.hash = hash;
  out.count = count;
  out.has_tools = out.announces_changes = true;
  return out;
}

// A machine and its clock. What it writes is what is then seen.
struct scene {
  scene() {}
  supervisor_fsm fsm{supervisor_rules()};
  supervisor_fsm::clock::time_point now{1h};
  double jitter = 0.5;
  std::uint64_t revision = 1;
  record_view last;

  [[nodiscard]] supervisor_fsm::tick_context m() const { return {now, jitter}; }
  std::string see(const record_view& what) {
    last = what;
    revision = what.revision;
    return text(fsm.record_read(m(), what));
  }
  std::string start(const record_view& what) {
    EXPECT_EQ(text(fsm.start()), "read");
    EXPECT_EQ(fsm.current_phase(), phase::reading);
    return see(what);
  }
  void written(status state, const std::string& hash = "", std::uint64_t count = 0) {
    last = record(state, ++revision);
    last.tools_hash = hash;
    last.tool_count = count;
    EXPECT_EQ(text(fsm.written(last)), "");
  }
  // Up, with the tools "h1".
  void come_up() {
    EXPECT_EQ(start(record(status::connecting, 1)), "open");
    EXPECT_EQ(text(fsm.opened(m(), tools("h1"))), "write(CONNECTED facts tools)");
    written(status::connected, "h1", 1);
    EXPECT_EQ(fsm.current_phase(), phase::up);
  }
  // Lets time pass to the next thing that is due, and does it.
  std::string next(supervisor_fsm::span* waited = nullptr) {
    const auto at = fsm.wake_at();
    if (!at) return "never";
    if (waited != nullptr) *waited = std::chrono::duration_cast<supervisor_fsm::span>(*at - now);
    EXPECT_GE(*at, now);
    now = *at;
    return text(fsm.tick(m()));
  }
};

}  // namespace mcpstate::supervisor_scenes
