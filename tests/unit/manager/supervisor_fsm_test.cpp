// SPDX-License-Identifier: MIT
// supervisor_fsm: what it makes of servers, in virtual time. With keeper_records_test.cpp every transition.
#include "unit/manager/supervisor_scene.hh"

namespace mcpstate {
namespace {

using namespace supervisor_scenes;
using namespace std::chrono_literals;

struct first_case {
  const char* name;
  record_view what;
  const char* does;
  phase then;
};

class SupervisorFirstRead : public testing::TestWithParam<first_case> {};

TEST_P(SupervisorFirstRead, DecidesTheFirstStep) {
  scene s;
  EXPECT_EQ(s.start(GetParam().what), GetParam().does);
  EXPECT_EQ(s.fsm.current_phase(), GetParam().then);
}

std::vector<first_case> first_cases() {
  record_view unmanaged = record(status::connected, 1);
  unmanaged.managed = false;
  record_view altered = failed_record(1, 3, 1min);
  altered.altered = true;
  record_view out_of_reach = failed_record(1, 3, std::nullopt), up_out_of_reach = record(status::connected, 1);
  out_of_reach.reachable = up_out_of_reach.reachable = false;
  return {{"gone", record_view(), "close over", phase::over},
          {"unmanaged", unmanaged, "close over", phase::over},
          {"disconnected", record(status::disconnected, 1), "close over", phase::over},
          {"ordered", record(status::connecting, 1), "open", phase::opening},
          {"connected", record(status::connected, 1), "open", phase::opening},
          {"waiting", failed_record(1, 3, 1min), "", phase::waiting},
          {"failed_for_good", failed_record(1, 3, std::nullopt), "", phase::waiting},
          {"auth_required", record(status::auth_required, 1), "", phase::waiting},
          {"out_of_reach", out_of_reach, "", phase::stuck},
          {"out_of_reach_and_up", up_out_of_reach, "open", phase::opening},
          {"altered", altered, "open", phase::opening}};
}

INSTANTIATE_TEST_SUITE_P(All, SupervisorFirstRead, testing::ValuesIn(first_cases()),
                         [](const auto& row) { return row.param.name; });

TEST(SupervisorFsm, ContinuesARowOfFailuresAfterATakeover) {
  scene s;
  EXPECT_EQ(s.start(failed_record(1, 3, 1min)), "");
  supervisor_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "open");
  EXPECT_EQ(waited, 1min);
  s.jitter = 0.25;
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::transient)), "write(FAILED attempt 4 in 2000)");  // a quarter of 8 s
}

// Another process had other credentials, or another server under that name.
TEST(SupervisorFsm, RetriesAPermanentFailureOfAnotherInstanceOnce) {
  scene s;
  EXPECT_EQ(s.start(failed_record(1, 3, std::nullopt)), "");
  supervisor_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "open");
  EXPECT_EQ(waited, 500ms);  // half of a second: many of them do not come at once
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::terminal)), "write(FAILED attempt 4)");
  EXPECT_EQ(s.fsm.current_phase(), phase::stuck);
  EXPECT_EQ(s.next(), "never");
}

TEST(SupervisorFsm, RetriesAtOnceWhenTheRetryIsOverdue) {
  scene s;
  EXPECT_EQ(s.start(failed_record(1, 1, -1h)), "");
  supervisor_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "open");
  EXPECT_EQ(waited, 0ms);
}

TEST(SupervisorFsm, DistrustsARetryInTheFarFuture) {
  scene s;
  EXPECT_EQ(s.start(failed_record(1, 1, 24h * 365)), "");
  supervisor_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "open");
  EXPECT_EQ(waited, 5min);
}

TEST(SupervisorFsm, ReadsAgainAfterAStoreFailure) {
  scene s;
  EXPECT_EQ(text(s.fsm.start()), "read");
  EXPECT_EQ(text(s.fsm.read_failed(s.m())), "");
  EXPECT_EQ(s.next(), "read");
  EXPECT_EQ(s.see(record(status::connecting, 1)), "open");
}

