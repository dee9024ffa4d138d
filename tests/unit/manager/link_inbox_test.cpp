// SPDX-License-Identifier: MIT
// What a session reports while its supervisor waits for a slow store.
#include "manager/link_inbox.hh"

#include <gtest/gtest.h>

#include <vector>

namespace mcpstate {
namespace {

using kind = link_event::kind;

std::vector<kind> take_all(link_inbox& inbox) {
  std::vector<kind> out;
  while (const auto event = inbox.take()) out.push_back(event->type);
  return out;
}

TEST(LinkInbox, AnnouncementsNeverPileUp) {
  for (const kind each : {kind::list_changed, kind::stream_ended, kind::check_failed}) {
    link_inbox inbox;
    for (int i = 0; i < 100'000; ++i) inbox.put(link_event(each));
    EXPECT_EQ(take_all(inbox), std::vector<kind>(1, each));
  }
}

TEST(LinkInbox, LatestValueOfAKindCounts) {
  link_inbox inbox;
  inbox.put(link_event(kind::listed));
  link_event failed(kind::list_failed);
  failed.reason = error(errc::deadline, "late");
  inbox.put(std::move(failed));
  const auto event = inbox.take();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->type, kind::list_failed);
  EXPECT_EQ(event->reason->detail(), "late");
  EXPECT_FALSE(inbox.take().has_value());
}

TEST(LinkInbox, LossComesLastAndOpeningFirst) {
  link_inbox inbox;
  for (const kind each : {kind::lost, kind::stream_ended, kind::list_changed, kind::checked, kind::listed, kind::opened})
    inbox.put(link_event(each));
  EXPECT_EQ(take_all(inbox), (std::vector<kind>{kind::opened, kind::listed, kind::checked, kind::list_changed,
                                                kind::stream_ended, kind::lost}));
}

TEST(LinkInbox, NothingIsLeftOfAClosedSession) {
  link_inbox inbox;
  for (const kind each : {kind::opened, kind::list_changed, kind::stream_ended, kind::lost}) inbox.put(link_event(each));
  inbox.clear();
  EXPECT_TRUE(take_all(inbox).empty());
}

}  // namespace
}  // namespace mcpstate
