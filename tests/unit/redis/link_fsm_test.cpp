// SPDX-License-Identifier: MIT
#include "redis/link_fsm.hh"

#include <gtest/gtest.h>

#include <chrono>

namespace mcpstate::redis {
namespace {

using state = link_fsm::state;
using admission = link_fsm::admission;
using progress = link_fsm::progress;
using std::chrono::milliseconds;

reply text(std::string words, reply::type kind = reply::type::string) {
  reply out;
  out.kind = kind;
  out.text = std::move(words);
  return out;
}
reply refusal(std::string words) { return text(std::move(words), reply::type::error); }
reply hello_of(const std::string& server, const std::string& version) {
  reply out;
  out.kind = reply::type::map;
  const std::pair<const char*, std::string> facts[] = {
      {"server", server}, {"version", version}, {"mode", "standalone"}, {"role", "master"}};
  for (const auto& [key, value] : facts) {
    out.items.push_back(text(key));
    out.items.push_back(text(value));
  }
  reply proto;
  proto.kind = reply::type::integer;
  proto.integer = 3;
  out.items.push_back(text("proto"));
  out.items.push_back(std::move(proto));
  return out;
}
reply good_hello() { return hello_of("redis", "7.0.15"); }

link_config full() {
  link_config c;
  c.user = "alice";
  c.password = "wonder";
  c.database = 3;
  c.client_name = "me";
  c.tracking_prefixes = {"mcp:user:", "mcp:session:"};
  c.backoff_min = milliseconds(50);
  c.backoff_max = milliseconds(5000);
  return c;
}
link_config bare() {
  link_config c;
  c.client_name = "";
  return c;
}

link_fsm handshaking(const link_config& c) {
  link_fsm s(c);
  s.start();
  static_cast<void>(s.connected());
  return s;
}
link_fsm ready(const link_config& c = bare()) {
  link_fsm s = handshaking(c);
  EXPECT_EQ(s.on_reply(good_hello()), progress::more);
  EXPECT_EQ(s.on_reply(text("PONG")), progress::ready);
  return s;
}
error refused() { return error(errc::connect_failed, "refused"); }
error lost() { return error(errc::connection_lost, "lost"); }

TEST(LinkFsm, SendsTheWholeHandshakeInOneWrite) {
  link_fsm s(full());
  s.start();
  request expected;
  expected.add("HELLO", "3", "AUTH", "alice", "wonder").add("SELECT", "3").add("CLIENT", "SETNAME", "me");
  expected.add("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "mcp:user:", "PREFIX", "mcp:session:").add("PING");
  EXPECT_EQ(s.connected().bytes(), expected.bytes());
}

TEST(LinkFsm, SendsNoOptionalCommandUnasked) {
  link_fsm s(bare());
  s.start();
  EXPECT_EQ(s.connected().bytes(), request().add("HELLO", "3").add("PING").bytes());
}

TEST(LinkFsm, UsesTheDefaultUserForAPasswordAlone) {
  link_config c = bare();
  c.password = "wonder";
  link_fsm s(c);
  s.start();
  EXPECT_EQ(s.connected().bytes(), request().add("HELLO", "3", "AUTH", "default", "wonder").add("PING").bytes());
}

TEST(LinkFsm, AsksForTrackingOfWhatItReads) {
  link_config c = bare();
  c.track_reads = true;
  link_fsm s(c);
  s.start();
  EXPECT_EQ(s.connected().bytes(), request().add("HELLO", "3").add("CLIENT", "TRACKING", "ON").add("PING").bytes());
  EXPECT_EQ(s.on_reply(good_hello()), progress::more);
  EXPECT_EQ(s.on_reply(refusal("NOPERM this user has no permissions to run the 'client|tracking' command")),
            progress::refused);
  EXPECT_EQ(s.failure().code(), errc::auth_failed);
}

TEST(LinkFsm, IsReadyAfterTheLastGoodAnswer) {
  link_fsm s(full());
  EXPECT_EQ(s.now(), state::off);
  s.start();
  EXPECT_EQ(s.now(), state::connecting);
  EXPECT_EQ(s.admits(), admission::hold);
  static_cast<void>(s.connected());
  EXPECT_EQ(s.now(), state::handshaking);
  EXPECT_EQ(s.on_reply(good_hello()), progress::more);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(s.on_reply(text("OK")), progress::more);
  EXPECT_EQ(s.admits(), admission::hold);
  EXPECT_EQ(s.on_reply(text("PONG")), progress::ready);
  EXPECT_EQ(s.now(), state::ready);
  EXPECT_EQ(s.admits(), admission::open);
  EXPECT_EQ(s.hello().server, "redis");
  EXPECT_EQ(s.hello().version, "7.0.15");
  EXPECT_EQ(s.hello().mode, "standalone");
  EXPECT_EQ(s.hello().role, "master");
}

struct verdict {
  const char* name;
  reply hello;
  bool good;
  errc why;
};
TEST(LinkFsm, ChecksTheServerByItsHello) {
  reply old_map = hello_of("redis", "6.2.14");
  const verdict all[] = {
      {"7.0", hello_of("redis", "7.0.0"), true, {}},
      {"10", hello_of("redis", "10.1.0"), true, {}},
      {"valkey", hello_of("valkey", "8.0.1"), true, {}},
      {"valkey with a strange version", hello_of("valkey", "255.255.255"), true, {}},
      {"6.2", hello_of("redis", "6.2.14"), false, errc::unsupported},
      {"no version", hello_of("redis", ""), false, errc::unsupported},
      {"before HELLO", refusal("ERR unknown command `HELLO`, with args beginning with: `3`, "), false, errc::unsupported},
      {"a proxy that does not know HELLO", refusal("ERR unsupported command 'hello'"), false, errc::unsupported},
      {"without RESP3", refusal("NOPROTO unsupported protocol version"), false, errc::unsupported},
      {"wrong password", refusal("WRONGPASS invalid username-password pair or user is disabled."), false, errc::auth_failed},
      {"no password", refusal("NOAUTH HELLO must be called with the client already authenticated"), false,
       errc::auth_failed},
      {"may not", refusal("NOPERM this user has no permissions to run the 'hello' command"), false, errc::auth_failed},
      {"loading", refusal("LOADING Redis is loading the dataset in memory"), false, errc::loading},
      {"other", refusal("ERR max number of clients reached"), false, errc::server_error},
      {"something else", text("HELLO"), false, errc::protocol},
  };
  for (const verdict& v : all) {
    SCOPED_TRACE(v.name);
    link_fsm s = handshaking(bare());
    EXPECT_EQ(s.on_reply(v.hello), v.good ? progress::more : progress::refused);
    EXPECT_EQ(s.now(), v.good ? state::handshaking : state::waiting);
    if (v.good) continue;
    EXPECT_EQ(name_of(s.failure().code()), name_of(v.why));
    EXPECT_EQ(s.admits(), admission::refuse);
    if (v.why == errc::unsupported) {
      EXPECT_TRUE(s.failure().detail().starts_with("needs Redis 7.0 or Valkey")) << s.failure().detail();
    }
  }
}

reply hello_in_role(const std::string& mode, const std::string& role) {
  reply out = good_hello();
  out.items[5].text = mode;
  out.items[7].text = role;
  return out;
}

TEST(LinkFsm, JudgesTheServerOnEveryConnect) {
  link_fsm s = ready();
  s.failed(lost(), milliseconds(60000));
  s.retry();
  static_cast<void>(s.connected());
  EXPECT_EQ(s.on_reply(hello_in_role("standalone", "replica")), progress::refused);
  EXPECT_EQ(s.failure().code(), errc::read_only);
  EXPECT_EQ(s.admits(), admission::refuse);
  EXPECT_EQ(s.hello().role, "replica") << "what was found can be read";
  s.retry();
  static_cast<void>(s.connected());
  EXPECT_EQ(s.on_reply(hello_in_role("cluster", "master")), progress::refused);
  EXPECT_EQ(s.failure().code(), errc::unsupported);
  EXPECT_EQ(s.hello().mode, "cluster");
  s.retry();
  static_cast<void>(s.connected());
  EXPECT_EQ(s.on_reply(good_hello()), progress::more);
}

TEST(LinkFsm, TakesTheServerThatItsConfigurationExpects) {
  link_config c = bare();
  c.expected = expected_server(expected_server::kind::cluster_node, true);
  link_fsm s = handshaking(c);
  EXPECT_EQ(s.on_reply(hello_in_role("cluster", "replica")), progress::more);
  link_fsm other = handshaking(c);
  EXPECT_EQ(other.on_reply(good_hello()), progress::refused);
}

TEST(LinkFsm, JudgesAServerThatSaysWhoItIsDuringTheSession) {
  link_fsm s = ready();
  EXPECT_FALSE(s.on_identity(good_hello()));
  EXPECT_FALSE(s.on_identity(refusal("NOPERM this user has no permissions to run the 'hello' command")));
  const auto why = s.on_identity(hello_in_role("standalone", "replica"));
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code(), errc::read_only);
  EXPECT_EQ(s.now(), state::ready) << "the session is ended by failed()";
}

TEST(LinkFsm, PausesShortlyWhileSomebodyWaits) {
  link_config c = bare();
  c.backoff_min = milliseconds(50);
  c.backoff_max = milliseconds(5000);
  link_fsm s(c);
  s.start();
  for (int i = 0; i < 20; ++i) {
    s.failed(refused(), milliseconds(0));
    EXPECT_TRUE(s.want());
    EXPECT_FALSE(s.want()) << "known already";
    EXPECT_LE(s.pause(0.999999), milliseconds(250));
    EXPECT_EQ(s.pause(0.0), milliseconds(0)) << "with full jitter";
    s.retry();
  }
  s.failed(refused(), milliseconds(0));
  EXPECT_GE(s.pause(0.999999), milliseconds(4999)) << "nobody has asked since the last attempt began";
}

TEST(LinkFsm, NeverPausesForLessThanItsConfigurationAllows) {
  link_config c = bare();
  c.backoff_min = c.backoff_max = milliseconds(3600000);
  link_fsm s(c);
  s.start();
  s.failed(refused(), milliseconds(0));
  EXPECT_TRUE(s.want());
  EXPECT_GE(s.pause(0.999999), milliseconds(3599000));
}

TEST(LinkFsm, RefusesALoadingServerWhicheverReplySaysSo) {
  for (std::size_t which = 1; which < 5; ++which) {
    link_fsm s = handshaking(full());
    EXPECT_EQ(s.on_reply(good_hello()), progress::more);
    for (std::size_t i = 1; i < which; ++i) EXPECT_EQ(s.on_reply(text("OK")), progress::more);
    EXPECT_EQ(s.on_reply(refusal("LOADING Redis is loading the dataset in memory")), progress::refused);
    EXPECT_EQ(s.failure().code(), errc::loading);
  }
}

TEST(LinkFsm, FailsWithoutItsDatabaseOrTracking) {
  link_fsm select = handshaking(full());
  EXPECT_EQ(select.on_reply(good_hello()), progress::more);
  EXPECT_EQ(select.on_reply(refusal("ERR DB index is out of range")), progress::refused);
  EXPECT_EQ(select.failure().code(), errc::server_error);
  EXPECT_NE(select.failure().detail().find("database 3"), std::string::npos);

  link_fsm tracking = handshaking(full());
  EXPECT_EQ(tracking.on_reply(good_hello()), progress::more);
  EXPECT_EQ(tracking.on_reply(text("OK")), progress::more);
  EXPECT_EQ(tracking.on_reply(text("OK")), progress::more);
  EXPECT_EQ(tracking.on_reply(refusal("NOPERM this user has no permissions to run 'client|tracking'")), progress::refused);
  EXPECT_EQ(tracking.failure().code(), errc::auth_failed);
}

TEST(LinkFsm, WorksWithoutSetnameAndPing) {
  link_fsm s = handshaking(full());
  EXPECT_EQ(s.on_reply(good_hello()), progress::more);
  EXPECT_EQ(s.on_reply(text("OK")), progress::more);
  EXPECT_EQ(s.on_reply(refusal("NOPERM this user has no permissions to run the 'client|setname' command")), progress::more);
  EXPECT_EQ(s.on_reply(text("OK")), progress::more);
  EXPECT_EQ(s.on_reply(refusal("NOPERM this user has no permissions to run the 'ping' command")), progress::ready);
}

TEST(LinkFsm, NeverShowsThePassword) {
  link_fsm s = handshaking(full());
  EXPECT_EQ(s.on_reply(refusal("WRONGPASS invalid username-password pair or user is disabled.")), progress::refused);
  EXPECT_EQ(s.failure().full_text().find("wonder"), std::string::npos);
}

TEST(LinkFsm, HoldsCallersDuringTheFirstAttemptAndRefusesThemAfterItFailed) {
  link_fsm s(bare());
  EXPECT_EQ(s.admits(), admission::hold) << "not started: it will be";
  s.start();
  EXPECT_EQ(s.admits(), admission::hold);
  s.failed(refused(), milliseconds(0));
  EXPECT_EQ(s.now(), state::waiting);
  EXPECT_EQ(s.admits(), admission::refuse);
  EXPECT_EQ(s.failure().code(), errc::connect_failed);
  s.retry();
  EXPECT_EQ(s.now(), state::connecting);
  EXPECT_EQ(s.admits(), admission::refuse) << "a later attempt holds nobody up";
  static_cast<void>(s.connected());
  EXPECT_EQ(s.admits(), admission::refuse);
  EXPECT_EQ(s.on_reply(good_hello()), progress::more);
  EXPECT_EQ(s.on_reply(text("PONG")), progress::ready);
  EXPECT_EQ(s.admits(), admission::open);
}

TEST(LinkFsm, HoldsCallersAgainRightAfterALoss) {
  link_fsm s = ready();
  s.failed(lost(), milliseconds(60000));
  EXPECT_EQ(s.now(), state::waiting);
  EXPECT_EQ(s.admits(), admission::hold);
  s.retry();
  EXPECT_EQ(s.admits(), admission::hold);
  static_cast<void>(s.connected());
  EXPECT_EQ(s.admits(), admission::hold);
  s.failed(lost(), milliseconds(0));
  EXPECT_EQ(s.admits(), admission::refuse);
}

TEST(LinkFsm, CanBeLostInEveryStateOfAnAttempt) {
  link_fsm connecting(bare());
  connecting.start();
  connecting.failed(refused(), milliseconds(0));
  EXPECT_EQ(connecting.now(), state::waiting);

  link_fsm first = handshaking(bare());
  first.failed(lost(), milliseconds(0));
  EXPECT_EQ(first.now(), state::waiting);

  link_fsm half = handshaking(bare());
  EXPECT_EQ(half.on_reply(good_hello()), progress::more);
  half.failed(lost(), milliseconds(0));
  EXPECT_EQ(half.now(), state::waiting);
  half.retry();
  EXPECT_EQ(half.connected().bytes(), request().add("HELLO", "3").add("PING").bytes()) << "from the beginning";
  EXPECT_EQ(half.on_reply(good_hello()), progress::more);
  EXPECT_EQ(half.on_reply(text("PONG")), progress::ready);
}

TEST(LinkFsm, CanBeStoppedInEveryState) {
  link_fsm off(bare());
  link_fsm connecting(bare());
  connecting.start();
  link_fsm shaking = handshaking(bare());
  link_fsm good = ready();
  link_fsm waiting = ready();
  waiting.failed(lost(), milliseconds(0));
  for (link_fsm* s : {&off, &connecting, &shaking, &good, &waiting}) {
    s->stop();
    EXPECT_EQ(s->now(), state::off);
    EXPECT_NE(s->admits(), admission::open);
  }
}

TEST(LinkFsm, DoublesThePauseUpToItsLimitWithFullJitter) {
  link_fsm s(full());
  s.start();
  for (const int most : {50, 100, 200, 400, 800, 1600, 3200, 5000, 5000}) {
    s.failed(refused(), milliseconds(0));
    EXPECT_EQ(s.pause(0.0), milliseconds(0));
    EXPECT_EQ(s.pause(0.5), milliseconds(most / 2));
    EXPECT_LE(s.pause(0.999999), milliseconds(most));
    EXPECT_GE(s.pause(0.999999), milliseconds(most - 1));
    s.retry();
  }
  for (int i = 0; i < 100; ++i) {  // no overflow, ever
    s.failed(refused(), milliseconds(0));
    EXPECT_GE(s.pause(0.999999), milliseconds(4999));
    s.retry();
  }
}

TEST(LinkFsm, BeginsWithAShortPauseAfterAConnectionThatLasted) {
  link_config c = bare();
  c.backoff_min = milliseconds(50);
  c.backoff_max = milliseconds(5000);
  const auto lose_after = [](link_fsm& s, int lived) {
    s.failed(lost(), milliseconds(lived));
    const auto most = s.pause(0.999999);
    s.retry();
    static_cast<void>(s.connected());
    static_cast<void>(s.on_reply(good_hello()));
    static_cast<void>(s.on_reply(text("PONG")));
    return most;
  };
  link_fsm s = ready(c);
  EXPECT_EQ(lose_after(s, 10), milliseconds(49));
  EXPECT_EQ(lose_after(s, 10), milliseconds(99)) << "a server that hangs up at once is not asked in a tight loop";
  EXPECT_EQ(lose_after(s, 10), milliseconds(199));
  EXPECT_EQ(lose_after(s, 5000), milliseconds(49));
}

}  // namespace
}  // namespace mcpstate::redis
