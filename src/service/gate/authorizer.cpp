// SPDX-License-Identifier: MIT
#include "service/gate/authorizer.hh"

#include <algorithm>

#include "core/text/ascii.hh"
#include "core/text/quoted.hh"
#include "core/text/utf8.hh"
#include "service/gate/header_fields.hh"
#include "service/http/url_path.hh"

namespace mcpstate::service {

namespace {

using optional_problem = std::optional<problem>;

bool reads(http_method method) noexcept { return method == http_method::get || method == http_method::head; }

// Whether a path belongs to the API and needs a token. Paths without a route that are not of the API are the dashboard's.
bool is_api_path(const std::vector<std::string>& segments) noexcept { return !segments.empty() && segments.front() == "v1"; }

std::optional<owner_kind> owner_kind_of(const std::vector<std::string>& segments) noexcept {
  if (segments.size() < 3 || segments[0] != "v1") return std::nullopt;
  if (segments[1] == "users") return owner_kind::user;
  if (segments[1] == "sessions") return owner_kind::session;
  return std::nullopt;
}

// The segment that a placeholder of the pattern stands for; null when the pattern does not have the placeholder.
const std::string* segment_for(std::string_view pattern, std::string_view placeholder,
                               const std::vector<std::string>& segments) {
  pattern.remove_prefix(1);
  for (const auto& segment : segments) {
    const auto slash = std::min(pattern.find('/'), pattern.size());
    if (pattern.substr(0, slash) == placeholder) return &segment;
    pattern.remove_prefix(std::min(slash + 1, pattern.size()));
  }
  return nullptr;
}

optional_problem read_names(authorized_request& out, const std::vector<std::string>& segments) {
  const auto pattern = out.route->pattern;
  if (const auto kind = owner_kind_of(segments)) {
    auto named = owner::make(*kind, segments[2]);
    if (!named) return problem(problem_kind::bad_path, named.error().detail());
    out.owner = std::move(*named);
  }
  const auto* name = segment_for(pattern, "{server}", segments);
  if (name == nullptr) name = segment_for(pattern, "{name}", segments);
  if (name != nullptr) {
    auto server = server_name::parse(*name);
    if (!server) return problem(problem_kind::bad_path, server.error().detail());
    out.server = std::move(*server);
  }
  if (const auto* tool = segment_for(pattern, "{tool}", segments)) {
    if (tool->size() > max_name_bytes || !is_valid_utf8(*tool))
      return problem(problem_kind::bad_path, "the name of the tool is too long, or not UTF-8");
    out.tool = *tool;
  }
  return std::nullopt;
}

optional_problem select_parameters(authorized_request& out, const parsed_target& target) {
  for (const auto& [name, value] : target.parameters) {
    if (!takes_parameter(*out.route, name)) {
      const bool secret = name.find("token") != std::string::npos || name.find("key") != std::string::npos;
      return problem(problem_kind::unknown_parameter,
                     "the parameter " + mcpstate::quoted(name) + " is not known here" +
                         (secret ? "; credentials go into the Authorization field only" : ""));
    }
    if (out.parameter(name) != nullptr)
      return problem(problem_kind::bad_parameter, "the parameter " + name + " occurs twice");
    out.parameters.emplace_back(name, value);
  }
  return std::nullopt;
}

optional_problem check_body(const authorized_request& authorized, const http_request& request) {
  if (request.expect && !ascii_iequal(*request.expect, "100-continue"))
    return problem(problem_kind::expectation_failed, "only 100-continue can be expected");
  if (!request.has_body) return std::nullopt;
  if (!authorized.route->takes_body) return problem(problem_kind::invalid_body, "this route takes no body");
  if (!request.content_type || !is_json(*request.content_type))
    return problem(problem_kind::media_type, "the body must come as application/json, in UTF-8");
  if (request.content_length && *request.content_length > authorized.body_limit)
    return problem(problem_kind::too_large, "the body is larger than " + std::to_string(authorized.body_limit) + " bytes");
  return std::nullopt;
}

bool says(const std::optional<std::string>& field, std::string_view value) noexcept {
  return field && ascii_iequal(*field, value);
}

// Runs the checks on one request, one after the other. A check answers the problem that it finds.
class request_checks {
 public:
  request_checks(const http_request& request, const host_policy& hosts) : request_(request), hosts_(hosts) {}

