// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <mcpstate/store.hpp>

namespace mcpstate {

namespace {

const timestamp now(std::chrono::seconds(1'790'000'000));
const timestamp earlier(std::chrono::seconds(1'780'000'000));

owner user() { return owner::user("42").value(); }
server_name github() { return server_name::parse("git:hub").value(); }

connection connected() {
  connection c(user(), "git:hub");
  c.state = status::connected;
  c.revision = 7;
  c.connected_at = earlier;
  c.info.url = "https://example.org/mcp";
  c.info.tool_count = 2;
  c.info.tools_hash = "sha256:ab";
  c.info.last_connected_at = earlier;
  c.info.checked_at = earlier;
  c.seen.revision = 7;
  c.seen.status_bytes = "CONNECTED";
  return c;
}

failure refused() {
  failure f;
  f.code = "connect_failed";
  return f;
}

}  // namespace

TEST(Change, EncodesTheNameOnce) {
  const change c(user(), github(), status::connected);
  EXPECT_EQ(c.server(), "git:hub");
  EXPECT_EQ(c.member(), "git%3Ahub");
  EXPECT_FALSE(c.expected());
  EXPECT_FALSE(c.read_before());
}

TEST(Change, TakesBasisAndMemberFromARecord) {
  auto seen = connected();
  seen.member = "git:hub";  // as a foreign program wrote it
  const change c(seen, status::failed);
  EXPECT_EQ(c.member(), "git:hub");
  EXPECT_EQ(c.expected(), seen.seen);
  ASSERT_TRUE(c.read_before());
  EXPECT_EQ(c.read_before()->revision, 7u);
}

TEST(Change, DropsTheReadRecordForAnotherBasis) {
  change c(connected(), status::failed);
  c.based_on(connected().seen);
  EXPECT_TRUE(c.read_before());
  c.based_on(basis());
  EXPECT_FALSE(c.read_before());
}

TEST(Change, KeepsDetailsUnlessTheyAreReplaced) {
  const auto kept = change(user(), github(), status::failed).apply_to(connected(), now);
  EXPECT_EQ(kept.info.url, "https://example.org/mcp");
  details d;
  d.transport = "sse";
  d.tool_count = 99;
  d.tools_hash = "sha256:made-up";
  change with(user(), github(), status::failed);
  with.set_details(d);
  const auto replaced = with.apply_to(connected(), now);
  EXPECT_EQ(replaced.info.url, "");
  EXPECT_EQ(replaced.info.transport, "sse");
  EXPECT_EQ(replaced.info.tool_count, 2u) << "the tools were kept, so their count was too";
  EXPECT_EQ(replaced.info.tools_hash, "sha256:ab");
  EXPECT_EQ(replaced.info.last_connected_at, earlier);
}

TEST(Change, HasConnectedAtOnlyWhileConnected) {
  for (const auto s : {status::disconnected, status::connecting, status::auth_required, status::failed}) {
    change c(user(), github(), s);
    c.connected_at(now).keep_connected_at();
    EXPECT_FALSE(c.apply_to(connected(), now).connected_at) << to_text(s);
  }
}

TEST(Change, SetsConnectedAtToNowGivenOrKept) {
  change plain(user(), github(), status::connected);
  EXPECT_EQ(plain.apply_to(connected(), now).connected_at, now);
  change given(user(), github(), status::connected);
  given.connected_at(earlier);
  EXPECT_EQ(given.apply_to(std::nullopt, now).connected_at, earlier);
  change kept(user(), github(), status::connected);
  kept.keep_connected_at();
  EXPECT_EQ(kept.apply_to(connected(), now).connected_at, earlier);
  EXPECT_EQ(kept.apply_to(std::nullopt, now).connected_at, now);
  auto failed = connected();
  failed.state = status::failed;
  EXPECT_EQ(kept.apply_to(failed, now).connected_at, now) << "there is no connect to keep";
}

TEST(Change, RemembersTheLastConnect) {
  auto before = connected();
  before.info.last_connected_at.reset();
  EXPECT_EQ(change(user(), github(), status::failed).apply_to(before, now).info.last_connected_at, earlier);
  EXPECT_EQ(change(user(), github(), status::connected).apply_to(before, now).info.last_connected_at, now);
  before.connected_at.reset();
  EXPECT_FALSE(change(user(), github(), status::failed).apply_to(before, now).info.last_connected_at);
}

TEST(Change, SaysSinceWhenTheStatusIsWhatItIs) {
  const auto since = [](const std::optional<connection>& before, status state) {
    return change(user(), github(), state).apply_to(before, now).info.status_changed_at;
  };
  EXPECT_EQ(since(std::nullopt, status::failed), now);
  EXPECT_EQ(since(connected(), status::disconnected), now);
  EXPECT_FALSE(since(connected(), status::connected)) << "connected_at says it";
  auto down = connected();
  down.state = status::disconnected;
  EXPECT_FALSE(since(down, status::disconnected)) << "a record of an older version: nobody knows";
  EXPECT_EQ(since(down, status::connecting), now);
  down.info.status_changed_at = earlier;
  EXPECT_EQ(since(down, status::disconnected), earlier);
  EXPECT_EQ(since(down, status::auth_required), now);
  details given;
  given.status_changed_at = earlier;
  change replaced(user(), github(), status::failed);
  replaced.set_details(given);
  EXPECT_EQ(replaced.apply_to(down, now).info.status_changed_at, now) << "whatever the new details say";
}

TEST(Change, CountsOnlyAConnectAsACheck) {
  EXPECT_EQ(change(user(), github(), status::connected).apply_to(connected(), now).info.checked_at, now);
  EXPECT_EQ(change(user(), github(), status::failed).apply_to(connected(), now).info.checked_at, earlier);
}

TEST(Change, SetsAndClearsTheErrorWithTheStatus) {
  auto before = connected();
  before.info.error = refused();
  before.info.error->time = earlier;
  EXPECT_FALSE(change(user(), github(), status::connected).apply_to(before, now).info.error);
  EXPECT_FALSE(change(user(), github(), status::disconnected).apply_to(before, now).info.error);
  EXPECT_EQ(change(user(), github(), status::failed).apply_to(before, now).info.error, before.info.error);
  EXPECT_EQ(change(user(), github(), status::auth_required).apply_to(before, now).info.error, before.info.error);
  change fails(user(), github(), status::failed);
  fails.fail(refused());
  EXPECT_EQ(fails.apply_to(before, now).info.error->time, now) << "a failure without a time happened now";
  change odd(user(), github(), status::connected);
  odd.fail(refused());
  EXPECT_EQ(odd.apply_to(before, now).info.error->code, refused().code)
      << "up, and something about it is not as it should be";
  change ended(user(), github(), status::disconnected);
  ended.fail(refused());
  EXPECT_FALSE(ended.apply_to(before, now).info.error);
}

TEST(Change, UpdatesCountAndHashWithTheTools) {
  const auto list = tools_list::parse(R"([{"name":"a"}])").value();
  change replace(user(), github(), status::connected);
  replace.tools(list);
  EXPECT_EQ(replace.action(), change::tools_action::replace);
  EXPECT_EQ(replace.apply_to(connected(), now).info.tool_count, 1u);
  EXPECT_EQ(replace.apply_to(connected(), now).info.tools_hash, list.hash());

  change drop(user(), github(), status::failed);
  drop.drop_tools();
  EXPECT_FALSE(drop.apply_to(connected(), now).info.tool_count);
  EXPECT_EQ(drop.apply_to(connected(), now).info.tools_hash, "");

  const change keep(user(), github(), status::failed);
  EXPECT_EQ(keep.action(), change::tools_action::keep);
  EXPECT_EQ(keep.apply_to(connected(), now).info.tool_count, 2u);
  EXPECT_FALSE(keep.apply_to(std::nullopt, now).info.tool_count);

  EXPECT_EQ(change(user(), github(), status::disconnected).action(), change::tools_action::drop);
}

}  // namespace mcpstate
