// SPDX-License-Identifier: MIT
// What a host records itself: states, disconnects, use, claims.
#include "service/http/body_reader.hh"
#include "service/http/etag.hh"
#include "service/routes/api.hh"

#include "core/json/text.hh"
#include "service/http/bad.hh"

namespace mcpstate::service {

namespace {

constexpr std::size_t max_reason_bytes = 1000;
constexpr int max_attempts = 10;

// What PUT …/state brings.
struct reported {
  reported() {}
  status to = status::disconnected;
  std::optional<tools_list> tools;
  std::string reason;
  bool allow_empty = false;
};

std::optional<status> reportable(const std::string& text) {
  const auto s = status_from_text(text);
  const bool ok = s && (*s == status::connected || *s == status::disconnected || *s == status::failed);
  return ok ? s : std::nullopt;
}

bool is_one_line(std::string_view text) noexcept {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return false;
  }
  return true;
}

result<void> take_reason(reported& out, const body_reader& body) {
  auto reason = body.text("reason");
  if (!reason) return reason.error();
  if (!*reason) return {};
  if (out.to != status::failed) return bad("a reason goes with FAILED only");
  if ((*reason)->size() > max_reason_bytes || !is_one_line(**reason))
    return bad("the reason is one line of at most 1000 bytes");
  out.reason = std::move(**reason);
  return {};
}

bool holds_objects_only(std::string_view array) {
  mcp::json_walk walk(array);
  for (bool more = walk.enter(); more; more = walk.next()) {
    if (walk.kind() != mcp::json_kind::object) return false;
    walk.take();
  }
  return true;
}

result<void> take_tools(reported& out, const body_reader& body) {
  const auto raw = body.raw("tools");
  if (!raw) return {};
  if (out.to == status::disconnected) return bad("a DISCONNECTED connection has no tools: leave them out");
  auto list = tools_list::parse(std::string(*raw));
  if (!list) return list.error();
  if (!holds_objects_only(list->bytes())) return bad("tools is an array of objects");
  out.tools = std::move(*list);
  return {};
}

result<reported> read_report(std::string_view text) {
  const auto body = body_reader::parse(text, {"status", "tools", "reason", "allow_empty"});
  if (!body) return body.error();
  reported out;
  const auto word = body->text("status");
  if (!word) return word.error();
  const auto to = *word ? reportable(**word) : std::nullopt;
  if (!to) return bad("status is CONNECTED, DISCONNECTED or FAILED");
  out.to = *to;
  if (const auto ok = take_reason(out, *body); !ok) return ok.error();
  if (const auto ok = take_tools(out, *body); !ok) return ok.error();
  const auto empty = body->flag("allow_empty");
  if (!empty) return empty.error();
  out.allow_empty = *empty;
  return out;
}

change change_of(const asking& to, const reported& what, const std::optional<connection>& before) {
  change out = before ? change(*before, what.to) : change(to.whose(), to.server(), what.to);
  if (!before) out.based_on(basis());
  details info = before ? before->info : details();
  info.managed = false;
  info.registered.clear();
  info.error.reset();
  out.with(std::move(info));
  if (what.tools) out.tools(*what.tools);
  if (what.allow_empty) out.allow_empty_tools();
  if (what.to != status::failed) return out;
  failure why;
  why.code = "reported";
  why.message = what.reason.empty() ? "the host reported it without a reason" : what.reason;
  out.fail(std::move(why));
  return out;
}

http_response written_as(const asking& to, const result<connection>& written) {
  if (!written) return to.fail(written.error());
  http_response out;
  out.body = to_json(*written);
  out.etag = tag_of(*written, digest_of(out.body));
  return out;
}

}  // namespace

