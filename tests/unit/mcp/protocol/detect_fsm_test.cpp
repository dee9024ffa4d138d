// SPDX-License-Identifier: MIT
#include "unit/mcp/protocol/detect_rows.hh"

// Every way that detection can go, as rows: what the server answers, and what is done about it.
namespace mcpstate::mcp {
namespace {

using namespace detect_rows;

TEST(DetectFsm, FindsAModernServerByItsAnswer) {
  play({
      {"a modern server", http, automatic, {}, {versions(modern)}, {probe, "done modern"}},
      {"of several versions", http, automatic, {}, {versions("\"2025-11-25\"," + modern)}, {probe, "done modern"}},
      {"one that knows only old versions",
       http,
       automatic,
       {},
       {versions("\"2025-06-18\""), answer("{}")},
       {probe, "initialize", "done legacy"}},
      {"one from the future",
       http,
       automatic,
       {},
       {versions("\"2031-01-01\"")},
       {probe, "fail unsupported: the server speaks no protocol version that mcpstate does"}},
      {"a catch-all result", http, automatic, {}, {answer("{}"), answer("{}")}, {probe, "initialize", "done legacy"}},
      {"a catch-all result, but modern was asked for",
       http,
       era_choice::modern,
       {},
       {answer("{}")},
       {probe, "fail protocol: the answer to server/discover is not of its form"}},
      {"stdio", stdio, automatic, {}, {versions(modern)}, {probe, "done modern"}},
  });
}

TEST(DetectFsm, ReadsTheVersionsInARefusedProbe) {
  play({
      {"the very version again", http, automatic, {}, {supports(modern), versions(modern)}, {probe, probe, "done modern"}},
      {"it refuses what it lists",
       http,
       automatic,
       {},
       {supports(modern), supports(modern)},
       {probe, probe, "fail unsupported: the server speaks no protocol version that mcpstate does"}},
      {"only old ones",
       http,
       automatic,
       {},
       {supports("\"2025-11-25\""), answer("{}")},
       {probe, "initialize", "done legacy"}},
      {"only unknown ones",
       http,
       automatic,
       {},
       {supports("\"2030-01-01\"")},
       {probe, "fail unsupported: the server speaks no protocol version that mcpstate does"}},
      {"none", http, automatic, {}, {failure(-32022, 400), answer("{}")}, {probe, "initialize", "done legacy"}},
      {"stdio", stdio, automatic, {}, {supports(modern), versions(modern)}, {probe, probe, "done modern"}},
  });
}

TEST(DetectFsm, FallsBackToTheHandshakeAfterOtherRefusals) {
  std::vector<row> rows;
  for (const std::int64_t code : {-32601, -32602, -32600, -32000, -32700, 1}) {
    rows.push_back(
        {"a JSON-RPC error", http, automatic, {}, {failure(code, 400), answer("{}")}, {probe, "initialize", "done legacy"}});
    rows.push_back({"a JSON-RPC error over a pipe",
                    stdio,
                    automatic,
                    {},
                    {failure(code), answer("{}")},
                    {probe, "initialize", "done legacy"}});
  }
  for (const unsigned status : {200U, 202U, 400U, 404U, 405U, 406U, 410U, 415U, 422U}) {
    rows.push_back({"HTTP without JSON-RPC",
                    http,
                    automatic,
                    {},
                    {other(kind::refused, status), answer("{}")},
                    {probe, "initialize", "done legacy"}});
  }
  for (const std::int64_t code : {-32020, -32021}) {
    rows.push_back(
        {"modern words, once", http, automatic, {}, {failure(code, 400), versions(modern)}, {probe, probe, "done modern"}});
    rows.push_back({"modern words, twice",
                    http,
                    automatic,
                    {},
                    {failure(code, 400), failure(code, 400), answer("{}")},
                    {probe, probe, "initialize", "done legacy"}});
  }
  play(rows);
}

TEST(DetectFsm, FailsOnErrorsThatSayNothingAboutTheEra) {
  play({
      {"401", http, automatic, {}, {other(kind::denied, 401)}, {probe, "fail auth_failed: HTTP 401"}},
      {"403", http, automatic, {}, {other(kind::denied, 403)}, {probe, "fail auth_failed: HTTP 403"}},
      {"429", http, automatic, {}, {other(kind::broken, 429)}, {probe, "fail http_status: HTTP 429"}},
      {"a redirect", http, automatic, {}, {other(kind::broken, 302)}, {probe, "fail http_status: HTTP 302"}},
      {"5xx, known to be modern",
       http,
       automatic,
       era::modern,
       {other(kind::broken, 503)},
       {probe, "fail http_status: HTTP 503"}},
      {"silence, modern was asked for",
       http,
       era_choice::modern,
       {},
       {other(kind::silent)},
       {probe, "fail http_status: HTTP 0"}},
      {"401 to initialize",
       http,
       automatic,
       {},
       {failure(-32601, 404), other(kind::denied, 401)},
       {probe, "initialize", "fail auth_failed: HTTP 401"}},
      {"5xx to initialize",
       http,
       automatic,
       {},
       {failure(-32601, 404), other(kind::broken, 500)},
       {probe, "initialize", "fail http_status: HTTP 500"}},
  });
}

// No host has ever asked an old server for what it does not know, so any answer of no use may come from one that works.
TEST(DetectFsm, WhatIsOfNoUseIsNeverTheVerdict) {
  std::vector<row> rows;
  for (const observed& got : {other(kind::broken, 500), other(kind::broken, 408), other(kind::silent), other(kind::ended)}) {
    const std::string first = "fail http_status: HTTP " + std::to_string(got.status);
    rows.push_back({"an old server", http, automatic, {}, {got, answer("{}")}, {probe, "initialize", "done legacy"}});
    rows.push_back({"nothing works", http, automatic, {}, {got, other(kind::broken, 504)}, {probe, "initialize", first}});
    rows.push_back({"nor an event stream",
                    http,
                    automatic,
                    {},
                    {got, other(kind::refused, 405), other(kind::refused, 404)},
                    {probe, "initialize", "sse", first}});
  }
  play(rows);
}

TEST(DetectFsm, VerdictAfterNoAnswerIsNotForOthers) {
  for (const observed& got : {other(kind::broken, 500), other(kind::silent), other(kind::ended)}) {
    detect_fsm machine(http, automatic, {});
    machine.start();
    machine.next(got);
    machine.next(answer("{}"));
    EXPECT_FALSE(machine.is_sure());
  }
  detect_fsm machine(http, automatic, {});
  machine.start();
  machine.next(failure(-32601));
  EXPECT_TRUE(machine.is_sure());
}

TEST(DetectFsm, RevisionIsOfferedAgainOnce) {
  const auto refused = [](const std::string& data) { return failure(-32602, 0, data); };
  for (const std::string named : {"2025-06-18", "2025-03-26", "2024-11-05"}) {
    for (const carrier over : {http, stdio}) {
      detect_fsm machine(over, era_choice::legacy, {});
      EXPECT_EQ(machine.start().version, "2025-11-25");
      const auto again = machine.next(refused(R"({"supported":[")" + named + R"("]})"));
      EXPECT_EQ(text_of_step(again), "initialize");
      EXPECT_EQ(again.version, named);
      EXPECT_EQ(text_of_step(machine.next(refused(R"({"supported":["2024-11-05"]})"))),
                "fail rpc_error: the server refused initialize with error -32602");
    }
  }
}

TEST(DetectFsm, RestartsASilentOrEndedProgram) {
  play({
      {"silent", stdio, automatic, {}, {other(kind::silent), answer("{}")}, {probe, "initialize", "done legacy"}},
      {"ended", stdio, automatic, {}, {other(kind::ended), answer("{}")}, {probe, "restart", "done legacy"}},
      {"ended twice",
       stdio,
       automatic,
       {},
       {other(kind::ended), other(kind::ended)},
       {probe, "restart", "fail http_status: HTTP 0"}},
      {"known to be modern: slow, not old",
       stdio,
       automatic,
       era::modern,
       {other(kind::silent)},
       {probe, "fail http_status: HTTP 0"}},
      {"modern was asked for", stdio, era_choice::modern, {}, {other(kind::ended)}, {probe, "fail http_status: HTTP 0"}},
      {"a pipe has no event stream",
       stdio,
       automatic,
       {},
       {failure(-32601), failure(-32600)},
       {probe, "initialize", "fail rpc_error: the server refused initialize with error -32600"}},
  });
}

TEST(DetectFsm, FallsBackToHttpSse) {
  const observed gone = other(kind::refused, 404);
  play({
      {"4xx to everything by POST",
       http,
       automatic,
       {},
       {gone, other(kind::refused, 405), answer("{}")},
       {probe, "initialize", "sse", "done sse"}},
      {"an error of JSON-RPC with 400",
       http,
       automatic,
       {},
       {gone, failure(-32000, 400), answer("{}")},
       {probe, "initialize", "sse", "done sse"}},
      {"the POST's error is told when there is no stream",
       http,
       automatic,
       {},
       {gone, other(kind::refused, 405), gone},
       {probe, "initialize", "sse", "fail http_status: HTTP 405"}},
      {"an error of JSON-RPC with 200 is an answer",
       http,
       automatic,
       {},
       {gone, failure(-32600, 0)},
       {probe, "initialize", "fail rpc_error: the server refused initialize with error -32600"}},
      {"asked for", http, era_choice::sse, {}, {answer("{}")}, {"sse", "done sse"}},
      {"asked for, and not there", http, era_choice::sse, {}, {gone}, {"sse", "fail http_status: HTTP 404"}},
      {"asked for the old protocol", http, era_choice::legacy, {}, {gone, answer("{}")}, {"initialize", "sse", "done sse"}},
  });
}

TEST(DetectFsm, ReturnsToModernWhenInitializeIsRefused) {
  play({
      {"and says so",
       http,
       automatic,
       {},
       {other(kind::refused, 404), supports(modern), versions(modern)},
       {probe, "initialize", probe, "done modern"}},
      {"but does not mean it",
       http,
       automatic,
       {},
       {other(kind::refused, 404), supports(modern), failure(-32601, 404)},
       {probe, "initialize", probe, "fail rpc_error: the server refused server/discover with error -32601"}},
      {"when the old protocol was asked for",
       stdio,
       era_choice::legacy,
       {},
       {supports(modern)},
       {"initialize", "fail rpc_error: the server refused initialize with error -32022"}},
  });
}

TEST(DetectFsm, StartsWithTheRememberedEra) {
  const observed gone = other(kind::refused, 404);
  play({
      {"legacy", http, automatic, era::legacy, {answer("{}")}, {"initialize", "done legacy"}},
      {"legacy no more", http, automatic, era::legacy, {gone, versions(modern)}, {"initialize", probe, "done modern"}, true},
      {"legacy: it says that it is modern",
       http,
       automatic,
       era::legacy,
       {supports(modern), versions(modern)},
       {"initialize", probe, "done modern"},
       true},
      {"legacy: trouble is no contradiction",
       http,
       automatic,
       era::legacy,
       {other(kind::broken, 502)},
       {"initialize", "fail http_status: HTTP 502"}},
      {"sse", http, automatic, era::sse, {answer("{}")}, {"sse", "done sse"}},
      {"sse no more",
       http,
       automatic,
       era::sse,
       {gone, gone, answer("{}")},
       {"sse", probe, "initialize", "done legacy"},
       true},
      {"sse: trouble", http, automatic, era::sse, {other(kind::broken)}, {"sse", "fail http_status: HTTP 0"}},
      {"modern", http, automatic, era::modern, {versions(modern)}, {probe, "done modern"}},
      {"modern no more",
       http,
       automatic,
       era::modern,
       {failure(-32601, 404), answer("{}")},
       {probe, "initialize", "done legacy"},
       true},
      {"what is asked for counts more", http, era_choice::modern, era::legacy, {versions(modern)}, {probe, "done modern"}},
  });
}

TEST(ProbeAnswer, ClassifiesAnswersErrorsAndRefusals) {
  const auto status = [](unsigned code) {
    http::answer out;
    out.status = code;
    return std::optional<http::answer>(out);
  };
  const result<message> refused = error(errc::http_status, "no");
  message good;
  good.type = message::kind::result;
  message bad;
  bad.type = message::kind::failure;
  EXPECT_EQ(observe(good, {}).type, kind::answer);
  EXPECT_EQ(observe(bad, {}).type, kind::failure);
  EXPECT_EQ(observe(bad, status(404)).status, 404U);
  EXPECT_EQ(observe(bad, status(401)).type, kind::denied);
  EXPECT_EQ(observe(bad, status(403)).why.code(), errc::auth_failed);
  EXPECT_EQ(observe(refused, status(404)).type, kind::refused);
  EXPECT_EQ(observe(refused, status(200)).type, kind::refused);
  EXPECT_EQ(observe(refused, status(302)).type, kind::broken);
  EXPECT_EQ(observe(refused, status(408)).type, kind::broken);
  EXPECT_EQ(observe(refused, status(429)).type, kind::broken);
  EXPECT_EQ(observe(refused, status(503)).type, kind::broken);
  EXPECT_EQ(observe(error(errc::deadline, ""), {}).type, kind::silent);
  EXPECT_EQ(observe(error(errc::child_exited, ""), {}).type, kind::ended);
  EXPECT_EQ(observe(error(errc::connection_lost, ""), {}).type, kind::ended);
  EXPECT_EQ(observe(error(errc::tls_failed, ""), {}).type, kind::broken);
}

TEST(ProbeAnswer, ThatAsksToWaitIsTheEndOfTheAttempt) {
  message bad;
  bad.type = message::kind::failure;
  for (const unsigned status : {429U, 503U}) {
    http::answer busy;
    busy.status = status;
    busy.retry_after = "20";
    const result<message> refused = explain_answer(busy);
    for (const observed& got : {observe(bad, busy), observe(refused, busy)}) {
      EXPECT_EQ(got.type, kind::broken) << status;
      EXPECT_EQ(got.why.retry_after(), std::chrono::seconds(20)) << status;
      detect_fsm detection(detect_fsm::carrier::http, era_choice::automatic, std::nullopt);
      static_cast<void>(detection.start());
      EXPECT_EQ(detection.next(got).type, detect_fsm::step::kind::fail) << "it is not asked to initialize now";
    }
  }
}

}  // namespace
}  // namespace mcpstate::mcp
