// SPDX-License-Identifier: MIT
// supervisor_fsm: how long it waits before it asks a server again, and what it makes of a session that is open again.
#include "unit/manager/supervisor_scene.hh"

namespace mcpstate {
namespace {

using namespace supervisor_scenes;
using namespace std::chrono_literals;

TEST(SupervisorRetryAfter, NoAttemptComesBeforeTheServersTime) {
  for (const double jitter : {0.0, 0.3, 0.9999}) {
    scene s;
    s.jitter = jitter;
    EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
    const auto wrote = s.fsm.open_failed(s.m(), failure_kind::transient, 20s);
    ASSERT_EQ(wrote.size(), 1U);
    EXPECT_GE(wrote[0].retry_in.value(), 20s);
    EXPECT_LT(wrote[0].retry_in.value(), 21s + 1ms) << "spread over a second";
    EXPECT_FALSE(s.fsm.may_retry_early());
    EXPECT_EQ(text(s.fsm.origin_answered()), "") << "another one's success does not shorten it";
    supervisor_fsm::span waited{};
    EXPECT_EQ(s.next(&waited), "open");
    EXPECT_GE(waited, 20s);
  }
}

TEST(SupervisorRetryAfter, IsBoundedByTheLongestRetry) {
  scene s;
  s.jitter = 0;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::transient, 24h)), "write(FAILED attempt 1 in 300000)");
}

TEST(SupervisorRetryAfter, ALongerBackOffStays) {
  scene s;
  EXPECT_EQ(s.start(failed_record(1, 9, 0ms)), "");
  EXPECT_EQ(s.next(), "open");
  s.jitter = 0.999;
  const auto wrote = s.fsm.open_failed(s.m(), failure_kind::transient, 2s);
  EXPECT_GT(wrote.at(0).retry_in.value(), 250s);
}

TEST(SupervisorRetryAfter, ASessionThatIsToldToWaitIsNotOpenedAtOnce) {
  scene s;
  s.come_up();
  EXPECT_EQ(s.next(), "ping");
  s.jitter = 0;
  EXPECT_EQ(text(s.fsm.check_failed(s.m(), true, 7s)), "close write(FAILED attempt 1 in 7000)");
  scene lists;
  lists.come_up();
  lists.fsm.list_changed(lists.m());
  EXPECT_EQ(lists.next(), "list");
  lists.jitter = 0;
  EXPECT_EQ(text(lists.fsm.list_failed(lists.m(), true, 7s)), "close write(FAILED attempt 1 in 7000)");
}

TEST(SupervisorRetryAfter, AServerAskedTooOftenStaysConnectedAndIsAskedLater) {
  scene s;
  s.come_up();
  EXPECT_EQ(s.next(), "ping");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(text(s.fsm.request_postponed(s.m(), 2min)), "");
    supervisor_fsm::span waited{};
    EXPECT_EQ(s.next(&waited), "ping");
    EXPECT_EQ(waited, 2min);
  }
  EXPECT_EQ(text(s.fsm.checked(s.m())), "");
  s.fsm.list_changed(s.m());
  EXPECT_EQ(s.next(), "list");
  EXPECT_EQ(text(s.fsm.request_postponed(s.m(), 1s)), "");
  supervisor_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "list") << "the announcement is not dropped";
  EXPECT_EQ(waited, 30s) << "no sooner than a check";
}

TEST(SupervisorRetryAfter, AServerThatAnswersNothingElseInARowIsNotUp) {
  scene s;
  s.come_up();
  s.jitter = 0;
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(s.next(), "ping");
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(text(s.fsm.request_postponed(s.m(), 2min)), "");
      EXPECT_EQ(s.next(), "ping");
    }
    if (round == 0) {
      EXPECT_EQ(text(s.fsm.checked(s.m())), "") << "one success ends the row";
    }
  }
  EXPECT_EQ(text(s.fsm.request_postponed(s.m(), 2min)), "close write(FAILED attempt 1 in 120000)");
  EXPECT_FALSE(s.fsm.may_retry_early()) << "the server asked to wait";
}

