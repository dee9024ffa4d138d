// SPDX-License-Identifier: MIT
#include "store/redis_url.hh"

#include <boost/url/authority_view.hpp>
#include <boost/url/parse.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <utility>

#include "core/text/ascii.hh"
#include "core/text/hex.hh"
#include "core/text/number.hh"
#include "core/text/trimmed.hh"

namespace mcpstate {

namespace {

namespace urls = boost::urls;
using topology = store_url::topology;

constexpr std::string_view encode_hint = " (in a user or password write / ? # % as %2F %3F %23 %25)";
constexpr std::string_view host_form = "a host is a name, an IPv4 address or [an IPv6 address], and :port may follow";
constexpr std::uint16_t redis_port = 6379, sentinel_port = 26379;

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
constexpr std::array<std::string_view, 5> tls_options{"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs",
                                                      "ssl_check_hostname"};

bool is_among(std::string_view word, std::span<const std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

error bad_url(std::string_view scheme, std::string_view fault, std::string_view hint = encode_hint) {
  std::string text(scheme);
  text.append("://… cannot be used: ").append(fault).append(hint);
  return error(errc::bad_url, std::move(text));
}

// Decodes as redis-py does: a % that begins no escape stands for itself.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size();
    const auto high = escape ? hex_value(text[i + 1]) : std::nullopt;
    const auto low = escape ? hex_value(text[i + 2]) : std::nullopt;
    out += high && low ? static_cast<char>(*high * 16 + *low) : text[i];
    if (high && low) i += 2;
  }
  return out;
}

// The text up to a separator, which is then removed with it. Without one it is the whole text.
std::string_view take_until(std::string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const auto out = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return out;
}

std::optional<int> natural_number(std::string_view text) {
  const auto value = parse_number<int>(text);
  return value && *value >= 0 ? value : std::nullopt;
}

// The parts of a URL, as they were written. User and password are in `out` already: later steps never see a secret.
struct url_parts {
  std::string_view hosts, path, query, fragment;
  bool has_fragment = false;
};

url_parts split(std::string_view rest, store_url& out) {
  url_parts parts;
  const auto authority = rest.substr(0, rest.find_first_of("/?#"));
  rest.remove_prefix(authority.size());
  const auto user_info_end = authority.rfind('@');
  parts.hosts = user_info_end == authority.npos ? authority : authority.substr(user_info_end + 1);
  if (user_info_end != authority.npos) {
    auto info = authority.substr(0, user_info_end);
    out.user = decoded(take_until(info, ':'));
    out.password = decoded(info);
  }
  parts.has_fragment = rest.find('#') != rest.npos;
  parts.query = take_until(rest, '#');
  parts.fragment = rest;
  parts.path = take_until(parts.query, '?');
  return parts;
}

class redis_url_reader {
 public:
  redis_url_reader(const redis_scheme& kind, const std::string& scheme) : kind_(kind), scheme_(scheme) {}

  result<store_url> read(std::string_view rest) {
    out_.type = store_url::kind::redis;
    out_.servers = kind_.servers;
    out_.tls = kind_.tls;
    if (!take_prefix(rest, "//")) return fault("// is missing after the colon");
    const auto parts = split(rest, out_);
    MCPSTATE_CHECK(kind_.unix_socket ? read_socket(parts) : read_servers(parts));
    MCPSTATE_CHECK(read_master(parts));
    MCPSTATE_CHECK(read_options(parts.query));
    return std::move(out_);
  }

 private:
  [[nodiscard]] error fault(std::string_view text, std::string_view hint = encode_hint) const {
    return bad_url(scheme_, text, hint);
  }
  [[nodiscard]] bool is_list() const { return kind_.servers != topology::single; }
  [[nodiscard]] std::uint16_t default_port() const {
    return kind_.servers == topology::sentinel ? sentinel_port : redis_port;
  }

  result<bool> read_socket(const url_parts& parts) {
    if (!parts.hosts.empty()) return fault("it names a host; a socket is written unix:///path/redis.sock?db=0");
    out_.path = decoded(parts.path);
    if (out_.path.size() < 2 || out_.path.find('\0') != std::string::npos)
      return fault("it names no socket; write unix:///path/redis.sock?db=0");
    return true;
  }

