// SPDX-License-Identifier: MIT
#include "service/routes/operate.hh"

#include <algorithm>
#include <charconv>

#include "core/duration.hh"
#include "core/json/text.hh"
#include "service/dashboard/dashboard.hh"
#include "service/http/body_reader.hh"
#include "service/routes/openapi.hh"
#include "service/routes/responses.hh"

namespace mcpstate::service {

namespace {

constexpr std::uint64_t max_owners = 1000;  // of ?limit=
constexpr std::size_t max_unheld = 256;

std::string object_of(const owner_summary& summary) {
  std::string out = "{";
  json_members members(out);
  members.text("owner", summary.whose.text());
  members.number("connections", summary.connected);
  members.number("records", summary.records);
  if (summary.expires_at) members.text("expires_at", to_iso8601(*summary.expires_at));
  return out + "}";
}

std::string object_of(const std::string& name, const registered_server& server) {
  std::string out = "{";
  json_members members(out);
  members.text("name", name);
  members.text("transport", server.transport);
  members.text("shown", server.shown);
  members.raw("disabled", server.disabled ? "true" : "false");
  if (!server.fault.empty()) members.text("error", server.fault);
  return out + "}";
}

std::string object_of(const instance_report& instance) {
  std::string out = "{";
  json_members members(out);
  members.text("name", instance.name);
  if (!instance.address.empty()) members.text("address", instance.address);
  members.number("kept", instance.kept);
  return out + "}";
}

void append(std::string& list, const std::string& object) {
  if (list.size() > 1) list += ",";
  list += object;
}

http_response json_response(std::string body) {
  http_response out;
  out.body = std::move(body);
  return out;
}

// ?limit=, a number from 1 to max_owners. 0: it is something else.
std::uint64_t read_limit(const request_context& context) noexcept {
  const auto* text = context.authorized.parameter("limit");
  if (text == nullptr) return 1;
  std::uint64_t n = 0;
  const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), n);
  const bool ok = ec == std::errc{} && end == text->data() + text->size() && n <= max_owners;
  return ok ? n : 0;
}

// The body of POST /v1/tokens.
struct token_request {
  token_request(owner account, std::chrono::seconds time) : subject(std::move(account)), ttl(time) {}
  owner subject;
  std::chrono::seconds ttl;
};

result<token_request> read_token_request(std::string_view text) {
  const auto body = body_reader::parse(text, {"owner", "ttl"});
  if (!body) return body.error();
  const auto name = body->text("owner");
  if (!name) return name.error();
  const auto parsed = owner::parse(name->value_or(std::string()));
  if (!parsed) return error(errc::bad_argument, "owner: " + parsed.error().detail());
  const auto ttl = body->text("ttl");
  if (!ttl) return ttl.error();
  const auto time = parse_duration(ttl->value_or("1h"), "ttl");
  if (!time) return time.error();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*time);
  if (seconds < std::chrono::seconds(1)) return error(errc::bad_argument, "ttl is at least 1s");
  return token_request(*parsed, seconds);
}

}  // namespace

response_task list_owners(request_context& context) {
  const auto limit = read_limit(context);
  if (limit == 0)
    co_return context.failure(problem_kind::bad_parameter, "limit is a number from 1 to " + std::to_string(max_owners));
  const auto* given = context.authorized.parameter("cursor");
  std::string cursor = given == nullptr ? std::string() : *given;
  std::string list = "[";
  std::uint64_t found = 0;
  do {
    auto work = context.shard.store.scan(cursor);
    const auto page = co_await measured(context, "scan", std::move(work));
    if (!page) co_return context.failure(page.error());
    for (const auto& summary : page->owners) append(list, object_of(summary));
    found += page->owners.size();
    cursor = page->cursor;
  } while (found < limit && !cursor.empty());
  std::string body = "{";
  json_members members(body);
  members.raw("owners", list + "]");
  if (!cursor.empty()) members.text("cursor", cursor);
  co_return json_response(body + "}");
}

response_task list_servers(request_context& context) {
  std::string list = "[";
  if (const auto known = context.process.servers()) {
    for (const auto& [name, server] : known->all()) append(list, object_of(name, server));
  }
  std::string body = "{";
  json_members(body).raw("servers", list + "]");
  co_return json_response(body + "}");
}

