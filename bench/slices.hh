// SPDX-License-Identifier: MIT
#pragma once
#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

// The C++ contenders' half of what slices.py describes: orders and answers, and the workload that all contenders share.
namespace mcpstate::bench {

inline const std::vector<std::string> server_names{"github", "linear", "notion", "sentry", "slack"};
inline constexpr std::size_t servers_each = 5;

// Records are numbered; owner_of and server_of say whose. Visited in a scattered order: the step shares no factor with the
// number of records, so every record comes up once per round and never twice while it is in flight.
struct workload {
  std::size_t owners = 0;
  std::string tools;
  std::size_t at = 0;

  static constexpr std::size_t step = 7919;
  [[nodiscard]] std::size_t records() const { return owners * servers_each; }
  [[nodiscard]] static std::size_t owner_of(std::size_t record) { return record / servers_each; }
  [[nodiscard]] static std::size_t server_of(std::size_t record) { return record % servers_each; }
  std::size_t next_record() { return at = (at + step) % records(); }
  std::size_t next_owner() { return at = (at + step) % owners; }
};

using arguments = std::vector<std::string>;

// The value that follows --name, or nothing.
inline std::string option_of(const arguments& given, std::string_view name, std::string fallback = {}) {
  for (std::size_t i = 0; i + 1 < given.size(); ++i)
    if (given[i] == name) return given[i + 1];
  return fallback;
}

inline workload workload_of(const arguments& given) {
  workload w;
  w.owners = std::stoul(option_of(given, "--owners", "0"));
  std::ifstream file(option_of(given, "--tools-file"), std::ios::binary);
  w.tools.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  return w;
}

struct order {
  std::string op;  // fill, check, connect, list
  std::size_t in_flight = 1;
  std::chrono::duration<double> seconds{0};
};

inline std::optional<order> parse_order(const std::string& line) {
  std::istringstream in(line);
  order out;
  double seconds = 0;
  if (!(in >> out.op >> out.in_flight >> seconds) || out.in_flight == 0) return std::nullopt;
  out.seconds = std::chrono::duration<double>(seconds);
  return out;
}

inline void say(const std::string& text) {
  std::fputs((text + "\n").c_str(), stdout);
  std::fflush(stdout);
}

// All threads of this process, user and system.
inline double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  auto of = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  return of(used.ru_utime) + of(used.ru_stime);
}

// One measured slice: construct, work until end() counting, then say the result.
class stopwatch {
 public:
  using clock = std::chrono::steady_clock;
  explicit stopwatch(const order& what)
      : begun_(clock::now()),
        end_(begun_ + std::chrono::duration_cast<clock::duration>(what.seconds)),
        cpu_(cpu_seconds()) {}

  [[nodiscard]] bool running() const { return clock::now() < end_; }
  void done(bool good) { ++(good ? ops_ : errors_); }
  [[nodiscard]] std::string result() const {
    const double took = std::chrono::duration<double>(clock::now() - begun_).count();
    std::ostringstream out;
    out << "{\"ops\":" << ops_ << ",\"errors\":" << errors_ << ",\"seconds\":" << took
        << ",\"client_cpu_seconds\":" << cpu_seconds() - cpu_ << "}";
    return out.str();
  }

 private:
  clock::time_point begun_, end_;
  double cpu_;
  std::uint64_t ops_ = 0, errors_ = 0;
};

}  // namespace mcpstate::bench
