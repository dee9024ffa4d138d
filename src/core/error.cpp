// SPDX-License-Identifier: MIT
#include <mcpstate/core/error.hpp>

#include <utility>

#include "core/text/directions.hh"

namespace mcpstate {

// No default label in the switches of this file: a new enumerator without an entry is a compile error.
// NOLINTNEXTLINE(readability-function-size): a table
cond condition_of(errc code) noexcept {
  switch (code) {
    case errc::bad_owner:
    case errc::bad_name:
    case errc::bad_tools:
    case errc::bad_url:
    case errc::bad_argument:
    case errc::bad_backup:
    case errc::empty_tools:
    case errc::forbidden_target:
      return cond::invalid;
    case errc::no_record:
      return cond::not_found;
    case errc::stale_basis:
    case errc::lease_lost:
    case errc::kept_elsewhere:
      return cond::conflict;
    case errc::wrong_type:
    case errc::junk_record:
    case errc::protocol:
      return cond::corrupt;
    case errc::resolve_failed:
    case errc::connect_failed:
    case errc::tls_failed:
    case errc::connection_lost:
    case errc::unsupported:
    case errc::loading:
    case errc::read_only:
    case errc::server_error:
    case errc::storage_failed:
    case errc::spawn_failed:
    case errc::spawn_refused:
    case errc::child_exited:
    case errc::http_status:
    case errc::rpc_error:
      return cond::unavailable;
    case errc::outcome_unknown:
    case errc::not_replicated:
      return cond::outcome_unknown;
    case errc::deadline:
      return cond::timeout;
    case errc::stopped:
      return cond::cancelled;
    case errc::auth_failed:
      return cond::unauthorized;
    case errc::too_large:
    case errc::out_of_memory:
    case errc::queue_full:
    case errc::busy:
    case errc::disk_full:
    case errc::too_many_connections:
    case errc::tools_too_large:
      return cond::exhausted;
    case errc::bug:
      return cond::internal;
  }
  return cond::internal;
}

// Do not change: these names are in stored records, metrics and logs.
// NOLINTNEXTLINE(readability-function-size): a table
std::string_view name_of(errc code) noexcept {
  switch (code) {
    case errc::bad_owner:
      return "bad_owner";
    case errc::bad_name:
      return "bad_name";
    case errc::bad_tools:
      return "bad_tools";
    case errc::too_large:
      return "too_large";
    case errc::bad_url:
      return "bad_url";
    case errc::bad_argument:
      return "bad_argument";
    case errc::bad_backup:
      return "bad_backup";
    case errc::empty_tools:
      return "empty_tools";
    case errc::forbidden_target:
      return "forbidden_target";
    case errc::no_record:
      return "no_record";
    case errc::stale_basis:
      return "stale_basis";
    case errc::lease_lost:
      return "lease_lost";
    case errc::kept_elsewhere:
      return "kept_elsewhere";
    case errc::wrong_type:
      return "wrong_type";
    case errc::junk_record:
      return "junk_record";
    case errc::too_many_connections:
      return "too_many_connections";
    case errc::tools_too_large:
      return "tools_too_large";
    case errc::resolve_failed:
      return "resolve_failed";
    case errc::connect_failed:
      return "connect_failed";
    case errc::tls_failed:
      return "tls_failed";
    case errc::connection_lost:
      return "connection_lost";
    case errc::outcome_unknown:
      return "outcome_unknown";
    case errc::not_replicated:
      return "not_replicated";
    case errc::deadline:
      return "deadline";
    case errc::stopped:
      return "stopped";
    case errc::auth_failed:
      return "auth_failed";
    case errc::protocol:
      return "protocol";
    case errc::unsupported:
      return "unsupported";
    case errc::loading:
      return "loading";
    case errc::read_only:
      return "read_only";
    case errc::out_of_memory:
      return "out_of_memory";
    case errc::queue_full:
      return "queue_full";
    case errc::busy:
      return "busy";
    case errc::server_error:
      return "server_error";
    case errc::disk_full:
      return "disk_full";
    case errc::storage_failed:
      return "storage_failed";
    case errc::spawn_failed:
      return "spawn_failed";
    case errc::spawn_refused:
      return "spawn_refused";
    case errc::child_exited:
      return "child_exited";
    case errc::http_status:
      return "http_status";
    case errc::rpc_error:
      return "rpc_error";
    case errc::bug:
      return "bug";
  }
  return "bug";
}

std::string_view name_of(cond condition) noexcept {
  switch (condition) {
    case cond::not_found:
      return "not_found";
    case cond::conflict:
      return "conflict";
    case cond::invalid:
      return "invalid";
    case cond::unauthorized:
      return "unauthorized";
    case cond::unavailable:
      return "unavailable";
    case cond::outcome_unknown:
      return "unknown_outcome";
    case cond::timeout:
      return "timeout";
    case cond::cancelled:
      return "cancelled";
    case cond::corrupt:
      return "corrupt";
    case cond::exhausted:
      return "exhausted";
    case cond::internal:
      return "internal";
  }
  return "internal";
}

error::error(errc code, std::string detail, std::string peer_text)
    : code_(code), detail_(std::move(detail)), peer_text_(without_directions(std::move(peer_text))) {}

std::string error::full_text() const {
  if (peer_text_.empty()) return detail_;
  if (detail_.empty()) return peer_text_;
  return detail_ + ": " + peer_text_;
}

void throw_exception_from_error(const error& e, const boost::source_location&) { throw error_exception(e); }

}  // namespace mcpstate
