// SPDX-License-Identifier: MIT
// Every transition of keeper_fsm, in virtual time.
#include "manager/keeper_fsm.hh"

#include <gtest/gtest.h>

#include <string>

namespace mcpstate {
namespace {

using namespace std::chrono_literals;
using phase = keeper_fsm::phase;
using trouble = keeper_fsm::trouble;
using sight = keeper_fsm::sight;
using listing = keeper_fsm::listing;
using steps = keeper_fsm::steps;
using kind = keeper_fsm::step::kind;

std::string text(const keeper_fsm::step& s) {
  switch (s.what) {
    case kind::read:
      return "read";
    case kind::open:
      return "open";
    case kind::close:
      return "close";
    case kind::list:
      return "list";
    case kind::ping:
      return "ping";
    case kind::end:
      return s.how == lease_end::over ? "over" : "hand_over";
    case kind::write:
      break;
  }
  std::string out = "write(" + std::string(to_text(s.to));
  if (s.facts) out += " facts";
  if (s.tools) out += " tools";
  if (s.allow_empty) out += " even_empty";
  if (s.attempt > 0) out += " attempt " + std::to_string(s.attempt);
  if (s.retry_in) out += " in " + std::to_string(s.retry_in->count());
  return out + ")";
}

std::string text(const steps& all) {
  std::string out;
  for (const auto& each : all) out += (out.empty() ? "" : " ") + text(each);
  return out;
}

sight record(status state, std::uint64_t revision, const std::string& place = "name a") {
  sight out;
  out.present = out.managed = true;
  out.state = state;
  out.revision = revision;
  out.place = place;
  return out;
}

sight failed_record(std::uint64_t revision, std::uint32_t attempt, std::optional<keeper_fsm::span> retry_in) {
  sight out = record(status::failed, revision);
  out.attempt = attempt;
  out.retry_in = retry_in;
  return out;
}

listing tools(const std::string& hash, std::uint64_t count = 1) {
  listing out;
  out.hash = hash;
  out.count = count;
  out.has_tools = out.announced = true;
  return out;
}

// A machine and its clock. What it writes is what is then seen.
struct scene {
  scene() {}
  keeper_fsm fsm{keeper_rules()};
  keeper_fsm::clock::time_point now{1h};
  double dice = 0.5;
  std::uint64_t revision = 1;
  sight last;

  [[nodiscard]] keeper_fsm::moment m() const { return {now, dice}; }
  std::string see(const sight& what) {
    last = what;
    revision = what.revision;
    return text(fsm.seen(m(), what));
  }
  std::string start(const sight& what) {
    EXPECT_EQ(text(fsm.start()), "read");
    EXPECT_EQ(fsm.where(), phase::reading);
    return see(what);
  }
  void written(status state, const std::string& hash = "", std::uint64_t count = 0) {
    last = record(state, ++revision);
    last.tools_hash = hash;
    last.tool_count = count;
    EXPECT_EQ(text(fsm.written(last)), "");
  }
  // Up, with the tools "h1".
  void come_up() {
    EXPECT_EQ(start(record(status::connecting, 1)), "open");
    EXPECT_EQ(text(fsm.opened(m(), tools("h1"))), "write(CONNECTED facts tools)");
    written(status::connected, "h1", 1);
    EXPECT_EQ(fsm.where(), phase::up);
  }
  // Lets time pass to the next thing that is due, and does it.
  std::string next(keeper_fsm::span* waited = nullptr) {
    const auto at = fsm.wake_at();
    if (!at) return "never";
    if (waited != nullptr) *waited = std::chrono::duration_cast<keeper_fsm::span>(*at - now);
    EXPECT_GE(*at, now);
    now = *at;
    return text(fsm.tick(m()));
  }
};

struct first_case {
  const char* name;
  sight what;
  const char* does;
  phase then;
};

class KeeperFsmFirstLook : public testing::TestWithParam<first_case> {};

TEST_P(KeeperFsmFirstLook, Decides) {
  scene s;
  EXPECT_EQ(s.start(GetParam().what), GetParam().does);
  EXPECT_EQ(s.fsm.where(), GetParam().then);
}

std::vector<first_case> first_cases() {
  sight unmanaged = record(status::connected, 1);
  unmanaged.managed = false;
  sight altered = failed_record(1, 3, 1min);
  altered.altered = true;
  return {{"gone", sight(), "close over", phase::over},
          {"unmanaged", unmanaged, "close over", phase::over},
          {"disconnected", record(status::disconnected, 1), "close over", phase::over},
          {"ordered", record(status::connecting, 1), "open", phase::opening},
          {"connected", record(status::connected, 1), "open", phase::opening},
          {"waiting", failed_record(1, 3, 1min), "", phase::waiting},
          {"failed_for_good", failed_record(1, 3, std::nullopt), "", phase::stuck},
          {"auth_required", record(status::auth_required, 1), "", phase::stuck},
          {"altered", altered, "open", phase::opening}};
}

INSTANTIATE_TEST_SUITE_P(All, KeeperFsmFirstLook, testing::ValuesIn(first_cases()),
                         [](const auto& row) { return row.param.name; });

TEST(KeeperFsm, TakesOverARowOfFailures) {
  scene s;
  EXPECT_EQ(s.start(failed_record(1, 3, 1min)), "");
  keeper_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "open");
  EXPECT_EQ(waited, 1min);
  s.dice = 0.25;
  EXPECT_EQ(text(s.fsm.failed(s.m(), trouble::transient)), "write(FAILED attempt 4 in 2000)");  // a quarter of 8 s
}

TEST(KeeperFsm, ARetryThatIsPastIsMadeAtOnce) {
  scene s;
  EXPECT_EQ(s.start(failed_record(1, 1, -1h)), "");
  keeper_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "open");
  EXPECT_EQ(waited, 0ms);
}

