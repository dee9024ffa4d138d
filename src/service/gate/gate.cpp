// SPDX-License-Identifier: MIT
#include "service/gate/gate.hh"

#include <algorithm>

#include "core/text/quoted.hh"
#include "core/text/utf8.hh"

namespace mcpstate::service {

namespace {

using found_problem = std::optional<problem>;

problem bad(problem_kind kind, std::string what) { return problem(kind, std::move(what)); }

// Of /v1, and what operators read; everything else is the dashboard's, and open.
bool is_guarded(const std::vector<std::string>& segments) noexcept { return !segments.empty() && segments.front() == "v1"; }

std::optional<owner_kind> kind_of_segments(const std::vector<std::string>& segments) noexcept {
  if (segments.size() < 3 || segments[0] != "v1") return std::nullopt;
  if (segments[1] == "users") return owner_kind::user;
  if (segments[1] == "sessions") return owner_kind::session;
  return std::nullopt;
}

// The segment that stands for this name in a pattern.
const std::string* segment_for(std::string_view pattern, std::string_view name, const std::vector<std::string>& segments) {
  pattern.remove_prefix(1);
  for (const auto& segment : segments) {
    const auto slash = std::min(pattern.find('/'), pattern.size());
    if (pattern.substr(0, slash) == name) return &segment;
    pattern.remove_prefix(std::min(slash + 1, pattern.size()));
  }
  return nullptr;
}

found_problem take_names(admitted& out, const std::vector<std::string>& segments) {
  const auto pattern = out.where->pattern;
  if (const auto kind = kind_of_segments(segments)) {
    auto whose = owner::make(*kind, segments[2]);
    if (!whose) return bad(problem_kind::bad_path, whose.error().detail());
    out.whose = std::move(*whose);
  }
  const auto* name = segment_for(pattern, "{server}", segments);
  if (name == nullptr) name = segment_for(pattern, "{name}", segments);
  if (name != nullptr) {
    auto server = server_name::parse(*name);
    if (!server) return bad(problem_kind::bad_path, server.error().detail());
    out.server = std::move(*server);
  }
  if (const auto* tool = segment_for(pattern, "{tool}", segments)) {
    if (tool->size() > max_name_bytes || !is_valid_utf8(*tool))
      return bad(problem_kind::bad_path, "the name of the tool is too long, or not UTF-8");
    out.tool = *tool;
  }
  return std::nullopt;
}

found_problem take_queries(admitted& out, parsed_target& target) {
  for (const auto& [name, value] : target.queries) {
    if (!takes_query(*out.where, name)) {
      const bool secret = name.find("token") != std::string::npos || name.find("key") != std::string::npos;
      return bad(problem_kind::unknown_parameter, "the parameter " + mcpstate::quoted(name) + " is not known here" +
                                                      (secret ? "; credentials go into the Authorization field only" : ""));
    }
    if (out.query(name) != nullptr) return bad(problem_kind::bad_parameter, "the parameter " + name + " occurs twice");
    out.queries.emplace_back(name, value);
  }
  return std::nullopt;
}

found_problem check_body(const admitted& out, const http_request& asked) {
  if (asked.expect) {
    std::string text = *asked.expect;
    std::transform(text.begin(), text.end(), text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    if (text != "100-continue") return bad(problem_kind::expectation_failed, "only 100-continue can be expected");
  }
  if (!asked.has_body) return std::nullopt;
  if (!out.where->takes_body) return bad(problem_kind::invalid_body, "this route takes no body");
  if (!asked.content_type || !is_json(*asked.content_type))
    return bad(problem_kind::media_type, "the body must come as application/json, in UTF-8");
  if (asked.content_length && *asked.content_length > out.body_limit)
    return bad(problem_kind::too_large, "the body is larger than " + std::to_string(out.body_limit) + " bytes");
  return std::nullopt;
}

}  // namespace

const std::string* admitted::query(std::string_view name) const noexcept {
  for (const auto& [known, value] : queries) {
    if (known == name) return &value;
  }
  return nullptr;
}

// One request on its way through the checks; each answers what is wrong.
struct gate::steps {
  const gate& at;
  const http_request& asked;
  timestamp now;
  std::chrono::steady_clock::time_point tick;
  parsed_target target;
  admitted out;
  std::string allowed;
  std::optional<std::chrono::milliseconds> retry_after;

