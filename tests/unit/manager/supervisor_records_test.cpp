// SPDX-License-Identifier: MIT
// supervisor_fsm: what it makes of records, writes and leases, in virtual time.
#include "unit/manager/supervisor_scene.hh"

namespace mcpstate {
namespace {

using namespace supervisor_scenes;
using namespace std::chrono_literals;

TEST(SupervisorRecords, EndWhenDisconnectedGoneOrUnmanaged) {
  record_view unmanaged = record(status::connected, 99);
  unmanaged.managed = false;
  for (const record_view& what : {record(status::disconnected, 99), record_view(), unmanaged}) {
    scene up;
    up.come_up();
    EXPECT_EQ(up.see(what), "close over");
    EXPECT_EQ(up.fsm.current_phase(), phase::over);
    EXPECT_FALSE(up.fsm.wake_at());
    EXPECT_EQ(text(up.fsm.tick(up.m())), "");
    EXPECT_EQ(up.see(record(status::connecting, 100)), "");  // another keeper's
    scene opening;
    EXPECT_EQ(opening.start(record(status::connecting, 1)), "open");
    EXPECT_EQ(opening.see(what), "close over");
    scene waiting;
    waiting.start(failed_record(1, 1, 1min));
    EXPECT_EQ(waiting.see(what), "close over");
    scene stuck;
    record_view out_of_reach = failed_record(1, 1, std::nullopt);
    out_of_reach.reachable = false;
    stuck.start(out_of_reach);
    EXPECT_EQ(stuck.see(what), "close over");
  }
}

TEST(SupervisorRecords, IgnoreItsOwnWrites) {
  scene s;
  s.come_up();
  EXPECT_EQ(s.see(s.last), "");
  EXPECT_EQ(s.see(record(status::connecting, s.last.revision - 1)), "");  // late
  EXPECT_EQ(s.fsm.current_phase(), phase::up);
}

TEST(SupervisorRecords, FollowRevisionsThatBeginAnew) {
  scene s;
  s.come_up();
  s.fsm.expect_new_revisions();
  EXPECT_EQ(s.see(s.last), "") << "nothing has changed";
  EXPECT_EQ(s.see(record(status::connecting, s.last.revision - 1)), "") << "a late read: what was expected has been read";
  s.fsm.expect_new_revisions();
  EXPECT_EQ(s.see(record(status::connecting, s.last.revision - 1)), "close open");
}

TEST(SupervisorRecords, ReopenAfterAnOrder) {
  scene s;
  s.come_up();
  EXPECT_EQ(s.see(record(status::connecting, 50)), "close open");
  EXPECT_EQ(s.see(record(status::connecting, 51)), "");  // one attempt serves both
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::transient)), "write(FAILED attempt 1 in 500)");
  EXPECT_EQ(s.see(record(status::connecting, 52)), "open");
}

TEST(SupervisorRecords, ReopenForAnotherEndpoint) {
  scene s;
  s.come_up();
  EXPECT_EQ(s.see(record(status::connecting, 50, "name b")), "close open");
  EXPECT_EQ(s.see(record(status::connecting, 51, "name c")), "close open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts tools)");
}

TEST(SupervisorRecords, CheckAndCorrectAForeignStatus) {
  scene s;
  s.come_up();
  record_view foreign = s.last;
  foreign.altered = true;
  foreign.state = status::failed;
  foreign.raw_status = "FAILED";
  EXPECT_EQ(s.see(foreign), "list");
  EXPECT_EQ(s.see(foreign), "");  // seen again while it is being checked
  EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h1"))), "write(CONNECTED)");
  EXPECT_TRUE(s.fsm.knows(foreign));  // the write may be based on it
  s.written(status::connected, "h1", 1);
  EXPECT_EQ(s.next(), "ping");
}

TEST(SupervisorRecords, ObeyAForeignDisconnect) {
  scene s;
  s.come_up();
  record_view foreign = s.last;
  foreign.altered = true;
  foreign.state = status::disconnected;
  EXPECT_EQ(s.see(foreign), "close over");
}

TEST(SupervisorRecords, TryAtOnceOnAForeignStatusWhileDown) {
  scene s;
  s.start(failed_record(1, 4, 1min));
  record_view foreign = s.last;
  foreign.altered = true;
  foreign.state = status::connected;
  foreign.raw_status = "CONNECTED";
  EXPECT_EQ(s.see(foreign), "open");
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::transient)), "write(FAILED attempt 1 in 500)");
}

TEST(SupervisorRecords, CorrectAForeignStatusEvenWithoutAListing) {
  scene s;
  s.come_up();
  EXPECT_EQ(s.see(record(status::failed, 50)), "list");
  EXPECT_EQ(text(s.fsm.list_failed(s.m(), false)), "");
  EXPECT_EQ(s.next(), "ping");
  EXPECT_EQ(text(s.fsm.checked(s.m())), "write(CONNECTED facts)");
}

TEST(SupervisorRecords, DecideAgainAfterARefusedWrite) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts tools)");
  EXPECT_EQ(text(s.fsm.write_refused(s.m(), record(status::connecting, 1))), "write(CONNECTED facts tools)");
  EXPECT_EQ(text(s.fsm.write_refused(s.m(), record(status::connecting, 2))), "close open");
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::transient)), "write(FAILED attempt 1 in 500)");
  EXPECT_EQ(text(s.fsm.write_refused(s.m(), record(status::disconnected, 3))), "close over");
}

