// SPDX-License-Identifier: MIT
#include <mcpstate/store_url.hpp>

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "core/text/ascii.hh"
#include "core/text/secret_text.hh"
#include "store/redis_url.hh"

namespace mcpstate {

namespace {

constexpr std::string_view forms =
    "a store is memory:, sqlite:PATH, redis://[user:pass@]host:port/db, rediss://…, unix:///path/redis.sock?db=0, "
    "redis-sentinel://host,host/db#master, or redis-cluster://host,host";

result<store_url> parse_sqlite(std::string_view path) {
  store_url out;
  out.type = store_url::kind::sqlite;
  if (path.find('\0') != std::string_view::npos) return error(errc::bad_url, "sqlite: the path holds a NUL byte");
  if (path == ":memory:") return error(errc::bad_url, "sqlite::memory: is not a file; write memory: instead");
  if (path.starts_with("//")) {
    // sqlite:///absolute is what other programs write.
    path.remove_prefix(2);
    if (!path.empty() && path.front() != '/')
      return error(errc::bad_url,
                   "sqlite://… names a host; write sqlite:PATH, for example sqlite:/var/lib/mcpstate/state.db");
  }
  out.path = path.empty() ? default_sqlite_path() : std::string(path);
  return out;
}

}  // namespace

std::string default_sqlite_path() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state && *state == '/') return std::string(state) + "/mcpstate/state.db";
  const char* home = std::getenv("HOME");
  std::string base = home && *home == '/' ? home : "";
  if (base.empty()) {
    const passwd* entry = getpwuid(getuid());
    base = entry && entry->pw_dir ? entry->pw_dir : "";
  }
  return base + "/.local/state/mcpstate/state.db";
}

store_url::~store_url() {
  cleanse(password);
  cleanse(sentinel_password);
}

std::string store_host::text() const {
  const bool is_ipv6 = name.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + name + "]" : name) + ":" + std::to_string(port);
}

std::string store_url::shown() const {
  if (type == kind::memory) return "memory:";
  if (type == kind::sqlite) return "sqlite:" + path;
  const auto db = std::to_string(database);
  if (!path.empty()) return "unix://" + path + "?db=" + db;
  std::string out = tls ? "rediss" : "redis";
  if (servers == topology::single) return out + "://" + store_host(host, port).text() + "/" + db;
  out += servers == topology::sentinel ? "-sentinel://" : "-cluster://";
  for (const auto& one : hosts) {
    if (&one != &hosts.front()) out += ',';
    out += one.text();
  }
  out += "/" + db;
  return servers == topology::sentinel ? out + "#" + master : out;
}

result<store_url> parse_store_url(std::string_view url) {
  if (url.empty()) return parse_sqlite("");
  const auto colon = url.find(':');
  const auto scheme = colon == std::string_view::npos ? std::string() : ascii_lower(url.substr(0, colon));
  const auto rest = colon == std::string_view::npos ? std::string_view() : url.substr(colon + 1);
  if (scheme == "sqlite") return parse_sqlite(rest);
  if (const auto redis = read_redis_scheme(scheme)) return parse_redis_url(*redis, scheme, rest);
  if (scheme != "memory") return error(errc::bad_url, "this is no store URL; " + std::string(forms));
  if (!rest.empty()) return error(errc::bad_url, "memory: takes nothing after the colon");
  store_url out;
  out.type = store_url::kind::memory;
  return out;
}

}  // namespace mcpstate