response_task list_instances(request_context& context) {
  const auto& all = context.shard.manager.others();
  std::string list = "[";
  for (const auto& instance : all.instances) append(list, object_of(instance));
  std::string body = "{";
  json_members members(body);
  members.raw("instances", list + "]");
  members.text("self", context.shard.manager.options().instance);
  members.number("managed", all.managed);
  members.number("unheld", std::min(all.unheld.size(), max_unheld));
  co_return json_response(body + "}");
}

response_task make_token(request_context& context) {
  const auto order = read_token_request(context.request.body);
  if (!order) co_return context.failure(problem_kind::invalid_body, order.error().detail());
  const auto keys = context.process.keys();
  if (keys->empty())
    co_return context.failure(problem_kind::no_keys, "the service was started without a token: nobody needs one");
  const auto now = std::chrono::time_point_cast<std::chrono::microseconds>(wall_clock().now());
  std::string body = "{";
  json_members members(body);
  members.text("token", keys->mint(order->subject, order->ttl, now));
  members.text("owner", order->subject.text());
  members.text("expires_at", to_iso8601(now + order->ttl));
  co_return json_response(body + "}");
}

response_task show_stats(request_context& context) {
  const auto now = std::chrono::steady_clock::now();
  auto work = context.shard.stats.get(now);
  const auto read = co_await std::move(work);
  if (!read) co_return context.failure(read.error());
  const auto& stored = read->stats;
  const auto age =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - read->started_at);
  const auto counts = context.shard.manager.counts();
  std::string body = "{";
  json_members members(body);
  members.text("store", stored.kind);
  members.number("users", stored.users);
  members.number("sessions", stored.sessions);
  members.number("connected", stored.connected);
  members.number("disconnected", stored.disconnected);
  members.number("failed", stored.failed);
  members.number("tools_bytes", stored.tools_bytes);
  members.number("age_ms", static_cast<std::uint64_t>(age.count()));
  members.number("managed", counts.managed);
  members.number("kept_here", counts.kept);
  members.number("waiting_here", counts.waiting);
  members.number("instances", counts.instances);
  members.number("subscribers", context.shard.events.subscriptions());
  co_return json_response(body + "}");
}

response_task show_metrics(request_context& context) {
  auto& metrics = context.process.metrics;
  metrics.set_manager_counts(context.shard.manager.counts());
  metrics.set_log_lines_dropped(context.process.log.dropped());
  http_response out;
  out.content_type = std::string(service::metrics::content_type);
  out.body = metrics.render();
  co_return out;
}

response_task show_health(request_context&) {
  http_response out;
  out.static_body = "{\"status\":\"ok\"}";
  co_return out;
}

response_task show_readiness(request_context& context) {
  // Any read shows whether the store answers. No owner has this name.
  auto account = owner::session("readyz").value();
  auto name = server_name::parse("readyz").value();
  auto work = context.shard.store.get(std::move(account), std::move(name), tools_wanted::no);
  const auto found = co_await measured(context, "get", std::move(work));
  if (!found) co_return context.failure(problem_kind::unavailable, "the store does not answer");
  http_response out;
  out.static_body = "{\"status\":\"ready\"}";
  co_return out;
}

namespace {

http_response file_response(const request_context& context, const asset& file) {
  auto out = tagged_response(context, std::string(), std::string(file.etag));
  out.content_type = std::string(file.content_type);
  if (out.status == 200) out.static_body = file.bytes;
  return out;
}

}  // namespace

response_task show_openapi(request_context& context) {
  const auto file = openapi_asset(context.authorized.path);
  co_return file ? file_response(context, *file) : context.failure(problem_kind::no_route, "there is nothing at this path");
}

response_task show_dashboard(request_context& context) {
  const auto file = dashboard_asset(context.authorized.path);
  if (!file) co_return context.failure(problem_kind::no_route, "there is nothing at this path");
  auto out = file_response(context, *file);
  out.headers.emplace_back("Content-Security-Policy", std::string(dashboard_security_policy));
  // A page that opens the dashboard gets no hold of its window.
  out.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
  out.headers.emplace_back("Referrer-Policy", "no-referrer");
  co_return out;
}

}  // namespace mcpstate::service