TEST(KeeperFsm, ARetryInTheFarFutureIsNotBelieved) {
  scene s;
  EXPECT_EQ(s.start(failed_record(1, 1, 24h * 365)), "");
  keeper_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "open");
  EXPECT_EQ(waited, 5min);
}

TEST(KeeperFsm, ReadsAgainWhenTheStoreDidNotAnswer) {
  scene s;
  EXPECT_EQ(text(s.fsm.start()), "read");
  EXPECT_EQ(text(s.fsm.read_failed(s.m())), "");
  EXPECT_EQ(s.next(), "read");
  EXPECT_EQ(s.see(record(status::connecting, 1)), "open");
}

TEST(KeeperFsm, BacksOffWithFullJitterUpToALimit) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  s.dice = 0.9999999;
  keeper_fsm::span whole = 1s;
  for (std::uint32_t attempt = 1; attempt < 40; ++attempt) {
    const auto wrote = s.fsm.failed(s.m(), trouble::transient);
    ASSERT_EQ(wrote.size(), 1U);
    EXPECT_EQ(wrote[0].to, status::failed);
    EXPECT_EQ(wrote[0].attempt, attempt);
    ASSERT_TRUE(wrote[0].retry_in);
    EXPECT_LE(*wrote[0].retry_in, whole);
    EXPECT_GE(*wrote[0].retry_in, whole - 2ms);
    s.written(status::failed);
    keeper_fsm::span waited{};
    EXPECT_EQ(s.next(&waited), "open");
    EXPECT_EQ(waited, *wrote[0].retry_in);
    whole = std::min<keeper_fsm::span>(whole * 2, 5min);
  }
  s.dice = 0;
  EXPECT_EQ(text(s.fsm.failed(s.m(), trouble::transient)), "write(FAILED attempt 40 in 0)");
}

TEST(KeeperFsm, TerminalErrorsAreNotRetriedUntilSomebodyAsks) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  EXPECT_EQ(text(s.fsm.failed(s.m(), trouble::terminal)), "write(FAILED attempt 1)");
  s.written(status::failed);
  EXPECT_EQ(s.fsm.where(), phase::stuck);
  EXPECT_EQ(s.next(), "never");
  EXPECT_EQ(s.see(record(status::connecting, 10)), "open");
  EXPECT_EQ(text(s.fsm.failed(s.m(), trouble::unauthorized)), "write(AUTH_REQUIRED attempt 1)");
  s.written(status::auth_required);
  EXPECT_EQ(s.next(), "never");
}

