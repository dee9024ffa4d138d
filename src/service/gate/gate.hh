// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include <mcpstate/core/owner.hpp>

#include "service/gate/access.hh"
#include "service/gate/rate_limit.hh"
#include "service/gate/request_checks.hh"
#include "service/gate/router.hh"
#include "service/http/url_path.hh"

// Decides about a request as soon as its head is there: what it asks for, whether whoever sent it may, and how large its
// body may be. Pure.
namespace mcpstate::service {

// A request that was let in.
struct admitted {
  admitted() {}
  const route* where = nullptr;
  identity who;
  std::optional<owner> whose;         // of paths that name an owner
  std::optional<server_name> server;  // {server} and {name}
  std::string tool;
  std::string path;  // of the dashboard
  std::vector<std::pair<std::string, std::string>> queries;
  std::string cors_origin;  // this page may read the answer; empty: none was named
  std::size_t body_limit = 0;

  [[nodiscard]] const std::string* query(std::string_view name) const noexcept;
};

// A request that was not, and its answer: of a problem without its request id.
struct refused {
  explicit refused(problem what) : why(std::move(what)) {}
  problem why;
  std::string cors_origin;
  std::string_view pattern = "none";  // for metrics
  std::string allow;                  // for the Allow field
  std::optional<std::chrono::milliseconds> retry_after;
};
// One that needs nothing but its head: OPTIONS.
struct answered {
  answered() {}
  std::string cors_origin, allow;
  bool preflight = false;
};
using verdict = std::variant<admitted, refused, answered>;

struct gate_limits {
  gate_limits() {}
  std::size_t body_bytes = 1024 * 1024;
  std::size_t state_body_bytes = 17 * 1024 * 1024;  // PUT …/state brings a tool list
};

// keys empty: whoever reaches us is the service. All references outlive it.
class gate {
 public:
  gate(const admission& who, const access_keys& keys, rate_limit& rate, gate_limits limits)
      : admission_(who), keys_(keys), rate_(rate), limits_(limits) {}

  [[nodiscard]] verdict judge(const http_request& asked, timestamp now, std::chrono::steady_clock::time_point tick) const;

 private:
  struct steps;
  const admission& admission_;
  const access_keys& keys_;
  rate_limit& rate_;
  gate_limits limits_;
};

}  // namespace mcpstate::service
