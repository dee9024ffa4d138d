// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/view/probe_advice.hh"
#include "cli/view/probe_view.hh"
#include "cli/view/tools_view.hh"

namespace mcpstate::cli {
namespace {

using namespace std::chrono_literals;

mcp::connect_step step(const std::string& name, bool ok, unsigned status = 0, std::chrono::microseconds took = 1ms) {
  mcp::connect_step out;
  out.name = name;
  out.ok = ok;
  out.outcome = ok ? "ok" : "HTTP " + std::to_string(status);
  out.http_status = status;
  out.took = took;
  return out;
}

probe_report good(const std::string& tools = R"([{"name":"a","description":"d","inputSchema":{"type":"object"}}])") {
  probe_report out;
  out.address = "https://x.example/mcp";
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
  out.address = where;
  out.over_http = true;
  out.fault = std::move(why);
  out.steps = std::move(steps);
  return out;
}

std::vector<std::string> abouts(const probe_report& report) {
  std::vector<std::string> out;
  for (const auto& each : advise(report)) out.push_back(each.topic);
  return out;
}

std::string text_about(const probe_report& report, const std::string& about) {
  for (const auto& each : advise(report)) {
    if (each.topic == about) return each.text;
  }
  return {};
}

using list = std::vector<std::string>;

TEST(ProbeAdvice, IsEmptyForAGoodServer) { EXPECT_EQ(abouts(good()), list()); }

TEST(ProbeAdvice, DiagnosesTheRefusedPostRatherThanTheStream) {
  const error why(errc::http_status, "406");
  const auto report = failed(
      why, {step("server/discover", false, 404), step("initialize", false, 406), step("GET (event stream)", false, 405)});
  EXPECT_EQ(abouts(report), list{"accept_header"});
}

TEST(ProbeAdvice, RecognisesARedirectToPlainHttp) {
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

TEST(ProbeAdvice, DoesNotBlameThePathOfAnMcpServer) {
  const error why(errc::http_status, "404");
  const auto refused = step("initialize", false, 404);
  EXPECT_NE(text_about(failed(why, {refused}, "https://x.example/"), "wrong_path").find("is /mcp, and /sse"),
            std::string::npos);
  EXPECT_NE(text_about(failed(why, {refused}, "https://x.example/mcp/"), "wrong_path").find("and is so here"),
            std::string::npos);
}

TEST(ProbeAdvice, WarnsOfSlowAnswersAndSlowEnds) {
  auto report = good();
  report.steps = {step("initialize", true, 0, 12s), step("tools/list", true, 0, 4s), step("close", true, 0, 4s)};
  EXPECT_EQ(abouts(report), list{"slow"});
  EXPECT_NE(text_about(report, "slow").find("initialize took 12 s"), std::string::npos);
  report.over_http = false;
  report.facts.transport = "stdio";
  EXPECT_EQ(abouts(report), (list{"slow", "does_not_end"}));
}

TEST(ProbeAdvice, WarnsOfHeadersOverPlainHttp) {
  auto report = good();
  report.has_headers = true;
  for (const char* where : {"https://x.example/mcp", "http://localhost:1/mcp", "http://127.0.0.1/", "http://[::1]:3/"}) {
    report.address = where;
    EXPECT_EQ(abouts(report), list()) << where;
  }
  report.address = "http://x.example/mcp";
  EXPECT_EQ(abouts(report), list{"unencrypted"});
}

TEST(ProbeAdvice, ShortensLongLists) {
  std::string tools = "[";
  for (int i = 0; i < 9; ++i) {
    tools += (i == 0 ? "" : ",") + ("{\"name\":\"bad name " + std::to_string(i)) +
             R"(","description":"d","inputSchema":{"type":"object"}})";
  }
  EXPECT_NE(text_about(good(tools + "]"), "tool_names").find("bad name 4 and 4 more"), std::string::npos);
}

// One report that makes a rule hold, what it is about, and the beginning of what it says.
struct advice_case {
  probe_report report;
  advice::level severity;
  std::string topic, text;
};

void expect_advice(const std::vector<advice_case>& cases) {
  for (const auto& each : cases) {
    const auto all = advise(each.report);
    const auto found = std::any_of(all.begin(), all.end(), [&](const advice& a) {
      return a.topic == each.topic && a.severity == each.severity && a.text.starts_with(each.text);
    });
    EXPECT_TRUE(found) << each.topic << ": " << each.text << "\ninstead: " << text_about(each.report, each.topic);
  }
}

probe_report program(error why) {
  probe_report out;
  out.address = "x";
  out.fault = std::move(why);
  return out;
}

probe_report refused(unsigned status, const std::string& content_type = "application/json", std::int64_t rpc_error = 0) {
  auto last = step("initialize", false, status);
  last.content_type = content_type;
  last.rpc_error = rpc_error;
  return failed(error(errc::http_status, "x"), {last});
}

TEST(ProbeAdvice, HasARuleForEveryFailure) {
  const auto problem = advice::level::problem;
  auto forced = failed(error(errc::deadline, "x"), {});
  forced.protocol = mcp::era_choice::modern;
  auto unlisted = failed(error(errc::deadline, "x"), {});
  unlisted.connected = true;
  auto endpoint = step("GET (event stream)", false);
  endpoint.failure = errc::forbidden_target;
  auto with_headers = refused(401);
  with_headers.has_headers = true;
  auto redirect = step("initialize", false, 302);
  redirect.peer = "http://x.example/";
  const auto without_status = [](errc code) { return failed(error(code, "x"), {}); };
  expect_advice({
      {forced, advice::level::note, "protocol_forced", "a protocol was said with --protocol"},
      {unlisted, problem, "list_failed", "connecting works"},
      {without_status(errc::unsupported), problem, "version", "it speaks no revision"},
      {program(error(errc::unsupported, "x")), problem, "version", "it speaks no revision"},
      {program(error(errc::spawn_failed, "x")), problem, "not_started", "the program cannot be started"},
      {program(error(errc::spawn_refused, "x")), problem, "not_started", "the system does not start the program now"},
      {program(error(errc::child_exited, "x")), problem, "crashed", "the program ends by itself"},
      {program(error(errc::connection_lost, "x")), problem, "crashed", "the program ends by itself"},
      {program(error(errc::deadline, "x")), problem, "silent", "the program runs and does not answer"},
      {program(error(errc::rpc_error, "x")), problem, "refused", "it speaks JSON-RPC"},
      {program(error(errc::protocol, "x")), problem, "not_mcp", "what the program writes"},
      {without_status(errc::resolve_failed), problem, "unreachable", "the host name is not known here"},
      {without_status(errc::connect_failed), problem, "unreachable", "nobody listens there"},
      {without_status(errc::tls_failed), problem, "tls", "the certificate does not hold"},
      {without_status(errc::connection_lost), problem, "hangs_up", "it closes the connection"},
      {failed(error(errc::forbidden_target, "x"), {endpoint}), problem, "foreign_endpoint", "its event stream names"},
      {failed(error(errc::protocol, "x"), {endpoint}), problem, "foreign_endpoint", "its event stream names"},
      {without_status(errc::forbidden_target), problem, "redirect", "it redirects elsewhere"},
      {failed(error(errc::http_status, "x"), {redirect}), problem, "redirect", "it redirects from https to http"},
      {refused(308), problem, "redirect", "it redirects elsewhere"},
      {with_headers, problem, "credentials", "it refuses the credentials given"},
      {refused(401), problem, "credentials", "it wants credentials"},
      {refused(403), problem, "forbidden", "it forbids access"},
      {refused(406), problem, "accept_header", "406 although"},
      {refused(415), problem, "content_type_header", "415 although"},
      {refused(429), problem, "busy", "HTTP 429: it cannot serve now"},
      {refused(503), problem, "busy", "HTTP 503: it cannot serve now"},
      {refused(500), problem, "server_error", "HTTP 500: the server itself"},
      {refused(400, "application/json", -32600), problem, "refused", "it speaks JSON-RPC"},
      {refused(404), problem, "wrong_path", "nothing of MCP is at this URL: the path is often /mcp, and is so here"},
      {refused(400, "text/html"), problem, "wrong_path", "nothing of MCP is at this URL"},
      {refused(400), problem, "not_mcp", "what answers there is no MCP server"},
      {without_status(errc::http_status), problem, "redirect", "it redirects in a circle"},
      {without_status(errc::rpc_error), problem, "refused", "it speaks MCP, and refuses to begin"},
      {without_status(errc::deadline), problem, "silent", "it takes the connection and does not answer"},
  });
  EXPECT_EQ(abouts(without_status(errc::queue_full)), list());
}

TEST(ProbeAdvice, NamesOneCausePerFailure) {
  for (const auto& report : {refused(401), refused(302), refused(404), program(error(errc::deadline, "x"))}) {
    EXPECT_EQ(abouts(report).size(), 1U);
  }
}

TEST(ProbeAdvice, ReachesEveryRuleAboutAServer) {
  const auto warning = advice::level::warning, note = advice::level::note;
  auto odd = good();
  odd.oddities = 2;
  odd.first_oddity = "hello \x1b";
  auto unanswered = good();
  unanswered.over_http = false;
  unanswered.steps = {step("server/discover", false, 0, 3s), step("initialize", true)};
  auto answered = unanswered;
  answered.steps.front().rpc_error = -32601;
  EXPECT_EQ(abouts(answered), list());
  auto no_stream = good();
  no_stream.steps = {step("GET (announcements)", false, 405)};
  auto no_subscription = good();
  no_subscription.steps = {step("subscriptions/listen", false)};
  auto slow_program = good();
  slow_program.over_http = false;
  slow_program.steps = {step("tools/list", true, 0, 6s)};
  auto old = good();
  old.facts.transport = "sse";
  old.facts.protocol_era = mcp::era::legacy;
  old.facts.protocol_version = "2024-11-05";
  old.facts.title.clear();
  old.facts.has_tools = false;
  auto dropped = good();
  dropped.listing.dropped = {"a: twice", "b: twice"};
  const std::string schema = R"(,"inputSchema":{"type":"object"}})";
  const std::string long_name(65, 'n');
  const std::string wordy(5000, 'w');
  expect_advice({
      {odd, warning, "stdout_text", "2 lines on standard output that are no message"},
      {unanswered, warning, "probe_unanswered", "asked server/discover, it ends or stays silent (3 s)"},
      {no_stream, note, "no_stream", "it declares listChanged and opens no stream"},
      {no_subscription, warning, "no_subscription", "it declares listChanged and does not take"},
      {slow_program, warning, "slow", "tools/list took 6 s: hosts give up after 10 to 60 s; a program that npx"},
      {old, warning, "old_transport", "HTTP+SSE is the transport of 2024-11-05"},
      {old, note, "old_revision", "it speaks 2024-11-05, not yet 2026-07-28"},
      {old, note, "nameless", "it does not say what it is"},
      {old, note, "no_tools", "it declares no tools"},
      {good("[]"), warning, "no_tools", "it declares tools and lists none"},
      {dropped, warning, "dropped_tools", "2 tools cannot be offered: a: twice, b: twice"},
      {good(R"([{"name":"a b","description":"d")" + schema + "]"), warning, "tool_names", "names of tools are 1 to 128"},
      {good(R"([{"name":")" + long_name + R"(","description":"d")" + schema + "]"), note, "long_names",
       "names of more than 64 characters"},
      {good(R"([{"name":"a")" + schema + "]"), note, "no_description", "without a description, a model has to guess: a"},
      {good(R"([{"name":"a","description":"d"}])"), warning, "input_schema", "inputSchema must be an object"},
      {good(R"([{"name":"a","description":"d","inputSchema":{"$ref":"https://x/y"}}])"), warning, "network_ref",
       "a $ref to another host"},
      {good(
           R"([{"name":"a","description":"d","inputSchema":{"type":"object","properties":{"p":{"type":"object","x-mcp-header":"P"}}}}])"),
       warning, "header_annotations", "an x-mcp-header that cannot be used"},
      {good(R"([{"name":"a","description":")" + wordy + "\"" + schema + "]"), note, "long_descriptions",
       "descriptions of more than 4 KB"},
      {good(R"([{"name":"a","description":")" + std::string(70'000, 'w') + "\"" + schema + "]"), note, "large_list",
       "its tools take 68 KB, about 17000 tokens"},
  });
  odd.oddities = 1;
  EXPECT_EQ(
      text_about(odd, "stdout_text"),
      "1 line on standard output that is no message: hosts may end the connection for that; log to standard error. The "
      "first: hello \\x1b");
}

