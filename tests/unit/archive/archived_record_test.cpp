// SPDX-License-Identifier: MIT
#include "archive/archived_record.hh"

#include <gtest/gtest.h>

#include <mcpstate/core/record_info.hpp>

#include "archive/numbers.hh"
#include "unit/archive/sample_backup.hh"

namespace mcpstate::test {

namespace {

using namespace archive;

std::string body_with(const connection& one) {
  std::string out;
  append_record(out, one, archive_time);
  return out;
}

}  // namespace

TEST(ArchivedRecord, IsReadAsItWasWritten) {
  for (const auto state :
       {status::connected, status::connecting, status::auth_required, status::disconnected, status::failed}) {
    auto was = archived_sample("session:9f:K", "a:b%{}*", state, 7);
    was.expires_latest = archive_time + std::chrono::hours(9);
    was.info.managed = true;
    was.info.claimed_from = "5 session:x";
    if (state == status::failed) {
      was.info.error.emplace();
      was.info.error->code = "connect_failed";
      was.info.error->message = "refused \"\n";
      was.info.error->time = archive_time;
    }
    const auto got = read_records(body_with(was));
    ASSERT_TRUE(got);
    ASSERT_EQ(got->records.size(), 1u);
    EXPECT_TRUE(got->unusable.empty());
    const connection& is = got->records.front().record;
    EXPECT_EQ(is.owner, was.owner);
    EXPECT_EQ(is.server, was.server);
    EXPECT_EQ(is.member, was.member);
    EXPECT_EQ(is.state, was.state);
    EXPECT_EQ(is.revision, was.revision);
    EXPECT_EQ(is.connected_at, was.connected_at);
    EXPECT_EQ(is.expires_at, was.expires_at);
    EXPECT_EQ(is.expires_latest, was.expires_latest);
    EXPECT_EQ(is.info, was.info);
    ASSERT_EQ(is.tools != nullptr, was.tools != nullptr);
    if (is.tools) {
      EXPECT_EQ(*is.tools, *was.tools);
    }
    EXPECT_EQ(got->records.front().remaining, std::chrono::hours(5));
  }
}

TEST(ArchivedRecord, KeepsAnUnknownExpiryUnknown) {
  auto was = archived_sample("user:1", "a", status::failed, 0);
  was.expires_at.reset();
  const auto got = read_records(body_with(was));
  ASSERT_TRUE(got && got->records.size() == 1);
  EXPECT_FALSE(got->records.front().record.expires_at);
  EXPECT_FALSE(got->records.front().remaining);
  EXPECT_EQ(got->records.front().record.revision, 0u);
}

TEST(ArchivedRecord, KeepsTheBytesOfAForeignName) {
  auto was = archived_sample("user:1", "a", status::connected, 0);
  was.member = std::string("raw:\xff{name", 10);
  const auto got = read_records(body_with(was));
  ASSERT_TRUE(got && got->records.size() == 1);
  EXPECT_EQ(got->records.front().record.member, was.member);
}

TEST(ArchivedRecord, PassesOverFieldsOfALaterVersion) {
  std::string record = body_with(archived_sample("user:1", "a", status::connected, 3)).substr(4);
  record += std::string("\xc8\0\0\0\3new", 8);
  std::string body;
  append_number(body, static_cast<std::uint32_t>(record.size()));
  body += record;
  const auto got = read_records(body);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->records.size(), 1u);
}

TEST(ArchivedRecord, ThatCannotBeUsedCostsNoOther) {
  auto strange = archived_sample("user:1", "strange", status::connected, 3);
  std::string body = body_with(archived_sample("user:1", "a", status::connected, 3));
  std::string middle = body_with(strange);
  const auto at = middle.find("CONNECTED");
  middle.replace(at, 9, "LEVITATED");
  body += middle + body_with(archived_sample("user:2", "b", status::connected, 3));
  const auto got = read_records(body);
  ASSERT_TRUE(got);
  ASSERT_EQ(got->records.size(), 2u);
  EXPECT_EQ(got->records[1].record.server, "b");
  ASSERT_EQ(got->unusable.size(), 1u);
  EXPECT_EQ(got->unusable.front().name, "user:1 strange");
  EXPECT_EQ(got->unusable.front().why, "its status is unknown to this version");
}

TEST(ArchivedRecord, IsRefusedWhereLengthsDoNotFit) {
  const std::string body = body_with(archived_sample("user:1", "a", status::connected, 3));
  for (std::size_t size = 1; size < body.size(); ++size) {
    const auto got = read_records(body.substr(0, size));
    ASSERT_FALSE(got) << size;
    EXPECT_EQ(got.error().code(), errc::bad_backup);
  }
}

}  // namespace mcpstate::test
