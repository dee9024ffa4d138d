// SPDX-License-Identifier: MIT
#include "cli/view/error_text.hh"

#include <algorithm>
#include <iterator>

#include "cli/view/text.hh"
#include "core/text/printable.hh"

namespace mcpstate::cli {

namespace {

constexpr std::size_t max_peer_width = 1000;

// What to do, where the detail does not say it itself.
struct remedy {
  errc code;
  const char* text;
};

constexpr remedy store_remedies[] = {
    {errc::resolve_failed, "is it running, and is --store or REDIS_URL right?"},
    {errc::connect_failed, "is it running, and is --store or REDIS_URL right?"},
    {errc::connection_lost, "try again in a moment"},
    {errc::loading, "try again in a moment"},
    {errc::deadline, "is the host right? --timeout waits longer"},
    {errc::auth_failed, "check user and password in the store's URL"},
    {errc::tls_failed, "use rediss:// only for a TLS port, and --ca-file for a private authority"},
    {errc::protocol, "is --store or REDIS_URL right?"},
    {errc::outcome_unknown, "it may or may not have happened: look with mcpstate show"},
    {errc::not_replicated, "look with mcpstate show before trying again"},
    {errc::stale_basis, "look with mcpstate show, then try again"},
    {errc::read_only, "write to the primary, or see what mcpstate doctor says"},
    {errc::out_of_memory, "raise maxmemory, or clear what is not needed"},
    {errc::disk_full, "free some space, or name another place with --store"},
    {errc::storage_failed, "does it name a file that can be written, and has the disk room?"},
};

constexpr remedy server_remedies[] = {
    {errc::resolve_failed, "is the server running, and is the URL right?"},
    {errc::connect_failed, "is the server running, and is the URL right?"},
    {errc::auth_failed, "give what the server wants to see with --header"},
    {errc::deadline, "--timeout waits longer"},
    {errc::tls_failed, "is it http:// there? --ca-file names a private authority"},
    {errc::protocol, "is this the URL or the command of an MCP server?"},
    {errc::http_status, "is this the URL or the command of an MCP server?"},
};

// "; what to do", unless the detail has advice of its own.
template <std::size_t N>
std::string remedy_suffix(const remedy (&remedies)[N], const error& e, bool has_advice) {
  const auto found = std::find_if(remedies, remedies + N, [&e](const remedy& r) { return r.code == e.code(); });
  return has_advice || found == std::end(remedies) ? "" : std::string("; ") + found->text;
}

}  // namespace

std::string peer_suffix(std::string_view peer_text, std::size_t max_width) {
  return peer_text.empty() ? "" : " (it says: " + cut_to_width(printable(peer_text), max_width) + ")";
}

std::string store_error_text(const error& e) {
  const bool has_advice = e.detail().find("; ") != std::string::npos;
  const std::string peer = e.peer_text().empty() ? "" : " (it says: " + e.peer_text() + ")";
  return e.detail() + remedy_suffix(store_remedies, e, has_advice) + peer;
}

std::string server_error_text(const std::string& action, const error& e) {
  const bool has_advice = e.detail().find_first_of(";?") != std::string::npos;
  return action + " failed: " + e.detail() + remedy_suffix(server_remedies, e, has_advice) +
         peer_suffix(e.peer_text(), max_peer_width);
}

}  // namespace mcpstate::cli
