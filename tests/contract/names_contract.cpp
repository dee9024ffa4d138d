// SPDX-License-Identifier: MIT
// Names of every kind, and the views over many records: list, scan, stats, examine.
#include <algorithm>
#include <set>

#include "contract/store_contract.hh"

namespace mcpstate::test {

namespace {

std::vector<std::string> hostile_names() {
  return {"a",
          "a:b",
          "a:server:b:status",
          "42:server:github",
          "connections",
          "servers",
          "%",
          "%41",
          "a%3Ab",
          "*",
          "a*",
          "[a]",
          "a?",
          "{42}",
          "{",
          "a\\b",
          "a'b",
          "a\"b",
          "'; DROP TABLE records; --",
          "a b",
          " ",
          "a\nb",
          "a\r\nSET x 1",
          std::string("a\0b", 3),
          "\x7f",
          "gr\xc3\xbc\xc3\x9f",
          "\xf0\x9f\x98\x80",
          "A",
          "../../etc/passwd",
          "io.github.x/y",
          std::string(512, 'x')};
}

}  // namespace

STORE_TEST(SortsListsByName) {
  for (const char* name : {"zebra", "alpha", "Mike", "a:b", "a%", "a b", "\xc3\xa4"})
    CO_ASSERT_OK(co_await write(on.a, user("42"), server(name), status::connected));
  const auto all = co_await on.b.list(user("42"), tools_wanted::no);
  CO_ASSERT_OK(all);
  std::vector<std::string> names;
  for (const auto& c : **all) names.push_back(c.server);
  EXPECT_EQ(names.size(), 7u);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
}

STORE_TEST(ListsEveryStateAndToolsOnlyOnRequest) {
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("a"), status::connected, R"([{"name":"t"}])"));
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("b"), status::failed));
  CO_ASSERT_OK(co_await write(on.a, user("42"), server("c"), status::disconnected));
  const auto plain = co_await on.b.list(user("42"), tools_wanted::no);
  CO_ASSERT_OK(plain);
  EXPECT_EQ(names_of((*plain)->records()), "a b c");
  for (const auto& c : **plain) EXPECT_FALSE(c.tools);
  const auto full = co_await on.b.list(user("42"), tools_wanted::yes);
  CO_ASSERT_OK(full);
  CO_ASSERT_EQ((*full)->size(), 3u);
  CO_ASSERT_TRUE((**full)[0].tools);
  EXPECT_EQ(*(**full)[0].tools, R"([{"name":"t"}])");
  EXPECT_FALSE((**full)[1].tools);
}

STORE_TEST(ConfinesHostileServerNames) {
  const auto names = hostile_names();
  std::uint64_t n = 0;
  for (const auto& name : names) {
    const auto list = "[" + std::to_string(n++) + "]";
    CO_ASSERT_OK(co_await write(on.a, user("42"), server(name), status::connected, list));
  }
  const auto all = co_await on.b.list(user("42"), tools_wanted::yes);
  CO_ASSERT_OK(all);
  EXPECT_EQ((*all)->size(), names.size());
  n = 0;
  for (const auto& name : names) {
    const auto got = co_await read(on.b, user("42"), server(name));
    CO_ASSERT_OK(got);
    EXPECT_EQ(got->server, name);
    CO_ASSERT_TRUE(got->tools);
    EXPECT_EQ(*got->tools, "[" + std::to_string(n++) + "]");
    EXPECT_TRUE(got->problems.empty());
  }
  CO_ASSERT_OK(co_await on.a.disconnect(user("42"), server("*"), std::nullopt));
  const auto left = co_await on.b.list(user("42"), tools_wanted::no);
  CO_ASSERT_OK(left);
  EXPECT_EQ(std::count_if((*left)->begin(), (*left)->end(), [](const auto& c) { return c.connected(); }),
            static_cast<std::ptrdiff_t>(names.size()) - 1);
}

STORE_TEST(ConfinesHostileOwnerNames) {
  const auto names = hostile_names();
  for (const auto& name : names) {
    CO_ASSERT_OK(co_await write(on.a, user(name), server("s"), status::connected));
    CO_ASSERT_OK(co_await write(on.a, session(name), server("s"), status::failed));
  }
  for (const auto& name : names) {
    const auto mine = co_await on.b.list(user(name), tools_wanted::no);
    CO_ASSERT_OK(mine);
    CO_ASSERT_EQ((*mine)->size(), 1u);
    EXPECT_TRUE((*mine)->front().connected());
    EXPECT_EQ((*mine)->front().owner, user(name));
    const auto erased = co_await on.b.erase(session(name));
    CO_ASSERT_OK(erased);
    EXPECT_EQ(*erased, 1u);
  }
}

