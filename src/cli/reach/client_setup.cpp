// SPDX-License-Identifier: MIT
#include "cli/reach/client_setup.hh"

#include "cli/words/version.hh"
#include "core/text/printable.hh"

namespace mcpstate::cli {

namespace {

constexpr auto era_lifetime = std::chrono::hours(24);  // of era_memory, too

// Which the server spoke with the record's last connection; absent if the record does not say.
std::optional<mcp::era> recorded_era(const details& info) {
  if (info.protocol_version.empty()) return std::nullopt;
  if (info.transport == "sse") return mcp::era::sse;
  return info.protocol_version >= "2026-07-28" ? mcp::era::modern : mcp::era::legacy;  // dates compare as text
}

bool is_same_server(const mcp::target& target, const details& info) {
  const auto* http = std::get_if<mcp::http_target>(&target);
  if (http == nullptr) return info.transport == "stdio";
  const auto url = mcp::shown_url(http->url);
  return is_http(info.transport) && url && *url == info.url;
}

}  // namespace

bool is_http(const std::string& transport) { return transport == "http" || transport == "sse"; }

result<mcp::client_options> parse_client_options(const arguments& args) {
  mcp::client_options out;
  out.client_version = version_text();
  out.ca_file = args.global.ca_file;
  if (args.protocol.empty()) return out;
  const auto protocol = mcp::parse_era_choice(args.protocol);
  if (!protocol) {
    return error(errc::bad_argument, "--protocol " + printable(args.protocol) + " is none of auto, modern, legacy, sse");
  }
  out.protocol = *protocol;
  return out;
}

void apply_known_era(mcp::client_options& options, const mcp::target& target, const std::optional<connection>& record,
                     timestamp now) {
  if (!record || !is_same_server(target, record->info)) return;
  const auto era = recorded_era(record->info);
  const auto found_at = record->info.checked_at ? record->info.checked_at : record->connected_at;
  if (!era || !found_at || now - *found_at >= era_lifetime) return;
  // Only the name says that it is the same program; what began with the wrong protocol there might not get an answer.
  if (*era == mcp::era::modern && std::holds_alternative<mcp::stdio_target>(target)) return;
  options.eras = std::make_shared<mcp::era_memory>();
  options.eras->keep(mcp::era_key(target), *era, mcp::era_memory::clock::now());
}

}  // namespace mcpstate::cli
