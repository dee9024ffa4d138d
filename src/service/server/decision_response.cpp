// SPDX-License-Identifier: MIT
#include "service/server/decision_response.hh"

#include <chrono>
#include <string>

namespace mcpstate::service {

http_response rejection_response(const rejection& rejected, std::string_view request_id) {
  auto out = problem_response(rejected.reason, request_id);
  if (!rejected.allowed_methods.empty()) out.headers.emplace_back("Allow", rejected.allowed_methods);
  if (rejected.retry_after) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*rejected.retry_after).count();
    out.headers.emplace_back("Retry-After", std::to_string(seconds));
  }
  return out;
}

http_response options_response(const options_request& request) {
  http_response out;
  out.status = 204;
  if (!request.preflight) {
    out.headers.emplace_back("Allow", request.allowed_methods);
    return out;
  }
  if (request.cors_origin.empty()) return out;
  out.headers.emplace_back("Access-Control-Allow-Methods", request.allowed_methods);
  out.headers.emplace_back("Access-Control-Allow-Headers",
                           "Authorization, Content-Type, If-Match, If-None-Match, X-Request-Id");
  out.headers.emplace_back("Access-Control-Max-Age", "600");
  return out;
}

}  // namespace mcpstate::service