STORE_TEST(ScansEveryOwnerOnceOverAllPages) {
  std::set<std::string> expected;
  for (int i = 0; i < 600; ++i) {
    const auto who = i % 3 ? user("u" + std::to_string(i)) : session("s:" + std::to_string(i));
    CO_ASSERT_OK(co_await write(on.a, who, server("a"), status::connected));
    if (i % 2) CO_ASSERT_OK(co_await write(on.a, who, server("b"), status::failed));
    expected.insert(who.text());
  }
  CO_ASSERT_OK(co_await on.a.erase(user("u1")));
  expected.erase("user:u1");
  std::set<std::string> found;
  std::string cursor;
  do {
    const auto page = co_await on.b.scan(cursor);
    CO_ASSERT_OK(page);
    for (const auto& o : page->owners) {
      EXPECT_TRUE(found.insert(o.owner.text()).second) << o.owner.text() << " twice";
      EXPECT_EQ(o.connected, 1u);
      EXPECT_EQ(o.records, std::stoi(o.owner.id().substr(o.owner.id().find_first_of("0123456789"))) % 2 ? 2u : 1u);
      EXPECT_TRUE(o.expires_at);
    }
    cursor = page->cursor;
  } while (!cursor.empty());
  EXPECT_EQ(found, expected);
}

STORE_TEST(RefusesAnUnknownCursor) {
  for (const std::string cursor : {"what is this?", "99999999999999999999", "18446744073709551616", "-1", " 7", "user:"}) {
    const auto page = co_await on.a.scan(cursor);
    EXPECT_TRUE(!page && page.error().is(cond::invalid)) << cursor;
  }
}

STORE_TEST(CountsItsRecordsInStats) {
  CO_ASSERT_OK(co_await write(on.a, user("1"), server("a"), status::connected, R"([{"name":"t"}])"));
  CO_ASSERT_OK(co_await write(on.a, user("1"), server("b"), status::failed));
  CO_ASSERT_OK(co_await write(on.a, user("2"), server("a"), status::auth_required));
  CO_ASSERT_OK(co_await write(on.a, session("3"), server("a"), status::connecting));
  CO_ASSERT_OK(co_await write(on.a, session("3"), server("b"), status::disconnected));
  const auto s = co_await on.b.stats(nullptr);
  CO_ASSERT_OK(s);
  EXPECT_EQ(s->users, 2u);
  EXPECT_EQ(s->sessions, 1u);
  EXPECT_EQ(s->connected, 1u);
  EXPECT_EQ(s->failed, 2u);
  EXPECT_EQ(s->disconnected, 2u);
  EXPECT_EQ(s->tools_bytes, 14u);
  EXPECT_FALSE(s->kind.empty());
  EXPECT_FALSE(s->where.empty());
  EXPECT_FALSE(s->version.empty());
}

STORE_TEST(HasNoFindingsAboutItsOwnWrites) {
  for (const auto& name : hostile_names()) {
    CO_ASSERT_OK(co_await write(on.a, user(name), server(name), status::connected, R"([{"name":"t"}])"));
    CO_ASSERT_OK(co_await write(on.a, session("s"), server(name), status::failed));
  }
  CO_ASSERT_OK(co_await on.a.claim(session("s"), user("u")));
  CO_ASSERT_OK(co_await on.a.disconnect(user("a"), std::nullopt, std::nullopt));
  for (const bool fix : {false, true}) {
    const auto found = co_await on.b.examine(fix, nullptr);
    CO_ASSERT_OK(found);
    EXPECT_FALSE(found->empty());
    for (const auto& f : *found) EXPECT_NE(f.severity, finding::level::problem) << f.check << ": " << f.text;
  }
  const auto left = co_await on.a.list(user("u"), tools_wanted::no);
  CO_ASSERT_OK(left);
  EXPECT_EQ((*left)->size(), hostile_names().size());
}

}  // namespace mcpstate::test
