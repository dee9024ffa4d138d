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
    {"unix:///r%zz?password=%4", "unix:///r%zz?db=0", "", "%4"},
    {"redis://me:a%20b%zz%40c@h", "redis://h:6379/0", "me", "a b%zz@c"},
    {"redis://me:a b@h", "redis://h:6379/0", "me", "a b"},
    {"redis://h?db=1&db=2", "redis://h:6379/1"},
    {"redis://h/3?db=1&db=2", "redis://h:6379/1"},
    {"redis://h/3?db=&timeout=", "redis://h:6379/3"},
    {"redis://h?db=&db=4", "redis://h:6379/4"},
    {"redis://h?password=a&password=b", "redis://h:6379/0", "", "a"},
    {"redis://h?username=a%zz&password=b%25+c", "redis://h:6379/0", "a%zz", "b% c"},
    {"valkey://me:secret@h:7000/2", "redis://h:7000/2", "me", "secret"},
    {"valkeys://h", "rediss://h:6379/0"},
};

struct listed {
  const char* url;
  const char* shown;
};

const listed lists[] = {
    {"redis-sentinel://a#m", "redis-sentinel://a:26379/0#m"},
    {"redis+sentinel://a:1,b,[::1]:3/4#my-master", "redis-sentinel://a:1,b:26379,[::1]:3/4#my-master"},
    {"rediss-sentinel://me:secret@a/?sentinel_user=s&sentinel_password=secret#m", "rediss-sentinel://a:26379/0#m"},
    {"rediss+sentinel://a,b?db=2#m", "rediss-sentinel://a:26379,b:26379/2#m"},
    {"valkey-sentinel://a#m%2Fn", "redis-sentinel://a:26379/0#m/n"},
    {"redis-cluster://a", "redis-cluster://a:6379/0"},
    {"redis+cluster://:p@ss@a:7000,[2001:db8::1],c:7002", "redis-cluster://a:7000,[2001:db8::1]:6379,c:7002/0"},
    {"rediss-cluster://a,b/1?nat=10.0.0.1:6379=h:7000", "rediss-cluster://a:6379,b:6379/1"},
    {"VALKEYS+CLUSTER://a,b", "rediss-cluster://a:6379,b:6379/0"},
    {"valkey-cluster://a,b/", "redis-cluster://a:6379,b:6379/0"},
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
    "redis://:secret@a,b",
    "redis://h?sentinel_password=secret",
    "redis://h?nat=secret:1=b:2",
    "redis://h?db=secret&db=4",
    "redis-other://:secret@a",
    "redis--cluster://:secret@a",
    "unix-cluster:///secret",
    "redis-sentinel://:secret@a,b/0",
    "redis-sentinel://:secret@a,b/0#",
    "redis-sentinel://:secret@a,b/0#secret master",
    "redis-sentinel://:secret@a,b/secret#m",
    "redis-sentinel://:secret@/0#m",
    "redis-sentinel://:secret@a,,b#m",
    "redis-sentinel://:secret@a,b,#m",
    "redis-sentinel://:secret@,a#m",
    "redis-sentinel://:secret@a,:7#m",
    "redis-sentinel://:secret@a,b:0#m",
    "redis-sentinel://:secret@a,b:secret#m",
    "redis-sentinel://:secret@a,b secret#m",
    "redis-sentinel://:secret@a,[::1#m",
    "redis-sentinel://a?sentinel_pass=secret#m",
    "redis-cluster://:secret@",
    "redis-cluster://:secret@a,b#m",
    "redis-cluster://:secret@::1",
    "redis-cluster://a?sentinel_password=secret",
    "redis-cluster://a?nat=secret",
    "redis-cluster://a?nat=secret:1",
    "redis-cluster://a?nat=secret=b:1",
    "redis-cluster://a?nat=secret:1=b:",
    "redis-cluster://a?nat=secret:1=:2",
    "redis-cluster://a?nat=secret:1=b:2,",
    "redis-cluster://a?nat=secret:1=b:99999",
    "redis-cluster://a?nat=[::1]=b:2",
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

TEST(StoreUrl, ReadsListsOfSentinelsAndOfClusterNodes) {
  for (const auto& [text, shown] : lists) {
    const auto url = parse_store_url(text);
    ASSERT_TRUE(url) << text << ": " << url.error().detail();
    EXPECT_EQ(url->type, store_url::kind::redis) << text;
    EXPECT_EQ(url->shown(), shown) << text;
    const bool cluster = url->shown().find("cluster") != std::string::npos;
    EXPECT_EQ(url->servers, cluster ? store_url::topology::cluster : store_url::topology::sentinel) << text;
    const auto again = parse_store_url(url->shown());
    ASSERT_TRUE(again) << url->shown();
    EXPECT_EQ(again->shown(), url->shown());
  }
}

TEST(StoreUrl, KeepsThePartsOfAListInFieldsOfTheirOwn) {
  const auto sentinels = parse_store_url(
      "rediss-sentinel://me:pass@[::1]:26380,b/3?sentinel_user=s%zz&sentinel_password=p%26q&nat=10.0.0.1:1=h:2,[fe80::1]:3="
      "[::1]:4#group");
  ASSERT_TRUE(sentinels) << sentinels.error().detail();
  const std::vector<store_host> hosts{store_host("::1", 26380), store_host("b", 26379)};
  EXPECT_EQ(sentinels->hosts, hosts);
  EXPECT_EQ(sentinels->host, "::1");
  EXPECT_EQ(sentinels->port, 26380);
  EXPECT_EQ(sentinels->master, "group");
  EXPECT_EQ(sentinels->user, "me");
  EXPECT_EQ(sentinels->password, "pass");
  EXPECT_EQ(sentinels->sentinel_user, "s%zz");
  EXPECT_EQ(sentinels->sentinel_password, "p&q");
  EXPECT_EQ(sentinels->database, 3);
  EXPECT_TRUE(sentinels->tls);
  ASSERT_EQ(sentinels->nat.size(), 2u);
  EXPECT_EQ(sentinels->nat[0].internal, store_host("10.0.0.1", 1));
  EXPECT_EQ(sentinels->nat[0].external, store_host("h", 2));
  EXPECT_EQ(sentinels->nat[1].internal, store_host("fe80::1", 3));
  EXPECT_EQ(sentinels->nat[1].external, store_host("::1", 4));
}

TEST(StoreUrl, SaysWhichHostOfAListIsWrong) {
  const auto detail_of = [](const char* text) { return parse_store_url(text).error().detail(); };
  EXPECT_NE(detail_of("redis-cluster://a,,b").find("host 2 of the list is empty"), std::string::npos);
  EXPECT_NE(detail_of("redis-cluster://a,b,").find("host 3 of the list is empty"), std::string::npos);
  EXPECT_NE(detail_of("redis-cluster://a,b c").find("host 2 of the list is none"), std::string::npos);
  EXPECT_NE(detail_of("redis-cluster://a,:7000").find("host 2 of the list has no name"), std::string::npos);
  EXPECT_NE(detail_of("redis-cluster://").find("names no host"), std::string::npos);
  EXPECT_NE(detail_of("redis-sentinel://a").find("names no master"), std::string::npos);
  EXPECT_NE(detail_of("redis-sentinel://a#").find("names no master"), std::string::npos);
  EXPECT_NE(detail_of("redis://a,b").find("several hosts"), std::string::npos);
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
