// SPDX-License-Identifier: MIT
// Random misfortune: whatever happens in whatever order, each unit ends exactly once, and truthfully.
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "support/seed.hh"
#include "unit/redis/topology/router_stage.hh"

namespace mcpstate::redis {
namespace {

using verb = fake_command::verb;

constexpr const char* all_nodes = "abcdef";

class misfortune {
 public:
  explicit misfortune(std::uint64_t seed) : random_(seed), s_(all_nodes, "aabbccdd", "ae", seed, rules()) {
    s_.on_send = [this](const unit_send& send, const router_stage::caller& who) { note_order(send, who); };
  }

  void step() {
    const int what = dice(1000);
    if (what < 300) return submit();
    if (what < 800) return deliver();
    if (what < 880) return connect();
    if (what < 940) return s_.wait(milliseconds(1 + dice(40)));
    if (what < 950) return cut();
    if (what < 956) return crash();
    if (what < 966) return restart();
    if (what < 976) return move_keys();
    if (what < 984) return reconfigure();
    if (what < 992) return gossip();
    if (what < 996) return trouble();
    cancel();
  }

  // Everything heals, and what is left ends.
  void finish() {
    heal();
    for (int i = 0; i < 20000 && s_.routing.units() != 0; ++i) {
      s_.run();
      for (const node_id each : s_.open()) s_.connect(each);
      s_.wait(milliseconds(50));
    }
    s_.run();
    EXPECT_EQ(s_.routing.units(), 0u);
    EXPECT_EQ(s_.routing.waiting(), 0u);
    for (const auto& [id, who] : s_.callers) check(who);
    EXPECT_LE(s_.routing.topology().open_nodes(), 6u);
  }

  // After the last misfortune everybody is served again.
  void serves_again() {
    // An attempt that is under way, or fails, when things heal is followed by others.
    for (int i = 0; i < 100; ++i) {
      s_.run();
      for (const node_id each : s_.open()) s_.connect(each);
      s_.wait(milliseconds(50));
    }
    for (std::size_t part = 0; part < test::fake_parts; ++part) {
      const unit_id unit = s_.write(part);
      s_.run_until_ended(unit);
      EXPECT_TRUE(s_.callers.at(unit).answers) << s_.outcome(unit);
    }
  }

  [[nodiscard]] std::size_t done() const {
    return static_cast<std::size_t>(std::count_if(s_.callers.begin(), s_.callers.end(),
                                                  [](const auto& each) { return each.second.answers.has_value(); }));
  }

 private:
  static router_rules rules() {
    router_rules out;
    out.max_waiting = 500;
    return out;
  }
  int dice(int sides) { return static_cast<int>(random_() % static_cast<unsigned>(sides)); }
  template <class List>
  auto pick(const List& from) {
    return from[random_() % from.size()];
  }
  char letter() { return all_nodes[dice(6)]; }
  std::string agreed() { return newest().view; }
  fake_node& newest() {
    return *std::max_element(s_.nodes.begin(), s_.nodes.end(), [](const auto& a, const auto& b) {
              return a.second->epoch < b.second->epoch;
            })->second;
  }

