// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdlib>

#include <mcpstate/open_store.hpp>

namespace mcpstate {

namespace {

struct good {
  const char* url;
  const char* shown;
  const char* user = "";
  const char* password = "";
};

const good redis_urls[] = {
    {"redis://", "redis://localhost:6379/0"},
    {"redis://h", "redis://h:6379/0"},
    {"redis://h:7000", "redis://h:7000/0"},
    {"redis://h:7000/", "redis://h:7000/0"},
    {"redis://h/3", "redis://h:6379/3"},
    {"redis://h/3/", "redis://h:6379/3"},
    {"redis:///4", "redis://localhost:6379/4"},
    {"redis://:7000", "redis://localhost:7000/0"},
    {"redis://h?db=5", "redis://h:6379/5"},
    {"redis://h/3?db=5", "redis://h:6379/5"},
    {"redis://h/3?max_connections=7&health_check_interval=2", "redis://h:6379/3"},
    {"REDIS://h", "redis://h:6379/0"},
    {"rediss://h:6380/1", "rediss://h:6380/1"},
    {"redis://[::1]:6380/1", "redis://[::1]:6380/1"},
    {"redis://[2001:db8::1]", "redis://[2001:db8::1]:6379/0"},
    {"redis://127.0.0.1", "redis://127.0.0.1:6379/0"},
    {"redis://my_redis.local", "redis://my_redis.local:6379/0"},
    {"redis://:secret@h", "redis://h:6379/0", "", "secret"},
    {"redis://me:secret@h:1/2", "redis://h:1/2", "me", "secret"},
    {"redis://me@h", "redis://h:6379/0", "me", ""},
    {"redis://me:@h", "redis://h:6379/0", "me", ""},
    {"redis://:p%40ss%3A%2F%3F%23%25@h", "redis://h:6379/0", "", "p@ss:/?#%"},
    {"redis://:p@ss@h", "redis://h:6379/0", "", "p@ss"},
    {"redis://:a:b:c@h", "redis://h:6379/0", "", "a:b:c"},
    {"redis://:100%@h", "redis://h:6379/0", "", "100%"},
    {"redis://:gr%C3%BC%C3%9F@h", "redis://h:6379/0", "", "gr\xc3\xbc\xc3\x9f"},
    {"redis://h?username=me&password=s%26t", "redis://h:6379/0", "me", "s&t"},
    {"redis://a:b@h?username=c&password=d", "redis://h:6379/0", "a", "b"},
    {"unix:///run/redis.sock", "unix:///run/redis.sock?db=0"},
    {"unix:///run/redis.sock?db=2", "unix:///run/redis.sock?db=2"},
    {"unix://me:secret@/run/my%20redis.sock?db=2", "unix:///run/my redis.sock?db=2", "me", "secret"},
    {"unix:///r?password=x", "unix:///r?db=0", "", "x"},
};

// What is wrong with each stands behind it; none may show the word secret.
const char* const bad_urls[] = {
    "secret",
    "http://secret@h",
    "secret://h",
    "redis",
    "redis:",
    "redis:h:6379",
    "redis:/h",
    "redis://h:port-secret",
    "redis://h:0",
    "redis://h:65536",
    "redis://h:99999999999999999999",
    "redis://h:-1",
    "redis://:sec/secret@h",
    "redis://:sec?secret@h",
    "redis://:sec#secret@h",
    "redis://h/secret",
    "redis://h/-1",
    "redis://h/1.5",
    "redis://h/99999999999999999999",
    "redis://h?db=secret",
    "redis://h?bd=1",
    "redis://h?secret=1",
    "rediss://h?ssl_ca_certs=",
    "rediss://h?ssl_certfile=/secret%00",
    "rediss://h?ssl_cert_reqs=secret",
    "rediss://h?ssl_check_hostname=secret",
    "rediss://h?ssl_min_version=secret",
    "redis://h/0#secret",
    "redis://[::1/secret",
    "redis://[secret]",
    "redis://h h/secret",
    "redis://h\nsecret",
    "redis://me:secret@h%00",
    "unix://",
    "unix:///",
    "unix://host/secret",
    "unix:///run/a%00secret",
    "unix:/run/secret",
    "unix://:6379/secret",
    "redis-sentinel://:secret@a,b/0#m",
    "redis-cluster://:secret@a,b",
    "sqlite::memory:",
    "sqlite://secret/x",
    "memory:secret",
};

}  // namespace

TEST(StoreUrl, ReadsRedisUrlsLikeRedisPy) {
  for (const auto& g : redis_urls) {
    const auto url = parse_store_url(g.url);
    ASSERT_TRUE(url) << g.url << ": " << url.error().detail();
    EXPECT_EQ(url->type, store_url::kind::redis) << g.url;
    EXPECT_EQ(url->shown(), g.shown) << g.url;
    EXPECT_EQ(url->user, g.user) << g.url;
    EXPECT_EQ(url->password, g.password) << g.url;
  }
}

TEST(StoreUrl, DropsTheBracketsOfAnAddress) {
  EXPECT_EQ(parse_store_url("redis://[::1]")->host, "::1");
  EXPECT_TRUE(parse_store_url("rediss://h")->tls);
  EXPECT_FALSE(parse_store_url("redis://h")->tls);
}

TEST(StoreUrl, ReadsTheTlsOptionsOfRedisPy) {
  const auto plain = parse_store_url("rediss://h");
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->tls_verify && plain->tls_verify_host);
  EXPECT_TRUE(plain->ca_file.empty() && plain->cert_file.empty() && plain->key_file.empty());
  const auto all = parse_store_url(
      "rediss://h/1?ssl_ca_certs=/etc/ca%20s.pem&ssl_certfile=/etc/c.pem&ssl_keyfile=k.pem&ssl_cert_reqs=required&ssl_check_hostname=False");
  ASSERT_TRUE(all) << all.error().detail();
  EXPECT_EQ(all->ca_file, "/etc/ca s.pem");
  EXPECT_EQ(all->cert_file, "/etc/c.pem");
  EXPECT_EQ(all->key_file, "k.pem");
  EXPECT_TRUE(all->tls_verify);
  EXPECT_FALSE(all->tls_verify_host);
  EXPECT_EQ(all->shown(), "rediss://h:6379/1");
  EXPECT_FALSE(parse_store_url("rediss://h?ssl_cert_reqs=none")->tls_verify);
  EXPECT_TRUE(parse_store_url("rediss://h?ssl_cert_reqs=optional")->tls_verify);
  EXPECT_TRUE(parse_store_url("rediss://h?ssl_check_hostname=true")->tls_verify_host);
}