TEST(KeeperFsm, AServerThatMovedIsOpenedAgainWhateverHappened) {
  scene s;
  EXPECT_EQ(s.start(record(status::auth_required, 1)), "");
  EXPECT_EQ(text(s.fsm.moved(s.m())), "open");
  EXPECT_EQ(text(s.fsm.moved(s.m())), "close open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h"))), "write(CONNECTED facts tools)");
  EXPECT_EQ(text(s.fsm.moved(s.m())), "close open");
}

TEST(KeeperFsm, ASessionThatIsLostIsOpenedAtOnceAndOnlyOnce) {
  scene s;
  s.come_up();
  EXPECT_EQ(text(s.fsm.lost(s.m())), "close open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts)");
  s.written(status::connected, "h1", 1);
  s.now += 59s;
  EXPECT_EQ(text(s.fsm.lost(s.m())), "close write(FAILED attempt 1 in 500)");
  s.written(status::failed, "h1", 1);
  EXPECT_EQ(s.next(), "open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts)");
  s.written(status::connected, "h1", 1);
  s.now += 59s;
  EXPECT_EQ(text(s.fsm.lost(s.m())), "close write(FAILED attempt 2 in 1000)");
  EXPECT_EQ(s.next(), "open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts)");
  s.written(status::connected, "h1", 1);
  s.now += 60s;  // that was steady: as if nothing had been
  EXPECT_EQ(text(s.fsm.lost(s.m())), "close open");
  EXPECT_EQ(text(s.fsm.failed(s.m(), trouble::transient)), "write(FAILED attempt 1 in 500)");
}

TEST(KeeperFsm, ChecksWriteNothing) {
  scene s;
  s.come_up();
  for (int i = 0; i < 5; ++i) {
    keeper_fsm::span waited{};
    EXPECT_EQ(s.next(&waited), "ping");
    EXPECT_EQ(waited, 30s);
    EXPECT_FALSE(s.fsm.wake_at());
    EXPECT_EQ(text(s.fsm.checked(s.m())), "");
  }
  s.dice = 0;
  EXPECT_EQ(s.next(), "ping");
  EXPECT_EQ(text(s.fsm.checked(s.m())), "");
  keeper_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "ping");
  EXPECT_EQ(waited, 27s);
}

TEST(KeeperFsm, ACallIsACheck) {
  scene s;
  s.come_up();
  s.now += 29s;
  s.fsm.used(s.m());
  keeper_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "ping");
  EXPECT_EQ(waited, 30s);
}

TEST(KeeperFsm, TwoChecksWithoutAnswerAreTooMany) {
  scene s;
  s.come_up();
  EXPECT_EQ(s.next(), "ping");
  EXPECT_EQ(text(s.fsm.check_failed(s.m(), false)), "");
  keeper_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "ping");
  EXPECT_EQ(waited, 7500ms);
  EXPECT_EQ(text(s.fsm.checked(s.m())), "");  // one that is answered ends the row
  EXPECT_EQ(s.next(), "ping");
  EXPECT_EQ(text(s.fsm.check_failed(s.m(), false)), "");
  EXPECT_EQ(s.next(), "ping");
  EXPECT_EQ(text(s.fsm.check_failed(s.m(), false)), "close open");
}

TEST(KeeperFsm, ACheckThatFindsTheSessionBrokenIsEnough) {
  scene s;
  s.come_up();
  EXPECT_EQ(s.next(), "ping");
  EXPECT_EQ(text(s.fsm.check_failed(s.m(), true)), "close open");
  EXPECT_EQ(text(s.fsm.check_failed(s.m(), true)), "");  // no session, no loss
}

TEST(KeeperFsm, AStormOfAnnouncementsIsOneListing) {
  scene s;
  s.come_up();
  for (int i = 0; i < 50; ++i, s.now += 1ms) s.fsm.list_changed(s.m());
  keeper_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "list");
  EXPECT_EQ(waited, 50ms);
  s.fsm.list_changed(s.m());  // one that comes meanwhile is one more
  EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h2"))), "write(CONNECTED tools)");
  s.written(status::connected, "h2", 1);
  EXPECT_EQ(s.next(), "list");
  EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h2"))), "");
  EXPECT_EQ(s.next(), "ping");
}

TEST(KeeperFsm, WhatIsAnnouncedDuringAnAttemptIsListedAfterIt) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  s.fsm.list_changed(s.m());
  EXPECT_FALSE(s.fsm.wake_at());
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts tools)");
  s.written(status::connected, "h1", 1);
  EXPECT_EQ(s.next(), "list");
}