  result<bool> read_servers(const url_parts& parts) {
    MCPSTATE_CHECK(is_list() ? read_hosts(parts.hosts) : read_single(parts.hosts));
    auto path = decoded(parts.path);
    std::erase(path, '/');
    if (path.empty()) return true;
    const auto db = natural_number(path);
    if (!db) return fault("what follows the host is not the number of a database");
    out_.database = *db;
    return true;
  }

  result<bool> read_single(std::string_view text) {
    if (text.find(',') != text.npos)
      return fault("it lists several hosts; of Sentinels write redis-sentinel://…#master, of a cluster redis-cluster://…");
    if (text.empty()) return true;
    MCPSTATE_TRY(one, read_host(text, host_form));
    if (!one.name.empty()) out_.host = one.name;
    out_.port = one.port;
    return true;
  }

  result<bool> read_hosts(std::string_view text) {
    if (text.empty()) return fault("it names no host; write one or more, with commas between them", "");
    std::size_t place = 1;
    for (bool more = true; more; ++place) {
      more = text.find(',') != text.npos;
      const auto which = "host " + std::to_string(place) + " of the list";
      const auto item = take_until(text, ',');
      if (item.empty()) return fault(which + " is empty", "");
      MCPSTATE_TRY(one, read_host(item, which + " is none; " + std::string(host_form)));
      if (one.name.empty()) return fault(which + " has no name", "");
      out_.hosts.push_back(std::move(one));
    }
    out_.host = out_.hosts.front().name;
    out_.port = out_.hosts.front().port;
    return true;
  }

  // wrong: what is said of a text that is no host.
  [[nodiscard]] result<store_host> read_host(std::string_view text, std::string_view wrong) const {
    const auto read = urls::parse_authority(text);
    if (!read || read->has_userinfo()) return fault(wrong);
    store_host one(read->host_address(), default_port());
    if (one.name.find('\0') != std::string::npos) return fault(wrong);
    if (read->has_port() && !read->port().empty()) {
      const auto port = natural_number(std::string_view(read->port().data(), read->port().size()));
      if (!port || *port < 1 || *port > 65535) return fault("a port is not 1 to 65535");
      one.port = static_cast<std::uint16_t>(*port);
    }
    return one;
  }

  result<bool> read_master(const url_parts& parts) {
    if (kind_.servers != topology::sentinel) {
      if (parts.has_fragment) return fault("it has a #");
      return true;
    }
    out_.master = decoded(parts.fragment);
    if (out_.master.empty())
      return fault("it names no master; write the name that the Sentinels know behind a # at its end, as #mymaster", "");
    const auto odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; };
    if (std::any_of(out_.master.begin(), out_.master.end(), odd))
      return fault("the name of the master behind the # has blanks in it", "");
    return true;
  }

  // As redis-py: of an option that comes twice the first counts, and one without a value is none.
  result<bool> read_options(std::string_view query) {
    std::set<std::string, std::less<>> seen;
    while (!query.empty()) {
      auto option = std::string(take_until(query, '&'));
      std::replace(option.begin(), option.end(), '+', ' ');
      std::string_view encoded = option;
      auto name = decoded(take_until(encoded, '='));
      const auto value = decoded(encoded);
      if (value.empty()) {
        MCPSTATE_CHECK(check_known(name));
      } else if (seen.insert(name).second) {
        MCPSTATE_CHECK(read_option(name, value));
      }
    }
    return true;
  }

  result<bool> read_option(const std::string& name, const std::string& value) {
    if (name == "db") {
      const auto db = natural_number(value);
      if (!db) return fault("db is not a number");
      out_.database = *db;
    } else if (name == "username") {
      if (out_.user.empty()) out_.user = value;
    } else if (name == "password") {
      if (out_.password.empty()) out_.password = value;
    } else if (name == "sentinel_user" && kind_.servers == topology::sentinel) {
      out_.sentinel_user = value;
    } else if (name == "sentinel_password" && kind_.servers == topology::sentinel) {
      out_.sentinel_password = value;
    } else if (name == "nat" && is_list()) {
      return read_nat(value);
    } else if (is_among(name, tls_options)) {
      return read_tls_option(name, value);
    } else {
      return check_known(name);
    }
    return true;
  }

