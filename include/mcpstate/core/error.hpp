// SPDX-License-Identifier: MIT
#pragma once
#include <boost/system/result.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

// How every operation of mcpstate fails.
//
// An error has three parts. The code says what exactly happened; it is for logs and for people. The condition says what a
// caller can decide on (retry, report, give up); it follows from the code. The detail is one line that names the thing and
// says what to do. Text that a peer sent (an MCP server, a Redis server) is kept apart in peer_text(): it belongs to the
// owner whose request produced it and is never shown to another one. No part ever holds a secret: whoever builds an error
// leaves passwords, tokens, URL user-info and query strings out.
//
//     const auto got = co_await connections.get(who, name, tools_wanted::no);
//     if (!got && got.error().is(cond::unavailable)) std::cerr << "later: " << got.error().full_text() << "\n";
//
// Everything here is a value: safe from any thread as long as each thread has its own. Functions that answer a result<T> or
// a task<T> throw nothing but std::bad_alloc, unless their header says more. result<T>::value() throws error_exception.
namespace mcpstate {

// What a caller may decide on. Several codes share one condition.
enum class cond {
  not_found = 1,    // there is no such record, tool, file
  conflict,         // somebody changed it since it was read; nothing was written; read again
  invalid,          // the input is wrong; repeating it cannot help
  unauthorized,     // credentials are missing or refused
  unavailable,      // the peer cannot be reached or cannot serve now; nothing was done; may work later
  outcome_unknown,  // the request was sent and the answer was lost: it may or may not have happened; read to find out
  timeout,          // no answer in time, and the request had no effect or was a pure read
  cancelled,        // the caller stopped it
  corrupt,          // what is stored or was received cannot be understood
  exhausted,        // a limit was reached: memory, disk, queue, size
  internal,         // a bug of ours
};

// What exactly happened.
enum class errc {
  // input
  bad_owner = 1,     // an owner that is not user:ID or session:KEY
  bad_name,          // an empty, over-long or non-UTF-8 id or server name
  bad_tools,         // tools that are not a JSON array
  too_large,         // an input over its limit
  bad_url,           // a store or server URL that cannot be used
  bad_argument,      // any other wrong input
  bad_backup,        // a backup that is damaged, cut off, of a newer version, or none
  empty_tools,       // an empty tool list would replace a good one
  forbidden_target,  // our own egress policy does not let us connect there
  // records
  no_record,             // no connection under that name
  stale_basis,           // the record is no longer what the writer had read
  lease_lost,            // another process manages this connection now
  kept_elsewhere,        // only the process that manages this connection can do what was asked for
  wrong_type,            // a Redis key of ours holds another type
  junk_record,           // a stored record that cannot be read
  too_many_connections,  // the owner has as many connections as it may have
  tools_too_large,       // the tools of an owner's connections would be larger together than they may be
  // reaching a peer
  resolve_failed,   // the host name has no address
  connect_failed,   // refused, unreachable, no such socket
  tls_failed,       // handshake or certificate
  connection_lost,  // it broke; the request had not been sent
  outcome_unknown,  // it broke (or the deadline passed) after the request was sent
  not_replicated,   // it is written; fewer replicas than wanted confirmed it in time, and a failover may lose it
  deadline,         // no answer in time
  stopped,          // cancelled by the caller or by shutdown
  auth_failed,      // password, token or permission refused
  protocol,         // the peer does not speak what it should
  unsupported,      // the peer is too old or of the wrong kind
  loading,          // Redis is loading its data set
  read_only,        // a replica, or persistence errors stop writes
  out_of_memory,    // Redis maxmemory
  queue_full,       // our own queue to the peer is full
  busy,             // too many bytes of large messages are under way; works again when those are read
  server_error,     // any other error reply of a store
  // local
  disk_full,       // SQLite: no space
  storage_failed,  // SQLite: I/O error, locked, damaged
  spawn_failed,    // a program that cannot be run: there is no such file, permission is missing, it is no program
  spawn_refused,   // a child process could not be started just now: no memory, descriptors or processes are left
  child_exited,    // a child process ended when it should have answered
  http_status,     // an HTTP answer that is no success
  rpc_error,       // a JSON-RPC error answer of an MCP server
  bug,             // a broken invariant of ours
};

[[nodiscard]] cond condition_of(errc code) noexcept;
// Stable, snake_case: for JSON, metrics, logs. That of cond::outcome_unknown is "unknown_outcome".
[[nodiscard]] std::string_view name_of(errc code) noexcept;
[[nodiscard]] std::string_view name_of(cond condition) noexcept;

// Value type; cheap to move. Nobody can make one without a code: what was left out must not pass for a bug that was met.
class error {
 public:
  error(errc code, std::string detail) : code_(code), detail_(std::move(detail)) {}
  // Marks in peer_text that turn the writing direction become U+FFFD.
  error(errc code, std::string detail, std::string peer_text);

