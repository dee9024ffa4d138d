// SPDX-License-Identifier: MIT
// Random operations through two handles, each answer compared with a model, and now and then everything there is.
#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <random>
#include <set>

#include "contract/store_contract.hh"
#include "contract/store_model.hh"
#include "support/seed.hh"

namespace mcpstate::test {

namespace {

using namespace std::chrono_literals;

class model_run {
 public:
  model_run(store_data& data, store& a, store& b, std::uint64_t seed)
      : data_(data), a_(a), b_(b), random_(seed), model_(a.options().ttl, a.options().max_lifetime) {
    for (const char* id : {"1", "2", "3:server:x"}) owners_.push_back(user(id));
    for (const char* id : {"1", "s", "*"}) owners_.push_back(session(id));
  }

  asio::awaitable<void> learn_the_time();
  asio::awaitable<std::string> step();
  asio::awaitable<std::string> compare_all();

 private:
  asio::awaitable<std::string> put();
  asio::awaitable<std::string> race();
  asio::awaitable<std::string> disconnect();
  asio::awaitable<std::string> claim();
  asio::awaitable<std::string> compare(owner who);
  model_write random_write();

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  store& either() { return below(2) ? a_ : b_; }
  const owner& any_owner() { return owners_[below(owners_.size())]; }
  const std::string& any_name() { return names_[below(names_.size())]; }

