// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include <mcpstate/core/keys.hpp>

namespace mcpstate {
namespace {

key_space plain_keys() { return key_space::make().value(); }
key_space tagged_keys() { return key_space::make("mcp", key_layout::tagged).value(); }

constexpr key_field record_fields[] = {key_field::status, key_field::tools, key_field::connected_at, key_field::info,
                                       key_field::lease};

// The layout that other programs read. Do not change a line of these two tests.
TEST(Keys, HaveThePlainLayoutOfOtherPrograms) {
  const key_space keys = plain_keys();
  const owner user = *owner::user("42");
  EXPECT_EQ(keys.kind_prefix(owner_kind::user), "mcp:user:");
  EXPECT_EQ(keys.kind_prefix(owner_kind::session), "mcp:session:");
  EXPECT_EQ(keys.owner_prefix(user), "mcp:user:42:");
  EXPECT_EQ(keys.connections(user), "mcp:user:42:connections");
  EXPECT_EQ(keys.servers(user), "mcp:user:42:servers");
  EXPECT_EQ(keys.server_key(user, "github", key_field::status), "mcp:user:42:server:github:status");
  EXPECT_EQ(keys.server_key(user, "github", key_field::tools), "mcp:user:42:server:github:tools");
  EXPECT_EQ(keys.server_key(user, "github", key_field::connected_at), "mcp:user:42:server:github:connected_at");
  EXPECT_EQ(keys.server_key(user, "github", key_field::info), "mcp:user:42:server:github:info");
  EXPECT_EQ(keys.server_key(user, "github", key_field::lease), "mcp:user:42:server:github:lease");
  EXPECT_EQ(keys.staging(user, "github", "a1"), "mcp:user:42:server:github:staging:a1");
  EXPECT_EQ(keys.connections(*owner::session("9fK")), "mcp:session:9fK:connections");
  EXPECT_EQ(keys.server_key(*owner::session("9fK"), "github", key_field::status), "mcp:session:9fK:server:github:status");
  EXPECT_EQ(keys.server_owners(*server_name::parse("github"), 3), "mcp:server:github:owners:3");
  EXPECT_EQ(keys.managed(15), "mcp:managed:15");
  EXPECT_EQ(keys.instances(), "mcp:instances");
}

TEST(Keys, ShareOneHashTagPerOwnerInTheTaggedLayout) {
  const key_space keys = tagged_keys();
  const owner user = *owner::user("42");
  EXPECT_EQ(keys.kind_prefix(owner_kind::user), "mcp:user:");
  EXPECT_EQ(keys.owner_prefix(user), "mcp:user:{42}:");
  EXPECT_EQ(keys.connections(user), "mcp:user:{42}:connections");
  EXPECT_EQ(keys.servers(user), "mcp:user:{42}:servers");
  EXPECT_EQ(keys.server_key(user, "github", key_field::status), "mcp:user:{42}:server:github:status");
  EXPECT_EQ(keys.server_key(user, "github", key_field::tools), "mcp:user:{42}:server:github:tools");
  EXPECT_EQ(keys.server_key(user, "github", key_field::connected_at), "mcp:user:{42}:server:github:connected_at");
  EXPECT_EQ(keys.server_key(user, "github", key_field::info), "mcp:user:{42}:server:github:info");
  EXPECT_EQ(keys.server_key(user, "github", key_field::lease), "mcp:user:{42}:server:github:lease");
  EXPECT_EQ(keys.staging(user, "github", "a1"), "mcp:user:{42}:server:github:staging:a1");
  EXPECT_EQ(keys.servers(*owner::session("9fK")), "mcp:session:{9fK}:servers");
  EXPECT_EQ(keys.server_owners(*server_name::parse("github"), 0), "mcp:server:github:owners:0");
}

TEST(Keys, EncodeHostileNames) {
  const owner user = *owner::user("a:b{c}*");
  EXPECT_EQ(plain_keys().connections(user), "mcp:user:a%3Ab%7Bc%7D%2A:connections");
  EXPECT_EQ(tagged_keys().connections(user), "mcp:user:{a%3Ab%7Bc%7D%2A}:connections");
  EXPECT_EQ(plain_keys().server_owners(*server_name::parse("x:owners:1"), 2), "mcp:server:x%3Aowners%3A1:owners:2");
}

TEST(Keys, AcceptGoodPrefixesOnly) {
  for (const char* good : {"mcp", "a", "app:mcp", "A-b_c.9", "x:y:z"}) {
    const auto keys = key_space::make(good);
    ASSERT_TRUE(keys) << good;
    EXPECT_EQ(keys->prefix(), good);
    EXPECT_EQ(keys->layout(), key_layout::plain);
    EXPECT_EQ(keys->connections(*owner::user("1")), std::string(good) + ":user:1:connections");
    EXPECT_TRUE(keys->parse(std::string(good) + ":user:1:connections"));
  }
  EXPECT_TRUE(key_space::make(std::string(64, 'p')));
  for (const std::string& bad :
       {std::string(), std::string(65, 'p'), std::string(":a"), std::string("a:"), std::string("a::b"), std::string("a b"),
        std::string("{a}"), std::string("a*"), std::string("é"), std::string("a\0b", 3)}) {
    const auto keys = key_space::make(bad);
    ASSERT_FALSE(keys) << bad;
    EXPECT_EQ(keys.error().code(), errc::bad_argument);
  }
}

TEST(EncodedName, EncodesExactlyTheDangerousBytes) {
  const std::string dangerous = ":%{}*?[]\\";
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::string raw(1, static_cast<char>(byte));
    const bool encoded = byte < 0x20 || byte == 0x7f || dangerous.find(raw) != std::string::npos;
    char hex[4];
    std::snprintf(hex, sizeof hex, "%%%02X", byte);
    EXPECT_EQ(encode_name(raw), encoded ? hex : raw) << byte;
    EXPECT_EQ(decode_name(encode_name(raw)), raw) << byte;
    // A byte that must be encoded is not accepted raw, and one that must not be is not accepted encoded.
    EXPECT_EQ(decode_name(raw).has_value(), !encoded) << byte;
    EXPECT_EQ(decode_name(hex).has_value(), encoded) << byte;
  }
}

TEST(EncodedName, LeavesPlainNamesAlone) {
  for (const char* name :
       {"github", "io.github.x/y", "My Server", "Zoë", "日本語", "a-b_c.d~e!f@g#h$i^j&k(l)m+n=o,p;q'r\"s<t>u|v`w"}) {
    EXPECT_EQ(encode_name(name), name);
    EXPECT_EQ(decode_name(name), name);
  }
  EXPECT_EQ(encode_name(""), "");
  EXPECT_EQ(decode_name(""), "");
}

TEST(EncodedName, DecodesOnlyOurOwnEncoding) {
  for (const char* text : {"%", "%3", "a%", "a%3", "%3a", "%7b", "%GG", "%41", "%80", "%FF", "%%", "%25%", "a:b", "{a}",
                           "a\nb", "% 3A", "%-3", "%3A:", "*"}) {
    EXPECT_FALSE(decode_name(text)) << text;
  }
  EXPECT_EQ(decode_name("%25%3A%2541"), "%:%41");
}

TEST(EncodedName, TellsForeignMembersFromOurs) {
  EXPECT_EQ(name_of_member("github").text, "github");
  EXPECT_FALSE(name_of_member("github").foreign);
  EXPECT_EQ(name_of_member("a%3Ab").text, "a:b");
  EXPECT_FALSE(name_of_member("a%3Ab").foreign);
  for (const std::string& foreign : {std::string("a:b"), std::string("%41"), std::string(""), std::string("caf\xe9"),
                                     std::string(513, 'x'), std::string("a\nb")}) {
    EXPECT_EQ(name_of_member(foreign).text, foreign);
    EXPECT_TRUE(name_of_member(foreign).foreign) << foreign;
  }
}

TEST(Keys, AreParsedFromWhatTheyBuild) {
  for (const key_space& keys : {plain_keys(), tagged_keys()}) {
    for (const owner& who :
         {*owner::user("42"), *owner::session("x:y{z}"), *owner::user("server"), *owner::user("connections")}) {
      const auto connections = keys.parse(keys.connections(who));
      ASSERT_TRUE(connections);
      EXPECT_EQ(connections->owner, who);
      EXPECT_EQ(connections->field, key_field::connections);
      EXPECT_EQ(connections->member, "");
      const auto servers = keys.parse(keys.servers(who));
      ASSERT_TRUE(servers);
      EXPECT_EQ(servers->field, key_field::servers);
      for (const key_field field : record_fields) {
        const auto one = keys.parse(keys.server_key(who, "github", field));
        ASSERT_TRUE(one);
        EXPECT_EQ(one->owner, who);
        EXPECT_EQ(one->field, field);
        EXPECT_EQ(one->member, "github");
        EXPECT_EQ(one->nonce, "");
      }
      const auto staging = keys.parse(keys.staging(who, "github", "0a1b-2_c"));
      ASSERT_TRUE(staging);
      EXPECT_EQ(staging->field, key_field::staging);
      EXPECT_EQ(staging->member, "github");
      EXPECT_EQ(staging->nonce, "0a1b-2_c");
    }
  }
}

struct foreign_key {
  const char* key;
  const char* member;
  key_field field;
};

TEST(Keys, FindForeignMembersRaw) {
  constexpr foreign_key keys[] = {
      {"mcp:user:42:server:a:b:status", "a:b", key_field::status},
      {"mcp:user:42:server:server:x:tools:tools", "server:x:tools", key_field::tools},
      {"mcp:user:42:server:status:status", "status", key_field::status},
      {"mcp:user:42:server::status", "", key_field::status},
      {"mcp:user:42:server:x:staging:status", "x:staging", key_field::status},
      {"mcp:user:42:server:a:b:staging:1f", "a:b", key_field::staging},
      {"mcp:user:42:server:{x}*:info", "{x}*", key_field::info},
      {"mcp:user:42:server:caf\xe9:connected_at", "caf\xe9", key_field::connected_at},
  };
  for (const foreign_key& k : keys) {
    const auto parsed = plain_keys().parse(k.key);
    ASSERT_TRUE(parsed) << k.key;
    EXPECT_EQ(parsed->member, k.member) << k.key;
    EXPECT_EQ(parsed->field, k.field) << k.key;
    EXPECT_EQ(parsed->owner, *owner::user("42"));
  }
}

TEST(Keys, IgnoreOtherKeys) {
  for (const char* key : {"",
                          "mcp",
                          "mcp:",
                          "mcp:user:",
                          "mcp:user:42",
                          "mcp:user:42:",
                          "mcp:user::connections",
                          "mcp:user:42:connection",
                          "mcp:user:42:connections:",
                          "mcp:user:42:connections:x",
                          "mcp:user:42:server",
                          "mcp:user:42:server:",
                          "mcp:user:42:server:x",
                          "mcp:user:42:server:x:",
                          "mcp:user:42:server:x:other",
                          "mcp:user:42:server:x:staging",
                          "mcp:user:42:server:x:staging:",
                          "mcp:user:42:server:x:staging:a b",
                          "mcp:user:42:servers:x:status",
                          "mcp:users:42:connections",
                          "xmcp:user:42:connections",
                          "MCP:user:42:connections",
                          "mcp:User:42:connections",
                          "mcp:user:{42}:connections",
                          "mcp:user:%41:connections",
                          "mcp:user:%3a:connections",
                          "mcp:user:4*:connections",
                          "mcp:user:\xff:connections",
                          "mcp:server:github:owners:0",
                          "mcp:tools:4f53cda18c2b",
                          "mcp:session",
                          "celery"}) {
    EXPECT_FALSE(plain_keys().parse(key)) << key;
  }
  const std::string endless = "mcp:user:" + std::string(513, 'x') + ":connections";
  EXPECT_FALSE(plain_keys().parse(endless));
  for (const char* key :
       {"mcp:user:42:connections", "mcp:user:{}:connections", "mcp:user:{:connections", "mcp:user:{42:connections",
        "mcp:user:42}:connections", "mcp:user:{{42}}:connections", "mcp:user:{%41}:connections"}) {
    EXPECT_FALSE(tagged_keys().parse(key)) << key;
  }
}

TEST(Keys, RecogniseTheOwnersOfAServer) {
  const key_space keys = plain_keys();
  for (const char* name : {"github", "x:owners:1", ":owners:", "日本語", "a b"}) {
    const auto found = keys.identify(keys.server_owners(*server_name::parse(name), 17));
    ASSERT_TRUE(found) << name;
    EXPECT_EQ(found->kind, key_kind::server_owners) << name;
    EXPECT_EQ(decode_name(found->member), name);
    EXPECT_EQ(found->part, "17");
  }
  for (const char* key : {"", "mcp:server:", "mcp:server:github", "mcp:server:github:owners",
                          "mcp:server:github:owners:", "mcp:server:github:owners:x", "mcp:server:github:owners:1:2",
                          "mcp:server::owners:1", "mcp:server:a:b:owners:1", "mcp2:server:github:owners:1",
                          "mcp:server:github:owners:01", "mcp:server:github:owners:4294967296"}) {
    EXPECT_FALSE(keys.identify(key)) << key;
  }
  EXPECT_FALSE(keys.identify("mcp:user:github:owners:1"));
}

constexpr const char* hash = "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945";

// Reserved for later versions. Do not change a line of these two tables.
TEST(Keys, HaveReservedNames) {
  const key_space keys = plain_keys();
  const owner user = *owner::user("42");
  const server_name github = *server_name::parse("github");
  EXPECT_EQ(keys.credential_key(user, github, key_kind::credential), "mcp:auth:user:42:server:github");
  EXPECT_EQ(keys.credential_key(user, github, key_kind::credential_headers), "mcp:auth:user:42:server:github:headers");
  EXPECT_EQ(keys.credential_key(user, github, key_kind::credential_values), "mcp:auth:user:42:server:github:values");
  EXPECT_EQ(keys.credential_key(user, github, key_kind::credential_lock), "mcp:auth:user:42:server:github:lock");
  EXPECT_EQ(keys.credential_key(user, github, key_kind::login), "mcp:auth:user:42:server:github:login");
  EXPECT_EQ(keys.credential_names(*owner::session("9fK")), "mcp:auth:session:9fK:names");
  EXPECT_EQ(keys.oauth_flow(hash), std::string("mcp:oauth:flow:") + hash);
  EXPECT_EQ(keys.oauth_client(hash), std::string("mcp:oauth:client:") + hash);
  EXPECT_EQ(keys.layout_marker(), "mcp:layout");
  EXPECT_EQ(keys.shared_tools(hash), std::string("mcp:tools:") + hash);
}

TEST(Keys, HaveReservedNamesInTheTaggedLayout) {
  const key_space keys = tagged_keys();
  const owner user = *owner::user("42");
  const server_name github = *server_name::parse("github");
  EXPECT_EQ(keys.credential_key(user, github, key_kind::credential), "mcp:auth:user:{42}:server:github");
  EXPECT_EQ(keys.credential_names(user), "mcp:auth:user:{42}:names");
  EXPECT_EQ(keys.slot_managed("1bz"), "mcp:{1bz}:managed");
  EXPECT_EQ(keys.slot_server_owners("1bz", github), "mcp:{1bz}:owners:github");
  EXPECT_EQ(keys.slot_shared_tools("1", hash), std::string("mcp:tools:{1}:") + hash);
  EXPECT_EQ(keys.layout_marker(), "mcp:layout");
}

TEST(Keys, RejectLookalikesOfReservedNames) {
  const std::string upper = "4F53CDA18C2BAA0C0354BB5F9A3ECBE5ED12AB4D8E11BA873C2F11161202B945";
  for (const key_space& keys : {plain_keys(), tagged_keys()}) {
    for (const std::string& key : {std::string("mcp:auth"),
                                   std::string("mcp:auth:"),
                                   std::string("mcp:auth:user:42"),
                                   std::string("mcp:auth:user:{42}:"),
                                   std::string("mcp:auth:user:{42}:name"),
                                   std::string("mcp:auth:user:{42}:names:"),
                                   std::string("mcp:auth:user:{42}:server:"),
                                   std::string("mcp:auth:user:{42}:server::lock"),
                                   std::string("mcp:auth:user:{42}:server:github:"),
                                   std::string("mcp:auth:user:{42}:server:github:status"),
                                   std::string("mcp:auth:user:{42}:server:a:b:lock"),
                                   std::string("mcp:auth:user:{42}:server:%41"),
                                   std::string("mcp:auth:users:{42}:names"),
                                   std::string("mcp:oauth:flow:"),
                                   std::string("mcp:oauth:flow:abc"),
                                   std::string("mcp:oauth:flow:") + upper,
                                   std::string("mcp:oauth:client:") + hash + "0",
                                   std::string("mcp:oauth:other:") + hash,
                                   std::string("mcp:tools:") + upper,
                                   std::string("mcp:tools:{}:") + hash,
                                   std::string("mcp:tools:{12345}:") + hash,
                                   std::string("mcp:tools:{A}:") + hash,
                                   std::string("mcp:{1bz}:owner:github"),
                                   std::string("mcp:{1bz}:owners:"),
                                   std::string("mcp:{1bz}:owners:a:b"),
                                   std::string("mcp:{1bz}:managed:0"),
                                   std::string("mcp:{1bz:managed"),
                                   std::string("mcp:managed"),
                                   std::string("mcp:managed:"),
                                   std::string("mcp:managed:01"),
                                   std::string("mcp:managed:x"),
                                   std::string("mcp:layout:"),
                                   std::string("mcp:layouts"),
                                   std::string("mcp:instances:0"),
                                   std::string("mcp2:layout")}) {
      EXPECT_FALSE(keys.identify(key)) << key;
    }
  }
  // Slots belong to the tagged layout alone.
  EXPECT_FALSE(plain_keys().identify("mcp:{1bz}:managed"));
  EXPECT_FALSE(plain_keys().identify("mcp:{1bz}:owners:github"));
  EXPECT_FALSE(plain_keys().identify(std::string("mcp:tools:{1}:") + hash));
}

TEST(Keys, IgnoreKeysOfOtherPrefixes) {
  const key_space ours = plain_keys();
  const key_space theirs = key_space::make("mcp2").value();
  const key_space nested = key_space::make("app:mcp").value();
  const owner who = *owner::user("42");
  EXPECT_FALSE(ours.parse(theirs.connections(who)));
  EXPECT_FALSE(theirs.parse(ours.connections(who)));
  EXPECT_FALSE(ours.parse(nested.connections(who)));
  EXPECT_FALSE(nested.parse(ours.connections(who)));
}

}  // namespace
}  // namespace mcpstate