TEST(StoreUrl, RefusesUnusableUrlsWithoutShowingSecrets) {
  for (const char* text : bad_urls) {
    const auto url = parse_store_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code(), errc::bad_url) << text;
    EXPECT_EQ(url.error().full_text().find("secret"), std::string::npos) << text << ": " << url.error().full_text();
    EXPECT_GT(url.error().detail().size(), 20u) << text;
  }
}

TEST(StoreUrl, NamesUnsupportedKindsOfRedis) {
  for (const char* text : {"redis-sentinel://a,b/0#m", "redis-cluster://a,b"})
    EXPECT_NE(parse_store_url(text).error().detail().find("not supported by this version"), std::string::npos);
}

TEST(StoreUrl, ReadsThePathOfSqlite) {
  EXPECT_EQ(parse_store_url("sqlite:/a/b.db")->path, "/a/b.db");
  EXPECT_EQ(parse_store_url("sqlite:b.db")->path, "b.db");
  EXPECT_EQ(parse_store_url("sqlite:///a/b.db")->path, "/a/b.db");
  EXPECT_EQ(parse_store_url("sqlite:a b%20?c#d")->path, "a b%20?c#d");
  EXPECT_EQ(parse_store_url("sqlite:")->path, default_sqlite_path());
  EXPECT_EQ(parse_store_url("")->path, default_sqlite_path());
  EXPECT_EQ(parse_store_url("sqlite:/a/b.db")->shown(), "sqlite:/a/b.db");
  EXPECT_FALSE(parse_store_url(std::string_view("sqlite:a\0b", 10)));
}

TEST(StoreUrl, AcceptsMemoryWithoutMore) {
  EXPECT_EQ(parse_store_url("memory:")->type, store_url::kind::memory);
  EXPECT_EQ(parse_store_url("memory:")->shown(), "memory:");
}

TEST(StoreUrl, PutsTheDefaultFileIntoTheStateDirectory) {
  ASSERT_EQ(setenv("XDG_STATE_HOME", "/state", 1), 0);
  EXPECT_EQ(default_sqlite_path(), "/state/mcpstate/state.db");
  ASSERT_EQ(setenv("XDG_STATE_HOME", "relative", 1), 0);
  ASSERT_EQ(setenv("HOME", "/home/me", 1), 0);
  EXPECT_EQ(default_sqlite_path(), "/home/me/.local/state/mcpstate/state.db");
  ASSERT_EQ(unsetenv("XDG_STATE_HOME"), 0);
  EXPECT_EQ(default_sqlite_path(), "/home/me/.local/state/mcpstate/state.db");
}

}  // namespace mcpstate