TEST(SupervisorEarlyRetry, ASuccessAtTheOriginEndsTheBackOff) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  EXPECT_FALSE(s.fsm.may_retry_early());
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::transient)), "write(FAILED attempt 1 in 500)");
  s.written(status::failed);
  EXPECT_TRUE(s.fsm.may_retry_early());
  EXPECT_EQ(text(s.fsm.origin_answered()), "open");
  EXPECT_EQ(text(s.fsm.origin_answered()), "") << "once";
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::transient)), "write(FAILED attempt 2 in 1000)") << "the row goes on";
  s.written(status::failed);
  EXPECT_EQ(s.next(), "open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts tools)");
  EXPECT_FALSE(s.fsm.may_retry_early());
}

TEST(SupervisorEarlyRetry, IsNotForWhatOnlyAPersonCanCure) {
  for (const auto reason : {failure_kind::terminal, failure_kind::unauthorized}) {
    scene s;
    EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
    EXPECT_FALSE(s.fsm.open_failed(s.m(), reason).empty());
    EXPECT_FALSE(s.fsm.may_retry_early());
  }
}

TEST(SupervisorAnnouncements, WithoutAChangeAreListedLessAndLessOften) {
  scene s;
  s.come_up();
  std::vector<supervisor_fsm::span> pauses;
  s.fsm.list_changed(s.m());
  const auto begun = s.now;
  while (s.now < begun + 5min) {
    const auto before = s.now;
    const std::string did = s.next();
    if (did == "ping") {
      EXPECT_EQ(text(s.fsm.checked(s.m())), "");
      continue;
    }
    ASSERT_EQ(did, "list");
    pauses.push_back(std::chrono::duration_cast<supervisor_fsm::span>(s.now - before));
    s.fsm.list_changed(s.m());  // with each list
    EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h1"))), "");
  }
  ASSERT_GT(pauses.size(), 9U);
  EXPECT_LT(pauses.size(), 20U) << "in five minutes";
  for (std::size_t i = 2; i < 8; ++i) EXPECT_EQ(pauses[i], pauses[i - 1] * 2) << i;
}

TEST(SupervisorAnnouncements, AChangedListEndsThePause) {
  scene s;
  s.come_up();
  s.fsm.list_changed(s.m());
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(s.next(), "list");
    s.fsm.list_changed(s.m());
    EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h1"))), "");
  }
  supervisor_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "list");
  EXPECT_EQ(waited, 6400ms);
  s.fsm.list_changed(s.m());
  EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h2"))), "write(CONNECTED tools)");
  s.written(status::connected, "h2", 1);
  EXPECT_EQ(s.next(&waited), "list");
  EXPECT_EQ(waited, 100ms);
}

TEST(SupervisorAnnouncements, TheLastOneIsNeverDropped) {
  scene s;
  s.come_up();
  for (int i = 0; i < 8; ++i) {
    s.fsm.list_changed(s.m());
    std::string did;
    while ((did = s.next()) == "ping") EXPECT_EQ(text(s.fsm.checked(s.m())), "");
    EXPECT_EQ(did, "list");
    EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h1"))), "");
  }
  s.fsm.list_changed(s.m());  // within the pause, and the only one that is true
  std::string did;
  while ((did = s.next()) == "ping") EXPECT_EQ(text(s.fsm.checked(s.m())), "");
  EXPECT_EQ(did, "list");
  EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h2"))), "write(CONNECTED tools)");
}

TEST(SupervisorAnnouncements, AreListedAtOnceAfterAQuietTime) {
  scene s;
  s.come_up();
  s.fsm.list_changed(s.m());
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(s.next(), "list");
    if (i < 5) s.fsm.list_changed(s.m());
    EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h1"))), "");
  }
  EXPECT_EQ(s.next(), "ping");
  EXPECT_EQ(text(s.fsm.checked(s.m())), "");
  s.fsm.list_changed(s.m());
  supervisor_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "list");
  EXPECT_EQ(waited, 100ms);
}