TEST(SupervisorRecords, RepeatAWriteThatTheStoreFailed) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts tools)");
  EXPECT_EQ(text(s.fsm.write_failed(s.m())), "");
  supervisor_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "write(CONNECTED facts tools)");
  EXPECT_EQ(waited, 1s);
  EXPECT_TRUE(s.fsm.offers_tools());
  s.written(status::connected, "h1", 1);
  EXPECT_FALSE(s.fsm.offers_tools());
  EXPECT_EQ(s.next(), "ping");
}

TEST(SupervisorRecords, WriteTheRemainingWaitOfALateFailure) {
  scene s;
  s.start(failed_record(1, 3, 0ms));
  EXPECT_EQ(s.next(), "open");
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::transient)), "write(FAILED attempt 4 in 4000)");
  EXPECT_EQ(text(s.fsm.write_failed(s.m())), "");
  EXPECT_EQ(s.next(), "write(FAILED attempt 4 in 3000)");
}

TEST(SupervisorRecords, RecogniseTheirFailureAfterALostAnswer) {
  scene s;
  s.start(failed_record(1, 3, 0ms));
  EXPECT_EQ(s.next(), "open");
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::transient)), "write(FAILED attempt 4 in 4000)");
  EXPECT_EQ(text(s.fsm.write_failed(s.m())), "");
  EXPECT_EQ(text(s.fsm.write_refused(s.m(), failed_record(2, 4, 3s))), "");
  supervisor_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "open");
  EXPECT_EQ(waited, 4s);
}

TEST(SupervisorRecords, HandOverOnceFromAnyPhase) {
  scene s;
  s.come_up();
  EXPECT_EQ(text(s.fsm.hand_over()), "close hand_over");
  EXPECT_EQ(text(s.fsm.hand_over()), "");
  scene reading;
  EXPECT_EQ(text(reading.fsm.start()), "read");
  EXPECT_EQ(text(reading.fsm.hand_over()), "close hand_over");
  EXPECT_EQ(reading.see(record(status::connecting, 1)), "");
}

TEST(SupervisorRecords, EndWithoutWritingOnALostLease) {
  scene s;
  s.come_up();
  EXPECT_EQ(text(s.fsm.abandon()), "close");
  EXPECT_EQ(s.fsm.current_phase(), phase::over);
  EXPECT_EQ(text(s.fsm.session_lost(s.m())), "");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h2"))), "");
  EXPECT_EQ(text(s.fsm.write_failed(s.m())), "");
  EXPECT_EQ(text(s.fsm.read_failed(s.m())), "");
  EXPECT_EQ(s.next(), "never");
}

std::string see_moved(scene& s, record_view moved) {
  s.last = moved;
  return text(s.fsm.record_moved(s.m(), moved));
}

// A claim: another owner, another revision, the same session.
TEST(SupervisorRecords, GoOnWithTheSessionWhereAClaimMovesTheRecord) {
  scene up;
  up.come_up();
  record_view moved = up.last;
  moved.revision += 1000;
  EXPECT_EQ(see_moved(up, moved), "");
  EXPECT_EQ(up.fsm.current_phase(), phase::up);
  EXPECT_EQ(up.see(moved), "") << "it is known then";
  EXPECT_EQ(up.fsm.revision(), moved.revision);
  scene opening;
  EXPECT_EQ(opening.start(record(status::connecting, 1)), "open");
  EXPECT_EQ(see_moved(opening, record(status::connecting, 1000)), "");
  EXPECT_EQ(opening.fsm.current_phase(), phase::opening);
}

TEST(SupervisorRecords, LookAtAMovedRecordThatIsAnotherOne) {
  scene elsewhere;
  elsewhere.come_up();
  EXPECT_EQ(see_moved(elsewhere, record(status::connected, 1000, "name b")), "close open");
  scene ended;
  ended.come_up();
  EXPECT_EQ(see_moved(ended, record(status::disconnected, 1000)), "close over");
  scene gone;
  gone.come_up();
  EXPECT_EQ(see_moved(gone, record_view()), "close over");
  scene unread;
  static_cast<void>(unread.fsm.start());
  EXPECT_EQ(see_moved(unread, record(status::connecting, 1000)), "open");
}

// The store has lost the record of a session that is up: the session stays, and its tools are listed to be written.
TEST(SupervisorFsm, WritesWhatIsTrueIntoARestoredRecord) {
  scene s;
  s.come_up();
  EXPECT_TRUE(s.fsm.has_record());
  EXPECT_EQ(text(s.fsm.record_restored(s.m(), record(status::connecting, 9))), "list");
  EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h1"))), "write(CONNECTED facts tools)");
  EXPECT_EQ(s.fsm.current_phase(), phase::up);
}

TEST(SupervisorFsm, WritesTheFailureIntoARestoredRecord) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  EXPECT_EQ(text(s.fsm.open_failed(s.m(), failure_kind::terminal)), "write(FAILED attempt 1)");
  s.written(status::failed);
  EXPECT_EQ(text(s.fsm.record_restored(s.m(), record(status::connecting, 9))), "write(FAILED attempt 1)");
}

TEST(SupervisorFsm, LeavesARestoredRecordToTheAttemptUnderWay) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  EXPECT_EQ(text(s.fsm.record_restored(s.m(), record(status::connecting, 9))), "");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts tools)");
}

}  // namespace
}  // namespace mcpstate
