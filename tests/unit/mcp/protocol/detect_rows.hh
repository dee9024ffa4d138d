// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mcp/protocol/detect_fsm.hh"

// Ways that detection can go, as rows: what the server answers, and what is done about it.
namespace mcpstate::mcp::detect_rows {

using kind = observed::kind;
using step = detect_fsm::step;
using carrier = detect_fsm::carrier;

inline observed answer(const std::string& body) {
  observed out;
  out.type = kind::answer;
  out.msg.type = message::kind::result;
  out.msg.body = body;
  return out;
}

inline observed versions(const std::string& list) { return answer(R"({"supportedVersions":[)" + list + "]}"); }

inline observed failure(std::int64_t code, unsigned status = 0, const std::string& data = "") {
  observed out;
  out.type = kind::failure;
  out.status = status;
  out.msg.type = message::kind::failure;
  out.msg.error_code = code;
  out.msg.error_message = "words";
  out.msg.error_data = data;
  return out;
}

inline observed supports(const std::string& list) { return failure(-32022, 400, R"({"supported":[)" + list + "]}"); }

inline observed other(kind what, unsigned status = 0) {
  observed out;
  out.type = what;
  out.status = status;
  out.why = error(what == kind::denied ? errc::auth_failed : errc::http_status, "HTTP " + std::to_string(status));
  return out;
}

inline std::string text_of_step(const step& now) {
  switch (now.type) {
    case step::kind::discover:
      return "discover " + now.version;
    case step::kind::initialize:
      return "initialize";
    case step::kind::restart:
      return "restart";
    case step::kind::open_sse:
      return "sse";
    case step::kind::done:
      return "done " + std::string(name_of(now.found));
    case step::kind::fail:
      return "fail " + std::string(name_of(now.why.code())) + ": " + now.why.detail();
  }
  return "?";
}

struct row {
  const char* what;
  carrier over;
  era_choice wanted;
  std::optional<era> remembered;
  std::vector<observed> answers;
  std::vector<std::string> steps;
  bool contradicted = false;
};

inline const std::string probe = "discover 2026-07-28";
inline const std::string modern = "\"2026-07-28\"";
constexpr auto automatic = era_choice::automatic;
constexpr auto http = carrier::http;
constexpr auto stdio = carrier::stdio;

inline void play(const std::vector<row>& rows) {
  for (const row& each : rows) {
    detect_fsm machine(each.over, each.wanted, each.remembered);
    std::vector<std::string> steps{text_of_step(machine.start())};
    for (const observed& got : each.answers) steps.push_back(text_of_step(machine.next(got)));
    EXPECT_EQ(steps, each.steps) << each.what;
    EXPECT_EQ(machine.contradicted(), each.contradicted) << each.what;
  }
}

}  // namespace mcpstate::mcp::detect_rows
