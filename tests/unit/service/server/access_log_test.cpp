// SPDX-License-Identifier: MIT
#include "service/server/access_log.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace mcpstate::service {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string line_of(const access_record& record, log_style style = log_style::text) {
  std::ostringstream out;
  log written(style, log_level::debug, out);
  log_access(written, record);
  return std::move(out).str();
}

access_record failed_call() {
  access_record out;
  out.method = http_method::post;
  out.pattern = "/v1/{kind}/{id}/connections/{server}/tools/{tool}/call";
  out.status = 502;
  out.duration = std::chrono::microseconds(1500);
  out.request_id = "r1";
  out.cause = "connect_failed";
  return out;
}

TEST(AccessLog, SaysWhoseServerFailed) {
  const auto bob = owner::user("bob").value();
  const auto github = server_name::parse("github").value();
  access_record record = failed_call();
  record.owner = &bob;
  record.server = &github;
  EXPECT_THAT(line_of(record), HasSubstr("warn  request method=POST"));
  EXPECT_THAT(line_of(record),
              HasSubstr(" status=502 took_us=1500 request_id=r1 owner=user:bob server=github cause=connect_failed"));
  EXPECT_THAT(line_of(record, log_style::json),
              HasSubstr(R"("owner":"user:bob","server":"github","cause":"connect_failed"})"));
}

TEST(AccessLog, LeavesOutWhatTheRequestDoesNotName) {
  const auto line = line_of(failed_call());
  EXPECT_THAT(line, Not(HasSubstr("owner=")));
  EXPECT_THAT(line, Not(HasSubstr("server=")));
}

TEST(AccessLog, ShowsNoKeyOfASessionAndNoForgedLine) {
  const auto secret = owner::session("9fK4mZqv0123456789").value();
  const auto forged = server_name::parse("a b=\"c\xE2\x80\xAE").value();
  access_record record = failed_call();
  record.owner = &secret;
  record.server = &forged;
  for (const auto style : {log_style::text, log_style::json}) {
    const auto line = line_of(record, style);
    EXPECT_THAT(line, Not(HasSubstr("9fK4mZqv0123456789")));
    EXPECT_THAT(line, HasSubstr("session:9fK4"));
    EXPECT_EQ(line.find('\n'), line.size() - 1);
  }
  EXPECT_THAT(line_of(record), Not(HasSubstr(" b=\"c")));
}

}  // namespace
}  // namespace mcpstate::service
