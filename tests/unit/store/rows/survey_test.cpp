// SPDX-License-Identifier: MIT
#include "store/rows/survey.hh"

#include <gtest/gtest.h>

#include "row_samples.hh"

namespace mcpstate::test {
namespace {

constexpr const char* one_tool = R"([{"name":"a"}])";

// The checks that a survey of this row alone reports as problems.
std::vector<std::string> problems_of(const row& r) {
  row_survey survey(now);
  survey.add(user(), r);
  std::vector<std::string> out;
  for (const auto& f : survey.findings()) {
    if (f.severity == finding::level::problem) out.push_back(f.check);
  }
  return out;
}

using checks = std::vector<std::string>;

}  // namespace

TEST(RowSurvey, CountsOwnersStatusesAndTools) {
  row_survey survey(now);
  survey.add(session(), row_of(status::connected, now, one_tool));
  survey.add(user(), row_of(status::failed));
  survey.add(user(), row_of(status::disconnected));
  survey.add(user(), row_of(status::connecting));
  const auto& counts = survey.counts();
  EXPECT_EQ(counts.users, 1u);
  EXPECT_EQ(counts.sessions, 1u);
  EXPECT_EQ(counts.connected, 1u);
  EXPECT_EQ(counts.failed, 1u);
  EXPECT_EQ(counts.disconnected, 2u) << "CONNECTING is stored as DISCONNECTED";
  EXPECT_EQ(counts.tools_bytes, std::string(one_tool).size());
}

TEST(RowSurvey, CountsExpiredRowsApartAndDoesNotCheckThem) {
  auto expired_row = row_of(status::connected, now - 1h);
  expired_row.revision = 0;
  row_survey survey(now);
  survey.add(user(), expired_row);
  EXPECT_EQ(survey.rows(), 1u);
  EXPECT_EQ(survey.expired_rows(), 1u);
  EXPECT_EQ(survey.counts().users, 0u);
  EXPECT_TRUE(problems_of(expired_row).empty());
}

TEST(RowSurvey, FindsNothingWrongWithWrittenRows) {
  for (const auto state :
       {status::disconnected, status::connecting, status::connected, status::auth_required, status::failed})
    EXPECT_TRUE(problems_of(row_of(state)).empty()) << to_text(state);
  EXPECT_TRUE(problems_of(row_of(status::connected, now, one_tool)).empty());
}

TEST(RowSurvey, NamesTheBrokenInvariant) {
  auto lives_too_long = row_of(status::failed);
  lives_too_long.expires_latest = lives_too_long.expires_at - 1s;
  EXPECT_EQ(problems_of(lives_too_long), checks{"every_record_expires"});

  auto unencoded = row_of(status::failed);
  unencoded.member = "a:b";
  EXPECT_EQ(problems_of(unencoded), checks{"names_encoded"});

  auto other_tools = row_of(status::connected, now, one_tool);
  other_tools.tools = std::make_shared<const std::string>(R"([{"name":"b"}])");
  EXPECT_EQ(problems_of(other_tools), checks{"tools_intact"});
  other_tools.tools = nullptr;
  EXPECT_EQ(problems_of(other_tools), checks{"tools_intact"});

  auto without_time = row_of(status::connected);
  without_time.connected_at.reset();
  const auto found = problems_of(without_time);
  EXPECT_NE(std::find(found.begin(), found.end(), "status_and_time_agree"), found.end());
}

TEST(RowSurvey, NamesFiveExamplesAndCountsAll) {
  row_survey survey(now);
  for (int n = 0; n < 7; ++n) {
    auto r = row_of(status::failed);
    r.member = "a:" + std::to_string(n);
    survey.add(user(), r);
  }
  for (const auto& f : survey.findings()) {
    EXPECT_EQ(f.count, 7u) << f.check;
    EXPECT_EQ(f.examples.size(), f.check == "names_encoded" ? 5u : 0u) << f.check;
  }
}

}  // namespace mcpstate::test