TEST(SupervisorFsm, ChecksAtOnceWhenTheStreamEnds) {
  scene s;
  s.come_up();
  s.now += 10s;
  s.fsm.stream_ended(s.m());
  supervisor_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "ping");
  EXPECT_EQ(waited, 0ms);
  s.fsm.stream_ended(s.m());  // it is being asked
  EXPECT_EQ(text(s.fsm.checked(s.m())), "");
  EXPECT_EQ(s.next(&waited), "ping");
  EXPECT_EQ(waited, 30s) << "as usual";
  EXPECT_EQ(text(s.fsm.check_failed(s.m(), true)), "close open");
  s.fsm.stream_ended(s.m());  // of the session that is gone
  EXPECT_FALSE(s.fsm.wake_at());
}

TEST(SupervisorFsm, LimitsChecksWhenStreamsKeepEnding) {
  scene s;
  s.come_up();
  int checks = 0;
  for (int tenths = 0; tenths < 600; ++tenths, s.now += 100ms) {
    s.fsm.stream_ended(s.m());
    if (!s.fsm.wake_at() || *s.fsm.wake_at() > s.now) continue;
    EXPECT_EQ(text(s.fsm.tick(s.m())), "ping");
    EXPECT_EQ(text(s.fsm.checked(s.m())), "");
    ++checks;
  }
  EXPECT_EQ(checks, 12) << "in a minute: one each five seconds";
}

TEST(SupervisorFsm, ReportsTheReasonForItsEnd) {
  scene s;
  s.come_up();
  const auto did = s.fsm.record_read(s.m(), record(status::disconnected, 7));
  ASSERT_EQ(text(did), "close over");
  EXPECT_EQ(did.back().revision, 7U);
  scene gone;
  gone.come_up();
  const auto none = gone.fsm.record_read(gone.m(), record_view());
  ASSERT_EQ(text(none), "close over");
  EXPECT_EQ(none.back().revision, 0U);
}

TEST(SupervisorFsm, BacksOffWithFullJitterUpToALimit) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  s.jitter = 0.9999999;
  supervisor_fsm::span whole = 1s;
  for (std::uint32_t attempt = 1; attempt < 40; ++attempt) {
    const auto wrote = s.fsm.open_failed(s.m(), failure_kind::transient);
    ASSERT_EQ(wrote.size(), 1U);
    EXPECT_EQ(wrote[0].state, status::failed);
    EXPECT_EQ(wrote[0].attempt, attempt);
    ASSERT_TRUE(wrote[0].retry_in);
    EXPECT_LE(*wrote[0].retry_in, whole);
    EXPECT_GE(*wrote[0].retry_in, whole - 2ms);
    s.written(status::failed);
    supervisor_fsm::span waited{};
    EXPECT_EQ(s.next(&waited), "open");
    EXPECT_EQ(waited, *wrote[0].retry_in);
    whole = std::min<supervisor_fsm::span>(whole * 2, 5min);
  }
  s.jitter = 0;
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::transient)), "write(FAILED attempt 40 in 0)");
}

TEST(SupervisorFsm, DoesNotRetryTerminalErrorsUnasked) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::terminal)), "write(FAILED attempt 1)");
  s.written(status::failed);
  EXPECT_EQ(s.fsm.current_phase(), phase::stuck);
  EXPECT_EQ(s.next(), "never");
  EXPECT_EQ(s.see(record(status::connecting, 10)), "open");
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::unauthorized)), "write(AUTH_REQUIRED attempt 1)");
  s.written(status::auth_required);
  EXPECT_EQ(s.next(), "never");
}