  [[nodiscard]] errc code() const noexcept { return code_; }
  [[nodiscard]] cond condition() const noexcept { return condition_of(code_); }
  [[nodiscard]] bool is(cond c) const noexcept { return condition() == c; }
  // One line, safe to show to anybody who may know that the operation was tried.
  [[nodiscard]] const std::string& detail() const noexcept { return detail_; }
  // What the peer said; for the owner of the request only. Often empty.
  [[nodiscard]] const std::string& peer_text() const noexcept { return peer_text_; }
  // The status of the HTTP answer that the error tells of. 0: there was none.
  [[nodiscard]] unsigned http_status() const noexcept { return http_status_; }
  // How long the peer asks to wait before the next request (Retry-After). Not bounded. Absent: it does not say.
  [[nodiscard]] std::optional<std::chrono::seconds> retry_after() const noexcept { return retry_after_; }
  error& set_http_status(unsigned status, std::optional<std::chrono::seconds> wait) noexcept {
    http_status_ = status;
    retry_after_ = wait;
    return *this;
  }
  // detail, then the peer's words if there are any: for the person who made the request.
  [[nodiscard]] std::string full_text() const;

 private:
  // boost::system::result makes one where a success is asked for its error, which is a bug.
  template <class T, class E>
  friend class boost::system::result;
  error() {}

  errc code_ = errc::bug;
  std::string detail_;
  std::string peer_text_;
  unsigned http_status_ = 0;
  std::optional<std::chrono::seconds> retry_after_;
};

// Thrown by result<T>::value() on an error, and by nothing else here.
class error_exception : public std::runtime_error {
 public:
  explicit error_exception(const error& e) : std::runtime_error(e.full_text()), error_(e) {}
  [[nodiscard]] const error& get() const noexcept { return error_; }

 private:
  error error_;
};

[[noreturn]] void throw_exception_from_error(const error& e, const boost::source_location&);

// Either a T or an error; never ignored silently.
template <class T>
class [[nodiscard]] result : public boost::system::result<T, error> {
 public:
  using boost::system::result<T, error>::result;
};

}  // namespace mcpstate

// Statement macros. MCPSTATE_TRY evaluates EXPR, a result; returns its error, or declares NAME as its value. MCPSTATE_CHECK is for
// an EXPR whose value is not used. MCPSTATE_CO_TRY and MCPSTATE_CO_CHECK are the same in a coroutine, where EXPR may be awaited.
#define MCPSTATE_TRY(NAME, EXPR)                    \
  auto NAME##_result = EXPR;                        \
  if (!NAME##_result) return NAME##_result.error(); \
  auto& NAME = *NAME##_result
#define MCPSTATE_CHECK(EXPR) \
  if (auto mcpstate_checked_ = EXPR; !mcpstate_checked_) return mcpstate_checked_.error()
#define MCPSTATE_CO_TRY(NAME, EXPR)                    \
  auto NAME##_result = EXPR;                           \
  if (!NAME##_result) co_return NAME##_result.error(); \
  auto& NAME = *NAME##_result
#define MCPSTATE_CO_CHECK(EXPR) \
  if (auto mcpstate_checked_ = EXPR; !mcpstate_checked_) co_return mcpstate_checked_.error()
