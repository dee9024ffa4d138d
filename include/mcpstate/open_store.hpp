// SPDX-License-Identifier: MIT
#pragma once
#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <string>
#include <string_view>

#include <mcpstate/store.hpp>

// Opening the store that a URL names.
//
//     memory:                                  in this process only
//     sqlite:PATH                              one file, shared by several processes; "" means the default path below.
//                                              Its directory has to be there; that of the default path is made
//     redis://[user:pass@]host:port/db         redis-py's conventions: what is left out is localhost, 6379, database 0
//     rediss://…                               the same over TLS; ?ssl_ca_certs=, ssl_certfile=, ssl_keyfile=, ssl_cert_reqs=none or
//                                              required, ssl_check_hostname=
//     unix:///path/redis.sock?db=0             the same over a unix socket; user and password before the path's slashes
namespace mcpstate {

// $XDG_STATE_HOME/mcpstate/state.db, else ~/.local/state/mcpstate/state.db.
[[nodiscard]] std::string default_sqlite_path();

// A checked URL, its secrets in fields of their own. Public so that commands can check a URL without opening it.
struct store_url {
  store_url() {}
  store_url(const store_url&) = default;
  store_url(store_url&&) = default;
  store_url& operator=(const store_url&) = default;
  store_url& operator=(store_url&&) = default;
  ~store_url();  // overwrites the password
  enum class kind { memory, sqlite, redis } type = kind::sqlite;
  std::string path;  // sqlite file, or unix socket
  std::string host = "localhost";
  std::uint16_t port = 6379;
  std::string user, password;
  int database = 0;
  bool tls = false;
  // What redis-py's ssl_* options say; store_options win where both name a file.
  std::string ca_file, cert_file, key_file;
  bool tls_verify = true, tls_verify_host = true;
  [[nodiscard]] std::string shown() const;  // without user and password
};
[[nodiscard]] result<store_url> parse_store_url(std::string_view url);

// Opens a store and makes sure that it answers: a store that cannot be reached, is too old or refuses the password is an
// error here. The executor must be one thread at a time (a strand, or an io_context with one thread).
task<std::unique_ptr<store>> open_store(asio::any_io_executor executor, std::string url, store_options options);

// Stores of one kind. make_memory_store throws std::invalid_argument for options that check_options refuses.
std::unique_ptr<store> make_memory_store(asio::any_io_executor executor, store_options options);
task<std::unique_ptr<store>> open_sqlite_store(asio::any_io_executor executor, std::string path, store_options options);
task<std::unique_ptr<store>> open_redis_store(asio::any_io_executor executor, store_url url, store_options options);

// The backends of these stores, for decorators: `store` takes any backend.
task<std::unique_ptr<store_backend>> open_backend(asio::any_io_executor executor, std::string url, store_options options);
std::unique_ptr<store_backend> make_memory_backend(asio::any_io_executor executor, store_options options);
task<std::unique_ptr<store_backend>> open_sqlite_backend(asio::any_io_executor executor, std::string path,
                                                         store_options options);
task<std::unique_ptr<store_backend>> open_redis_backend(asio::any_io_executor executor, store_url url,
                                                        store_options options);

}  // namespace mcpstate