TEST(ProbeAdvice, PutsTheWorstFirst) {
  auto report = good("[]");
  report.facts.protocol_era = mcp::era::legacy;
  const auto all = advise(report);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].severity, advice::level::warning);
  EXPECT_EQ(all[1].topic, "old_revision");
}

TEST(ProbeText, SummarisesCapabilitiesAndEscapesForeignText) {
  auto report = good();
  report.facts.instructions = "Line one\n\nline \x1b[2J two";
  report.listing.dropped = {"b\x1b: a second tool of this name"};
  const auto text = probe_text(report, false, 0);
  EXPECT_NE(text.find("capabilities  tools (listChanged), odd\n"), std::string::npos) << text;
  EXPECT_NE(text.find("instructions  Line one line \\x1b[2J two\n"), std::string::npos) << text;
  EXPECT_NE(text.find("left out: b\\x1b: a second tool of this name\n"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(ProbeText, NeverCutsAdviceOff) {
  auto report = failed(error(errc::auth_failed, "401"), {step("server/discover", false, 401)});
  EXPECT_NE(probe_text(report, false, 20).find("--header 'Authorization: Bearer …'\n"), std::string::npos);
}

TEST(ProbeJson, HoldsTheFailureAndOmitsUnknowns) {
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
  const auto facts = inspect_tools(*tools);
  ASSERT_EQ(facts.size(), 4U);
  EXPECT_EQ(facts[0].description, "one");
  EXPECT_EQ(facts[0].description_bytes, 7U);
  EXPECT_EQ(facts[0].raw.size(), 69U);
  EXPECT_EQ(facts[1].description, "B");
  EXPECT_TRUE(facts[0].has_schema);
  EXPECT_FALSE(facts[1].has_schema);
  EXPECT_TRUE(facts[2].has_schema);
  EXPECT_FALSE(facts[2].has_network_ref);
  EXPECT_TRUE(facts[3].has_network_ref);
}

TEST(ToolsDifference, ComparesNamesAndBytes) {
  const auto after = tools_list::parse(R"([{"name":"c"},{"name":"a","x":1.0},{"name":"b"}])").value();
  const auto some = compare_tools(R"([{"name":"b"} , {"name":"a","x":1},{"name":"z"}])", after);
  EXPECT_EQ(some.added, list{"c"});
  EXPECT_EQ(some.removed, list{"z"});
  EXPECT_EQ(some.changed, list{"a"});
  EXPECT_TRUE(compare_tools(R"([{"name":"b"},{"name":"c"},{"name":"a","x":1.0}])", after).empty());
  for (const char* junk : {"", "nonsense", "{}", "[1,[]]"}) {
    EXPECT_EQ(compare_tools(junk, after).added, (list{"a", "b", "c"})) << junk;
  }
}

}  // namespace
}  // namespace mcpstate::cli
