// SPDX-License-Identifier: MIT
#include "manager/record_change.hh"
#include "core/text/utf8.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mcpstate {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const timestamp noon(1'790'000'000s);
const owner who = owner::user("42").value();
const server_name srv = server_name::parse("srv").value();
const managed_name name(who, srv);

destination web() {
  destination out;
  out.registered = "web";
  out.transport = "http";
  out.url = "http://h/mcp";
  return out;
}

connection up_record() {
  connection out(who, "srv");
  out.member = "srv";
  out.state = status::connected;
  out.revision = 7;
  out.connected_at = noon;
  out.info.managed = true;
  out.info.registered = "web";
  out.info.transport = "http";
  out.info.url = "http://h/mcp";
  out.info.protocol_version = "2025-11-25";
  out.info.server_title = "title";
  out.info.tools_hash = "sha256:x";
  out.info.tool_count = 3;
  out.seen.revision = 7;
  out.seen.status_bytes = "CONNECTED";
  return out;
}

lease mine() { return lease(name, "me", 5); }

TEST(RecordChange, ReadsTheViewOfASupervisor) {
  EXPECT_FALSE(view_of(std::nullopt, noon).present);
  connection failed = up_record();
  failed.state = status::failed;
  failed.info.error.emplace();
  failed.info.error->attempt = 4;
  failed.info.error->retry_at = noon + 5s;
  const auto got = view_of(failed, noon);
  EXPECT_TRUE(got.present && got.managed);
  EXPECT_EQ(got.attempt, 4U);
  EXPECT_EQ(got.retry_in, 5s);
  EXPECT_EQ(got.endpoint_key, "name web");
  EXPECT_EQ(got.tool_count, 3U);
  connection altered = failed;
  altered.seen.status_bytes = "FAILED";
  EXPECT_NE(view_of(altered, noon).raw_status, got.raw_status);
}

TEST(RecordChange, ClassifiesFailures) {
  using failure_kind = supervisor_fsm::failure_kind;
  const auto of = [](errc code) { return kind_of_failure(error(code, "x")); };
  EXPECT_EQ(of(errc::auth_failed), failure_kind::unauthorized);
  EXPECT_EQ(of(errc::bad_argument), failure_kind::terminal);
  EXPECT_EQ(of(errc::bad_url), failure_kind::terminal);
  EXPECT_EQ(of(errc::forbidden_target), failure_kind::terminal);
  EXPECT_EQ(of(errc::unsupported), failure_kind::terminal);
  EXPECT_EQ(of(errc::spawn_failed), failure_kind::terminal);  // no such command
  for (const errc code : {errc::connect_failed, errc::resolve_failed, errc::deadline, errc::http_status, errc::rpc_error,
                          errc::protocol, errc::child_exited, errc::spawn_refused, errc::tls_failed}) {
    EXPECT_EQ(of(code), failure_kind::transient) << name_of(code);
  }
}

TEST(RecordChange, KeepsMessagesToOneShortLine) {
  EXPECT_EQ(failure_message(error(errc::rpc_error, "no\n\tway",
                                  "a\xff"
                                  "b"))
                .find('\n'),
            std::string::npos);
  EXPECT_THAT(failure_message(error(errc::rpc_error, "no",
                                    "a\xff"
                                    "b")),
              HasSubstr("a?b"));
  const std::string longish = failure_message(error(errc::rpc_error, "x", [] {
    std::string out;
    for (int i = 0; i < 1000; ++i) out += "é";
    return out;
  }()));
  EXPECT_LE(longish.size(), 510U);
  EXPECT_TRUE(is_valid_utf8(longish));
  EXPECT_TRUE(longish.ends_with("…"));
}

TEST(RecordChange, HidesSecretsInMessages) {
  const auto message =
      failure_message(error(errc::child_exited, "'x' ended", "sent Bearer s3cret to https://u:s3cret@h/p?k=s3cret"));
  EXPECT_THAT(message, HasSubstr("sent Bearer [hidden] to https://[hidden]@h/p?[hidden]"));
  EXPECT_THAT(message, testing::Not(HasSubstr("s3cret")));
}

TEST(RecordChange, KeepsDetailsWhenTheSameEndpointIsOrderedAgain) {
  const auto before = up_record();
  const auto order = make_order(name, before, web());
  EXPECT_EQ(order.state(), status::connecting);
  EXPECT_EQ(order.expected(), before.seen);
  EXPECT_FALSE(order.expiry_kept());     // it is use
  EXPECT_FALSE(order.required_lease());  // anybody may order
  const auto after = order.apply_to(before, noon);
  EXPECT_TRUE(after.info.managed);
  EXPECT_EQ(after.info.server_title, "title");
  EXPECT_EQ(order.action(), change::tools_action::keep);
}

