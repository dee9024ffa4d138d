// SPDX-License-Identifier: MIT
// Fails the test in which a turn broke a rule, and tells the longest turn of the program.
#include <gtest/gtest.h>

#include <cstdio>
#include <mutex>
#include <utility>
#include <vector>

#include "support/turns/turns.hh"

namespace mcpstate::test {

namespace {

struct found_faults {
  std::mutex mutex;
  std::vector<turn_fault> faults;
};

found_faults& found() {
  static auto* const one = new found_faults;
  return *one;
}

class turn_listener final : public testing::EmptyTestEventListener {
 public:
  void OnTestStart(const testing::TestInfo&) override { restart_turns(); }

  void OnTestEnd(const testing::TestInfo& info) override {
    for (const turn_fault& fault : taken_turn_faults()) ADD_FAILURE() << fault.text();
    const auto longest = all_turns().longest;
    if (longest <= longest_) return;
    longest_ = longest;
    name_ = std::string(info.test_suite_name()) + "." + info.name();
  }

  void OnTestProgramEnd(const testing::UnitTest&) override {
    std::printf("longest turn of the executor: %.1f ms, in %s\n", static_cast<double>(longest_.count()) / 1e6, name_.c_str());
  }

 private:
  std::chrono::nanoseconds longest_{};
  std::string name_;
};

// Before main, which is GoogleTest's.
[[maybe_unused]] const bool listens = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new turn_listener);
  return true;
}();

}  // namespace

void on_turn_fault(turn_fault fault) {
  const std::lock_guard lock(found().mutex);
  found().faults.push_back(std::move(fault));
}

std::vector<turn_fault> taken_turn_faults() {
  const std::lock_guard lock(found().mutex);
  return std::exchange(found().faults, {});
}

}  // namespace mcpstate::test
