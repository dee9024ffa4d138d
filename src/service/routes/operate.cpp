// SPDX-License-Identifier: MIT
#include "service/routes/operate.hh"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/duration.hh"
#include "core/json/text.hh"
#include "core/text/number.hh"
#include "service/dashboard/dashboard.hh"
#include "service/http/body_reader.hh"
#include "service/routes/openapi.hh"
#include "service/routes/responses.hh"

namespace mcpstate::service {

namespace {

constexpr std::uint64_t max_owners = 1000;  // of ?limit=
constexpr std::size_t max_unheld = 256;

std::string owner_json(const owner_summary& summary) {
  object_writer out;
  out.text("owner", summary.owner.text()).number("connections", summary.connected).number("records", summary.records);
  return out.time("expires_at", summary.expires_at).str();
}

std::string server_json(const std::pair<const std::string, registered_server>& entry) {
  const auto& [name, server] = entry;
  object_writer out;
  out.text("name", name).text("transport", server.transport).text("shown", server.shown);
  out.boolean("disabled", server.disabled);
  if (!server.fault.empty()) out.text("error", server.fault);
  return out.str();
}

std::string instance_json(const instance_report& instance) {
  object_writer out;
  out.text("name", instance.name);
  if (!instance.address.empty()) out.text("address", instance.address);
  return out.number("kept", instance.managed).str();
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
  const auto n = parse_number<std::uint64_t>(*text);
  return n && *n <= max_owners ? *n : 0;
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
  MCPSTATE_TRY(name, body->text("owner"));
  const auto parsed = owner::parse(name.value_or(std::string()));
  if (!parsed) return error(errc::bad_argument, "owner: " + parsed.error().detail());
  MCPSTATE_TRY(ttl, body->text("ttl"));
  MCPSTATE_TRY(time, parse_duration(ttl.value_or("1h"), "ttl"));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
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
  std::vector<owner_summary> found;
  do {
    auto work = context.shard.store.scan(cursor);
    const auto page = co_await measured(context, "scan", std::move(work));
    if (!page) co_return context.failure(page.error());
    found.insert(found.end(), page->owners.begin(), page->owners.end());
    cursor = page->cursor;
  } while (found.size() < limit && !cursor.empty());
  object_writer body;
  body.raw("owners", json_list(found, owner_json));
  if (!cursor.empty()) body.text("cursor", cursor);
  co_return json_response(body.str());
}

response_task list_servers(request_context& context) {
  const auto known = context.process.servers();
  object_writer body;
  body.raw("servers", known ? json_list(known->all(), server_json) : "[]");
  co_return json_response(body.str());
}

response_task list_instances(request_context& context) {
  const auto& all = context.shard.manager.others();
  object_writer body;
  body.raw("instances", json_list(all.instances, instance_json)).text("self", context.shard.manager.options().instance);
  body.number("managed", all.managed).number("unheld", std::min(all.unheld.size(), max_unheld));
  co_return json_response(body.str());
}

response_task make_token(request_context& context) {
  const auto order = read_token_request(context.request.body);
  if (!order) co_return context.failure(problem_kind::invalid_body, order.error().detail());
  const auto keys = context.process.keys();
  if (keys->empty())
    co_return context.failure(problem_kind::no_keys, "the service was started without a token: nobody needs one");
  const auto now = std::chrono::time_point_cast<std::chrono::microseconds>(wall_clock().now());
  object_writer body;
  body.text("token", keys->mint(order->subject, order->ttl, now)).text("owner", order->subject.text());
  co_return json_response(body.time("expires_at", now + order->ttl).str());
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
  object_writer body;
  body.text("store", stored.kind).number("users", stored.users).number("sessions", stored.sessions);
  body.number("connected", stored.connected).number("disconnected", stored.disconnected).number("failed", stored.failed);
  body.number("tools_bytes", stored.tools_bytes).number("age_ms", static_cast<std::uint64_t>(age.count()));
  body.number("managed", counts.managed).number("kept_here", counts.managed_here).number("waiting_here", counts.waiting);
  body.number("instances", counts.instances).number("subscribers", context.shard.events.subscriptions());
  co_return json_response(body.str());
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
  // A process that cannot report itself manages nothing, whatever it can read: the store refuses its writes.
  if (!context.shard.manager.counts().reported)
    co_return context.failure(problem_kind::unavailable, "the store does not take the reports of this process");
  http_response out;
  // A full store serves reads, and the writes that make room again.
  object_writer answer(out.body);
  answer.text("status", "ready");
  if (const auto refused = context.shard.store.refused_writes()) answer.text("writes", name_of(*refused));
  answer.close();
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