  optional_problem check_target() {
    auto parsed = parse_target(request_.target);
    if (!parsed) return problem(problem_kind::bad_path, parsed.error().detail());
    target_ = std::move(*parsed);
    return check_host();
  }

  // Of OPTIONS *, which asks about the service as a whole.
  optional_problem check_whole() {
    allowed_methods_ = "GET, HEAD, PUT, POST, DELETE, OPTIONS";
    return check_host();
  }

  optional_problem check_method() const {
    if (request_.method != http_method::other) return std::nullopt;
    return problem(problem_kind::not_implemented, "no route takes this method");
  }

  // keys and rate limit apply to routes that are not open.
  optional_problem check_route(const access_keys& keys, timestamp now, rate_limit& owner_rate,
                               std::chrono::steady_clock::time_point received_at) {
    auto lookup = find_route(request_.method, target_.segments);
    const auto* route = route_or_dashboard(lookup);
    const bool open = route != nullptr ? route->access == access_rule::open : !is_api_path(target_.segments);
    if (!open) {
      if (auto found = check_token(keys, now)) return found;
      // Rights are checked before the response can reveal which routes exist.
      if (auto found = check_rights(route, owner_rate, received_at)) return found;
    }
    allowed_methods_ = std::move(lookup.allowed_methods);
    if (route == nullptr && allowed_methods_.empty())
      return problem(problem_kind::no_route, "there is nothing at this path");
    if (route == nullptr) return problem(problem_kind::method_not_allowed, "this path takes " + allowed_methods_);
    authorized_.route = route;
    return std::nullopt;
  }

  optional_problem check_content(const body_limits& limits) {
    for (const auto& segment : target_.segments) authorized_.path.append("/").append(segment);
    if (authorized_.path.empty()) authorized_.path = "/";
    if (auto found = read_names(authorized_, target_.segments)) return found;
    if (auto found = select_parameters(authorized_, target_)) return found;
    const auto operation = authorized_.route->operation;
    const bool conditional = request_.if_match || request_.if_none_match;
    if (conditional && !reads(request_.method) && !obeys_preconditions(operation))
      return problem(problem_kind::bad_request,
                     "this route compares nothing: If-Match and If-None-Match go with PUT and DELETE of one connection");
    if (request_.has_range && request_.method == http_method::put)
      return problem(problem_kind::bad_request, "a body is taken as a whole, and not as a part (Content-Range)");
    authorized_.body_limit = operation == operation_id::put_state ? limits.state_bytes : limits.default_bytes;
    return check_body(authorized_, request_);
  }

  // Asked last: a request that is refused for something else is no attempt.
  optional_problem check_attempts(rate_limit& connects, std::chrono::steady_clock::time_point received_at) {
    const auto& sender = authorized_.sender;
    if (sender.kind != token_kind::owner || !reaches_out(authorized_.route->operation)) return std::nullopt;
    retry_after_ = connects.take(sender.subject->text(), received_at);
    if (retry_after_) return problem(problem_kind::too_many_requests, "too many attempts of this owner to connect");
    return std::nullopt;
  }

  authorized_request take_authorized() { return std::move(authorized_); }

  options_request preflight() {
    options_request out;
    out.cors_origin = authorized_.cors_origin;
    out.allowed_methods = find_route(http_method::options, target_.segments).allowed_methods;
    out.preflight = true;
    return out;
  }

  options_request options() {
    options_request out;
    out.cors_origin = authorized_.cors_origin;
    out.allowed_methods = std::move(allowed_methods_);
    return out;
  }

  rejection reject(problem reason) {
    rejection out(std::move(reason));
    out.cors_origin = std::move(authorized_.cors_origin);
    out.retry_after = retry_after_;
    if (out.reason.kind == problem_kind::method_not_allowed) out.allowed_methods = std::move(allowed_methods_);
    if (authorized_.route != nullptr) out.pattern = authorized_.route->pattern;
    return out;
  }

 private:
  optional_problem check_host() {
    if (!request_.host && request_.version >= 11) return problem(problem_kind::bad_request, "HTTP/1.1 needs a Host");
    const std::string& host = target_.authority.empty() && request_.host ? *request_.host : target_.authority;
    if (request_.host && !hosts_.allows_host(*request_.host))
      return problem(problem_kind::forbidden_host, "the Host is none of ours; --allow-host adds one");
    if (!target_.authority.empty() && !hosts_.allows_host(target_.authority))
      return problem(problem_kind::forbidden_host, "the host of the target is none of ours; --allow-host adds one");
    if (auto found = check_origin(host)) return found;
    return check_site();
  }

