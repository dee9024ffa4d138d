// SPDX-License-Identifier: MIT
// For operators: owners, servers, instances, tokens, figures, health; and the files of the dashboard.
#include "service/dashboard/dashboard.hh"
#include "service/http/body_reader.hh"
#include "service/http/etag.hh"
#include "service/routes/api.hh"
#include "service/routes/openapi.hh"

#include <algorithm>
#include <charconv>

#include "core/duration.hh"
#include "core/json/text.hh"

namespace mcpstate::service {

namespace {

constexpr std::uint64_t most_owners = 1000;
constexpr std::size_t unheld_shown = 256;

std::string object_of(const owner_summary& of) {
  std::string out = "{";
  json_members members(out);
  members.text("owner", of.whose.text());
  members.number("connections", of.connected);
  members.number("records", of.records);
  if (of.expires_at) members.text("expires_at", to_iso8601(*of.expires_at));
  return out + "}";
}

std::string object_of(const std::string& name, const registered_server& of) {
  std::string out = "{";
  json_members members(out);
  members.text("name", name);
  members.text("transport", of.transport);
  members.text("shown", of.shown);
  members.raw("disabled", of.disabled ? "true" : "false");
  return out + "}";
}

std::string object_of(const instance_report& of) {
  std::string out = "{";
  json_members members(out);
  members.text("name", of.name);
  if (!of.address.empty()) members.text("address", of.address);
  members.number("kept", of.kept);
  return out + "}";
}

void append(std::string& list, const std::string& object) {
  if (list.size() > 1) list += ",";
  list += object;
}

http_response json_answer(std::string body) {
  http_response out;
  out.body = std::move(body);
  return out;
}

// ?limit=; 0: it is no such number.
std::uint64_t limit_of(const asking& to) noexcept {
  const auto* text = to.of.query("limit");
  if (text == nullptr) return 1;
  std::uint64_t n = 0;
  const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), n);
  const bool ok = ec == std::errc{} && end == text->data() + text->size() && n <= most_owners;
  return ok ? n : 0;
}

// What POST /v1/tokens asks for.
struct token_order {
  token_order(owner who, std::chrono::seconds time) : whose(std::move(who)), ttl(time) {}
  owner whose;
  std::chrono::seconds ttl;
};

result<token_order> read_order(std::string_view text) {
  const auto body = body_reader::parse(text, {"owner", "ttl"});
  if (!body) return body.error();
  const auto who = body->text("owner");
  if (!who) return who.error();
  const auto parsed = owner::parse(who->value_or(std::string()));
  if (!parsed) return error(errc::bad_argument, "owner: " + parsed.error().detail());
  const auto ttl = body->text("ttl");
  if (!ttl) return ttl.error();
  const auto time = parse_duration(ttl->value_or("1h"), "ttl");
  if (!time) return time.error();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*time);
  if (seconds < std::chrono::seconds(1)) return error(errc::bad_argument, "ttl is at least 1s");
  return token_order(*parsed, seconds);
}

}  // namespace

reply list_owners(api& by, asking& to) {
  const auto wanted = limit_of(to);
  if (wanted == 0)
    co_return to.fail(problem_kind::bad_parameter, "limit is a number from 1 to " + std::to_string(most_owners));
  const auto* from = to.of.query("cursor");
  std::string cursor = from == nullptr ? std::string() : *from;
  std::string list = "[";
  std::uint64_t found = 0;
  do {
    auto work = by.records.scan(cursor);
    const auto page = co_await measured(by, "scan", std::move(work));
    if (!page) co_return to.fail(page.error());
    for (const auto& o : page->owners) append(list, object_of(o));
    found += page->owners.size();
    cursor = page->cursor;
  } while (found < wanted && !cursor.empty());
  std::string body = "{";
  json_members members(body);
  members.raw("owners", list + "]");
  if (!cursor.empty()) members.text("cursor", cursor);
  co_return json_answer(body + "}");
}

reply list_servers(api& by, asking&) {
  std::string list = "[";
  if (const auto& known = by.keeping.options().servers) {
    for (const auto& [name, server] : known->all()) append(list, object_of(name, server));
  }
  std::string body = "{";
  json_members(body).raw("servers", list + "]");
  co_return json_answer(body + "}");
}

