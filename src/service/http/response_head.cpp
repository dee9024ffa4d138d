// SPDX-License-Identifier: MIT
#include "service/http/response_head.hh"

#include <array>
#include <ctime>

namespace mcpstate::service {

namespace {

void field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// The text of the Date field. It is made once a second.
const std::string& date_now() {
  static thread_local std::int64_t second = -1;
  static thread_local std::string text;
  const std::int64_t now = std::time(nullptr);
  if (now != second) {
    second = now;
    text = http_date(now);
  }
  return text;
}

}  // namespace

std::string http_date(std::int64_t unix_seconds) {
  constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t when = unix_seconds;
  std::tm parts{};
  ::gmtime_r(&when, &parts);
  std::array<char, 48> out{};
  // %a and %b would be in the language of the user's locale.
  std::array<char, 32> format{};
  std::snprintf(format.data(), format.size(), "%s, %%d %s %%Y %%H:%%M:%%S GMT",
                days[static_cast<std::size_t>(parts.tm_wday)], months[static_cast<std::size_t>(parts.tm_mon)]);
  const auto size = std::strftime(out.data(), out.size(), format.data(), &parts);
  return std::string(out.data(), size);
}

std::string response_head(const http_response& response, const head_options& options) {
  std::string out;
  out.reserve(512);
  out.append("HTTP/1.1 ")
      .append(std::to_string(response.status))
      .append(" ")
      .append(reason_phrase(response.status))
      .append("\r\n");
  field(out, "Date", date_now());
  const bool bodiless = response.status == 304 || response.status == 204;
  if (!bodiless) {
    field(out, "Content-Type", response.content_type);
    // The response to HEAD of an event stream has no length either.
    const bool stream = response.content_type == "text/event-stream";
    if (!stream) field(out, "Content-Length", std::to_string(response.size()));
  }
  field(out, "X-Request-Id", options.request_id);
  field(out, "X-Content-Type-Options", "nosniff");
  field(out, "Cross-Origin-Resource-Policy", "same-origin");
  field(out, "Cache-Control", response.etag.empty() ? "no-store" : "private, no-cache");
  if (!response.etag.empty()) field(out, "ETag", response.etag);
  for (const auto& [name, value] : response.headers) field(out, name, value);
  if (!options.cors_origin.empty()) {
    field(out, "Access-Control-Allow-Origin", options.cors_origin);
    field(out, "Access-Control-Expose-Headers", "ETag, Retry-After, X-Request-Id");
    field(out, "Vary", "Origin");
  }
  if (!options.keep_alive) field(out, "Connection", "close");
  if (options.keep_alive && options.http_1_0) field(out, "Connection", "keep-alive");
  return out.append("\r\n");
}

}  // namespace mcpstate::service
