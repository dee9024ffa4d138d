// SPDX-License-Identifier: MIT
// The pipeline against a model: whatever happens in whatever order, every request ends exactly once, and rightly.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "support/seed.hh"
#include "unit/redis/pipeline_books.hh"

namespace mcpstate::redis {
namespace {

class model {
 public:
  explicit model(std::uint64_t seed) : random_(seed) {}

  void step() {
    const int what = dice(100);
    if (what < 40) return ask();
    if (what < 50) return stage();
    if (what < 90) return answer();
    if (what < 96) return withdraw();
    if (what < 98) return expire();
    if (what == 98) return lose();
    end_all(books_.drop_waiting(errc::connection_lost));
  }

  // Everything that is left ends, and the books are empty.
  void finish() {
    lose();
    end_all(books_.drop_waiting(errc::connection_lost));
    for (const auto& [name, f] : fates_) EXPECT_TRUE(f.ended) << name;
    EXPECT_EQ(books_.pending(), 0u);
    EXPECT_EQ(books_.pending_bytes(), 0u);
    EXPECT_EQ(books_.earliest(), time_point::max());
  }

 private:
  struct fate {
    std::uint64_t number = 0;
    std::size_t commands = 0;
    effect kind = effect::read;
    time_point until;
    bool ended = false, sent = false;
    std::int64_t first_reply = 0;  // the number of the reply that is its first one
  };

  int dice(int sides) { return static_cast<int>(random_() % static_cast<unsigned>(sides)); }

  void ask() {
    const std::string name = "r" + std::to_string(++asked_);
    fate f;
    f.commands = static_cast<std::size_t>(1 + dice(3));
    f.kind = dice(2) == 0 ? effect::read : effect::write;
    f.until = now_ + seconds(dice(50));
    f.number = books_.ask(name, f.kind, static_cast<int>(f.commands), f.until);
    fates_[name] = f;
    waiting_.push_back(name);
  }

  void stage() {
    std::string expected;
    for (const std::string& name : waiting_) {
      fate& f = fates_.at(name);
      if (f.ended) continue;
      f.sent = true;
      f.first_reply = owed_until_;
      owed_until_ += static_cast<std::int64_t>(f.commands);
      expected += named::ask(name, static_cast<int>(f.commands)).bytes();
    }
    waiting_.clear();
    EXPECT_EQ(books_.staged(), expected);
    if (dice(2) == 0) books_.wrote();
  }

  void answer() {
    ASSERT_EQ(books_.owed(), answered_ < owed_until_);
    if (!books_.owed()) return;
    auto done = books_.on_reply(number(answered_++));
    if (!done) return;
    fate& f = fates_.at(name(done));
    ASSERT_FALSE(f.ended);
    f.ended = true;
    ASSERT_EQ(done->replies.size(), f.commands);
    EXPECT_EQ(done->replies.front().integer, f.first_reply);
    EXPECT_EQ(answered_, f.first_reply + static_cast<std::int64_t>(f.commands));
  }

  void withdraw() {
    if (fates_.empty()) return;
    auto some = fates_.begin();
    std::advance(some, dice(static_cast<int>(std::min<std::size_t>(fates_.size(), 100))));
    const bool over = some->second.ended;
    auto ended = books_.withdraw(some->second.number);
    ASSERT_EQ(ended.has_value(), !over) << some->first;
    if (ended) end(*ended, errc::stopped);
  }

  void expire() {
    now_ += seconds(dice(5));
    for (const pipeline::ending& e : books_.expire(now_)) {
      EXPECT_LE(fates_.at(name(e.caller)).until, now_);
      end(e, errc::deadline);
    }
    EXPECT_GT(books_.earliest(), now_);
  }

  void lose() {
    end_all(books_.lost(errc::connection_lost));
    answered_ = owed_until_;
    std::erase_if(fates_, [](const auto& one) { return one.second.ended; });
    std::erase_if(waiting_, [&](const std::string& name) { return !fates_.contains(name); });
  }

  void end_all(const std::vector<pipeline::ending>& all) {
    for (const pipeline::ending& e : all) end(e, errc::connection_lost);
  }
  void end(const pipeline::ending& e, errc harmless) {
    fate& f = fates_.at(name(e.caller));
    ASSERT_FALSE(f.ended) << name(e);
    f.ended = true;
    const bool unknown = f.sent && f.kind == effect::write;
    EXPECT_EQ(e.reason, unknown ? errc::outcome_unknown : harmless) << name(e);
  }

  std::mt19937_64 random_;
  books books_{1'000'000, 1'000'000};
  std::map<std::string, fate> fates_;
  std::vector<std::string> waiting_;  // names, in order; some have ended
  std::int64_t asked_ = 0;
  std::int64_t answered_ = 0, owed_until_ = 0;  // replies
  time_point now_ = start;
};

TEST(PipelineModel, EndsEveryRequestExactlyOnce) {
  model all(test::seed());
  for (int i = 0; i < 50'000 && !testing::Test::HasFailure(); ++i) all.step();
  all.finish();
}

}  // namespace
}  // namespace mcpstate::redis