  optional_problem check_origin(const std::string& host) {
    if (!request_.origin) return std::nullopt;
    const auto kind = hosts_.classify_origin(*request_.origin, host);
    if (kind == host_policy::origin_kind::foreign)
      return problem(problem_kind::forbidden_origin, "the Origin is not this service's own; --allow-origin adds one");
    if (kind == host_policy::origin_kind::listed) authorized_.cors_origin = *request_.origin;
    return std::nullopt;
  }

  // A page of another site can make a browser ask without an Origin: it reads no answer, but the request is carried out. A link
  // to the dashboard may be followed from anywhere.
  optional_problem check_site() const {
    const bool foreign = says(request_.fetch_site, "cross-site") && authorized_.cors_origin.empty();
    if (!foreign) return std::nullopt;
    const bool followed =
        reads(request_.method) && says(request_.fetch_mode, "navigate") && says(request_.fetch_dest, "document");
    if (followed && !is_api_path(target_.segments)) return std::nullopt;
    return problem(problem_kind::forbidden_origin,
                   "a page of another site may not ask (Sec-Fetch-Site); --allow-origin adds one");
  }

  optional_problem check_token(const access_keys& keys, timestamp now) {
    if (keys.empty()) return std::nullopt;
    const auto token = request_.authorization ? bearer_token(*request_.authorization) : std::nullopt;
    if (!token) return problem(problem_kind::unauthorized, "send a token: Authorization: Bearer …");
    auto sender = keys.verify(*token, now);
    if (!sender) return problem(problem_kind::unauthorized, sender.error().detail());
    authorized_.sender = std::move(*sender);
    return std::nullopt;
  }

  optional_problem check_rights(const route_spec* route, rate_limit& owner_rate,
                                std::chrono::steady_clock::time_point received_at) {
    const auto& sender = authorized_.sender;
    if (sender.kind != token_kind::owner) return std::nullopt;
    const auto kind = owner_kind_of(target_.segments);
    const bool own =
        kind && sender.subject && sender.subject->kind() == *kind && sender.subject->id() == target_.segments[2];
    const bool allowed = own && (route == nullptr || route->access != access_rule::service_token);
    if (!allowed) return problem(problem_kind::forbidden, "this token is for one owner's own connections only");
    retry_after_ = owner_rate.take(sender.subject->text(), received_at);
    if (retry_after_) return problem(problem_kind::too_many_requests, "too many requests of this owner");
    return std::nullopt;
  }

  // A path without a route that is not of the API may be a file of the dashboard.
  const route_spec* route_or_dashboard(const route_lookup& lookup) const {
    if (lookup.route != nullptr || is_api_path(target_.segments) || !lookup.allowed_methods.empty()) return lookup.route;
    return reads(request_.method) ? find_route(http_method::get, {}).route : nullptr;
  }

  const http_request& request_;
  const host_policy& hosts_;
  parsed_target target_;
  authorized_request authorized_;
  std::string allowed_methods_;
  std::optional<std::chrono::milliseconds> retry_after_;
};

}  // namespace

const std::string* authorized_request::parameter(std::string_view name) const noexcept {
  for (const auto& [known, value] : parameters) {
    if (known == name) return &value;
  }
  return nullptr;
}

decision authorizer::authorize(const http_request& request, const access_keys& keys, timestamp now,
                               std::chrono::steady_clock::time_point received_at) const {
  request_checks checks(request, hosts_);
  const bool is_options = request.method == http_method::options;
  const bool whole = is_options && request.target == "*";
  auto found = whole ? checks.check_whole() : checks.check_target();
  if (whole && !found) return checks.options();
  if (!found) found = checks.check_method();
  if (!found && is_options && request.origin && request.preflight_method) return checks.preflight();
  if (!found) found = checks.check_route(keys, now, rates_.requests, received_at);
  if (found && found->kind == problem_kind::method_not_allowed && is_options) return checks.options();
  if (!found) found = checks.check_content(limits_);
  if (!found) found = checks.check_attempts(rates_.connects, received_at);
  if (!found) return checks.take_authorized();
  return checks.reject(std::move(*found));
}

}  // namespace mcpstate::service