TEST(KeeperFsm, RefreshesWhatTheServerCallsStale) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  listing fresh = tools("h1");
  fresh.fresh_for = 40s;
  EXPECT_EQ(text(s.fsm.opened(s.m(), fresh)), "write(CONNECTED facts tools)");
  s.written(status::connected, "h1", 1);
  EXPECT_EQ(s.next(), "ping");
  EXPECT_EQ(text(s.fsm.checked(s.m())), "");
  keeper_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "list");
  EXPECT_EQ(waited, 10s);
  fresh.fresh_for = 1ms;  // nobody is asked all the time
  EXPECT_EQ(text(s.fsm.listed(s.m(), fresh)), "");
  EXPECT_EQ(s.next(&waited), "list");
  EXPECT_EQ(waited, 30s);
}

TEST(KeeperFsm, AsksNowAndThenWhereNothingIsAnnounced) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  listing quiet = tools("h1");
  quiet.announced = false;
  EXPECT_EQ(text(s.fsm.opened(s.m(), quiet)), "write(CONNECTED facts tools)");
  s.written(status::connected, "h1", 1);
  const auto begun = s.now;
  std::string did;
  while ((did = s.next()) == "ping") EXPECT_EQ(text(s.fsm.checked(s.m())), "");
  EXPECT_EQ(did, "list");
  EXPECT_EQ(s.now - begun, 300s);
}

