// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>
#include <mcpstate/manager.hpp>

// The metrics that Prometheus reads. All names and labels are listed in docs/operations.md, and tested.
//
// The number of label values is bounded: methods, statuses, names of codes and conditions, and the first 64 routes and
// operations, then "other". Names of owners and servers are never label values. Thread-safe.
namespace mcpstate::service {

class metrics final : public manager_observer {
 public:
  metrics();
  ~metrics() override;
  metrics(const metrics&) = delete;
  metrics& operator=(const metrics&) = delete;

  // pattern: of the route ("/v1/users/{id}/connections"), not the path; empty: none.
  void record_request(std::string_view pattern, std::string_view method, unsigned status,
                      std::chrono::microseconds duration);
  // Makes the series of a route that nobody has asked for yet, at 0: answers 200, and those that alarms ask for.
  void expect_requests(std::string_view pattern, std::string_view method);
  // operation: "list", "put", …; failure: its condition, absent on success.
  void record_store_operation(std::string_view operation, std::optional<cond> failure, std::chrono::microseconds duration);
  void count_rate_limited();
  // The number of open event streams; then the streams that fell behind: ended ones, and ones that got everything anew.
  void set_event_streams(std::size_t open);
  void count_event_stream_dropped();
  void count_event_stream_resynced();
  void set_manager_counts(const manager_counts& counts);
  void set_log_lines_dropped(std::uint64_t total);

  void on_transition(const managed_name& name, status from, status to, std::string_view why) override;
  void on_attempt(const managed_name& name, bool ok, std::chrono::microseconds took) override;
  void on_session_restarted(const managed_name& name, std::string_view reason, std::uint64_t restarts) override;
  void on_tools_refreshed(const managed_name& name, bool ok) override;
  void on_lease(const managed_name& name, lease_news news) override;
  void on_data_loss(loss_cause cause, std::uint64_t count) override;
  void on_store_operation(std::string_view operation, std::optional<cond> failure, std::chrono::microseconds took) override;
  void on_remark(const managed_name* name, std::string_view remark, std::string_view peer) override;

  // All metrics in text format 0.0.4, with those of the process. Reads /proc.
  [[nodiscard]] std::string render() const;
  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct families;
  std::unique_ptr<families> families_;
};

}  // namespace mcpstate::service
