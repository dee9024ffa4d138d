// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>
#include <mcpstate/core/keys.hpp>
#include <mcpstate/core/time.hpp>

namespace mcpstate {

// How a store behaves. All processes that share a store should agree on ttl, prefix and layout.
struct store_options {
  store_options() {}
  // How long a record lives after its last use (connect, touch, call). Default 24 h; at least 1 s.
  std::chrono::milliseconds ttl = std::chrono::hours(24);
  // How long a record lives after its first write, however often it is used. Absent: no limit. At least 1 s. A record keeps
  // the limit that it was first written with.
  std::optional<std::chrono::milliseconds> max_lifetime;
  // How many bytes the tools of all records of an owner may have together. A write whose list is longer than the one it
  // replaces is refused with tools_too_large where it would pass this; what is stored stays, and may be more. A claim, which
  // moves lists, is never refused. Default 16 MiB; 0: no limit.
  std::uint64_t owner_bytes = 16u * 1024 * 1024;
  // Redis: what every key begins with. Default "mcp".
  std::string prefix = "mcp";
  // Redis: whether the keys of an owner share a hash tag.
  key_layout layout = key_layout::plain;
  // Redis: how many replicas must have a change before it is answered. 0: all that the primary has, at least one; a replica
  // that leaves counts for ten seconds more. A change that fewer confirm within a second fails with not_replicated: it is
  // written, and the error has its revision. This holds for what callers change (put, order, claim, disconnect, erase), not for
  // what is written under a lease, nor for touch. With Sentinels, writes are refused with read_only while no majority of them
  // confirms the primary. Absent: one server's word is enough. At most most_replicas.
  std::optional<unsigned> durable;
  static constexpr unsigned most_replicas = 99;
  // The longest that one operation takes. Default 5 s; at least 1 ms, at most a day.
  std::chrono::milliseconds timeout = std::chrono::seconds(5);
  // Redis over TLS: a file of certificates to trust instead of the system's. Empty: the system's.
  std::string ca_file;
  // Redis over TLS: whether the certificate and its host name are verified. Switch it off only in tests.
  bool tls_verify = true;
  // Redis over TLS: what is shown to a server that asks for a client certificate, as Redis does by default: the certificate, with
  // those up to its authority, and its key without a pass phrase (PEM). Empty: none; key_file also where cert_file has both.
  std::string cert_file, key_file;
  // Redis: a file with the password as its only line, in place of one in the URL.
  std::string password_file;
  // Redis: hears why one of these files, which are looked at for each new connection, has changed and cannot be used; the store
  // goes on with what it has read before. Without it the connection fails. Executor: the store's. It must not throw.
  std::function<void(std::string_view why)> on_stale_credentials;
  // SQLite: whether a file that this user can only read is opened for reading. Writes then fail with read_only. Without it
  // such a file is refused.
  bool allow_read_only = false;
  // Memory and SQLite: the clock that decides expiry. Not null; outlives the store. Redis uses the clock of the server.
  const clock_source* clock = &wall_clock();
};

// Whether a store can be opened with these options. bad_argument says what is wrong.
[[nodiscard]] result<bool> check_options(const store_options& options);

}  // namespace mcpstate
