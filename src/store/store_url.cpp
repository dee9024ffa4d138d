// SPDX-License-Identifier: MIT
#include <pwd.h>
#include <unistd.h>
#include <boost/url/decode_view.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/pct_string_view.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include <mcpstate/open_store.hpp>

#include "core/text/ascii.hh"
#include "core/text/number.hh"
#include "core/text/secret_text.hh"

namespace mcpstate {

namespace {

namespace urls = boost::urls;

constexpr std::string_view forms =
    "a store is memory:, sqlite:PATH, redis://[user:pass@]host:port/db, rediss://…, or unix:///path/redis.sock?db=0";
constexpr std::string_view encode_hint = " (in a user or password write / ? # % as %2F %3F %23 %25)";

// Options of redis-py that do not select data: they are ignored. Any other unknown option is refused, because a misspelt db
// must not become database 0.
constexpr std::array<std::string_view, 12> tuning_options{"socket_timeout",
                                                          "socket_connect_timeout",
                                                          "socket_keepalive",
                                                          "retry_on_timeout",
                                                          "max_connections",
                                                          "client_name",
                                                          "health_check_interval",
                                                          "decode_responses",
                                                          "encoding",
                                                          "encoding_errors",
                                                          "protocol",
                                                          "timeout"};

// No error shows a part of the URL: it may be a piece of a password that was not encoded.
error bad_url(std::string_view scheme, std::string_view fault, std::string_view hint = encode_hint) {
  std::string text(scheme);
  text.append("://… cannot be used: ").append(fault).append(hint);
  return error(errc::bad_url, std::move(text));
}

// Decodes as redis-py does: a % that begins no escape stands for itself.
std::string decoded(std::string_view text) {
  const auto checked = urls::make_pct_string_view(text);
  if (!checked) return std::string(text);
  const urls::decode_view plain = **checked;
  return std::string(plain.begin(), plain.end());
}

std::optional<int> natural_number(std::string_view text) {
  const auto value = parse_number<int>(text);
  return value && *value >= 0 ? value : std::nullopt;
}

// Moves "user:pass@" of "//user:pass@host…" to out, and answers the rest. Later steps never see a secret.
std::string take_user_info(std::string_view after_scheme, store_url& out) {
  const auto end = std::min(after_scheme.find_first_of("/?#", 2), after_scheme.size());
  const auto authority = after_scheme.substr(2, end - 2);
  const auto user_info_end = authority.rfind('@');
  if (user_info_end == std::string_view::npos) return std::string(after_scheme);
  const auto info = authority.substr(0, user_info_end);
  const auto colon = std::min(info.find(':'), info.size());
  out.user = decoded(info.substr(0, colon));
  if (colon < info.size()) out.password = decoded(info.substr(colon + 1));
  return "//" + std::string(after_scheme.substr(2 + user_info_end + 1));
}

// As redis-py has them. On a URL without TLS they say nothing, as there.
result<bool> read_tls_option(std::string_view scheme, const std::string& name, const std::string& value, store_url& out) {
  constexpr std::string_view no_hint;
  if (name == "ssl_cert_reqs") {
    const std::string word = ascii_lower(value);
    if (word != "none" && word != "optional" && word != "required")
      return bad_url(scheme, "ssl_cert_reqs is none, optional or required", no_hint);
    out.tls_verify = word != "none";
  } else if (name == "ssl_check_hostname") {
    const std::string word = ascii_lower(value);
    const auto among = [&](std::initializer_list<std::string_view> words) {
      return std::find(words.begin(), words.end(), word) != words.end();
    };
    if (!among({"true", "t", "yes", "y", "1", "false", "f", "no", "n", "0"}))
      return bad_url(scheme, "ssl_check_hostname is true or false", no_hint);
    out.tls_verify_host = among({"true", "t", "yes", "y", "1"});
  } else if (name == "ssl_ca_certs" || name == "ssl_certfile" || name == "ssl_keyfile") {
    if (value.empty() || value.find('\0') != std::string::npos) return bad_url(scheme, name + " names no file", no_hint);
    (name == "ssl_ca_certs" ? out.ca_file : name == "ssl_certfile" ? out.cert_file : out.key_file) = value;
  } else {
    return bad_url(scheme,
                   "of the ssl_… options there are ssl_ca_certs, ssl_certfile, ssl_keyfile, ssl_cert_reqs and "
                   "ssl_check_hostname",
                   no_hint);
  }
  return true;
}

result<bool> read_option(std::string_view scheme, const std::string& name, const std::string& value, store_url& out) {
  if (name == "db") {
    const auto db = natural_number(value);
    if (!db) return bad_url(scheme, "db is not a number");
    out.database = *db;
  } else if (name == "username") {
    if (out.user.empty()) out.user = value;
  } else if (name == "password") {
    if (out.password.empty()) out.password = value;
  } else if (name.starts_with("ssl_")) {
    return read_tls_option(scheme, name, value, out);
  } else if (std::find(tuning_options.begin(), tuning_options.end(), name) == tuning_options.end()) {
    return bad_url(scheme, "it has an option other than db, username and password");
  }
  return true;
}

result<bool> read_options(std::string_view scheme, const urls::url_view& url, store_url& out) {
  for (const auto& option : url.params()) {
    const std::string name(option.key.begin(), option.key.end()), value(option.value.begin(), option.value.end());
    MCPSTATE_CHECK(read_option(scheme, name, value, out));
  }
  return true;
}

result<store_url> parse_unix(const urls::url_view& url, store_url out) {
  if (!url.encoded_host().empty() || url.has_port())
    return bad_url("unix", "it names a host; a socket is written unix:///path/redis.sock?db=0");
  out.path = decoded(std::string_view(url.encoded_path().data(), url.encoded_path().size()));
  if (out.path.size() < 2 || out.path.find('\0') != std::string::npos)
    return bad_url("unix", "it names no socket; write unix:///path/redis.sock?db=0");
  MCPSTATE_CHECK(read_options("unix", url, out));
  return out;
}

result<store_url> parse_tcp(std::string_view scheme, const urls::url_view& url, store_url out) {
  out.tls = scheme == "rediss";
  if (!url.encoded_host().empty()) out.host = url.host_address();
  if (out.host.find('\0') != std::string::npos) return bad_url(scheme, "the host is no name");
  if (url.has_port() && !url.port().empty()) {
    const auto port = natural_number(std::string_view(url.port().data(), url.port().size()));
    if (!port || *port < 1 || *port > 65535) return bad_url(scheme, "the port is not 1 to 65535");
    out.port = static_cast<std::uint16_t>(*port);
  }
  auto path = url.path();
  std::erase(path, '/');
  if (!path.empty()) {
    const auto db = natural_number(path);
    if (!db) return bad_url(scheme, "what follows the host is not the number of a database");
    out.database = *db;
  }
  MCPSTATE_CHECK(read_options(scheme, url, out));
  return out;
}

result<store_url> parse_redis(const std::string& scheme, std::string_view after_scheme) {
  store_url out;
  out.type = store_url::kind::redis;
  if (!after_scheme.starts_with("//")) return bad_url(scheme, "// is missing after the colon");
  const auto rest = scheme + ":" + take_user_info(after_scheme, out);
  const auto url = urls::parse_uri(rest);
  if (!url) return bad_url(scheme, "it is not a URL");
  if (url->has_fragment()) return bad_url(scheme, "it has a #");
  if (url->has_userinfo()) return bad_url(scheme, "it has more than one @");
  return scheme == "unix" ? parse_unix(*url, std::move(out)) : parse_tcp(scheme, *url, std::move(out));
}

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

store_url::~store_url() { cleanse(password); }

std::string store_url::shown() const {
  switch (type) {
    case kind::memory:
      return "memory:";
    case kind::sqlite:
      return "sqlite:" + path;
    case kind::redis:
      break;
  }
  if (!path.empty()) return "unix://" + path + "?db=" + std::to_string(database);
  const auto name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return (tls ? "rediss://" : "redis://") + name + ":" + std::to_string(port) + "/" + std::to_string(database);
}

result<store_url> parse_store_url(std::string_view url) {
  if (url.empty()) return parse_sqlite("");
  const auto colon = url.find(':');
  const auto scheme = colon == std::string_view::npos ? std::string() : ascii_lower(url.substr(0, colon));
  const auto rest = colon == std::string_view::npos ? std::string_view() : url.substr(colon + 1);
  if (scheme == "sqlite") return parse_sqlite(rest);
  if (scheme == "redis" || scheme == "rediss" || scheme == "unix") return parse_redis(scheme, rest);
  if (scheme == "redis-sentinel" || scheme == "redis-cluster")
    return error(errc::bad_url, scheme + ":// is not supported by this version; name one server with redis://host:port/db");
  if (scheme != "memory") return error(errc::bad_url, "this is no store URL; " + std::string(forms));
  if (!rest.empty()) return error(errc::bad_url, "memory: takes nothing after the colon");
  store_url out;
  out.type = store_url::kind::memory;
  return out;
}

}  // namespace mcpstate
