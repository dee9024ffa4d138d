// SPDX-License-Identifier: MIT
// What must not happen: that a metric with known labels is absent until it is counted for the first time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/operations/metrics.hh"

namespace mcpstate::service {
namespace {

using ::testing::HasSubstr;

TEST(FirstCounts, AreIncreasesAndNoNewSeries) {
  metrics tested;
  for (const char* series :
       {R"(mcpstate_connection_transitions_total{from="CONNECTING",to="CONNECTED"})",
        R"(mcpstate_connection_transitions_total{from="CONNECTED",to="FAILED"})",
        R"(mcpstate_connection_failures_total{code="connect_failed"})",
        R"(mcpstate_connection_failures_total{code="deadline"})", R"(mcpstate_connect_attempts_total{outcome="failed"})",
        R"(mcpstate_connect_attempts_total{outcome="ok"})", R"(mcpstate_connect_duration_seconds_count{outcome="ok"})",
        R"(mcpstate_tools_refreshes_total{outcome="failed"})", R"(mcpstate_leases_total{event="lost"})",
        R"(mcpstate_leases_total{event="over"})", R"(mcpstate_store_losses_total{cause="replaced"})",
        R"(mcpstate_store_losses_total{cause="flushed"})", R"(mcpstate_store_losses_total{cause="evicted"})",
        R"(mcpstate_store_operations_total{operation="beat",outcome="timeout"})",
        R"(mcpstate_store_operations_total{operation="list",outcome="unavailable"})",
        R"(mcpstate_store_operation_duration_seconds_count{operation="renew_leases"})"}) {
    EXPECT_THAT(tested.render(), HasSubstr(std::string(series) + " 0\n")) << series;
  }
  const managed_name name(owner::user("42").value(), server_name::parse("github").value());
  tested.on_lease(name, manager_observer::lease_news::lost);
  tested.on_transition(name, status::connected, status::failed, "deadline");
  tested.on_data_loss(manager_observer::loss_cause::evicted, 7);
  const auto text = tested.render();
  EXPECT_THAT(text, HasSubstr(R"(mcpstate_store_losses_total{cause="evicted"} 7)"));
  EXPECT_THAT(text, HasSubstr(R"(mcpstate_leases_total{event="lost"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(mcpstate_connection_failures_total{code="deadline"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(mcpstate_connection_transitions_total{from="CONNECTED",to="FAILED"} 1)"));
}

TEST(FirstCounts, OfARouteAreThereBeforeItsFirstRequest) {
  metrics tested;
  tested.expect_requests("/v1/owners", "GET");
  for (const char* status : {"200", "500", "503"}) {
    EXPECT_THAT(tested.render(), HasSubstr(R"(mcpstate_http_requests_total{method="GET",route="/v1/owners",status=")" +
                                           std::string(status) + "\"} 0\n"));
  }
}

// An answer that fails is no sign of life.
TEST(FirstCounts, OfBeatsBeginWithTheProcess) {
  metrics tested;
  EXPECT_THAT(tested.render(), HasSubstr("\nmcpstate_beat_age_seconds 0."));
  tested.on_store_operation("beat", cond::timeout, std::chrono::seconds(5));
  const auto text = tested.render();
  EXPECT_THAT(text, HasSubstr(R"(mcpstate_store_operations_total{operation="beat",outcome="timeout"} 1)"));
}

}  // namespace
}  // namespace mcpstate::service
