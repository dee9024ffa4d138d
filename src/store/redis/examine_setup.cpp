// SPDX-License-Identifier: MIT
// The part of doctor that checks the settings of the server.
#include <chrono>

#include "core/text/number.hh"
#include "store/redis/examine.hh"

namespace mcpstate {
namespace {

using info_map = std::map<std::string, std::string, std::less<>>;

info_map parse_info(std::string_view text) {
  info_map out;
  while (!text.empty()) {
    const auto end = text.find("\r\n");
    const auto line = text.substr(0, end);
    if (const auto colon = line.find(':'); colon != line.npos && !line.starts_with('#'))
      out.emplace(line.substr(0, colon), line.substr(colon + 1));
    text = end == text.npos ? std::string_view() : text.substr(end + 2);
  }
  return out;
}

std::string field(const info_map& info, std::string_view name) {
  const auto found = info.find(name);
  return found == info.end() ? std::string() : found->second;
}

std::uint64_t number_field(const info_map& info, std::string_view name) {
  return parse_number<std::uint64_t>(field(info, name)).value_or(0);
}

std::string mib(std::uint64_t bytes) { return std::to_string((bytes + 524288) / 1048576) + " MiB"; }

}  // namespace

void redis_examiner::add(std::string_view check, level severity, std::string text) {
  finding f;
  f.check = check;
  f.severity = severity;
  f.text = std::move(text);
  findings_.push_back(std::move(f));
}

task<void> redis_examiner::setup() {
  redis::request commands;
  commands.add("PING").add("INFO").add("ACL", "WHOAMI").add("CONFIG", "GET", "save");
  const auto begun = std::chrono::steady_clock::now();
  MCPSTATE_CO_TRY(got, co_await store_.read(std::move(commands), "doctor"));
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
  add("reachable", level::ok, store_.description() + " answers in " + std::to_string(took.count()) + " µs");
  check_access(got[2].is_string() ? got[2].text : std::string());
  if (got[1].is_error()) {
    add("info", level::note, "this user may not run INFO: version, persistence, memory and eviction were not checked");
    co_return result<void>();
  }
  const auto info = parse_info(got[1].text);
  check_server(info);
  const redis::reply& save = got[3];  // "save" and its points; an error for users without the right
  check_persistence(info, save.items.size() == 2 && save.items[1].text.empty());
  check_memory(info);
  co_return result<void>();
}

void redis_examiner::check_server(const info_map& info) {
  const auto& hello = store_.redis_->hello();
  add("version", level::ok, hello.server + " " + hello.version + " (" + hello.mode + ")");
  if (field(info, "role") != "slave") return add("role", level::ok, "the server takes writes");
  add("role", level::problem, "this server is a replica: it refuses writes. Point the URL to its master");
}

void redis_examiner::check_persistence(const info_map& info, bool never_saves) {
  if (field(info, "rdb_last_bgsave_status") == "err")
    return add("persistence", level::problem, "the last snapshot (BGSAVE) failed: see the server's log and its disk");
  const bool append_only = field(info, "aof_enabled") == "1";
  if (append_only && field(info, "aof_last_write_status") == "err")
    return add("persistence", level::problem, "writing the append-only file failed: see the server's log and its disk");
  if (append_only) return add("persistence", level::ok, "append-only file is on");
  if (never_saves)
    return add("persistence", level::warning,
               "nothing is written to disk: a restart of Redis forgets every connection (appendonly yes keeps them)");
  add("persistence", level::note,
      "snapshots only: a crash loses the changes since the last one (appendonly yes keeps them)");
}

void redis_examiner::check_memory(const info_map& info) {
  const auto used = number_field(info, "used_memory"), limit = number_field(info, "maxmemory");
  const auto policy = field(info, "maxmemory_policy");
  if (policy == "noeviction")
    add("eviction", level::ok,
        "maxmemory-policy is noeviction: a full server refuses writes instead of dropping connections");
  else
    add("eviction", limit > 0 ? level::warning : level::note,
        "maxmemory-policy is " + policy + ": a full server silently drops live connections. Use noeviction");
  if (limit == 0) return add("memory", level::ok, mib(used) + " used, no limit set");
  const bool tight = used > limit / 10 * 8;
  add("memory", tight ? level::warning : level::ok,
      mib(used) + " of " + mib(limit) + " used" + (tight ? ": raise maxmemory, or lower --ttl" : ""));
}

void redis_examiner::check_access(const std::string& user) {
  const auto& url = store_.url_;
  const bool local = !url.path.empty() || url.host == "localhost" || url.host.starts_with("127.") || url.host == "::1";
  const std::string subject = user.empty() ? "this user" : "user " + user;
  if (url.password.empty() && store_.options().password_file.empty())
    add("auth", local ? level::note : level::warning,
        subject + " needs no password" +
            (local ? " (the server is on this machine)" : ": set one, and an ACL for the prefix"));
  else
    add("auth", level::ok, "signed in as " + subject);
  if (!url.tls && !local) add("tls", level::warning, "the connection is not encrypted: use rediss://");
}

}  // namespace mcpstate
