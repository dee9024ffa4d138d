// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/view/probe_report.hh"
#include "cli/view/tools_view.hh"

namespace mcpstate::cli {
namespace {

using namespace std::chrono_literals;

mcp::connect_step step(const std::string& what, bool ok, unsigned status = 0, std::chrono::microseconds took = 1ms) {
  mcp::connect_step out;
  out.what = what;
  out.ok = ok;
  out.outcome = ok ? "ok" : "HTTP " + std::to_string(status);
  out.http_status = status;
  out.took = took;
  return out;
}

probe_report good(const std::string& tools = R"([{"name":"a","description":"d","inputSchema":{"type":"object"}}])") {
  probe_report out;
  out.where = "https://x.example/mcp";
  out.over_http = true;
  out.connected = true;
  out.facts.transport = "http";
  out.facts.protocol_era = mcp::era::modern;
  out.facts.protocol_version = "2026-07-28";
  out.facts.title = "x";
  out.facts.has_tools = true;
  out.facts.capabilities = R"({"tools":{"listChanged":true,"other":false},"odd":1})";
  out.listing.tools = tools_list::parse(tools).value();
  return out;
}

probe_report failed(error why, std::vector<mcp::connect_step> steps, const std::string& where = "https://x.example/mcp") {
  probe_report out;
  out.where = where;
  out.over_http = true;
  out.why = std::move(why);
  out.steps = std::move(steps);
  return out;
}

std::vector<std::string> abouts(const probe_report& report) {
  std::vector<std::string> out;
  for (const auto& each : advise(report)) out.push_back(each.about);
  return out;
}

std::string text_about(const probe_report& report, const std::string& about) {
  for (const auto& each : advise(report)) {
    if (each.about == about) return each.text;
  }
  return {};
}

using list = std::vector<std::string>;

TEST(Advice, ThereIsNoneAboutAGoodServer) { EXPECT_EQ(abouts(good()), list()); }

TEST(Advice, TheRefusalOfThePostCountsAndNotThatOfTheStream) {
  const error why(errc::http_status, "406");
  const auto report = failed(
      why, {step("server/discover", false, 404), step("initialize", false, 406), step("GET (event stream)", false, 405)});
  EXPECT_EQ(abouts(report), list{"accept_header"});
}

TEST(Advice, ARedirectToPlainHttpIsToldApart) {
  const error why(errc::http_status, "307");
  auto redirect = step("server/discover", false, 307);
  redirect.peer = "http://x.example/mcp/";
  EXPECT_NE(text_about(failed(why, {redirect}), "redirect").find("from https to http"), std::string::npos);
  EXPECT_NE(
      text_about(failed(error(errc::forbidden_target, "307", redirect.peer), {}), "redirect").find("from https to http"),
      std::string::npos);
  redirect.peer = "https://login.example/";
  EXPECT_NE(text_about(failed(why, {redirect}), "redirect").find("use the final URL"), std::string::npos);
}

TEST(Advice, AWrongPathIsNotToldToBeMcpWhenItIs) {
  const error why(errc::http_status, "404");
  const auto refused = step("initialize", false, 404);
  EXPECT_NE(text_about(failed(why, {refused}, "https://x.example/"), "wrong_path").find("is /mcp, and /sse"),
            std::string::npos);
  EXPECT_NE(text_about(failed(why, {refused}, "https://x.example/mcp/"), "wrong_path").find("and is so here"),
            std::string::npos);
}

TEST(Advice, SlowAnswersAndEndsAreTold) {
  auto report = good();
  report.steps = {step("initialize", true, 0, 12s), step("tools/list", true, 0, 4s), step("close", true, 0, 4s)};
  EXPECT_EQ(abouts(report), list{"slow"});
  EXPECT_NE(text_about(report, "slow").find("initialize took 12 s"), std::string::npos);
  report.over_http = false;
  report.facts.transport = "stdio";
  EXPECT_EQ(abouts(report), (list{"slow", "does_not_end"}));
}

TEST(Advice, HeadersOverPlainHttpAreTold) {
  auto report = good();
  report.has_headers = true;
  for (const char* where : {"https://x.example/mcp", "http://localhost:1/mcp", "http://127.0.0.1/", "http://[::1]:3/"}) {
    report.where = where;
    EXPECT_EQ(abouts(report), list()) << where;
  }
  report.where = "http://x.example/mcp";
  EXPECT_EQ(abouts(report), list{"unencrypted"});
}

TEST(Advice, WhatIsListedIsCutShort) {
  std::string tools = "[";
  for (int i = 0; i < 9; ++i) {
    tools += (i == 0 ? "" : ",") + ("{\"name\":\"bad name " + std::to_string(i)) +
             R"(","description":"d","inputSchema":{"type":"object"}})";
  }
  EXPECT_NE(text_about(good(tools + "]"), "tool_names").find("bad name 4 and 4 more"), std::string::npos);
}