  store_data& data_;
  store& a_;
  store& b_;
  std::mt19937_64 random_;
  store_model model_;
  std::vector<owner> owners_;
  std::vector<std::string> names_{"a", "b", "a:b", "\xc3\xa4 *"};
  std::vector<basis> old_;  // some that were right once
};

change to_change(const model_write& w) {
  using kind = model_write::tools_kind;
  change c(w.who, server(w.server), w.to);
  if (w.url) {
    details d;
    d.url = *w.url;
    c.set_details(d);
  }
  if (w.error_code) {
    failure f;
    f.code = *w.error_code;
    c.fail(f);
  }
  if (w.keep_connected_at) c.keep_connected_at();
  if (w.tools == kind::replace) c.tools(tools(w.list));
  if (w.tools == kind::empty || w.tools == kind::empty_allowed) c.tools(tools("[]"));
  if (w.tools == kind::empty_allowed) c.allow_empty_tools();
  if (w.tools == kind::drop) c.drop_tools();
  if (w.based_on) c.based_on(*w.based_on);
  return c;
}

std::string differ(const std::optional<errc>& expected, const result<connection>& got) {
  const auto shown = got ? std::string("done") : std::string(name_of(got.error().code())) + ": " + got.error().full_text();
  if (!expected) return got ? "" : "should be done, is " + shown;
  return !got && got.error().code() == *expected ? "" : "should be " + std::string(name_of(*expected)) + ", is " + shown;
}

// A clock that stands still shows its time in the first record.
asio::awaitable<void> model_run::learn_the_time() {
  if (!data_.has_manual_clock()) co_return;
  const auto first = co_await write(a_, user("first"), server("first"), status::connected);
  CO_ASSERT_OK(first);
  model_.now = first->connected_at;
  CO_ASSERT_OK(co_await a_.erase(user("first")));
}

model_write model_run::random_write() {
  using kind = model_write::tools_kind;
  constexpr status states[] = {status::connected, status::connected,     status::connecting,  status::failed,
                               status::failed,    status::auth_required, status::disconnected};
  model_write w{any_owner(), any_name(), states[below(7)], {}, {}, {}, {}, {}, below(2) == 0};
  constexpr kind kinds[] = {kind::keep,  kind::keep,          kind::replace, kind::replace,
                            kind::empty, kind::empty_allowed, kind::drop};
  w.tools = kinds[below(7)];
  if (w.to == status::disconnected && below(8)) w.tools = kind::keep;
  w.list = "[ {\"n\": " + std::to_string(below(1000)) + "}" + std::string(below(50), ' ') + "]";
  if (below(3) == 0) w.url = "https://example.org/" + std::to_string(below(10));
  if (below(3) == 0) w.error_code = "code_" + std::to_string(below(10));
  const auto there = model_.live(w.who, w.server);
  const auto choice = below(6);
  if (choice == 0) w.based_on = basis();
  if (choice == 1 && !old_.empty()) w.based_on = old_[below(old_.size())];
  if (choice >= 4) w.based_on = there ? there->seen : basis();
  return w;
}

asio::awaitable<std::string> model_run::put() {
  const auto w = random_write();
  auto c = to_change(w);
  const auto got = co_await either().put(std::move(c));
  auto wrong = differ(model_.write(w), got);
  if (!wrong.empty() || !got) co_return wrong;
  old_.push_back(got->seen);
  if (old_.size() > 64) old_.erase(old_.begin());
  co_return model_.adopt(*got, false);
}

// Two writers that have read the same: one wins, the other one is told.
asio::awaitable<std::string> model_run::race() {
  using namespace asio::experimental::awaitable_operators;
  auto w = random_write();
  w.tools = model_write::tools_kind::keep;
  const auto there = model_.live(w.who, w.server);
  w.based_on = there ? there->seen : basis();
  auto first = to_change(w), second = to_change(w);
  auto both = a_.put(std::move(first)) && b_.put(std::move(second));
  const auto done = co_await std::move(both);
  const auto& [one, other] = done;
  const auto& won = one ? one : other;
  const auto& lost = one ? other : one;
  if (!won || lost || !lost.error().is(cond::conflict))
    co_return "two writers with one basis did not end as one and a conflict";
  model_.write(w);
  co_return model_.adopt(*won, false);
}

asio::awaitable<std::string> model_run::disconnect() {
  const auto who = any_owner();
  std::optional<server_name> name;
  std::optional<std::string> text;
  if (below(3)) text = any_name();
  if (text) name = server(*text);
  const bool missing = text && !model_.live(who, *text);
  const auto got = co_await either().disconnect(who, name, std::nullopt);
  if (missing) co_return !got && got.error().is(cond::not_found) ? "" : "disconnect of nothing should be not_found";
  const auto expected = model_.disconnect(who, text);
  if (!got || *got != expected) co_return "disconnect should count " + std::to_string(expected);
  co_return co_await compare(who);
}

asio::awaitable<std::string> model_run::claim() {
  const auto from = owners_[3 + below(3)], to = owners_[below(3)];
  const auto expected = model_.claim(from, to);
  const auto got = co_await either().claim(from, to);
  if (!got) co_return "claim: " + got.error().full_text();
  if (got->moved != expected.first || got->kept != expected.second) co_return "claim moved or kept others";
  auto wrong = co_await compare(from);
  if (!wrong.empty()) co_return wrong;
  co_return co_await compare(to);
}

asio::awaitable<std::string> model_run::compare(owner who) {
  const auto expected = model_.live(who);
  const auto got = co_await either().list(who, tools_wanted::yes);
  if (!got) co_return "list: " + got.error().full_text();
  std::string names;
  for (const auto& [name, r] : expected) names += (names.empty() ? "" : " ") + name;
  if (names_of((*got)->records()) != names)
    co_return who.text() + " has '" + names_of((*got)->records()) + "' and should have '" + names + "'";
  for (const auto& c : **got) {
    auto wrong = model_.adopt(c, true);
    if (!wrong.empty()) co_return wrong;
  }
  co_return "";
}

asio::awaitable<std::string> model_run::compare_all() {
  std::set<std::string> expected, found;
  for (const auto& who : owners_) {
    auto wrong = co_await compare(who);
    if (!wrong.empty()) co_return wrong;
    if (!model_.live(who).empty()) expected.insert(who.text());
  }
  std::string cursor;
  do {
    const auto page = co_await either().scan(cursor);
    if (!page) co_return "scan: " + page.error().full_text();
    for (const auto& o : page->owners) {
      found.insert(o.owner.text());
      if (o.records != model_.live(o.owner).size()) co_return "scan counts the records of " + o.owner.text() + " wrongly";
    }
    cursor = page->cursor;
  } while (!cursor.empty());
  co_return found == expected ? "" : "scan finds other owners";
}

asio::awaitable<std::string> model_run::step() {
  const auto choice = below(100);
  if (choice < 50) co_return co_await put();
  if (choice < 55) co_return co_await race();
  if (choice < 62) co_return co_await disconnect();
  if (choice < 66) co_return co_await claim();
  const auto who = any_owner();
  if (choice < 68) {
    const auto expected = model_.erase(who);
    const auto got = co_await either().erase(who);
    co_return got && *got == expected ? "" : "erase should count " + std::to_string(expected);
  }
  if (choice < 74) {
    std::optional<server_name> name;
    std::optional<std::string> text;
    if (below(2)) text = any_name();
    if (text) name = server(*text);
    const auto expected = model_.touch(who, text);
    const auto got = co_await either().touch(who, name);
    co_return got && *got == expected ? "" : "touch should count " + std::to_string(expected);
  }
  if (choice < 78 && model_.now) {
    const auto time = std::chrono::milliseconds(below(4) ? below(2000) : below(12000));
    co_await data_.pass(time);
    *model_.now += time;
    co_return "";
  }
  if (choice < 90) {
    const auto name = any_name();
    const auto got = co_await either().get(who, server(name), tools_wanted::yes);
    if (!got) co_return "get: " + got.error().full_text();
    if (got->has_value() != model_.live(who, name).has_value()) co_return "get: there or not";
    co_return *got ? model_.adopt(**got, true) : "";
  }
  co_return co_await compare(who);
}

asio::awaitable<void> random_operations(store_pair on) {
  const auto start = seed();
  const bool memory = on.a.description() == "memory";
  const int steps = memory ? 100'000 : 6'000;
  model_run run(on.data, on.a, on.b, start);
  co_await run.learn_the_time();
  for (int i = 0; i < steps; ++i) {
    auto wrong = co_await run.step();
    if (wrong.empty() && i % 500 == 499) wrong = co_await run.compare_all();
    if (wrong.empty()) continue;
    ADD_FAILURE() << "step " << i << ": " << wrong << "\nrepeat with MCPSTATE_SEED=" << start;
    co_return;
  }
}

}  // namespace

// Short lives where the clock is ours to move, else lives that outlast the test.
TEST_P(Store, AgreesWithItsModelInRandomOperations) {
  store_options options;
  if (GetParam().make()->has_manual_clock()) {
    options.ttl = 10s;
    options.max_lifetime = 60s;
  }
  run(&random_operations, options, 300s);
}

}  // namespace mcpstate::test