TEST(SupervisorFsm, ReopensAServerThatMoved) {
  scene s;
  EXPECT_EQ(s.start(record(status::auth_required, 1)), "");
  EXPECT_EQ(text(s.fsm.server_changed()), "open");
  EXPECT_EQ(text(s.fsm.server_changed()), "close open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h"))), "write(CONNECTED facts tools)");
  EXPECT_EQ(text(s.fsm.server_changed()), "close open");
}

TEST(SupervisorFsm, ReopensALostSessionAtOnceAndOnlyOnce) {
  scene s;
  s.come_up();
  EXPECT_EQ(text(s.fsm.session_lost(s.m())), "close open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts restarted)");
  s.written(status::connected, "h1", 1);
  s.now += 59s;
  EXPECT_EQ(text(s.fsm.session_lost(s.m())), "close write(FAILED attempt 1 in 500)");
  s.written(status::failed, "h1", 1);
  EXPECT_EQ(s.next(), "open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts restarted)");
  s.written(status::connected, "h1", 1);
  s.now += 59s;
  EXPECT_EQ(text(s.fsm.session_lost(s.m())), "close write(FAILED attempt 2 in 1000)");
  EXPECT_EQ(s.next(), "open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts restarted)");
  s.written(status::connected, "h1", 1);
  s.now += 60s;  // that was steady: as if nothing had been
  EXPECT_EQ(text(s.fsm.session_lost(s.m())), "close open");
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::transient)), "write(FAILED attempt 1 in 500)");
}

TEST(SupervisorFsm, WritesNothingAfterACheck) {
  scene s;
  s.come_up();
  for (int i = 0; i < 5; ++i) {
    supervisor_fsm::span waited{};
    EXPECT_EQ(s.next(&waited), "ping");
    EXPECT_EQ(waited, 30s);
    EXPECT_FALSE(s.fsm.wake_at());
    EXPECT_EQ(text(s.fsm.checked(s.m())), "");
  }
  s.jitter = 0;
  EXPECT_EQ(s.next(), "ping");
  EXPECT_EQ(text(s.fsm.checked(s.m())), "");
  supervisor_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "ping");
  EXPECT_EQ(waited, 27s);
}

TEST(SupervisorFsm, CountsACallAsACheck) {
  scene s;
  s.come_up();
  s.now += 29s;
  s.fsm.used(s.m());
  supervisor_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "ping");
  EXPECT_EQ(waited, 30s);
}

TEST(SupervisorFsm, GivesUpAfterTwoUnansweredChecks) {
  scene s;
  s.come_up();
  EXPECT_EQ(s.next(), "ping");
  EXPECT_EQ(text(s.fsm.check_failed(s.m(), false)), "");
  supervisor_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "ping");
  EXPECT_EQ(waited, 7500ms);
  EXPECT_EQ(text(s.fsm.checked(s.m())), "");  // one that is answered ends the row
  EXPECT_EQ(s.next(), "ping");
  EXPECT_EQ(text(s.fsm.check_failed(s.m(), false)), "");
  EXPECT_EQ(s.next(), "ping");
  EXPECT_EQ(text(s.fsm.check_failed(s.m(), false)), "close open");
}

TEST(SupervisorFsm, GivesUpAfterOneCheckOfABrokenSession) {
  scene s;
  s.come_up();
  EXPECT_EQ(s.next(), "ping");
  EXPECT_EQ(text(s.fsm.check_failed(s.m(), true)), "close open");
  EXPECT_EQ(text(s.fsm.check_failed(s.m(), true)), "");  // no session, no loss
}

TEST(SupervisorFsm, ListsOnceForAStormOfAnnouncements) {
  scene s;
  s.come_up();
  for (int i = 0; i < 50; ++i, s.now += 1ms) s.fsm.list_changed(s.m());
  supervisor_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "list");
  EXPECT_EQ(waited, 50ms);
  s.fsm.list_changed(s.m());  // one that comes meanwhile is one more
  EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h2"))), "write(CONNECTED tools)");
  s.written(status::connected, "h2", 1);
  EXPECT_EQ(s.next(), "list");
  EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h2"))), "");
  EXPECT_EQ(s.next(), "ping");
}