reply list_instances(api& by, asking&) {
  const auto& all = by.keeping.others();
  std::string list = "[";
  for (const auto& one : all.instances) append(list, object_of(one));
  std::string body = "{";
  json_members members(body);
  members.raw("instances", list + "]");
  members.text("self", by.keeping.options().instance);
  members.number("managed", all.managed);
  members.number("unheld", std::min(all.unheld.size(), unheld_shown));
  co_return json_answer(body + "}");
}

reply make_token(api& by, asking& to) {
  const auto order = read_order(to.request.body);
  if (!order) co_return to.fail(problem_kind::invalid_body, order.error().detail());
  if (by.keys.empty()) co_return to.fail(problem_kind::no_keys, "the service was started without a token: nobody needs one");
  const auto now = std::chrono::time_point_cast<std::chrono::microseconds>(wall_clock().now());
  std::string body = "{";
  json_members members(body);
  members.text("token", by.keys.mint(order->whose, order->ttl, now));
  members.text("owner", order->whose.text());
  members.text("expires_at", to_iso8601(now + order->ttl));
  co_return json_answer(body + "}");
}

reply tell_stats(api& by, asking& to) {
  const auto now = std::chrono::steady_clock::now();
  auto work = by.counts.get(now);
  const auto got = co_await std::move(work);
  if (!got) co_return to.fail(got.error());
  const auto& of_store = got->counts;
  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - got->at);
  const auto here = by.keeping.counts();
  std::string body = "{";
  json_members members(body);
  members.text("store", of_store.kind);
  members.number("users", of_store.users);
  members.number("sessions", of_store.sessions);
  members.number("connected", of_store.connected);
  members.number("disconnected", of_store.disconnected);
  members.number("failed", of_store.failed);
  members.number("tools_bytes", of_store.tools_bytes);
  members.number("age_ms", static_cast<std::uint64_t>(age.count()));
  members.number("managed", here.managed);
  members.number("kept_here", here.kept);
  members.number("waiting_here", here.waiting);
  members.number("instances", here.instances);
  members.number("subscribers", by.events.subscribers());
  co_return json_answer(body + "}");
}

reply tell_metrics(api& by, asking&) {
  by.figures.counts(by.keeping.counts());
  http_response out;
  out.content_type = std::string(metrics::content_type);
  out.body = by.figures.render();
  co_return out;
}

reply tell_health(api&, asking&) {
  http_response out;
  out.static_body = "{\"status\":\"ok\"}";
  co_return out;
}

reply tell_readiness(api& by, asking& to) {
  // Any read will do; a record of this name is nobody's.
  auto who = owner::session("readyz").value();
  auto name = server_name::parse("readyz").value();
  auto work = by.records.get(std::move(who), std::move(name), tools_wanted::no);
  const auto answered = co_await measured(by, "get", std::move(work));
  if (!answered) co_return to.fail(problem_kind::unavailable, "the store does not answer");
  http_response out;
  out.static_body = "{\"status\":\"ready\"}";
  co_return out;
}

namespace {

http_response file_answer(const asking& to, const asset& file) {
  auto out = tagged(to, std::string(), std::string(file.etag));
  out.content_type = std::string(file.content_type);
  if (out.status == 200) out.static_body = file.bytes;
  return out;
}

}  // namespace

reply tell_openapi(api&, asking& to) {
  const auto file = openapi_asset(to.of.path);
  co_return file ? file_answer(to, *file) : to.fail(problem_kind::no_route, "there is nothing at this path");
}

reply show_dashboard(api&, asking& to) {
  const auto file = dashboard_asset(to.of.path);
  if (!file) co_return to.fail(problem_kind::no_route, "there is nothing at this path");
  auto out = file_answer(to, *file);
  out.headers.emplace_back("Content-Security-Policy", std::string(dashboard_security_policy));
  out.headers.emplace_back("Referrer-Policy", "no-referrer");
  co_return out;
}

}  // namespace mcpstate::service