  // As redis-py has them. Of a URL without TLS they say nothing, as there.
  result<bool> read_tls_option(const std::string& name, const std::string& value) {
    static constexpr std::array<std::string_view, 5> yes{"true", "t", "yes", "y", "1"}, no{"false", "f", "no", "n", "0"};
    const std::string word = ascii_lower(value);
    if (name == "ssl_cert_reqs") {
      if (word != "none" && word != "optional" && word != "required")
        return fault("ssl_cert_reqs is none, optional or required", "");
      out_.tls_verify = word != "none";
    } else if (name == "ssl_check_hostname") {
      if (!is_among(word, yes) && !is_among(word, no)) return fault("ssl_check_hostname is true or false", "");
      out_.tls_verify_host = is_among(word, yes);
    } else {
      if (value.find('\0') != std::string::npos) return fault(name + " names no file", "");
      (name == "ssl_ca_certs" ? out_.ca_file : name == "ssl_certfile" ? out_.cert_file : out_.key_file) = value;
    }
    return true;
  }

  // Of an option that needs no value.
  [[nodiscard]] result<bool> check_known(const std::string& name) const {
    if (name.empty() || is_among(name, tuning_options) || is_among(name, tls_options)) return true;
    if (name == "db" || name == "username" || name == "password") return true;
    const bool of_sentinel = name == "sentinel_user" || name == "sentinel_password";
    if (of_sentinel && kind_.servers == topology::sentinel) return true;
    if (name == "nat" && is_list()) return true;
    if (of_sentinel) return fault("sentinel_user and sentinel_password belong to URLs of Sentinels", "");
    if (name == "nat") return fault("nat belongs to URLs of Sentinels and clusters", "");
    if (name.starts_with("ssl_"))
      return fault(
          "of the ssl_ options it may have ssl_ca_certs, ssl_certfile, ssl_keyfile, ssl_cert_reqs and ssl_check_hostname",
          "");
    switch (kind_.servers) {
      case topology::sentinel:
        return fault("it has an option other than db, username, password, sentinel_user, sentinel_password and nat");
      case topology::cluster:
        return fault("it has an option other than db, username, password and nat");
      case topology::single:
        break;
    }
    return fault("it has an option other than db, username and password");
  }

  result<bool> read_nat(std::string_view text) {
    constexpr std::string_view form = "nat is no list of internal:port=external:port,…";
    for (bool more = true; more;) {
      more = text.find(',') != text.npos;
      auto rule = take_until(text, ',');
      const auto internal = take_until(rule, '=');
      for (const auto side : {internal, rule}) {
        const auto colon = side.rfind(':');
        if (colon == side.npos || colon == 0 || side.find(']', colon) != side.npos || colon + 1 == side.size())
          return fault(form, "");
      }
      MCPSTATE_TRY(told, read_host(internal, form));
      MCPSTATE_TRY(reached, read_host(rule, form));
      out_.nat.emplace_back(std::move(told), std::move(reached));
    }
    return true;
  }

  const redis_scheme& kind_;
  const std::string& scheme_;
  store_url out_;
};

}  // namespace

std::optional<redis_scheme> read_redis_scheme(std::string_view scheme) {
  redis_scheme out;
  if (scheme == "unix") {
    out.unix_socket = true;
    return out;
  }
  const auto end = std::min(scheme.find_first_of("-+"), scheme.size());
  const auto server = scheme.substr(0, end);
  if (server != "redis" && server != "rediss" && server != "valkey" && server != "valkeys") return std::nullopt;
  out.tls = server.ends_with("ss") || server == "valkeys";
  if (end == scheme.size()) return out;
  const auto servers = scheme.substr(end + 1);
  if (servers != "sentinel" && servers != "cluster") return std::nullopt;
  out.servers = servers == "sentinel" ? topology::sentinel : topology::cluster;
  return out;
}

result<store_url> parse_redis_url(const redis_scheme& kind, const std::string& scheme, std::string_view rest) {
  return redis_url_reader(kind, scheme).read(rest);
}

}  // namespace mcpstate
