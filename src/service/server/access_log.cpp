// SPDX-License-Identifier: MIT
#include "service/server/access_log.hh"

#include <vector>

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
  std::vector<log_field> fields{method, route, status, duration, request_id};
  if (record.owner != nullptr) fields.emplace_back("owner", *record.owner);
  if (record.server != nullptr) fields.emplace_back("server", record.server->text());
  if (level == log_level::warn) fields.emplace_back("cause", record.cause);
  out.write_fields(level, "request", fields);
}

}  // namespace mcpstate::service
