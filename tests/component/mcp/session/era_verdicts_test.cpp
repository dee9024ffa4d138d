// SPDX-License-Identifier: MIT
// What is remembered about servers, and what makes it be found out again.
#include <memory>
#include <string>
#include <vector>

#include "component/mcp/http_plan.hh"
#include "support/temp_dir.hh"

namespace mcpstate::test {
namespace {

using namespace std::chrono_literals;
using clock = mcp::era_memory::clock;

// A server of both eras, or of one of them.
http_reply dual_reply(const http_seen& request) {
  if (request.rpc_method != "server/discover") return usual_reply(request);
  return result_reply(request, R"({"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}})");
}

http_reply modern_reply(const http_seen& request) {
  if (request.rpc_method != "initialize") return dual_reply(request);
  return error_reply(request, 400, -32022, "Unsupported protocol version", R"({"supported":["2026-07-28"]})");
}

http_reply troubled_reply(const http_seen&) { return empty_reply(503); }

struct visit {
  visit() {}
  scripted_server::handler answer = dual_reply;
  mcp::era_choice wanted = mcp::era_choice::automatic;
  std::optional<mcp::era> remembered;
  clock::duration ago{0};
  // What is expected.
  std::optional<mcp::era> found;  // none: connecting fails
  std::vector<std::string> asked;
  std::optional<mcp::era> kept;                // afterwards
  clock::duration later = clock::duration(0);  // …or some time after it
};

asio::awaitable<void> connect_once(visit what) {
  const auto executor = co_await asio::this_coro::executor;
  scripted_server server(executor, what.answer);
  mcp::http_target where;
  where.url = server.url();
  const std::string key = mcp::era_key(where);
  auto options = test_options();
  options.protocol = what.wanted;
  options.eras = std::make_shared<mcp::era_memory>();
  if (what.remembered) options.eras->keep(key, *what.remembered, clock::now() - what.ago);
  auto opened = co_await mcp::connect(executor, where, options);
  EXPECT_EQ(opened.has_value(), what.found.has_value()) << (opened ? "connected" : opened.error().full_text());
  if (opened) {
    EXPECT_EQ(mcp::name_of((*opened)->facts().protocol_era), mcp::name_of(what.found.value_or(mcp::era::sse)));
    co_await (*opened)->close();
  }
  std::vector<std::string> asked;
  for (const http_seen& request : server.seen) {
    if (!request.rpc_id.empty()) asked.push_back(request.rpc_method);
  }
  EXPECT_EQ(asked, what.asked);
  EXPECT_EQ(options.eras->find(key, clock::now() + what.later), what.kept);
  co_await server.close();
}

void play(const visit& what) {
  run_co_test([&](asio::io_context&) { return connect_once(what); });
}

TEST(EraVerdict, IsKeptBetweenConnections) {
  visit what;
  what.found = what.kept = mcp::era::modern;
  what.asked = {"server/discover"};
  what.later = 10'000h;
  play(what);
  what.answer = usual_reply;
  what.found = what.kept = mcp::era::legacy;
  what.asked = {"server/discover", "initialize"};
  what.later = 23h;
  play(what);
}

// It saves the probe, and that must not make it last: the server may have learnt the newer protocol meanwhile.
TEST(EraVerdict, ExpiresADayAfterLegacyWasFound) {
  visit what;
  what.remembered = what.found = mcp::era::legacy;
  what.ago = 20h;
  what.asked = {"initialize"};
  what.kept = mcp::era::legacy;
  play(what);
  what.later = 5h;
  what.kept = std::nullopt;
  play(what);
}

TEST(EraVerdict, IsRenewedForOldLegacy) {
  visit what;
  what.remembered = mcp::era::legacy;
  what.ago = 25h;
  what.found = what.kept = mcp::era::modern;
  what.asked = {"server/discover"};
  play(what);
}

TEST(EraVerdict, ChangesWhenLegacyIsContradicted) {
  visit what;
  what.answer = modern_reply;
  what.remembered = mcp::era::legacy;
  what.found = what.kept = mcp::era::modern;
  what.asked = {"initialize", "server/discover"};
  play(what);
}

TEST(EraVerdict, ChangesWhenModernIsContradicted) {
  visit what;
  what.answer = usual_reply;
  what.remembered = mcp::era::modern;
  what.found = what.kept = mcp::era::legacy;
  what.asked = {"server/discover", "initialize"};
  play(what);
}

TEST(EraVerdict, SurvivesServerTrouble) {
  for (const mcp::era each : {mcp::era::modern, mcp::era::legacy}) {
    visit what;
    what.answer = troubled_reply;
    what.remembered = what.kept = each;
    what.asked = {each == mcp::era::modern ? "server/discover" : "initialize"};
    play(what);
  }
}

// What is asked for says nothing about what a server would have answered.
TEST(EraVerdict, IgnoresWhatTheUserAskedFor) {
  visit what;
  what.wanted = mcp::era_choice::legacy;
  what.found = mcp::era::legacy;
  what.asked = {"initialize"};
  play(what);
  what.remembered = what.kept = mcp::era::modern;
  play(what);
}

// It would answer initialize; but whoever has spoken the newer protocol is slow, not old.
CO_TEST_WITHIN(EraVerdict, NeverDemotesAModernSession, 60s) {
  const temp_dir dir;
  auto server = odd_server("modern_at_first");
  server.where.env.emplace_back("MCPSTATE_TEST_STARTS", dir.file("starts"));
  std::vector<std::string> steps;
  auto options = test_options();
  options.probe_timeout = 2s;  // a busy machine starts Python slowly, and the first one must answer
  options.connect_timeout = 6s;
  options.on_step = [&steps](const mcp::connect_step& step) { steps.push_back(step.name); };
  auto opened = co_await mcp::connect(co_await asio::this_coro::executor, server.where, options);
  CO_ASSERT_OK(opened);
  auto listed = co_await (*opened)->list_tools();  // it dies, and does not answer when it is started again
  CO_ASSERT_FAILS(listed, errc::deadline);
  EXPECT_EQ(steps,
            std::vector<std::string>({"start the program", "server/discover", "start the program", "server/discover"}));
  EXPECT_EQ((*opened)->facts().protocol_version, "2026-07-28");
  co_await (*opened)->close();
  EXPECT_EQ(describe(processes_of(server.mark)), "");
}

}  // namespace
}  // namespace mcpstate::test
