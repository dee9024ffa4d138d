// SPDX-License-Identifier: MIT
// Programs that know one revision only, and refuse every other.
#include <string>
#include <vector>

#include "component/mcp/mcp_support.hh"

namespace mcpstate::test {
namespace {

// argv: the revision that it speaks, and the data of its refusal.
constexpr const char* program = R"(
import json, sys
speaks, data = sys.argv[1], json.loads(sys.argv[2])
for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    answer = {"jsonrpc": "2.0", "id": request["id"]}
    if request["method"] == "tools/list":
        answer["result"] = {"tools": [{"name": "plain", "inputSchema": {"type": "object"}}]}
    elif request["method"] != "initialize":
        answer["error"] = {"code": -32601, "message": "Method not found"}
    elif request["params"]["protocolVersion"] == speaks:
        answer["result"] = {"protocolVersion": speaks, "capabilities": {"tools": {}}, "serverInfo": {"name": "one", "version": "1"}}
    else:
        answer["error"] = {"code": -32602, "message": "Unsupported protocol version", "data": data}
    print(json.dumps(answer), flush=True)
)";

asio::awaitable<void> agrees(std::string speaks, std::string data) {
  const auto server = marked({"/usr/bin/python3", "-c", program, speaks, data});
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.where, test_options());
  CO_ASSERT_OK(opened);
  EXPECT_EQ((*opened)->facts().protocol_version, speaks);
  auto listed = co_await (*opened)->list_tools();
  CO_ASSERT_OK(listed);
  EXPECT_EQ(listed->tools.count(), 1U);
  co_await (*opened)->close();
}

TEST(RefusedRevision, OfAProgramIsTheOneThatItNames) {
  for (const std::string speaks : {"2025-06-18", "2025-03-26", "2024-11-05"}) {
    for (const std::string& data : {R"({"supported":[")" + speaks + R"("]})", R"({"expected":")" + speaks + "\"}"}) {
      SCOPED_TRACE(data);
      run_co_test([&](asio::io_context&) { return agrees(speaks, data); });
    }
  }
}

TEST(RefusedRevision, OfAProgramThatNamesNoneIsTheOneThatMostSpeak) {
  run_co_test([](asio::io_context&) { return agrees("2025-06-18", "null"); });
}

}  // namespace
}  // namespace mcpstate::test
