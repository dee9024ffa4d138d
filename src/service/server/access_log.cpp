// SPDX-License-Identifier: MIT
#include "service/server/access_log.hh"

namespace mcpstate::service {

namespace {

log_level level_of(const access_record& record) noexcept {
  if (record.status >= 500) return log_level::warn;
  const bool reads =
      record.method == http_method::get || record.method == http_method::head || record.method == http_method::options;
  return reads ? log_level::debug : log_level::info;
}

}  // namespace

void log_access(log& out, const access_record& record) {
  const auto level = level_of(record);
  if (!out.writes(level)) return;
  const log_field method("method", name_of(record.method));
  const log_field route("route", record.pattern);
  const log_field status("status", record.status);
  const log_field duration("took_us", record.duration.count());
  const log_field request_id("request_id", record.request_id);
  if (level == log_level::warn) {
    out.write(level, "request", {method, route, status, duration, request_id, {"cause", record.cause}});
  } else {
    out.write(level, "request", {method, route, status, duration, request_id});
  }
}

}  // namespace mcpstate::service