TEST(Advice, TheWorstComesFirst) {
  auto report = good("[]");
  report.facts.protocol_era = mcp::era::legacy;
  const auto all = advise(report);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].severity, advice::level::warning);
  EXPECT_EQ(all[1].about, "old_revision");
}

TEST(ProbeText, CapabilitiesAreSummarisedAndForeignTextIsHarmless) {
  auto report = good();
  report.facts.instructions = "Line one\n\nline \x1b[2J two";
  report.listing.dropped = {"b\x1b: a second tool of this name"};
  const auto text = probe_text(report, false, 0);
  EXPECT_NE(text.find("capabilities  tools (listChanged), odd\n"), std::string::npos) << text;
  EXPECT_NE(text.find("instructions  Line one line \\x1b[2J two\n"), std::string::npos) << text;
  EXPECT_NE(text.find("left out: b\\x1b: a second tool of this name\n"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(ProbeText, AdviceIsNeverCutOff) {
  auto report = failed(error(errc::auth_failed, "401"), {step("server/discover", false, 401)});
  EXPECT_NE(probe_text(report, false, 20).find("--header 'Authorization: Bearer …'\n"), std::string::npos);
}

TEST(ProbeJson, HoldsAFailureAndNothingThatIsNotKnown) {
  auto report = failed(error(errc::auth_failed, "no", "go\naway"), {step("server/discover", false, 401)});
  report.steps.front().took = 1234us;
  EXPECT_EQ(
      probe_json(report),
      R"({"url":"https://x.example/mcp","works":false,"steps":[{"step":"server/discover","ok":false,"outcome":"HTTP 401",)"
      R"("ms":1.234,"http_status":401}],"error":{"code":"auth_failed","message":"no","says":"go\naway"},)"
      R"("advice":[{"level":"problem","about":"credentials","text":"it wants credentials (401): give them with )"
      R"(--header 'Authorization: Bearer …'"}]})");
}

TEST(ToolFacts, AreReadFromTheRawObjects) {
  const auto tools = tools_list::parse(
      R"([{"name":"a","description":"one\ntwo","inputSchema":{"type":"object"}}, {"name":"b","title":"B","inputSchema":{"type":"array"}},)"
      R"({"name":"c","inputSchema":{"properties":{"$ref":{"type":"string"},"x":{"$ref":"#/$defs/y"}}}},)"
      R"({"name":"d","outputSchema":{"allOf":[{"$ref":"http://x/y"}]}}])");
  ASSERT_TRUE(tools);
  const auto facts = facts_of(*tools);
  ASSERT_EQ(facts.size(), 4U);
  EXPECT_EQ(facts[0].about, "one");
  EXPECT_EQ(facts[0].description_bytes, 7U);
  EXPECT_EQ(facts[0].raw.size(), 69U);
  EXPECT_EQ(facts[1].about, "B");
  EXPECT_TRUE(facts[0].has_schema);
  EXPECT_FALSE(facts[1].has_schema);
  EXPECT_TRUE(facts[2].has_schema);
  EXPECT_FALSE(facts[2].refers_elsewhere);
  EXPECT_TRUE(facts[3].refers_elsewhere);
}

TEST(ToolsDifference, IsAboutNamesAndBytes) {
  const auto after = tools_list::parse(R"([{"name":"c"},{"name":"a","x":1.0},{"name":"b"}])").value();
  const auto some = compare_tools(R"([{"name":"b"} , {"name":"a","x":1},{"name":"z"}])", after);
  EXPECT_EQ(some.added, list{"c"});
  EXPECT_EQ(some.removed, list{"z"});
  EXPECT_EQ(some.changed, list{"a"});
  EXPECT_TRUE(compare_tools(R"([{"name":"b"},{"name":"c"},{"name":"a","x":1.0}])", after).none());
  for (const char* junk : {"", "nonsense", "{}", "[1,[]]"}) {
    EXPECT_EQ(compare_tools(junk, after).added, (list{"a", "b", "c"})) << junk;
  }
}

}  // namespace
}  // namespace mcpstate::cli