TEST(RecordChange, ForgetsDetailsWhenAnotherEndpointIsOrdered) {
  auto there = web();
  there.registered.clear();
  there.url = "http://other/";
  const auto before = up_record();
  const auto order = make_order(name, before, there);
  const auto after = order.apply_to(before, noon);
  EXPECT_TRUE(after.info.server_title.empty());
  EXPECT_TRUE(after.info.registered.empty());
  EXPECT_EQ(after.info.url, "http://other/");
  EXPECT_EQ(order.action(), change::tools_action::drop);
}

TEST(RecordChange, ExpectsNoRecordBeforeTheFirstOrder) {
  const auto order = make_order(name, std::nullopt, web());
  EXPECT_EQ(order.expected(), basis());
  EXPECT_EQ(order.apply_to(std::nullopt, noon).info.registered, "web");
}

TEST(RecordChange, KeepsToolsAndExpiryInAFencedFailure) {
  supervision_result found;
  found.step.state = status::failed;
  found.step.attempt = 3;
  found.step.retry_in = 2s;
  found.server = web();
  found.reason = error(errc::connect_failed, "refused", "peer");
  const auto before = up_record();
  const auto wrote = make_change(before, found, mine(), noon);
  EXPECT_EQ(wrote.required_lease(), mine());
  EXPECT_TRUE(wrote.expiry_kept());
  EXPECT_EQ(wrote.action(), change::tools_action::keep);
  EXPECT_EQ(wrote.expected(), before.seen);
  const auto after = wrote.apply_to(before, noon);
  ASSERT_TRUE(after.info.error);
  EXPECT_EQ(after.info.error->code, "connect_failed");
  EXPECT_THAT(after.info.error->message, HasSubstr("refused"));
  EXPECT_THAT(after.info.error->message, HasSubstr("peer"));
  EXPECT_EQ(after.info.error->attempt, 3U);
  EXPECT_EQ(after.info.error->retry_at, noon + 2s);
  EXPECT_EQ(after.info.tool_count, 3U);
  EXPECT_EQ(after.info.server_title, "title");
}

TEST(RecordChange, CountsSessionsThatWereOpenedAgainUntilTheNextOrder) {
  supervision_result found;
  found.step.state = status::connected;
  found.step.restarted = true;
  auto record = up_record();
  for (std::uint64_t times = 1; times < 4; ++times) {
    record = make_change(record, found, mine(), noon).apply_to(record, noon);
    EXPECT_EQ(record.info.restarts, times);
  }
  found.step.restarted = false;
  EXPECT_EQ(make_change(record, found, mine(), noon).apply_to(record, noon).info.restarts, 3U);
  EXPECT_EQ(make_order(name, record, web()).apply_to(record, noon).info.restarts, 0U);
}

TEST(RecordChange, KeepsConnectedAtWhileTheConnectionLasts) {
  supervision_result found;
  found.step.state = status::connected;
  found.step.facts = found.step.tools = true;
  found.server = web();
  found.facts.emplace();
  found.facts->transport = "http";
  found.facts->title = "new title";
  found.tools = tools_list::parse(R"([{"name":"t"}])").value();
  const auto before = up_record();
  const auto wrote = make_change(before, found, mine(), noon + 1h);
  const auto after = wrote.apply_to(before, noon + 1h);
  EXPECT_EQ(after.connected_at, noon);
  EXPECT_EQ(after.info.checked_at, noon + 1h);
  EXPECT_EQ(after.info.server_title, "new title");
  EXPECT_EQ(after.info.tool_count, 1U);
  EXPECT_FALSE(wrote.empty_tools_allowed());
}

TEST(RecordChange, TellsOfToolsThatWereNotStoredUntilAListIs) {
  supervision_result refused;
  refused.step.state = status::connected;
  refused.step.tools = true;
  refused.reason = error(errc::tools_too_large, "too many bytes");
  const auto full = make_change(up_record(), refused, mine(), noon + 1h).apply_to(up_record(), noon + 1h);
  EXPECT_EQ(full.state, status::connected);
  EXPECT_EQ(full.connected_at, noon);
  EXPECT_EQ(full.info.tools_hash, up_record().info.tools_hash);
  ASSERT_TRUE(full.info.error);
  EXPECT_EQ(full.info.error->code, "tools_too_large");
  supervision_result checked;
  checked.step.state = status::connected;
  const auto still = make_change(full, checked, mine(), noon + 2h).apply_to(full, noon + 2h);
  EXPECT_TRUE(still.info.error);
  supervision_result listed = checked;
  listed.step.tools = true;
  listed.tools = tools_list::parse("[1]").value();
  EXPECT_FALSE(make_change(full, listed, mine(), noon + 2h).apply_to(full, noon + 2h).info.error);
}

}  // namespace
}  // namespace mcpstate
