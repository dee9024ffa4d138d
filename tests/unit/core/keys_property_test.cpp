// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include <mcpstate/core/keys.hpp>

#include "support/seed.hh"

// Names cannot reach other keys: encoding is a bijection onto the keys of ours, whatever the names.
namespace mcpstate {
namespace {

constexpr int triples = 250'000;

// What an attacker would put into a name: the separators, the words of the layout, patterns, escapes, control bytes, and
// text that already looks encoded.
constexpr std::string_view pieces[] = {":",
                                       "%",
                                       "{",
                                       "}",
                                       "*",
                                       "?",
                                       "[",
                                       "]",
                                       "\\",
                                       "server",
                                       "status",
                                       "tools",
                                       "info",
                                       "lease",
                                       "staging",
                                       "connected_at",
                                       "connections",
                                       "servers",
                                       "user",
                                       "session",
                                       "mcp",
                                       "owners",
                                       ":server:",
                                       ":status",
                                       "%3A",
                                       "%25",
                                       "%3a",
                                       "%",
                                       "\n",
                                       "\r",
                                       "\t",
                                       "\x01",
                                       "\x1f",
                                       "\x7f",
                                       " ",
                                       "é",
                                       "日",
                                       "😀",
                                       "\xc2\x80",
                                       "a",
                                       "b",
                                       "0",
                                       "1",
                                       "-",
                                       "_",
                                       ".",
                                       "/",
                                       "\"",
                                       "'"};

class hostile_names {
 public:
  explicit hostile_names(std::uint64_t seed) : random_(seed) {}

