// SPDX-License-Identifier: MIT
#include "cli/view/rate_text.hh"

#include <algorithm>

#include "cli/view/text.hh"

namespace mcpstate::cli {

namespace {

constexpr std::uint64_t bar_width = 20;

std::string bar(std::uint64_t done, std::uint64_t total) {
  const std::uint64_t full = done * bar_width / total, percent = done * 100 / total;
  std::string out = "[" + std::string(full, '#') + std::string(bar_width - full, '-') + "] ";
  out += percent < 10 ? "  " : percent < 100 ? " " : "";
  return out + std::to_string(percent) + " %  ";
}

}  // namespace

std::string rate_text(std::string_view doing, std::uint64_t done, std::optional<std::uint64_t> total, std::string_view unit,
                      std::chrono::steady_clock::duration elapsed) {
  using namespace std::chrono;
  std::string out = std::string(doing) + " ";
  const bool known = total && *total > 0;
  const std::uint64_t all = known ? std::max(*total, done) : 0;
  if (known) out += bar(done, all) + std::to_string(done) + " of ";
  out += counted(known ? all : done, unit);
  const double seconds = duration<double>(elapsed).count();
  if (seconds < 0.5 || done == 0) return out;
  const double rate = static_cast<double>(done) / seconds;
  out += ", " + std::to_string(static_cast<std::uint64_t>(rate)) + "/s";
  if (!known || done >= all) return out;
  const auto left = std::chrono::seconds(1 + static_cast<std::int64_t>(static_cast<double>(all - done) / rate));
  return out + ", " + duration_text(left) + " left";
}

}  // namespace mcpstate::cli
