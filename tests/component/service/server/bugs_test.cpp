// SPDX-License-Identifier: MIT
// Exceptions in what works for one request: it is answered 500, or its connection ends, and everything else goes on.
#include <optional>
#include <string>

#include "component/service/service_fixture.hh"
#include "support/heap_peak.hh"
#include "support/turns/turns.hh"

namespace mcpstate::test {
namespace {

// What the trap does in the steps of user:hit; nothing to others. One test runs at a time.
struct bug_order {
  std::string step;
  std::optional<thrown> kind;             // absent: no exception
  std::optional<std::size_t> allocation;  // that fails, from then on
  std::uint64_t turn = 0;
  int sprung = 0;
};
bug_order bug;

bool in_turn_of_bug() { return this_turn() == bug.turn; }

void spring(std::string_view step, const owner& who) {
  if (step != bug.step || who.text() != "user:hit") return;
  ++bug.sprung;
  if (bug.kind) throw_it(*bug.kind);
  if (!bug.allocation) return;
  bug.turn = this_turn();
  fail_allocation(*std::exchange(bug.allocation, std::nullopt), &in_turn_of_bug);
}

fixture_options trapped() {
  bug = bug_order();
  auto out = quick_options();
  out.trap = spring;
  return out;
}

const std::string state = R"({"status":"CONNECTED","tools":[{"name":"one"}]})";

struct asked_step {
  std::string step, request;
};

std::string path(const std::string& who) { return "/v1/users/" + who + "/connections"; }

// A request that takes this step, of this owner.
std::vector<asked_step> requests_of(const std::string& who) {
  return {{"list", get(path(who))},
          {"list", get(path(who) + "?tools=true")},
          {"get", get(path(who) + "/srv")},
          {"put", with_body("PUT", path(who) + "/srv/state", state)},
          {"touch", "POST " + path(who) + "/srv/touch HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"},
          {"disconnect_all", "DELETE " + path(who) + " HTTP/1.1\r\nHost: localhost\r\n\r\n"}};
}

// The other owner, and who asks for the health of the process.
asio::awaitable<void> others_go_on(raw_client& other) {
  const auto listed = co_await other.ask(get(path("other")));
  EXPECT_EQ(listed.status, 200U);
  EXPECT_NE(listed.body.find("srv"), std::string::npos);
  const auto health = co_await other.ask(get("/healthz"));
  EXPECT_EQ(health.status, 200U);
}

asio::awaitable<void> prepare(raw_client& client) {
  for (const char* const who : {"hit", "other"}) {
    const auto written = co_await client.ask(with_body("PUT", path(who) + "/srv/state", state));
    EXPECT_TRUE(written.status == 200 || written.status == 201) << written.status;
  }
}

SERVICE_TEST(BugOfAHandler, IsAnswered500ToldAndCountedAndHurtsNoOther, trapped()) {
  auto client = co_await f.client();
  auto other = co_await f.client();
  co_await prepare(*client);
  int failed = 0;
  for (const asked_step& each : requests_of("hit")) {
    for (const thrown kind : all_thrown) {
      bug.step = each.step;
      bug.kind = kind;
      bug.sprung = 0;
      const auto answer = co_await client->ask(each.request);
      EXPECT_EQ(answer.status, 500U) << each.request;
      EXPECT_NE(answer.body.find("problem:internal"), std::string::npos) << answer.body;
      EXPECT_EQ(answer.body.find("a bug\""), std::string::npos) << answer.body;
      EXPECT_EQ(bug.sprung, 1) << each.request;
      bug.kind.reset();
      ++failed;
      co_await others_go_on(*other);
    }
    const auto again = co_await client->ask(each.request);
    EXPECT_LT(again.status, 300U) << each.request;
  }
  const std::string log = f.log_text();
  int told = 0;
  for (auto at = log.find("a request failed"); at != std::string::npos; at = log.find("a request failed", at + 1)) ++told;
  EXPECT_EQ(told, failed);
  const auto metrics = co_await other->ask(get("/metrics"));
  EXPECT_NE(metrics.body.find("500"), std::string::npos);
}

// Lack of memory at one allocation after another of the request, from the store's step to the last byte of the answer that is
// written at once.
asio::awaitable<bool> hit_allocation(service_fixture& f, std::string request, std::size_t number) {
  auto client = co_await f.client();
  bug.allocation = number;
  fail_allocation(0, nullptr);
  const auto answer = co_await client->ask(std::move(request));
  const bool failed = failed_allocations() > 0;
  EXPECT_TRUE(answer.status == 0 || answer.status == 500 || answer.status < 300) << answer.status;
  EXPECT_TRUE(failed || (answer.status >= 200 && answer.status < 300)) << answer.status;
  client->close();
  co_return failed;
}

SERVICE_TEST(BugOfAHandler, LackOfMemoryAnywhereInItHurtsNoOther, trapped()) {
  auto other = co_await f.client();
  co_await prepare(*other);
  for (const asked_step& each : requests_of("hit")) {
    bug.step = each.step;
    bool failed = true;
    std::size_t number = 0;
    for (; failed && number < 300; number += 1 + number / 8) {
      SCOPED_TRACE(each.request.substr(0, 40) + std::to_string(number));
      failed = co_await hit_allocation(f, each.request, number);
      co_await others_go_on(*other);
    }
    EXPECT_GT(number, 3U) << each.request;
  }
}

// Events of an owner whose watch cannot be opened: its stream waits, all others go on, and so does it, afterwards.
SERVICE_TEST(BugOfAnEventStream, DelaysThatStreamAlone, trapped()) {
  auto other = co_await f.client();
  co_await prepare(*other);
  for (const thrown kind : all_thrown) {
    bug.step = "watch";
    bug.kind = kind;
    bug.sprung = 0;
    auto stream = co_await f.client();
    co_await stream->send(get("/v1/users/hit/events"));
    EXPECT_TRUE(co_await eventually([] { return bug.sprung > 0; }));
    co_await others_go_on(*other);
    bug.kind.reset();
    const auto seen = co_await stream->until("event: ready");
    EXPECT_NE(seen.find("event: ready"), std::string::npos) << seen;
    stream->close();
  }
}

}  // namespace
}  // namespace mcpstate::test