  std::string name() {
    std::string out;
    // Mostly short: then different triples meet often, and a collision of two encodings would show.
    const std::size_t parts = 1 + pick(pick(20) == 0 ? 40 : 4);
    for (std::size_t i = 0; i < parts; ++i) out += piece();
    return out;
  }
  owner who() { return owner::make(pick(2) == 0 ? owner_kind::user : owner_kind::session, name()).value(); }
  key_field field() { return static_cast<key_field>(pick(8)); }
  parsed_key any_key(key_layout layout) {
    parsed_key out(static_cast<key_kind>(pick(static_cast<std::size_t>(key_kind::oauth_client) + 1)));
    const auto is = [&out](std::initializer_list<key_kind> kinds) {
      return std::find(kinds.begin(), kinds.end(), out.kind) != kinds.end();
    };
    using k = key_kind;
    const bool in_slot = is({k::slot_managed, k::slot_server_owners, k::slot_shared_tools});
    if (in_slot && layout == key_layout::plain) return any_key(layout);
    const bool of_credential =
        is({k::credential, k::credential_headers, k::credential_values, k::credential_lock, k::login});
    if (out.kind <= k::staging || of_credential || out.kind == k::credential_names) out.owner = who();
    if (in_slot) out.slot = text_of("0123456789abcdefghijklmnopqrstuvwxyz", 1 + pick(4));
    const bool of_record = out.kind <= k::staging && !is({k::connections, k::servers});
    if (of_record || of_credential || is({k::server_owners, k::slot_server_owners})) out.member = encode_name(name());
    if (out.kind == k::staging) out.part = nonce();
    if (is({k::managed, k::server_owners})) out.part = std::to_string(pick(1'000'000'000));
    if (is({k::shared_tools, k::slot_shared_tools, k::oauth_flow, k::oauth_client}))
      out.part = text_of("0123456789abcdef", 64);
    return out;
  }
  // The same key with a piece put in, or a byte taken out, somewhere.
  std::string broken(std::string key) {
    const std::size_t at = pick(key.size());
    if (pick(2) == 0) return key.erase(at, 1);
    return key.insert(at, piece());
  }
  std::string nonce() {
    std::string out;
    for (int i = 0; i < 4; ++i) out += "0123456789abcdef"[pick(16)];
    return out;
  }

 private:
  std::string text_of(std::string_view letters, std::size_t length) {
    std::string out;
    while (out.size() < length) out += letters[pick(letters.size())];
    return out;
  }
  std::size_t pick(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_); }
  std::string_view piece() {
    static constexpr std::string_view nul("\0", 1);
    const std::size_t i = pick(std::size(pieces) + 1);
    return i == std::size(pieces) ? nul : pieces[i];
  }
  std::mt19937_64 random_;
};

struct triple {
  owner who;
  std::string server;  // empty for the two sets
  key_field field;
  std::string nonce;
  bool operator==(const triple&) const = default;
};

bool is_set(key_field field) { return field == key_field::connections || field == key_field::servers; }

std::string key_of(const key_space& keys, const triple& t) {
  if (t.field == key_field::connections) return keys.connections(t.who);
  if (t.field == key_field::servers) return keys.servers(t.who);
  if (t.field == key_field::staging) return keys.staging(t.who, encode_name(t.server), t.nonce);
  return keys.server_key(t.who, encode_name(t.server), t.field);
}

triple next_triple(hostile_names& names) {
  triple t{names.who(), {}, names.field(), {}};
  if (!is_set(t.field)) t.server = names.name();
  if (t.field == key_field::staging) t.nonce = names.nonce();
  return t;
}

class KeyProperty : public testing::TestWithParam<key_layout> {};

TEST_P(KeyProperty, MapsNamesToKeysOneToOne) {
  hostile_names names(test::seed());
  const key_space keys = key_space::make("mcp", GetParam()).value();
  std::unordered_map<std::string, triple> seen;
  seen.reserve(triples);
  for (int i = 0; i < triples; ++i) {
    const triple t = next_triple(names);
    const std::string key = key_of(keys, t);
    const auto parsed = keys.parse(key);
    ASSERT_TRUE(parsed) << key;
    ASSERT_EQ(parsed->owner, t.who) << key;
    ASSERT_EQ(parsed->field, t.field) << key;
    ASSERT_EQ(decode_name(parsed->member), t.server) << key;
    ASSERT_EQ(parsed->nonce, t.nonce) << key;
    const auto [known, fresh] = seen.emplace(key, t);
    ASSERT_TRUE(fresh || known->second == t) << "two names, one key: " << key;
  }
}

// Redis reads patterns in key names (SCAN MATCH, CLIENT TRACKING prefixes are literal) and hash tags: neither may come from
// a name, and on a cluster all keys of an owner share one tag that only the owner decides.
TEST_P(KeyProperty, KeepsPatternsTagsAndSeparatorsOutOfKeys) {
  hostile_names names(test::seed() + 1);
  const bool tagged = GetParam() == key_layout::tagged;
  const key_space keys = key_space::make("mcp", GetParam()).value();
  for (int i = 0; i < 50'000; ++i) {
    const triple t = next_triple(names);
    const std::string key = key_of(keys, t);
    ASSERT_EQ(key.find_first_of("*?[]\\"), std::string::npos) << key;
    ASSERT_EQ(key.rfind(keys.owner_prefix(t.who), 0), 0U) << key;
    const std::string encoded = encode_name(t.who.id());
    const std::size_t open = key.find('{');
    if (tagged) {
      ASSERT_EQ(key.substr(open, encoded.size() + 2), "{" + encoded + "}") << key;
      ASSERT_EQ(key.find_first_of("{}", open + encoded.size() + 2), std::string::npos) << key;
    } else {
      ASSERT_EQ(key.find_first_of("{}"), std::string::npos) << key;
    }
  }
}

// Every kind of key, with hostile names: built, identified as what it is, and built again.
TEST_P(KeyProperty, IdentifiesAndRebuildsEveryKind) {
  hostile_names names(test::seed() + 3);
  const key_space keys = key_space::make("mcp", GetParam()).value();
  std::unordered_map<std::string, parsed_key> seen;
  std::set<key_kind> kinds;
  for (int i = 0; i < 20'000; ++i) {
    const parsed_key parts = names.any_key(GetParam());
    const std::string key = keys.build(parts);
    const auto found = keys.identify(key);
    ASSERT_TRUE(found) << key;
    ASSERT_EQ(found->kind, parts.kind) << key;
    ASSERT_EQ(*found, parts) << key;
    ASSERT_EQ(keys.build(*found), key);
    ASSERT_EQ(keys.parse(key).has_value(), parts.kind <= key_kind::staging) << key;
    const auto [known, fresh] = seen.emplace(key, parts);
    ASSERT_TRUE(fresh || known->second == parts) << "two meanings, one key: " << key;
    kinds.insert(parts.kind);
  }
  constexpr std::size_t all_kinds = 24, slot_kinds = 3;
  EXPECT_EQ(kinds.size(), GetParam() == key_layout::tagged ? all_kinds : all_kinds - slot_kinds);
}

// Whatever bytes a key holds: what is identified is built again byte for byte.
TEST_P(KeyProperty, RebuildsIdentifiedKeysByteForByte) {
  hostile_names names(test::seed() + 4);
  const key_space keys = key_space::make("mcp", GetParam()).value();
  int identified = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = names.broken(keys.build(names.any_key(GetParam())));
    const auto found = keys.identify(key);
    if (!found) continue;
    ++identified;
    ASSERT_EQ(keys.build(*found), key);
  }
  EXPECT_GT(identified, 1000);
}

INSTANTIATE_TEST_SUITE_P(Layouts, KeyProperty, testing::Values(key_layout::plain, key_layout::tagged),
                         [](const auto& layout) { return layout.param == key_layout::plain ? "plain" : "tagged"; });

// Whatever bytes a key holds: if it parses, building it again from the parts gives the very same bytes.
TEST(KeyRebuilding, RebuildsParsedKeysByteForByte) {
  hostile_names names(test::seed() + 2);
  const key_space keys = key_space::make().value();
  int parsed_keys = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string key = "mcp:user:" + names.name() + (i % 2 == 0 ? ":server:" : ":") + names.name() + ":status";
    const auto parsed = keys.parse(key);
    if (!parsed) continue;
    ++parsed_keys;
    const std::string rebuilt = parsed->field == key_field::staging
                                    ? keys.staging(parsed->owner, parsed->member, parsed->nonce)
                                    : keys.server_key(parsed->owner, parsed->member, parsed->field);
    ASSERT_EQ(rebuilt, key);
  }
  EXPECT_GT(parsed_keys, 1000);
}

}  // namespace
}  // namespace mcpstate
