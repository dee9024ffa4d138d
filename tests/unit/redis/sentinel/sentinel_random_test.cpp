// SPDX-License-Identifier: MIT
// Random failovers, crashes, splits and delays of the Sentinels: the target never goes back, what is confirmed was true when it
// was asked, and in the end the target is the primary.
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "support/seed.hh"
#include "unit/redis/sentinel/sentinel_stage.hh"

namespace mcpstate::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* all_sentinels = "vwxyz";

class sentinel_misfortune {
 public:
  explicit sentinel_misfortune(std::uint64_t seed) : random_(seed), s_(all_sentinels, "vx", seed) {
    s_.by_hand = true;
    s_.start();
  }

  void step() {
    const int what = dice(100);
    if (what < 50) {
      if (!s_.asked.empty()) s_.deliver(static_cast<std::size_t>(dice(static_cast<int>(s_.asked.size()))));
    } else if (what < 75) {
      s_.wait(milliseconds(1 + dice(200)));
    } else if (what < 80) {
      fail_over();
    } else if (what < 88) {
      gossip(letter());
    } else if (what < 91) {
      s_.fsm.doubt(s_.now);
    } else if (what < 94) {
      s_.fsm.set_unserved(dice(2) == 0, s_.now);
    } else if (what < 97) {
      if (up() > 3) s_.crash(letter());
    } else {
      const char back = letter();
      if (!s_.sentinels.at(back).up) s_.revive(back);
    }
    s_.run();
    check();
  }

  void heals() {
    for (const char* each = all_sentinels; *each != '\0'; ++each) {
      if (!s_.sentinels.at(*each).up) s_.revive(*each);
      gossip(*each);
    }
    s_.by_hand = false;
    s_.run();
    s_.deliver_all();
    s_.run();
    s_.wait(seconds(3));
    EXPECT_EQ(s_.target(), newest_);
    EXPECT_LE(s_.confirmed_since(), milliseconds(1100));
    EXPECT_GE(s_.confirmed_since(), milliseconds(0));
    EXPECT_EQ(s_.open(), all_sentinels);
  }

 private:
  int dice(int sides) { return static_cast<int>(random_() % static_cast<unsigned>(sides)); }
  char letter() { return all_sentinels[dice(5)]; }
  long up() const {
    return std::count_if(s_.sentinels.begin(), s_.sentinels.end(), [](const auto& each) { return each.second.up; });
  }

  // The Sentinel that leads it knows first; it was elected by a majority, which learns of the result later.
  void fail_over() {
    const char leader = letter();
    fake_sentinel& led = s_.sentinels.at(leader);
    if (!led.up || up() < 3) return;
    const char before = led.primary;
    newest_ = static_cast<char>('a' + (newest_ - 'a' + 1 + dice(2)) % 3);
    led.primary = newest_;
    led.epoch = ++epoch_;
    majority_knows_ = false;
    note_majority();
    if (before != led.primary) s_.push_switch(leader, before, led.primary);
  }
  void gossip(char to) {
    fake_sentinel& heard = s_.sentinels.at(to);
    if (!heard.up || heard.epoch == epoch_) return;
    const char before = std::exchange(heard.primary, newest_);
    heard.epoch = epoch_;
    note_majority();
    if (before != newest_) s_.push_switch(to, before, newest_);
  }
  // From then on nobody can find a majority for what was before.
  void note_majority() {
    const auto knowing = std::count_if(s_.sentinels.begin(), s_.sentinels.end(),
                                       [&](const auto& each) { return each.second.epoch == epoch_; });
    if (majority_knows_ || knowing < 3) return;
    majority_knows_ = true;
    decided_at_ = s_.now;
    decided_ = newest_;
  }

  void check() {
    EXPECT_GE(s_.fsm.epoch(), highest_);
    highest_ = s_.fsm.epoch();
    const auto confirmed = s_.fsm.confirmed_at();
    if (confirmed && *confirmed > decided_at_ && majority_knows_) {
      EXPECT_EQ(s_.target(), decided_);
    }
    EXPECT_LE(s_.fsm.open_sentinels(), 5u);
    EXPECT_GT(s_.fsm.next_tick(), s_.now - milliseconds(1));
  }

  std::mt19937_64 random_;
  sentinel_stage s_;
  char newest_ = 'a', decided_ = 'a';
  std::uint64_t epoch_ = 1, highest_ = 0;
  bool majority_knows_ = true;
  sentinel_fsm::time_point decided_at_{};
};

TEST(SentinelFsm, IsRightWhateverHappensToTheSentinels) {
  std::mt19937_64 seeds(test::seed());
  for (int run = 0; run < 100 && !testing::Test::HasFailure(); ++run) {
    const std::uint64_t seed = seeds();
    SCOPED_TRACE("schedule " + std::to_string(seed));
    sentinel_misfortune all(seed);
    for (int i = 0; i < 500; ++i) all.step();
    all.heals();
  }
}

}  // namespace
}  // namespace mcpstate::redis
