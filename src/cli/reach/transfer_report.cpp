// SPDX-License-Identifier: MIT
#include "cli/reach/transfer_report.hh"

#include <utility>

#include "cli/view/rate_text.hh"
#include "cli/view/text.hh"
#include "core/text/printable.hh"

namespace mcpstate::cli {

namespace {

constexpr std::chrono::milliseconds shown_every{150};

}  // namespace

rate_report::rate_report(terminal& screen, std::string doing, std::string unit, std::optional<std::uint64_t> total)
    : screen_(screen), doing_(std::move(doing)), unit_(std::move(unit)), total_(total) {}

void rate_report::show(std::uint64_t done) {
  const auto now = std::chrono::steady_clock::now();
  if (!screen_.err_is_terminal() || now - shown_ < shown_every) return;
  shown_ = now;
  screen_.progress(rate_text(doing_, done, total_, unit_, now - begin_));
}

void rate_report::clear() { screen_.progress({}); }

void print_faults(terminal& screen, const transfer::fault_list& faults, const std::string& what) {
  if (faults.count() == 0) return;
  std::string text;
  for (const auto& each : faults.first()) text += "  " + printable(each) + "\n";
  const std::uint64_t more = faults.count() - faults.first().size();
  if (more > 0) text += "  … and " + std::to_string(more) + " more\n";
  screen.fail(counted(faults.count(), "record") + " " + what + ":");
  screen.write_error(text);
}

result<std::vector<owner>> parse_owners(const std::vector<std::string>& words) {
  std::vector<owner> out;
  for (const auto& word : words) {
    auto account = owner::parse(word);
    if (!account) return error(account.error().code(), "--owner: " + account.error().detail());
    out.push_back(std::move(*account));
  }
  return out;
}

}  // namespace mcpstate::cli
