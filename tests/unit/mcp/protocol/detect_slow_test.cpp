// SPDX-License-Identifier: MIT
// A program that is silent to the first question: it is not there yet, it ignores what it does not know, or it is stuck.
#include "unit/mcp/protocol/detect_rows.hh"

namespace mcpstate::mcp {
namespace {

using namespace detect_rows;

observed silent(bool reads) {
  observed out = other(kind::silent);
  out.reads = reads;
  return out;
}

TEST(DetectSlow, ASilentProgramIsNotStartedAgainWhileItHasReadNothing) {
  const std::string end = "fail http_status: HTTP 0";
  play({
      {"it answers the second question",
       stdio,
       automatic,
       {},
       {silent(false), answer("{}")},
       {probe, "initialize", "done legacy"}},
      {"it answers it with an error",
       stdio,
       automatic,
       {},
       {silent(false), failure(-32603)},
       {probe, "initialize", "fail rpc_error: the server refused initialize with error -32603"}},
      {"it never comes", stdio, automatic, {}, {silent(false), silent(false)}, {probe, "initialize", end}},
      {"it reads at last",
       stdio,
       automatic,
       {},
       {silent(false), silent(true), answer("{}")},
       {probe, "initialize", "restart", "done legacy"}},
      {"it ends", stdio, automatic, {}, {silent(false), other(kind::ended)}, {probe, "initialize", "restart"}},
  });
}

TEST(DetectSlow, AStuckProgramIsStartedAgainOnceAndWithoutTheProbe) {
  const std::string end = "fail http_status: HTTP 0";
  play({
      {"stuck by the probe",
       stdio,
       automatic,
       {},
       {silent(true), silent(false), answer("{}")},
       {probe, "initialize", "restart", "done legacy"}},
      {"stuck after both",
       stdio,
       automatic,
       {},
       {silent(true), silent(true), answer("{}")},
       {probe, "initialize", "restart", "done legacy"}},
      {"stuck by itself",
       stdio,
       automatic,
       {},
       {silent(true), silent(true), silent(true)},
       {probe, "initialize", "restart", end}},
      {"not where it has answered the probe",
       stdio,
       automatic,
       {},
       {failure(-32601), silent(true)},
       {probe, "initialize", end}},
      {"nor where it was not probed", stdio, era_choice::legacy, {}, {silent(true)}, {"initialize", end}},
      {"nor over HTTP", http, automatic, {}, {silent(true), silent(true)}, {probe, "initialize", end}},
  });
}

TEST(DetectSlow, AServerOfTheModernEraAloneIsAskedAgainWhenItIsThere) {
  const std::string refused = "fail rpc_error: the server refused initialize with error -32601";
  play({
      {"it knows no initialize",
       stdio,
       automatic,
       {},
       {silent(false), failure(-32601), versions(modern)},
       {probe, "initialize", probe, "done modern"}},
      {"it names its version",
       stdio,
       automatic,
       {},
       {silent(false), supports(modern), versions(modern)},
       {probe, "initialize", probe, "done modern"}},
      {"it knows neither",
       stdio,
       automatic,
       {},
       {silent(false), failure(-32601), failure(-32601)},
       {probe, "initialize", probe, "fail rpc_error: the server refused server/discover with error -32601"}},
      {"it has refused the probe before",
       stdio,
       automatic,
       {},
       {failure(-32601), failure(-32601)},
       {probe, "initialize", refused}},
  });
}

}  // namespace
}  // namespace mcpstate::mcp
