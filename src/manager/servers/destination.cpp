// SPDX-License-Identifier: MIT
#include "manager/servers/destination.hh"

#include <utility>

#include <mcpstate/core/tools.hpp>

#include "core/text/quoted.hh"
#include "http/url.hh"

namespace mcpstate {

namespace {

error invalid(std::string why) { return error(errc::bad_argument, std::move(why)); }

std::string origin_of(const http::url& url) { return (url.tls ? "https://" : "http://") + url.host + ":" + url.port; }

// Everybody who may read a record sees its URL, so it has no secrets.
result<http::url> check_open_url(const std::string& text) {
  const auto end = text.find_first_of("?#/", text.find("://") == std::string::npos ? 0 : text.find("://") + 3);
  if (text.substr(0, end).find('@') != std::string::npos)
    return invalid("a URL with a user or password in it is kept by nobody; register the server under a name, with headers");
  if (text.find('?') != std::string::npos)
    return invalid("a URL with a query may hold a secret, and is kept by nobody; register the server under a name");
  return http::parse_url(text);
}

result<destination> find_registered(const std::string& name, const destination_rules& rules,
                                    const server_registry* servers) {
  const registered_server* found = servers != nullptr ? servers->find(name) : nullptr;
  if (found == nullptr) return invalid("no server is registered as " + mcpstate::quoted(name));
  if (found->disabled) return invalid("the server " + mcpstate::quoted(name) + " is disabled");
  destination out;
  out.where = found->where;
  out.protocol = found->protocol;
  out.egress = rules.egress;
  out.registered = name;
  out.secrets = found->secrets;
  out.transport = found->transport;
  const auto* there = std::get_if<mcp::http_target>(&found->where);
  out.origin = "program " + name;
  if (there == nullptr) return out;
  out.url = found->shown;
  const auto url = http::parse_url(there->url);
  if (!url) return url.error();
  out.origin = origin_of(*url);
  return out;
}

bool same_target(const mcp::target& a, const mcp::target& b) {
  if (a.index() != b.index()) return false;
  if (const auto* there = std::get_if<mcp::http_target>(&a)) {
    const auto& other = std::get<mcp::http_target>(b);
    return there->url == other.url && there->headers == other.headers;
  }
  const auto& program = std::get<mcp::stdio_target>(a);
  const auto& other = std::get<mcp::stdio_target>(b);
  return program.command == other.command && program.env == other.env && program.cwd == other.cwd;
}

}  // namespace

std::string place_key(const place& where) {
  return where.registered.empty() ? "url " + where.url : "name " + where.registered;
}

place place_of(const details& info) { return info.registered.empty() ? by_url(info.url) : by_registration(info.registered); }

result<destination> find_destination(const place& where, const destination_rules& rules, const server_registry* servers) {
  if (!where.registered.empty()) return find_registered(where.registered, rules, servers);
  if (where.url.empty()) return invalid("a connection leads to a registered server or to a URL; neither was given");
  auto url = check_open_url(where.url);
  if (!url) return url.error();
  if (auto allowed = rules.egress_for_urls.check_url(where.url); !allowed) return allowed.error();
  destination out;
  mcp::http_target there;
  there.url = url->shown;
  out.where = std::move(there);
  out.protocol = rules.protocol;
  out.egress = rules.egress_for_urls;
  out.transport = out.protocol == mcp::era_choice::sse ? "sse" : "http";
  out.url = url->shown;
  out.origin = origin_of(*url);
  return out;
}

std::string reach_of(const destination_rules& rules, const server_registry* servers) {
  std::string all = rules.egress_for_urls.text();
  if (servers == nullptr) return sha256_tag(all);
  for (const auto& [name, server] : servers->all()) {
    if (!server.disabled) all += "\n" + name;
  }
  return sha256_tag(all);
}

bool same_server(const registered_server* a, const registered_server* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->protocol == b->protocol && a->disabled == b->disabled && same_target(a->where, b->where);
}

}  // namespace mcpstate
