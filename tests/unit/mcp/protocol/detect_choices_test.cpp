// SPDX-License-Identifier: MIT
#include "unit/mcp/protocol/detect_rows.hh"

// How detection goes when the user has said what he wants, and where it leads back.
namespace mcpstate::mcp {
namespace {

using namespace detect_rows;

const observed gone = other(kind::refused, 404);

TEST(DetectFsm, TriesOnlyTheModernEraWhenChosen) {
  const auto wanted = era_choice::modern;
  play({
      {"no MCP there", http, wanted, {}, {gone}, {probe, "fail http_status: HTTP 404"}},
      {"an old server",
       http,
       wanted,
       {},
       {failure(-32601, 404)},
       {probe, "fail rpc_error: the server refused server/discover with error -32601"}},
      {"an old server that says so",
       http,
       wanted,
       {},
       {supports("\"2025-11-25\"")},
       {probe, "fail unsupported: the server speaks no protocol version that mcpstate does"}},
      {"an old server that answers",
       http,
       wanted,
       {},
       {versions("\"2025-11-25\"")},
       {probe, "fail unsupported: the server speaks no protocol version that mcpstate does"}},
      {"modern words twice",
       http,
       wanted,
       {},
       {failure(-32020, 400), failure(-32020, 400)},
       {probe, probe, "fail rpc_error: the server refused server/discover with error -32020"}},
      {"silence over a pipe", stdio, wanted, {}, {other(kind::silent)}, {probe, "fail http_status: HTTP 0"}},
  });
}

TEST(DetectFsm, TriesOnlyTheHandshakeWhenLegacyIsChosen) {
  const auto wanted = era_choice::legacy;
  play({
      {"there", http, wanted, {}, {answer("{}")}, {"initialize", "done legacy"}},
      {"there, over a pipe", stdio, wanted, {}, {answer("{}")}, {"initialize", "done legacy"}},
      {"what is remembered does not count", http, wanted, era::modern, {answer("{}")}, {"initialize", "done legacy"}},
      {"nor what is remembered of it", http, wanted, era::legacy, {gone, answer("{}")}, {"initialize", "sse", "done sse"}},
      {"a modern server",
       http,
       wanted,
       {},
       {supports(modern), gone},
       {"initialize", "sse", "fail rpc_error: the server refused initialize with error -32022"}},
      {"silence over a pipe", stdio, wanted, {}, {other(kind::silent)}, {"initialize", "fail http_status: HTTP 0"}},
      {"the end of a pipe", stdio, wanted, {}, {other(kind::ended)}, {"initialize", "fail http_status: HTTP 0"}},
  });
}

TEST(DetectFsm, TriesOnlyHttpSseWhenChosen) {
  const auto wanted = era_choice::sse;
  play({
      {"a pipe has the handshake only", stdio, wanted, {}, {answer("{}")}, {"initialize", "done legacy"}},
      {"the handshake is refused",
       http,
       wanted,
       {},
       {failure(-32600)},
       {"sse", "fail rpc_error: the server refused initialize with error -32600"}},
      {"gone, although it is remembered", http, wanted, era::sse, {gone}, {"sse", "fail http_status: HTTP 404"}},
      {"credentials", http, wanted, {}, {other(kind::denied, 401)}, {"sse", "fail auth_failed: HTTP 401"}},
  });
}

TEST(DetectFsm, StartsAPipeWithItsRememberedEra) {
  play({
      {"legacy", stdio, automatic, era::legacy, {answer("{}")}, {"initialize", "done legacy"}},
      {"legacy no more",
       stdio,
       automatic,
       era::legacy,
       {supports(modern), versions(modern)},
       {"initialize", probe, "done modern"},
       true},
      {"a pipe was never HTTP+SSE", stdio, automatic, era::sse, {versions(modern)}, {probe, "done modern"}},
      {"modern no more",
       stdio,
       automatic,
       era::modern,
       {failure(-32601), answer("{}")},
       {probe, "initialize", "done legacy"},
       true},
      {"modern, and it has ended", stdio, automatic, era::modern, {other(kind::ended)}, {probe, "fail http_status: HTTP 0"}},
  });
}

// initialize was refused by a server that calls itself modern: nothing leads to initialize once more.
TEST(DetectFsm, ReturnsToModernOnlyOnce) {
  const std::string unsupported = "fail unsupported: the server speaks no protocol version that mcpstate does";
  const std::vector<std::string> there = {probe, "initialize", probe};
  const auto row_of = [&](const char* what, carrier over, observed last, std::string end) {
    std::vector<std::string> steps = there;
    steps.push_back(std::move(end));
    return row{what, over, automatic, {}, {failure(-32601, 404), supports(modern), std::move(last)}, std::move(steps)};
  };
  play({
      row_of("it lists old versions only", http, supports("\"2025-11-25\""), unsupported),
      row_of("it answers old versions only", http, versions("\"2025-11-25\""), unsupported),
      row_of("it stays silent", stdio, other(kind::silent), "fail http_status: HTTP 0"),
      row_of("it ends", stdio, other(kind::ended), "fail http_status: HTTP 0"),
      row_of("it wants credentials", http, other(kind::denied, 403), "fail auth_failed: HTTP 403"),
      row_of("it is in trouble", http, other(kind::broken, 500), "fail http_status: HTTP 500"),
  });
}

// Servers of the Rust SDK end with anything that is not initialize; some say so before.
TEST(DetectFsm, RestartsAProgramThatEndsAfterRefusingTheProbe) {
  const observed ended = other(kind::ended);
  const observed refused = failure(-32600);
  const std::string end = "fail http_status: HTTP 0";
  play({
      {"started again",
       stdio,
       automatic,
       {},
       {refused, ended, answer("{}")},
       {probe, "initialize", "restart", "done legacy"}},
      {"once", stdio, automatic, {}, {refused, ended, ended}, {probe, "initialize", "restart", end}},
      {"not when it was not probed", stdio, automatic, era::legacy, {ended}, {"initialize", end}},
      {"nor when it was started again for that", stdio, automatic, {}, {ended, ended}, {probe, "restart", end}},
      {"nor over HTTP", http, automatic, {}, {refused, ended}, {probe, "initialize", end}},
      {"silence is another thing", stdio, automatic, {}, {refused, other(kind::silent)}, {probe, "initialize", end}},
  });
}

TEST(DetectFsm, ReturnsToModernOnlyForAListedVersion) {
  const std::vector<observed> refused = {supports("\"2031-01-01\""), failure(-32022, 400), failure(-32022, 400, "[]")};
  for (const observed& got : refused) {
    play({{"what is listed is no help",
           http,
           automatic,
           {},
           {gone, got, gone},
           {probe, "initialize", "sse", "fail rpc_error: the server refused initialize with error -32022"}}});
  }
}

// The statuses for which 2025-03-26 and later tell to try the older transport: any 4xx.
TEST(DetectFsm, FallsBackToHttpSseAfterAny4xx) {
  for (const unsigned status : {400U, 404U, 405U, 410U, 415U}) {
    play({{"without JSON-RPC",
           http,
           automatic,
           {},
           {gone, other(kind::refused, status), answer("{}")},
           {probe, "initialize", "sse", "done sse"}},
          {"with",
           http,
           automatic,
           {},
           {gone, failure(-32000, status), answer("{}")},
           {probe, "initialize", "sse", "done sse"}},
          {"the handshake over it is refused: what POST said is told",
           http,
           automatic,
           {},
           {gone, other(kind::refused, status), failure(-32600)},
           {probe, "initialize", "sse", "fail http_status: HTTP " + std::to_string(status)}}});
  }
  play({{"a success without MCP is none",
         http,
         automatic,
         {},
         {gone, other(kind::refused, 200)},
         {probe, "initialize", "fail http_status: HTTP 200"}},
        {"the stream is forbidden",
         http,
         automatic,
         {},
         {gone, gone, other(kind::denied, 403)},
         {probe, "initialize", "sse", "fail auth_failed: HTTP 403"}}});
}

TEST(DetectFsm, ReportsTheVersionsOfTheServer) {
  detect_fsm machine(http, automatic, {});
  machine.start();
  const auto end = machine.next(versions("\"2031-01-01\",\"2032-01-01\""));
  EXPECT_EQ(end.why.code(), errc::unsupported);
  EXPECT_EQ(end.why.peer_text(), "2031-01-01, 2032-01-01");
}

}  // namespace
}  // namespace mcpstate::mcp
