// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/error.hpp>

// The URLs of stores, as values. Nothing here opens anything.
//
//     memory:                                  in this process only
//     sqlite:PATH                              one file, shared by several processes; "" means the default path below.
//                                              Its directory has to be there; that of the default path is made
//     redis://[user:pass@]host:port/db         redis-py's conventions: what is left out is localhost, 6379, database 0; of
//                                              ?db=1&db=2 the first counts, and it counts more than the path
//     rediss://…                               the same over TLS; ?ssl_ca_certs=, ssl_certfile=, ssl_keyfile=, ssl_cert_reqs= and
//                                              ssl_check_hostname= as redis-py reads them
//     unix:///path/redis.sock?db=0             the same over a unix socket; user and password before the path's slashes
//     redis-sentinel://[user:pass@]h1:26379,h2,h3/db?sentinel_user=&sentinel_password=#master
//                                              the server that Sentinels name; what is left out is 26379 and database 0
//     redis-cluster://[user:pass@]h1:p,h2?nat=internal:port=external:port,…
//                                              a cluster, found through any of its nodes
//
// valkey:// and valkeys:// are redis:// and rediss://. Each of the four may stand before -sentinel and -cluster, and + may
// stand for the hyphen. A % that begins no escape stands for itself.
namespace mcpstate {

// $XDG_STATE_HOME/mcpstate/state.db, else ~/.local/state/mcpstate/state.db.
[[nodiscard]] std::string default_sqlite_path();

// One server of a URL.
struct store_host {
  store_host() {}
  store_host(std::string host_name, std::uint16_t port_number) : name(std::move(host_name)), port(port_number) {}
  std::string name;  // an IPv6 address without its brackets
  std::uint16_t port = 0;
  [[nodiscard]] std::string text() const;  // "h:6379", "[::1]:6379"
  friend bool operator==(const store_host&, const store_host&) = default;
};

// A checked URL, its secrets in fields of their own. Public so that commands can check a URL without opening it.
struct store_url {
  store_url() {}
  store_url(const store_url&) = default;
  store_url(store_url&&) = default;
  store_url& operator=(const store_url&) = default;
  store_url& operator=(store_url&&) = default;
  ~store_url();  // overwrites the passwords

  enum class kind { memory, sqlite, redis } type = kind::sqlite;
  // How the servers of a redis URL stand together: one server (unix sockets too), Sentinels, or nodes of a cluster.
  enum class topology { single, sentinel, cluster } servers = topology::single;
  // An address that the servers of a topology tell, and the one that this process reaches it by.
  struct translation {
    translation() {}
    translation(store_host told, store_host reached) : internal(std::move(told)), external(std::move(reached)) {}
    store_host internal, external;
  };

  std::string path;  // sqlite file, or unix socket
  // The server; of a list its first host, which is a Sentinel where the URL names Sentinels.
  std::string host = "localhost";
  std::uint16_t port = 6379;
  std::vector<store_host> hosts;  // of Sentinels and clusters, in the order of the URL; otherwise empty
  std::string master;             // of Sentinels: the name of the group whose master is wanted
  std::string user, password;
  std::string sentinel_user, sentinel_password;  // at the Sentinels themselves
  std::vector<translation> nat;                  // of Sentinels and clusters
  int database = 0;
  bool tls = false;
  // What redis-py's ssl_* options say; store_options win where both name a file.
  std::string ca_file, cert_file, key_file;
  bool tls_verify = true, tls_verify_host = true;
  [[nodiscard]] std::string shown() const;  // without users, passwords and translations
};

// Failure: bad_url. No error shows a part of the URL: it may be a piece of a password that was not encoded.
[[nodiscard]] result<store_url> parse_store_url(std::string_view url);

}  // namespace mcpstate