TEST(KeeperFsm, AServerWithoutToolsIsNotAskedForThem) {
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

TEST(KeeperFsm, AListingThatFailsIsMadeAgain) {
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

TEST(KeeperFsm, AnEmptyListReplacesAGoodOneOnlyTheSecondTime) {
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

TEST(KeeperFsm, AListThatComesBackForgetsTheEmptyOne) {
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

TEST(KeeperFsm, DisconnectsGoneAndUnmanagedEndItFromAnywhere) {
  sight unmanaged = record(status::connected, 99);
  unmanaged.managed = false;
  for (const sight& what : {record(status::disconnected, 99), sight(), unmanaged}) {
    scene up;
    up.come_up();
    EXPECT_EQ(up.see(what), "close over");
    EXPECT_EQ(up.fsm.where(), phase::over);
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
    stuck.start(failed_record(1, 1, std::nullopt));
    EXPECT_EQ(stuck.see(what), "close over");
  }
}

TEST(KeeperFsm, WhatItWroteItselfIsNoNews) {
  scene s;
  s.come_up();
  EXPECT_EQ(s.see(s.last), "");
  EXPECT_EQ(s.see(record(status::connecting, s.last.revision - 1)), "");  // late
  EXPECT_EQ(s.fsm.where(), phase::up);
}

TEST(KeeperFsm, AnOrderOpensAgain) {
  scene s;
  s.come_up();
  EXPECT_EQ(s.see(record(status::connecting, 50)), "close open");
  EXPECT_EQ(s.see(record(status::connecting, 51)), "");  // one attempt serves both
  EXPECT_EQ(text(s.fsm.failed(s.m(), trouble::transient)), "write(FAILED attempt 1 in 500)");
  EXPECT_EQ(s.see(record(status::connecting, 52)), "open");
}

TEST(KeeperFsm, AnotherPlaceOpensAgain) {
  scene s;
  s.come_up();
  EXPECT_EQ(s.see(record(status::connecting, 50, "name b")), "close open");
  EXPECT_EQ(s.see(record(status::connecting, 51, "name c")), "close open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts tools)");
}

TEST(KeeperFsm, AForeignWordIsCheckedAndPutRight) {
  scene s;
  s.come_up();
  sight foreign = s.last;
  foreign.altered = true;
  foreign.state = status::failed;
  foreign.mark = "FAILED";
  EXPECT_EQ(s.see(foreign), "list");
  EXPECT_EQ(s.see(foreign), "");  // seen again while it is being checked
  EXPECT_EQ(text(s.fsm.listed(s.m(), tools("h1"))), "write(CONNECTED)");
  EXPECT_TRUE(s.fsm.knows(foreign));  // the write may be based on it
  s.written(status::connected, "h1", 1);
  EXPECT_EQ(s.next(), "ping");
}

TEST(KeeperFsm, AForeignDisconnectIsObeyed) {
  scene s;
  s.come_up();
  sight foreign = s.last;
  foreign.altered = true;
  foreign.state = status::disconnected;
  EXPECT_EQ(s.see(foreign), "close over");
}

TEST(KeeperFsm, AForeignWordWhileNothingIsUpIsTriedAtOnce) {
  scene s;
  s.start(failed_record(1, 4, 1min));
  sight foreign = s.last;
  foreign.altered = true;
  foreign.state = status::connected;
  foreign.mark = "CONNECTED";
  EXPECT_EQ(s.see(foreign), "open");
  EXPECT_EQ(text(s.fsm.failed(s.m(), trouble::transient)), "write(FAILED attempt 1 in 500)");
}

TEST(KeeperFsm, AForeignWordIsPutRightEvenWhenTheListDoesNotCome) {
  scene s;
  s.come_up();
  EXPECT_EQ(s.see(record(status::failed, 50)), "list");
  EXPECT_EQ(text(s.fsm.list_failed(s.m(), false)), "");
  EXPECT_EQ(s.next(), "ping");
  EXPECT_EQ(text(s.fsm.checked(s.m())), "write(CONNECTED facts)");
}

TEST(KeeperFsm, AWriteThatIsRefusedIsDecidedAgain) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts tools)");
  EXPECT_EQ(text(s.fsm.refused(s.m(), record(status::connecting, 1))), "write(CONNECTED facts tools)");
  EXPECT_EQ(text(s.fsm.refused(s.m(), record(status::connecting, 2))), "close open");
  EXPECT_EQ(text(s.fsm.failed(s.m(), trouble::transient)), "write(FAILED attempt 1 in 500)");
  EXPECT_EQ(text(s.fsm.refused(s.m(), record(status::disconnected, 3))), "close over");
}

TEST(KeeperFsm, AWriteThatTheStoreDidNotTakeIsMadeAgain) {
  scene s;
  EXPECT_EQ(s.start(record(status::connecting, 1)), "open");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h1"))), "write(CONNECTED facts tools)");
  EXPECT_EQ(text(s.fsm.write_failed(s.m())), "");
  keeper_fsm::span waited{};
  EXPECT_EQ(s.next(&waited), "write(CONNECTED facts tools)");
  EXPECT_EQ(waited, 1s);
  EXPECT_TRUE(s.fsm.offers_tools());
  s.written(status::connected, "h1", 1);
  EXPECT_FALSE(s.fsm.offers_tools());
  EXPECT_EQ(s.next(), "ping");
}

TEST(KeeperFsm, AFailureThatIsWrittenLateSaysWhatIsLeftOfTheWait) {
  scene s;
  s.start(failed_record(1, 3, 0ms));
  EXPECT_EQ(s.next(), "open");
  EXPECT_EQ(text(s.fsm.failed(s.m(), trouble::transient)), "write(FAILED attempt 4 in 4000)");
  EXPECT_EQ(text(s.fsm.write_failed(s.m())), "");
  EXPECT_EQ(s.next(), "write(FAILED attempt 4 in 3000)");
}

TEST(KeeperFsm, IsHandedOverFromAnywhereOnce) {
  scene s;
  s.come_up();
  EXPECT_EQ(text(s.fsm.hand_over()), "close hand_over");
  EXPECT_EQ(text(s.fsm.hand_over()), "");
  scene reading;
  EXPECT_EQ(text(reading.fsm.start()), "read");
  EXPECT_EQ(text(reading.fsm.hand_over()), "close hand_over");
  EXPECT_EQ(reading.see(record(status::connecting, 1)), "");
}

TEST(KeeperFsm, ALostLeaseEndsEverythingAndWritesNothing) {
  scene s;
  s.come_up();
  EXPECT_EQ(text(s.fsm.lease_gone()), "close");
  EXPECT_EQ(s.fsm.where(), phase::over);
  EXPECT_EQ(text(s.fsm.lost(s.m())), "");
  EXPECT_EQ(text(s.fsm.opened(s.m(), tools("h2"))), "");
  EXPECT_EQ(text(s.fsm.write_failed(s.m())), "");
  EXPECT_EQ(text(s.fsm.read_failed(s.m())), "");
  EXPECT_EQ(s.next(), "never");
}

}  // namespace
}  // namespace mcpstate
