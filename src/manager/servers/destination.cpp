// SPDX-License-Identifier: MIT
#include "manager/servers/destination.hh"

#include <utility>

#include <mcpstate/core/tools.hpp>

#include "core/text/quoted.hh"
#include "http/url.hh"

namespace mcpstate {

namespace {

error invalid(std::string cause) { return error(errc::bad_argument, std::move(cause)); }

std::string origin_of(const http::url& url) { return (url.tls ? "https://" : "http://") + url.host + ":" + url.port; }

// A URL that may stand in a record. Everybody who may read the record sees it, so it must hold no secret.
result<http::url> parse_public_url(const std::string& text) {
  const auto end = text.find_first_of("?#/", text.find("://") == std::string::npos ? 0 : text.find("://") + 3);
  if (text.substr(0, end).find('@') != std::string::npos)
    return invalid("a URL with a user or password in it cannot be managed; register the server under a name, with headers");
  if (text.find('?') != std::string::npos)
    return invalid("a URL with a query may hold a secret, and cannot be managed; register the server under a name");
  return http::parse_url(text);
}

result<destination> find_registered(const std::string& name, const destination_rules& rules,
                                    const server_registry* servers) {
  const registered_server* found = servers != nullptr ? servers->find(name) : nullptr;
  if (found == nullptr) return invalid("no server is registered as " + mcpstate::quoted(name));
  if (found->disabled) return invalid("the server " + mcpstate::quoted(name) + " is disabled");
  if (!found->fault.empty()) return invalid("the entry of the servers file is wrong: " + found->fault);
  destination out;
  out.target = found->target;
  out.protocol = found->protocol;
  out.egress = rules.egress;
  out.registered = name;
  out.secrets = found->secrets;
  out.startup_timeout = found->startup_timeout;
  out.transport = found->transport;
  const auto* web = std::get_if<mcp::http_target>(&found->target);
  out.origin = "program " + name;
  if (web == nullptr) return out;
  out.url = found->shown;
  MCPSTATE_TRY(url, http::parse_url(web->url));
  out.origin = origin_of(url);
  return out;
}

bool same_target(const mcp::target& a, const mcp::target& b) {
  if (a.index() != b.index()) return false;
  if (const auto* web = std::get_if<mcp::http_target>(&a)) {
    const auto& other = std::get<mcp::http_target>(b);
    return web->url == other.url && web->headers == other.headers;
  }
  const auto& program = std::get<mcp::stdio_target>(a);
  const auto& other = std::get<mcp::stdio_target>(b);
  return program.command == other.command && program.env == other.env && program.cwd == other.cwd;
}

}  // namespace

std::string endpoint_key(const endpoint& target) {
  return target.registered.empty() ? "url " + target.url : "name " + target.registered;
}

endpoint endpoint_of(const details& info) {
  return info.registered.empty() ? by_url(info.url) : by_registration(info.registered);
}

endpoint endpoint_of(const destination& server) {
  return server.registered.empty() ? by_url(server.url) : by_registration(server.registered);
}

result<destination> find_destination(const endpoint& target, const destination_rules& rules,
                                     const server_registry* servers) {
  if (!target.registered.empty()) return find_registered(target.registered, rules, servers);
  if (target.url.empty()) return invalid("a connection leads to a registered server or to a URL; neither was given");
  MCPSTATE_TRY(url, parse_public_url(target.url));
  MCPSTATE_CHECK(rules.egress_for_urls.check_url(target.url));
  destination out;
  mcp::http_target web;
  web.url = url.shown;
  out.target = std::move(web);
  out.protocol = rules.protocol;
  out.egress = rules.egress_for_urls;
  out.transport = out.protocol == mcp::era_choice::sse ? "sse" : "http";
  out.url = url.shown;
  out.origin = origin_of(url);
  return out;
}

std::string reach_of(const destination_rules& rules, const server_registry* servers) {
  std::string all = rules.egress_for_urls.text();
  if (servers == nullptr) return sha256_tag(all);
  for (const auto& [name, server] : servers->all()) {
    if (!server.disabled && server.fault.empty()) all += "\n" + name;
  }
  return sha256_tag(all);
}

// Nothing in an entry depends on the owner.
bool is_shared_program(const registered_server& server) noexcept {
  return server.fault.empty() && !server.disabled && std::holds_alternative<mcp::stdio_target>(server.target);
}

bool same_server(const registered_server* a, const registered_server* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->protocol == b->protocol && a->disabled == b->disabled && a->fault == b->fault &&
         same_target(a->target, b->target);
}

}  // namespace mcpstate