  found_problem check_where() {
    auto parsed = parse_target(asked.target);
    if (!parsed) return bad(problem_kind::bad_path, parsed.error().detail());
    target = std::move(*parsed);
    if (!asked.host && asked.version >= 11) return bad(problem_kind::bad_request, "HTTP/1.1 needs a Host");
    const std::string& host = target.authority.empty() && asked.host ? *asked.host : target.authority;
    if (asked.host && !at.admission_.allows_host(*asked.host))
      return bad(problem_kind::forbidden_host, "the Host is none of ours; --allow-host adds one");
    if (!target.authority.empty() && !at.admission_.allows_host(target.authority))
      return bad(problem_kind::forbidden_host, "the host of the target is none of ours; --allow-host adds one");
    if (!asked.origin) return std::nullopt;
    const auto kind = at.admission_.kind_of_origin(*asked.origin, host);
    if (kind == admission::origin_kind::foreign)
      return bad(problem_kind::forbidden_origin, "the Origin is not this service's own; --allow-origin adds one");
    if (kind == admission::origin_kind::listed) out.cors_origin = *asked.origin;
    return std::nullopt;
  }

  found_problem check_token(bool needed) {
    if (at.keys_.empty() || !needed) {
      out.who.kind = token_kind::service;
      return std::nullopt;
    }
    const auto token = asked.authorization ? bearer_token(*asked.authorization) : std::nullopt;
    if (!token) return bad(problem_kind::unauthorized, "send a token: Authorization: Bearer …");
    auto who = at.keys_.verify(*token, now);
    if (!who) return bad(problem_kind::unauthorized, who.error().detail());
    out.who = std::move(*who);
    return std::nullopt;
  }

  // Before anything is told about what is there and what is not.
  found_problem check_rights(const route* where) {
    if (out.who.kind != token_kind::owner) return std::nullopt;
    const auto kind = kind_of_segments(target.segments);
    const bool own = kind && out.who.whose && out.who.whose->kind() == *kind && out.who.whose->id() == target.segments[2];
    const bool may = own && (where == nullptr || where->access != access_rule::service);
    if (!may) return bad(problem_kind::forbidden, "this token is for one owner's own connections only");
    retry_after = at.rate_.take(out.who.whose->text(), tick);
    if (retry_after) return bad(problem_kind::too_many_requests, "too many requests of this owner");
    return std::nullopt;
  }

  // A path that no route has, and that is not of the API, may be a file of the dashboard.
  const route* place(const routed& found) {
    if (found.where != nullptr || is_guarded(target.segments) || !found.allowed.empty()) return found.where;
    const bool reads = asked.method == http_method::get || asked.method == http_method::head;
    return reads ? find_route(http_method::get, {}).where : nullptr;
  }

  found_problem find_place() {
    auto found = find_route(asked.method, target.segments);
    const auto* where = place(found);
    const bool open = where != nullptr ? where->access == access_rule::anybody : !is_guarded(target.segments);
    if (auto wrong = check_token(!open)) return wrong;
    if (auto wrong = open ? found_problem() : check_rights(where)) return wrong;
    allowed = std::move(found.allowed);
    if (where == nullptr && allowed.empty()) return bad(problem_kind::no_route, "there is nothing at this path");
    if (where == nullptr) return bad(problem_kind::method_not_allowed, "this path takes " + allowed);
    out.where = where;
    return std::nullopt;
  }

  found_problem check_rest() {
    for (const auto& segment : target.segments) out.path.append("/").append(segment);
    if (out.path.empty()) out.path = "/";
    if (auto wrong = take_names(out, target.segments)) return wrong;
    if (auto wrong = take_queries(out, target)) return wrong;
    const bool conditional = asked.if_match || asked.if_none_match;
    const bool reads = asked.method == http_method::get || asked.method == http_method::head;
    if (conditional && !reads && !compares(out.where->what))
      return bad(problem_kind::bad_request,
                 "this route compares nothing: If-Match and If-None-Match go with PUT and DELETE of one "
                 "connection");
    out.body_limit = out.where->what == operation::put_state ? at.limits_.state_body_bytes : at.limits_.body_bytes;
    return check_body(out, asked);
  }
};

verdict gate::judge(const http_request& asked, timestamp now, std::chrono::steady_clock::time_point tick) const {
  steps on{*this, asked, now, tick, {}, {}, {}, {}};
  auto wrong = on.check_where();
  const bool is_options = asked.method == http_method::options;
  if (!wrong && is_options && asked.origin && asked.preflight_method) {
    answered out;
    out.cors_origin = on.out.cors_origin;
    out.allow = find_route(http_method::options, on.target.segments).allowed;
    out.preflight = true;
    return out;
  }
  if (!wrong) wrong = on.find_place();
  if (wrong && wrong->kind == problem_kind::method_not_allowed && is_options) {
    answered out;
    out.cors_origin = on.out.cors_origin;
    out.allow = std::move(on.allowed);
    return out;
  }
  if (!wrong) wrong = on.check_rest();
  if (!wrong) return std::move(on.out);
  refused out(std::move(*wrong));
  out.cors_origin = std::move(on.out.cors_origin);
  out.retry_after = on.retry_after;
  if (out.why.kind == problem_kind::method_not_allowed) out.allow = std::move(on.allowed);
  if (on.out.where != nullptr) out.pattern = on.out.where->pattern;
  return out;
}

}  // namespace mcpstate::service