TEST(SupervisorFsm, ListsAfterAnAttemptForAnAnnouncementDuringIt) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  s.fsm.list_changed(s.m());
  EXPECT_FALSE(s.fsm.wake_at());
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts tools)");
  s.written(status::connected, "h1", 1);
  EXPECT_EQ(s.next(), "list");
}

TEST(SupervisorFsm, RefreshesToolsThatTheServerCallsStale) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  listing fresh = tools("h1");
  fresh.fresh_for = 40s;
  EXPECT_EQ(text(s.fsm.opened(s.m(), fresh)), "write(CONNECTED facts tools)");
  s.written(status::connected, "h1", 1);
  EXPECT_EQ(s.next(), "ping");
  EXPECT_EQ(text(s.fsm.checked(s.m())), "");
  supervisor_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "list");
  EXPECT_EQ(waited, 10s);
  fresh.fresh_for = 1ms;  // nobody is asked all the time
  EXPECT_EQ(text(s.fsm.listed(s.m(), fresh)), "");
  EXPECT_EQ(s.next(&waited), "list");
  EXPECT_EQ(waited, 30s);
}

TEST(SupervisorFsm, ListsPeriodicallyWithoutAnnouncements) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  listing quiet = tools("h1");
  quiet.announces_changes = false;
  EXPECT_EQ(text(s.fsm.opened(s.m(), quiet)), "write(CONNECTED facts tools)");
  s.written(status::connected, "h1", 1);
  const auto begun = s.now;
  std::string did;
  while ((did = s.next()) == "ping") EXPECT_EQ(text(s.fsm.checked(s.m())), "");
  EXPECT_EQ(did, "list");
  EXPECT_EQ(s.now - begun, 300s);
}

TEST(SupervisorFsm, ListsNoToolsOfAServerWithoutThem) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  listing none;
  none.hash = "empty";
  EXPECT_EQ(text(s.fsm.opened(s.m(), none)), "write(CONNECTED facts tools)");
  s.written(status::connected, "empty", 0);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(s.next(), "ping");
    EXPECT_EQ(text(s.fsm.checked(s.m())), "");
  }
}

TEST(SupervisorFsm, RepeatsAFailedListing) {
  scene s;
  s.come_up();
  s.fsm.list_changed(s.m());
  EXPECT_EQ(s.next(), "list");
  EXPECT_EQ(text(s.fsm.list_failed(s.m(), false)), "");
  std::string did;
  while ((did = s.next()) == "ping") EXPECT_EQ(text(s.fsm.checked(s.m())), "");
  EXPECT_EQ(did, "list");
  EXPECT_EQ(text(s.fsm.list_failed(s.m(), true)), "close open");
}

TEST(SupervisorFsm, ReplacesGoodToolsByAnEmptyListOnlyTheSecondTime) {
  scene s;
  s.come_up();
  s.fsm.list_changed(s.m());
  EXPECT_EQ(s.next(), "list");
  EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h0", 0))), "");
  EXPECT_EQ(s.next(), "list");
  EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h0", 0))), "write(CONNECTED tools even_empty)");
  s.written(status::connected, "h0", 0);
  EXPECT_EQ(s.next(), "ping");
}

TEST(SupervisorFsm, ForgetsAnEmptyListWhenToolsReturn) {
  scene s;
  s.come_up();
  s.fsm.list_changed(s.m());
  EXPECT_EQ(s.next(), "list");
  EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h0", 0))), "");
  EXPECT_EQ(s.next(), "list");
  EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h1"))), "");
  s.fsm.list_changed(s.m());
  EXPECT_EQ(s.next(), "list");
  EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h0", 0))), "");
}

}  // namespace
}  // namespace mcpstate