  void submit() {
    const auto part = static_cast<std::size_t>(dice(test::fake_parts));
    const effect kind = dice(2) == 0 ? effect::read : effect::write;
    const int length = 1 + dice(3);
    std::vector<fake_command> commands;
    const bool atomic = dice(6) == 0;
    if (atomic) commands.push_back(s_.word(verb::multi, part));
    for (int i = 0; i < length; ++i) {
      commands.push_back(dice(4) == 0 ? s_.command(part, {dice(3), 3}) : s_.command(part, {dice(4)}));
    }
    if (atomic) commands.push_back(s_.word(verb::exec, part));
    s_.submit(std::move(commands), kind, milliseconds(50 + dice(3000)));
  }
  void deliver() {
    const auto open = s_.open();
    if (!open.empty()) s_.deliver(pick(open));
  }
  void connect() {
    const auto open = s_.open();
    if (!open.empty()) s_.connect(pick(open));
  }
  void cut() {
    const auto open = s_.open();
    if (open.empty()) return;
    const node_id chosen = pick(open);
    if (s_.connections.at(chosen).ready) s_.cut(chosen, static_cast<std::size_t>(dice(4)));
  }
  // Two of the nodes stay up, so that somebody remembers.
  void crash() {
    const char chosen = letter();
    const auto up = std::count_if(s_.nodes.begin(), s_.nodes.end(), [](const auto& each) { return each.second->up; });
    if (up > 2) s_.crash(chosen, static_cast<std::size_t>(dice(4)));
  }
  void restart() {
    fake_node& there = s_.node(letter());
    there.up = true;
    there.hanging = false;
  }
  // Slots get a new owner, which those two know at once, and the others by gossip.
  void give(std::size_t part, char to) {
    const std::string before = agreed();
    std::string view = before;
    view[part] = to;
    ++epoch_;
    for (const char who : {before[part], to}) {
      fake_node& there = s_.node(who);
      there.view = view;
      there.epoch = epoch_;
      there.migrating.erase(part);
      there.importing.erase(part);
    }
    s_.cluster.moved.erase(part);
  }
  void reconfigure() {
    const auto part = static_cast<std::size_t>(dice(test::fake_parts));
    const char owner = agreed()[part], to = letter();
    if (owner == to || !s_.node(to).up) return;
    if (!s_.node(owner).migrating.contains(part)) give(part, to);
  }
  // A part is moved key by key.
  void move_keys() {
    const auto part = static_cast<std::size_t>(dice(test::fake_parts));
    fake_node& owner = s_.node(agreed()[part]);
    if (owner.view[part] != owner.letter()) return;
    const auto target = owner.migrating.find(part);
    if (target == owner.migrating.end()) {
      const char to = letter();
      if (to == owner.letter() || !s_.node(to).up) return;
      owner.migrating[part] = to;
      s_.node(to).importing[part] = owner.letter();
      s_.cluster.moved[part].clear();
      return;
    }
    auto& moved = s_.cluster.moved[part];
    if (moved.size() == 4) return give(part, target->second);
    moved.insert(dice(4));
  }
  void gossip() {
    fake_node& there = s_.node(letter());
    const fake_node& from = newest();
    there.view = from.view;
    there.epoch = from.epoch;
    for (auto part = there.migrating.begin(); part != there.migrating.end();) {
      part = there.view[part->first] == there.letter() ? std::next(part) : there.migrating.erase(part);
    }
  }
  void trouble() {
    fake_node& there = s_.node(letter());
    switch (dice(6)) {
      case 0:
        there.loading = !there.loading;
        break;
      case 1:
        there.hanging = !there.hanging;
        break;
      case 2:
        there.always = "CLUSTERDOWN The cluster is down";
        break;
      case 3:
        there.always = "MOVED 0 ?:1";
        break;
      case 4:
        there.always = std::string("MOVED 0 ") + letter() + ":1";
        break;
      default:
        there.always.clear();
    }
  }
  void cancel() {
    if (s_.callers.empty()) return;
    s_.routing.cancel(
        std::prev(s_.callers.end(), 1 + dice(static_cast<int>(std::min<std::size_t>(20, s_.callers.size()))))->first);
    s_.wait(milliseconds(0));
  }
  void heal() {
    const std::string view = agreed();
    s_.cluster.moved.clear();
    for (auto& [letter, each] : s_.nodes) {
      each->up = true;
      each->loading = each->hanging = false;
      each->always.clear();
      each->migrating.clear();
      each->importing.clear();
      each->view = view;
      each->epoch = epoch_ + 1;
    }
  }

  // Of one connection and slot, units stand in the queue in the order in which they came, as long as nobody refused them.
  void note_order(const unit_send& send, const router_stage::caller& who) {
    if (who.sends != 1 || who.commands.empty()) return;
    std::uint64_t& last = last_token_[{send.node, who.commands.front().part}];
    EXPECT_LT(last, who.commands.front().token);
    last = who.commands.front().token;
  }

  void check(const router_stage::caller& who) {
    ASSERT_TRUE(who.ended());
    std::vector<int> times;
    for (const fake_command& each : who.commands) {
      if (each.what == verb::plain) times.push_back(s_.cluster.ran[each.token]);
    }
    const int most = *std::max_element(times.begin(), times.end()), least = *std::min_element(times.begin(), times.end());
    if (who.atomic) {
      EXPECT_EQ(most, least) << "half a transaction";
    }
    if (who.kind == effect::write) check_write(who, least, most);
    if (who.answers) check_answers(who);
  }
  static void check_write(const router_stage::caller& who, int least, int most) {
    EXPECT_LE(most, 1) << "a write ran twice";
    if (who.answers) {
      EXPECT_EQ(least, 1) << "a write was told as done, and was not";
    } else if (!who.why->is(cond::outcome_unknown)) {
      EXPECT_EQ(most, 0) << "told as not done: " << who.why->detail();
    }
  }
  static void check_answers(const router_stage::caller& who) {
    ASSERT_EQ(who.answers->size(), who.commands.size());
    if (who.atomic) {
      const reply& exec = who.answers->back();
      ASSERT_EQ(exec.items.size() + 2, who.commands.size());
      for (std::size_t i = 0; i < exec.items.size(); ++i) {
        EXPECT_EQ(exec.items[i].integer, static_cast<std::int64_t>(who.commands[i + 1].token));
      }
      return;
    }
    for (std::size_t i = 0; i < who.commands.size(); ++i) {
      EXPECT_EQ((*who.answers)[i].integer, static_cast<std::int64_t>(who.commands[i].token));
    }
  }

  std::mt19937_64 random_;
  std::uint64_t epoch_ = 1;
  router_stage s_;
  std::map<std::pair<node_id, std::size_t>, std::uint64_t> last_token_;
};

TEST(RouterUnderMisfortune, EndsEachUnitOnceAndNeverRunsAWriteTwice) {
  std::mt19937_64 seeds(test::seed());
  std::size_t steps = 0, done = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (int run = 0; run < 20; ++run) {
    const std::uint64_t seed = seeds();
    SCOPED_TRACE("run " + std::to_string(run) + " with seed " + std::to_string(seed));
    misfortune some(seed);
    for (int i = 0; i < 2000; ++i, ++steps) some.step();
    some.finish();
    some.serves_again();
    done += some.done();
    if (HasFailure()) return;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::cout << steps << " steps, " << static_cast<int>(static_cast<double>(steps) / seconds) << " in a second; " << done
            << " units done\n";
  EXPECT_GT(done, steps / 20);  // not everything only fails
}

}  // namespace
}  // namespace mcpstate::redis
