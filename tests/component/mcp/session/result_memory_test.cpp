// SPDX-License-Identifier: MIT
// What many large results at once can make clients hold that share a budget: what the budget says, by the rule for messages.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <mcpstate/core/byte_budget.hpp>

#include "component/mcp/http_plan.hh"
#include "support/compress.hh"
#include "support/heap_peak.hh"
#include "support/turns/outside_turns.hh"

namespace mcpstate::test {
namespace {

constexpr std::size_t result_bytes = 6'000'000;
constexpr std::size_t budget_bytes = 16'000'000;
constexpr int calls = 8;

struct budgeted_calls {
  budgeted_calls() {}
  std::shared_ptr<byte_budget> budget = std::make_shared<byte_budget>(budget_bytes, budget_bytes);
  std::vector<std::optional<error>> outcomes;

  [[nodiscard]] mcp::client_options options() const {
    auto out = test_options();
    out.message_budget = budget;
    out.message_owner = "user:1";
    return out;
  }
  [[nodiscard]] auto told() const {
    return std::ranges::count_if(outcomes, [](const auto& each) { return !each.has_value(); });
  }
};

asio::awaitable<void> call_large(mcp::client& client, budgeted_calls& all) {
  auto called = co_await client.call_tool("large", "{}", mcp::call_options());
  all.outcomes.push_back(called ? std::nullopt : std::optional(called.error()));
}

asio::awaitable<void> call_at_once(mcp::client& client, budgeted_calls& all) {
  aio::task_group group(co_await asio::this_coro::executor, aio::end_process);
  for (int i = 0; i < calls; ++i) group.spawn("call", call_large(client, all));
  co_await group.join();
}

void expect_refusals(const budgeted_calls& all) {
  for (const auto& outcome : all.outcomes) {
    if (!outcome) continue;
    EXPECT_EQ(outcome->code(), errc::busy) << outcome->full_text();
    EXPECT_EQ(outcome->detail(), "tools/call was carried out; there is no room for its answer");
  }
  EXPECT_EQ(all.outcomes.size(), std::size_t{calls});
}

// Answers calls with results that compress well enough for it to hold them many times, and not so well that they would be
// refused. Each ends only when all that are expected have come most of the way.
struct result_server {
  explicit result_server(bool over_stream) : stream(over_stream) {}
  bool stream;
  std::size_t expected = calls, packed_bytes = 0;
  std::vector<std::pair<std::shared_ptr<http_rest>, std::string>> open;

  http_reply call(const http_seen& request) {
    const outside_turns own;
    gzip_stream body;
    std::string begun = body.add(stream ? "data: " : "", false);
    begun += body.add(R"({"jsonrpc":"2.0","id":)" + request.rpc_id + R"(,"result":{"content":[],"text":")", false);
    for (int i = 0; i < static_cast<int>(result_bytes / 300); ++i)
      begun += body.add(std::string(292, 'x') + std::to_string(10'000'000 + i), i == static_cast<int>(result_bytes / 400));
    std::string end = body.add(stream ? "\"}}\n\n" : "\"}}", false);
    end += body.finish();
    http_reply out("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\nContent-Type: " +
                   std::string(stream ? "text/event-stream" : "application/json") + "\r\n\r\n" + begun);
    packed_bytes = out.bytes.size();
    out.after = http_reply::then::hang;
    out.rest = std::make_shared<http_rest>();
    open.emplace_back(out.rest, std::move(end));
    if (open.size() == expected) finish();
    return out;
  }
  void finish() {
    for (auto& [rest, end] : std::exchange(open, {})) {
      rest->add(std::move(end));
      rest->end();
    }
  }
  http_reply answer(const http_seen& request) {
    return request.rpc_method == "tools/call" ? call(request) : usual_reply(request);
  }
};

asio::awaitable<void> bounded_over_http(bool stream) {
  const auto executor = co_await asio::this_coro::executor;
  result_server script(stream);
  scripted_server server(executor, [&script](const http_seen& request) { return script.answer(request); });
  mcp::http_target where;
  where.url = server.url();
  budgeted_calls all;
  auto opened = co_await mcp::connect(executor, where, all.options());
  CO_ASSERT_OK(opened);
  const heap_peak heap;
  co_await call_at_once(**opened, all);
  EXPECT_LE(heap.bytes(), heap_bound(budget_bytes) + calls * (500'000 + 6 * script.packed_bytes));  // what is the server's
  EXPECT_GE(all.told(), 1);
  EXPECT_LT(all.told(), calls);
  expect_refusals(all);
  EXPECT_EQ(all.budget->used(), 0U);
  all.outcomes.clear();
  script.expected = 1;
  co_await call_large(**opened, all);
  EXPECT_EQ(all.told(), 1);
  co_await (*opened)->close();
  co_await server.close();
}

TEST(ClientMemory, LargeResultsAtOnceOverHttpStayInTheirBudget) {
  for (const bool stream : {false, true}) {
    SCOPED_TRACE(stream ? "event stream" : "JSON");
    run_co_test([stream](asio::io_context&) { return bounded_over_http(stream); }, std::chrono::seconds(60));
  }
}

// Another owner's messages have taken all the room.
asio::awaitable<void> thrown_away_over_stdio(marked_target server) {
  budgeted_calls all;
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.where, all.options());
  CO_ASSERT_OK(opened);
  auto others = all.budget->open("user:2");
  CO_ASSERT_TRUE(others.resize(budget_bytes - 1'000'000));
  const heap_peak heap;
  co_await call_at_once(**opened, all);
  EXPECT_LE(heap.bytes(), heap_bound(1'000'000));
  EXPECT_EQ(all.told(), 0);
  others.release();
  expect_refusals(all);
  // Nothing of what was thrown away is left, and the session goes on.
  all.outcomes.clear();
  co_await call_large(**opened, all);
  EXPECT_EQ(all.told(), 1);
  auto listed = co_await (*opened)->list_tools();
  EXPECT_TRUE(listed.has_value()) << listed.error().full_text();
  EXPECT_EQ(all.budget->used(), 0U);
  co_await (*opened)->close();
}

TEST(ClientMemory, AResultWithoutRoomOverStdioIsThrownAwayAndTheSessionGoesOn) {
  auto server = greedy_server("results");
  run_co_test([&](asio::io_context&) { return thrown_away_over_stdio(server); }, std::chrono::seconds(60));
}

}  // namespace
}  // namespace mcpstate::test
