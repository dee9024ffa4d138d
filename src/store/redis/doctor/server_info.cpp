// SPDX-License-Identifier: MIT
#include "store/redis/doctor/server_info.hh"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "core/text/number.hh"
#include "core/text/trimmed.hh"

namespace mcpstate {

namespace {

using level = finding::level;
using std::chrono::microseconds;

constexpr std::chrono::hours late_snapshot{6};
constexpr double high_fragmentation = 1.5;
constexpr std::uint64_t small_memory = 64UL * 1024 * 1024;  // below it the ratio says nothing
constexpr std::uint64_t long_lag = 10;                      // seconds
constexpr microseconds slow{50'000};
constexpr microseconds skewed{1'000'000};

finding make(std::string_view check, level severity, std::string text, std::uint64_t count = 0) {
  finding f;
  f.check = check;
  f.severity = severity;
  f.text = std::move(text);
  f.count = count;
  return f;
}

std::string mib(std::uint64_t bytes) { return std::to_string((bytes + 524288) / 1048576) + " MiB"; }

// "state" of "ip=10.0.0.1,port=6379,state=online,offset=12,lag=0".
std::string_view part_of(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    auto part = text.substr(0, end);
    if (take_prefix(part, name) && take_prefix(part, "=")) return part;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

finding judge_role(const server_info& info) {
  if (info.field("role") != "slave") return make("role", level::ok, "the server takes writes");
  return make("role", level::problem, "this server is a replica: it refuses writes. Point the URL to its primary");
}

finding judge_persistence(const server_info& info, bool never_saves) {
  const auto failed = [](std::string_view what) {
    return make("persistence", level::problem, std::string(what) + " failed: see the server's log and its disk");
  };
  if (info.field("rdb_last_bgsave_status") == "err") return failed("the last snapshot (BGSAVE)");
  const bool append_only = info.field("aof_enabled") == "1";
  if (append_only && info.field("aof_last_write_status") == "err") return failed("writing the append-only file");
  if (append_only) return make("persistence", level::ok, "append-only file is on");
  if (never_saves)
    return make("persistence", level::warning,
                "nothing is written to disk: a restart of Redis forgets every connection (appendonly yes keeps them)");
  return make("persistence", level::note,
              "snapshots only: a crash loses the changes since the last one (appendonly yes keeps them)");
}

finding judge_last_save(const server_info& info, const server_circumstances& known) {
  const auto changes = info.number("rdb_changes_since_last_save");
  const timestamp saved{std::chrono::seconds(info.number("rdb_last_save_time"))};
  const auto age = std::chrono::duration_cast<std::chrono::minutes>(known.now - saved);
  const auto text = "the last snapshot is " + std::to_string(age.count()) + " minutes old, with " + std::to_string(changes) +
                    " changes since";
  const bool late = changes > 0 && age > late_snapshot && !known.never_saves && info.field("aof_enabled") != "1";
  return make("last_save", late ? level::warning : level::note, text);
}

finding judge_eviction(const server_info& info) {
  const auto policy = info.field("maxmemory_policy");
  if (policy == "noeviction")
    return make("eviction", level::ok,
                "maxmemory-policy is noeviction: a full server refuses writes instead of dropping connections");
  return make("eviction", info.number("maxmemory") > 0 ? level::warning : level::note,
              "maxmemory-policy is " + policy + ": a full server silently drops live connections. Use noeviction");
}

finding judge_memory(const server_info& info) {
  const auto used = info.number("used_memory"), limit = info.number("maxmemory");
  if (limit == 0) return make("memory", level::ok, mib(used) + " used, no limit set");
  const bool tight = used > limit / 10 * 8;
  return make("memory", tight ? level::warning : level::ok,
              mib(used) + " of " + mib(limit) + " used" + (tight ? ": raise maxmemory, or lower --ttl" : ""));
}

finding judge_fragmentation(const server_info& info) {
  const auto ratio = info.fraction("mem_fragmentation_ratio");
  const bool high = ratio > high_fragmentation && info.number("used_memory") > small_memory;
  return make(
      "fragmentation", high ? level::warning : level::ok,
      "the server takes " + info.field("mem_fragmentation_ratio") + " bytes of the machine for each byte that it uses");
}

finding judge_clients(const server_info& info) {
  const auto now = info.number("connected_clients"), most = info.number("maxclients");
  const bool tight = most > 0 && now > most / 10 * 8;
  return make("clients", tight ? level::warning : level::ok,
              std::to_string(now) + " of " + std::to_string(most) + " connections are taken" +
                  (tight ? ": further ones will be refused" : ""));
}

void judge_replicas(const server_info& info, bool under_sentinel, std::vector<finding>& out) {
  if (info.field("role") == "slave") return;
  const auto replicas = info.number("connected_slaves");
  auto lag = make("replication", level::ok, std::to_string(replicas) + " replicas, all of them up to date");
  if (replicas == 0) lag.text = "no replica: the state is on one machine";
  for (std::uint64_t i = 0; i < replicas; ++i) {
    const auto field = info.field("slave" + std::to_string(i));
    const auto behind = parse_number<std::uint64_t>(part_of(field, "lag")).value_or(0);
    if (part_of(field, "state") == "online" && behind <= long_lag) continue;
    lag.severity = level::warning;
    lag.text = "replicas that are not up to date: what a failover to them loses";
    ++lag.count;
    if (lag.examples.size() < 5)
      lag.examples.push_back(std::string(part_of(field, "ip")) + ":" + std::string(part_of(field, "port")) + " " +
                             std::string(part_of(field, "state")) + ", " + std::to_string(behind) + " s");
  }
  out.push_back(std::move(lag));
  if (!under_sentinel) return;
  const bool fenced = !info.field("min_slaves_good_slaves").empty();
  out.push_back(make("min_replicas", fenced ? level::ok : level::warning,
                     fenced ? "a primary that has lost its replicas refuses writes"
                            : "min-replicas-to-write is 0: a primary that is cut off takes writes that a failover loses"));
}

}  // namespace

server_info::server_info(std::string_view text) {
  while (!text.empty()) {
    const auto end = text.find("\r\n");
    const auto line = text.substr(0, end);
    if (const auto colon = line.find(':'); colon != line.npos && !line.starts_with('#'))
      fields_.emplace(line.substr(0, colon), line.substr(colon + 1));
    text = end == text.npos ? std::string_view() : text.substr(end + 2);
  }
}

std::string server_info::field(std::string_view name) const {
  const auto found = fields_.find(name);
  return found == fields_.end() ? std::string() : found->second;
}

std::uint64_t server_info::number(std::string_view name) const {
  return parse_number<std::uint64_t>(field(name)).value_or(0);
}

double server_info::fraction(std::string_view name) const { return parse_number<double>(field(name)).value_or(0); }

std::vector<finding> judge_server(const server_info& info, const server_circumstances& known) {
  std::vector<finding> out;
  out.push_back(judge_role(info));
  out.push_back(judge_persistence(info, known.never_saves));
  out.push_back(judge_last_save(info, known));
  out.push_back(judge_eviction(info));
  if (const auto evicted = info.number("evicted_keys"); evicted > 0)
    out.push_back(
        make("evicted", level::warning, "keys that the server has dropped since it started, because it was full", evicted));
  out.push_back(judge_memory(info));
  out.push_back(judge_fragmentation(info));
  out.push_back(judge_clients(info));
  judge_replicas(info, known.under_sentinel, out);
  return out;
}

finding judge_cluster(const server_info& info) {
  const auto covered = info.number("cluster_slots_ok"), failing = info.number("cluster_slots_pfail");
  const bool whole = info.field("cluster_state") == "ok";
  if (whole && failing == 0) return make("cluster", level::ok, "the cluster is whole: all slots have a server that answers");
  return make("cluster", whole ? level::warning : level::problem,
              std::to_string(covered) + " of 16384 slots are covered, " + std::to_string(failing) +
                  " belong to a server that seems to be down: owners of the others cannot be reached");
}

finding judge_latency(std::vector<microseconds> times) {
  std::sort(times.begin(), times.end());
  const auto at = [&](std::size_t percent) { return times[std::min(times.size() - 1, times.size() * percent / 100)]; };
  const auto shown = [&](std::size_t percent) { return std::to_string(at(percent).count()) + " µs"; };
  const bool is_slow = at(90) > slow;
  return make("latency", is_slow ? level::warning : level::ok,
              "half of " + std::to_string(times.size()) + " PINGs took up to " + shown(50) + ", 90 % up to " + shown(90) +
                  ", the longest " + shown(100) + (is_slow ? ": the network or the server is slow" : ""));
}

finding judge_clock(microseconds ahead) {
  const auto off = ahead < microseconds(0) ? -ahead : ahead;
  const auto ms = std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(off).count());
  if (off < skewed) return make("clock", level::ok, "the clock of Redis and that of this machine differ by " + ms + " ms");
  return make("clock", level::warning,
              "the clock of Redis is " + ms + " ms " + (ahead > microseconds(0) ? "ahead of" : "behind") +
                  " that of this machine: Redis decides what expires, and other programs write times by their own clocks");
}

}  // namespace mcpstate
