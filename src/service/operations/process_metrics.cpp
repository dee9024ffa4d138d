// SPDX-License-Identifier: MIT
#include "service/operations/process_metrics.hh"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <iterator>

namespace mcpstate::service {

namespace {

std::string text_of(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

// The numbers in a line of words; 0 for a word that is no number.
std::vector<double> numbers_of(std::string_view line) {
  std::vector<double> out;
  while (!line.empty()) {
    const auto end = std::min(line.find_first_of(" \n"), line.size());
    double value = 0;
    std::from_chars(line.data(), line.data() + end, value);
    if (end > 0) out.push_back(value);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return out;
}

std::optional<double> boot_time(std::string_view system_stat) {
  constexpr std::string_view name = "\nbtime ";
  const auto position = system_stat.find(name);
  if (position == std::string_view::npos) return std::nullopt;
  const auto rest = numbers_of(system_stat.substr(position + name.size(), 32));
  if (rest.empty()) return std::nullopt;
  return rest.front();
}

std::optional<double> count_open_fds() {
  DIR* dir = ::opendir("/proc/self/fd");
  if (dir == nullptr) return std::nullopt;
  double count = -1;  // leaves out the descriptor of this directory
  while (const auto* entry = ::readdir(dir)) count += entry->d_name[0] == '.' ? 0 : 1;
  ::closedir(dir);
  return count;
}

}  // namespace

std::optional<process_facts> facts_from(std::string_view self_stat, std::string_view system_stat, proc_units units) {
  // "PID (NAME) STATE PPID …", where NAME may hold any character. After it utime is the 12th word, stime the 13th, starttime
  // the 20th, vsize the 21st and rss the 22nd (proc(5) counts from the PID).
  constexpr std::size_t utime = 11, stime = 12, starttime = 19, vsize = 20, rss = 21;
  const auto name_end = self_stat.rfind(") ");
  const auto booted = boot_time(system_stat);
  if (name_end == std::string_view::npos || !booted) return std::nullopt;
  const auto values = numbers_of(self_stat.substr(name_end + 2));
  if (values.size() <= rss) return std::nullopt;
  process_facts out;
  out.cpu_seconds = (values[utime] + values[stime]) / units.ticks_per_second;
  out.start_time = *booted + values[starttime] / units.ticks_per_second;
  out.virtual_bytes = values[vsize];
  out.resident_bytes = values[rss] * units.page_bytes;
  return out;
}

std::optional<process_facts> read_process_facts() {
  proc_units units;
  units.ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  units.page_bytes = static_cast<double>(::sysconf(_SC_PAGESIZE));
  auto out = facts_from(text_of("/proc/self/stat"), text_of("/proc/stat"), units);
  if (!out) return out;
  out->open_fds = count_open_fds();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) out->max_fds = static_cast<double>(limit.rlim_cur);
  return out;
}

}  // namespace mcpstate::service
