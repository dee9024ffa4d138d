// SPDX-License-Identifier: MIT
#include "service/operations/metrics.hh"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "service/operations/process_metrics.hh"

namespace mcpstate::service {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

managed_name github() { return managed_name(owner::user("42").value(), server_name::parse("github").value()); }

void use_everything(metrics& m) {
  m.record_request("/v1/users/{id}/connections", "GET", 200, 1500us);
  m.record_store_operation("list", std::nullopt, 300us);
  m.record_store_operation("put", cond::conflict, 300us);
  m.on_store_operation("renew_leases", cond::timeout, 5s);
  m.count_rate_limited();
  m.set_event_streams(3);
  m.count_event_stream_dropped();
  m.count_event_stream_resynced();
  manager_counts counts;
  counts.managed_here = 5;
  counts.managed = 7;
  m.set_manager_counts(counts);
  m.on_transition(github(), status::connecting, status::failed, "connect_failed");
  m.on_attempt(github(), false, 2s);
  m.on_session_restarted(github(), "child_exited", 1);
  m.on_tools_refreshed(github(), true);
  m.on_lease(github(), manager_observer::lease_news::handed_over);
  m.on_remark(nullptr, "what", "peer");
}

// "name type label,label" of everything in the text.
std::set<std::string> shape_of(const std::string& text) {
  std::map<std::string, std::string> types;
  std::map<std::string, std::set<std::string>> labels;
  std::istringstream lines(text);
  const std::regex sample(R"(^([a-z_]+)(\{(.*)\})? \S+$)"), label(R"re(([a-z_]+)="(?:[^"\\]|\\.)*")re");
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, kind, name, type;
    words >> hash >> kind >> name >> type;
    if (kind == "TYPE") types[name] = type;
    if (line.starts_with("#")) continue;
    std::smatch found;
    if (!std::regex_match(line, found, sample)) {
      ADD_FAILURE() << line;
      continue;
    }
    std::string base = found[1];
    for (const char* suffix : {"_bucket", "_sum", "_count"}) {
      const auto cut = base.substr(0, base.size() - std::min(base.size(), std::string(suffix).size()));
      if (base.ends_with(suffix) && types[cut] == "histogram") base = cut;
    }
    const std::string list = found[3];
    for (std::sregex_iterator it(list.begin(), list.end(), label), end; it != end; ++it) {
      if ((*it)[1] != "le") labels[base].insert((*it)[1]);
    }
  }
  std::set<std::string> out;
  for (const auto& [name, type] : types) {
    std::string line = name + " " + type;
    for (const auto& one : labels[name]) line += " " + one;
    out.insert(line);
  }
  return out;
}

// The value of the sample that begins like this; -1 without one.
double value_of(const std::string& text, const std::string& sample) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(sample + " ")) return std::stod(line.substr(sample.size() + 1));
  }
  return -1;
}

TEST(Metrics, HaveTheseNamesTypesAndLabels) {
  metrics m;
  use_everything(m);
  const std::set<std::string> golden{"mcpstate_beat_age_seconds gauge",
                                     "mcpstate_build_info gauge version",
                                     "mcpstate_connect_attempts_total counter outcome",
                                     "mcpstate_connect_duration_seconds histogram outcome",
                                     "mcpstate_connection_failures_total counter code",
                                     "mcpstate_connection_transitions_total counter from to",
                                     "mcpstate_connections_connected gauge",
                                     "mcpstate_connections_kept gauge",
                                     "mcpstate_connections_managed gauge",
                                     "mcpstate_connections_waiting gauge",
                                     "mcpstate_event_resyncs_total counter",
                                     "mcpstate_event_subscribers gauge",
                                     "mcpstate_event_subscribers_dropped_total counter",
                                     "mcpstate_http_rate_limited_total counter",
                                     "mcpstate_http_request_duration_seconds histogram method route",
                                     "mcpstate_http_requests_total counter method route status",
                                     "mcpstate_instances gauge",
                                     "mcpstate_leases_total counter event",
                                     "mcpstate_log_lines_dropped_total counter",
                                     "mcpstate_remarks_total counter",
                                     "mcpstate_session_restarts_total counter code",
                                     "mcpstate_store_losses_total counter cause",
                                     "mcpstate_store_operation_duration_seconds histogram operation",
                                     "mcpstate_store_operations_total counter operation outcome",
                                     "mcpstate_tools_refreshes_total counter outcome",
                                     "process_cpu_seconds_total counter",
                                     "process_max_fds gauge",
                                     "process_open_fds gauge",
                                     "process_resident_memory_bytes gauge",
                                     "process_start_time_seconds gauge",
                                     "process_virtual_memory_bytes gauge"};
  EXPECT_EQ(shape_of(m.render()), golden);
}