reply put_state(api& by, asking& to) {
  const auto what = read_report(to.request.body);
  if (!what) {
    const bool large = what.error().code() == errc::too_large;
    co_return to.fail(large ? problem_kind::too_large : problem_kind::invalid_body, what.error().detail());
  }
  auto asking_for_room = check_room(by, to);
  const auto no_room = co_await std::move(asking_for_room);
  if (no_room) co_return to.fail(*no_room);
  for (int attempt = 1;; ++attempt) {
    auto reading = by.records.get(to.whose(), to.server(), tools_wanted::no);
    const auto before = co_await measured(by, "get", std::move(reading));
    if (!before) co_return to.fail(before.error());
    if (const auto wrong = check_match(to.request, *before)) co_return to.fail(*wrong);
    if (*before && (*before)->info.managed && (*before)->state != status::disconnected)
      co_return to.fail(problem_kind::managed, "mcpstate keeps this connection itself; disconnect it first");
    auto change = change_of(to, *what, *before);
    auto writing = by.records.put(std::move(change));
    const auto written = co_await measured(by, "put", std::move(writing));
    const bool beaten = !written && written.error().is(cond::conflict);
    if (!beaten || attempt == max_attempts) co_return written_as(to, written);
  }
}

reply delete_connection(api& by, asking& to) {
  std::optional<basis> seen;
  if (is_conditional(to.request)) {
    auto reading = by.records.get(to.whose(), to.server(), tools_wanted::no);
    const auto before = co_await measured(by, "get", std::move(reading));
    if (!before) co_return to.fail(before.error());
    if (const auto wrong = check_match(to.request, *before)) co_return to.fail(*wrong);
    if (!*before) co_return to.fail(no_such(to));
    seen = (*before)->seen;
  }
  const bool conditional = seen.has_value();
  auto work = by.records.disconnect(to.whose(), to.server(), std::move(seen));
  const auto n = co_await measured(by, "disconnect", std::move(work));
  if (n) co_return count("disconnected", *n);
  if (conditional && n.error().is(cond::conflict))
    co_return to.fail(problem_kind::precondition_failed, "the connection has just changed");
  co_return to.fail(n.error());
}

reply disconnect_all(api& by, asking& to) {
  std::optional<server_name> all;
  std::optional<basis> whatever;
  auto work = by.records.disconnect(to.whose(), std::move(all), std::move(whatever));
  const auto n = co_await measured(by, "disconnect", std::move(work));
  if (!n) co_return to.fail(n.error());
  co_return count("disconnected", *n);
}

reply touch(api& by, asking& to) {
  auto work = by.records.touch(to.whose(), to.of.server);
  const auto n = co_await measured(by, "touch", std::move(work));
  if (!n) co_return to.fail(n.error());
  if (*n == 0 && to.of.server) co_return to.fail(no_such(to));
  co_return count("touched", *n);
}

reply erase_owner(api& by, asking& to) {
  auto work = by.records.erase(to.whose());
  const auto n = co_await measured(by, "erase", std::move(work));
  if (!n) co_return to.fail(n.error());
  co_return count("removed", *n);
}

reply claim_session(api& by, asking& to) {
  const auto body = body_reader::parse(to.request.body, {"user_id"});
  if (!body) co_return to.fail(problem_kind::invalid_body, body.error().detail());
  const auto id = body->text("user_id");
  if (!id) co_return to.fail(problem_kind::invalid_body, id.error().detail());
  if (!*id) co_return to.fail(problem_kind::invalid_body, "user_id is missing");
  const auto user = owner::user(**id);
  if (!user) co_return to.fail(problem_kind::invalid_body, "user_id: " + user.error().detail());
  auto work = by.records.claim(to.whose(), *user);
  const auto claimed = co_await measured(by, "claim", std::move(work));
  if (!claimed) co_return to.fail(claimed.error());
  http_response out;
  out.body = "{";
  json_members members(out.body);
  members.raw("moved", json_array(claimed->moved));
  members.raw("kept", json_array(claimed->kept));
  out.body += "}";
  co_return out;
}

}  // namespace mcpstate::service