TEST(SupervisorRefusal, OfAConnectionThatWorkedIsTriedSlowlyBeforeItIsFinal) {
  scene s;
  s.come_up();
  s.jitter = 0;
  EXPECT_EQ(text(s.fsm.session_lost(s.m())), "close open");
  for (const char* wrote :
       {"write(FAILED attempt 1 in 2000)", "write(FAILED attempt 2 in 4000)", "write(FAILED attempt 3 in 8000)"}) {
    EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::unauthorized)), wrote);
    EXPECT_FALSE(s.fsm.may_retry_early());
    s.written(status::failed, "h1", 1);
    EXPECT_EQ(s.next(), "open");
  }
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::unauthorized)), "write(AUTH_REQUIRED attempt 4)");
  EXPECT_EQ(s.fsm.current_phase(), phase::stuck);
}

TEST(SupervisorRefusal, OfAFirstConnectIsFinalAtOnce) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::unauthorized)), "write(AUTH_REQUIRED attempt 1)");
  scene ordered;  // somebody asks for it anew: a new beginning
  ordered.come_up();
  EXPECT_EQ(ordered.see(record(status::connecting, 10)), "close open");
  EXPECT_EQ(text(ordered.fsm.open_failed(ordered.m(), failure_kind::unauthorized)), "write(AUTH_REQUIRED attempt 1)");
  scene moved;  // the registered server is another one
  moved.come_up();
  EXPECT_EQ(text(moved.fsm.server_changed()), "close open");
  EXPECT_EQ(text(moved.fsm.open_failed(moved.m(), failure_kind::unauthorized)), "write(AUTH_REQUIRED attempt 1)");
}

TEST(SupervisorRefusal, PassesWithTheNextSuccess) {
  scene s;
  s.come_up();
  s.jitter = 0;
  EXPECT_EQ(text(s.fsm.session_lost(s.m())), "close open");
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::unauthorized)), "write(FAILED attempt 1 in 2000)");
  s.written(status::failed, "h1", 1);
  EXPECT_EQ(s.next(), "open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts restarted)");
  s.written(status::connected, "h1", 1);
  s.now += 2min;
  EXPECT_EQ(text(s.fsm.session_lost(s.m())), "close open");
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::unauthorized)), "write(FAILED attempt 1 in 2000)");
}

TEST(SupervisorRefusal, IsDoubtedAfterATakeoverOfAConnectionThatWasUp) {
  scene s;
  s.jitter = 0;
  EXPECT_EQ(s.start(record(status::connected, 1)), "open");
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::unauthorized)), "write(FAILED attempt 1 in 2000)");
}

TEST(SupervisorRestart, OfALostSessionIsTold) {
  scene s;
  s.come_up();
  EXPECT_EQ(text(s.fsm.session_lost(s.m())), "close open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts restarted)");
  EXPECT_EQ(text(s.fsm.write_failed(s.m())), "");
  EXPECT_EQ(s.next(), "write(CONNECTED facts restarted)") << "until it is written";
  s.written(status::connected, "h1", 1);
  s.fsm.list_changed(s.m());
  EXPECT_EQ(s.next(), "list");
  EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h2"))), "write(CONNECTED tools)") << "once";
}

TEST(SupervisorRestart, IsNoneWhenSomebodyOrderedIt) {
  scene s;
  s.come_up();
  EXPECT_EQ(s.see(record(status::connecting, 10)), "close open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts tools)");
  s.written(status::connected, "h1", 1);
  EXPECT_EQ(text(s.fsm.server_changed()), "close open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts)");
}

TEST(SupervisorRestart, IsNoneAfterATakeover) {
  scene s;
  EXPECT_EQ(s.start(record(status::connected, 1)), "open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts tools)");
}

}  // namespace
}  // namespace mcpstate
