// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>
#include <mcpstate/manager.hpp>

// What Prometheus reads. All names and labels are listed in docs/operations.md, and tested.
//
// The values of labels are bounded, whatever callers say: methods, statuses, the names of codes and conditions; of routes
// and operations the first 64, then "other". Names of owners and servers are never among them. Executor: any one thread.
namespace mcpstate::service {

class metrics final : public manager_observer {
 public:
  metrics();
  ~metrics() override;
  metrics(const metrics&) = delete;
  metrics& operator=(const metrics&) = delete;

  // route: the pattern that matched ("/v1/users/{id}/connections"), not the path; empty: none.
  void http_done(std::string_view route, std::string_view method, unsigned status, std::chrono::microseconds took);
  // op: "list", "put", …; failed: its condition, absent when it succeeded.
  void store_done(std::string_view op, std::optional<cond> failed, std::chrono::microseconds took);
  void rate_limited();
  // Live events: how many listen now; one that was too slow twice in a row and ended; one that got everything anew.
  void subscribers(std::size_t now);
  void subscriber_dropped();
  void subscriber_resynced();
  void counts(const manager_counts& now);

  void on_transition(const managed_name& of, status from, status to, std::string_view why) override;
  void on_attempt(const managed_name& of, bool ok, std::chrono::microseconds took) override;
  void on_tools_refreshed(const managed_name& of, bool ok) override;
  void on_lease(const managed_name& of, lease_news what) override;
  void on_remark(const managed_name* of, std::string_view what, std::string_view peer) override;

  // Text format 0.0.4, those of the process included. Reads /proc.
  [[nodiscard]] std::string render() const;
  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct families;
  std::unique_ptr<families> own_;
};

}  // namespace mcpstate::service
