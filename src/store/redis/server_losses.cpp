// SPDX-License-Identifier: MIT
#include "store/redis/server_losses.hh"

#include <algorithm>

#include "core/text/number.hh"

namespace mcpstate {
namespace {

// "run_id:5c0f…\r\n" at the beginning of a line; empty where it is not.
std::string_view field_in(std::string_view info, std::string_view name) {
  for (std::size_t at = 0; at < info.size();) {
    const std::size_t end = std::min(info.find("\r\n", at), info.size());
    const std::string_view line = info.substr(at, end - at);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':') return line.substr(name.size() + 1);
    at = end + 2;
  }
  return {};
}

// Whether a name has become another one. What the server does not say, or no longer says, is not another one.
bool replace_name(std::string& known, std::string_view now) {
  if (now.empty() || known == now) return false;
  const bool first = known.empty();
  known = now;
  return !first;
}

}  // namespace

// A server that is started again counts from 0. A count that is lower than before was reset by somebody.
void server_losses::note_info(std::string_view info) {
  const bool other_process = replace_name(run_id_, field_in(info, "run_id"));
  const bool other_data = replace_name(replication_id_, field_in(info, "master_replid"));
  if (other_process || other_data) ++found_.replaced;
  const auto evicted = parse_number<std::uint64_t>(field_in(info, "evicted_keys"));
  if (!evicted) return;
  const std::uint64_t before = other_process ? 0 : evicted_keys_.value_or(*evicted);
  if (*evicted > before) found_.evicted += *evicted - before;
  evicted_keys_ = *evicted;
}

std::string_view loss_remark(const data_losses& told, const data_losses& found) noexcept {
  if (found.replaced != told.replaced) return "another server answers than before, and what it does not have is lost";
  if (found.flushed != told.flushed) return "the server was flushed (FLUSHALL or FLUSHDB)";
  if (found.evicted != told.evicted) return "the server was full and has removed keys (maxmemory-policy)";
  return {};
}

}  // namespace mcpstate