TEST(Metrics, CountWhatHappened) {
  metrics m;
  use_everything(m);
  m.record_request("/v1/users/{id}/connections", "GET", 200, 2ms);
  m.set_event_streams(2);
  m.set_log_lines_dropped(3);
  m.set_log_lines_dropped(5);
  const auto text = m.render();
  EXPECT_EQ(value_of(text, R"(mcpstate_http_requests_total{method="GET",route="/v1/users/{id}/connections",status="200"})"),
            2);
  EXPECT_EQ(value_of(text, R"(mcpstate_store_operations_total{operation="list",outcome="ok"})"), 1);
  EXPECT_EQ(value_of(text, R"(mcpstate_store_operations_total{operation="put",outcome="conflict"})"), 1);
  EXPECT_EQ(value_of(text, R"(mcpstate_store_operations_total{operation="renew_leases",outcome="timeout"})"), 1);
  EXPECT_EQ(value_of(text, R"(mcpstate_store_operation_duration_seconds_sum{operation="renew_leases"})"), 5);
  EXPECT_EQ(value_of(text, R"(mcpstate_connection_transitions_total{from="CONNECTING",to="FAILED"})"), 1);
  EXPECT_EQ(value_of(text, R"(mcpstate_connection_failures_total{code="connect_failed"})"), 1);
  EXPECT_EQ(value_of(text, R"(mcpstate_connect_attempts_total{outcome="failed"})"), 1);
  EXPECT_EQ(value_of(text, R"(mcpstate_session_restarts_total{code="child_exited"})"), 1);
  EXPECT_EQ(value_of(text, R"(mcpstate_connect_duration_seconds_sum{outcome="failed"})"), 2);
  EXPECT_EQ(value_of(text, R"(mcpstate_leases_total{event="handed_over"})"), 1);
  EXPECT_EQ(value_of(text, "mcpstate_event_subscribers"), 2);
  EXPECT_EQ(value_of(text, "mcpstate_connections_kept"), 5);
  EXPECT_EQ(value_of(text, "mcpstate_connections_managed"), 7);
  EXPECT_EQ(value_of(text, "mcpstate_remarks_total"), 1);
  EXPECT_EQ(value_of(text, "mcpstate_log_lines_dropped_total"), 5);
}

TEST(Metrics, HaveBoundedLabelsWithoutNames) {
  metrics m;
  use_everything(m);
  for (int i = 0; i < 5000; ++i) {
    const auto text = std::to_string(i);
    m.record_request("/v1/users/" + text, "METHOD" + text, static_cast<unsigned>(1000 + i), 1ms);
    m.record_store_operation("op" + text, std::nullopt, 1ms);
    m.on_transition(github(), status::connected, status::failed, "code" + text);
  }
  m.record_request("", "GET", 404, 1ms);
  const auto text = m.render();
  // Each failure of each known operation of the store is there from the start.
  constexpr int known_failures = 15 * static_cast<int>(cond::internal);
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 64 * 17 * 2 + 64 * 2 + 300 + known_failures);
  EXPECT_THAT(text, Not(HasSubstr("METHOD1")));
  EXPECT_THAT(text, Not(HasSubstr("code1")));
  EXPECT_THAT(text, Not(HasSubstr("github")));
  EXPECT_THAT(text, Not(HasSubstr("user:")));
  EXPECT_EQ(value_of(text, R"(mcpstate_http_requests_total{method="GET",route="other",status="404"})"), -1);
  EXPECT_EQ(value_of(text, R"(mcpstate_http_requests_total{method="GET",route="none",status="404"})"), 1);
  EXPECT_GT(value_of(text, R"(mcpstate_http_requests_total{method="other",route="other",status="other"})"), 4900);
  EXPECT_GT(value_of(text, R"(mcpstate_store_operations_total{operation="other",outcome="ok"})"), 4900);
  EXPECT_EQ(value_of(text, R"(mcpstate_connection_failures_total{code="other"})"), 5000);
}

TEST(ProcessMetrics, AreReadFromProc) {
  const std::string stat =
      "42 (a) b) c) S 1 42 42 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 3 0 1000 12345678 77 18446744073709551615 1 1 0\n";
  const auto facts = facts_from(stat, "cpu 1 2\nbtime 1790000000\nprocesses 1\n", proc_units{100, 4096});
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->cpu_seconds, 3);
  EXPECT_EQ(facts->start_time, 1'790'000'010);
  EXPECT_EQ(facts->virtual_bytes, 12345678);
  EXPECT_EQ(facts->resident_bytes, 77 * 4096);
  for (const char* bad : {"", "42 (a", "42 (a) S 1 2"}) EXPECT_FALSE(facts_from(bad, "\nbtime 1\n", proc_units())) << bad;
  EXPECT_FALSE(facts_from(stat, "", proc_units()));
}

TEST(ProcessMetrics, DescribeThisProcess) {
  const auto before = read_process_facts();
  ASSERT_TRUE(before);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const auto after = read_process_facts();
  EXPECT_EQ(*after->open_fds, *before->open_fds + 2);
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_GT(before->resident_bytes, 1e6);
  EXPECT_GT(before->virtual_bytes, before->resident_bytes);
  EXPECT_GE(*before->max_fds, 64);
  const auto now = std::chrono::duration<double>(wall_clock().now().time_since_epoch()).count();
  EXPECT_NEAR(before->start_time, now, 600);
  EXPECT_GE(before->cpu_seconds, 0);
  EXPECT_LT(before->cpu_seconds, 600);
}

}  // namespace
}  // namespace mcpstate::service
