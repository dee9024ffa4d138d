// SPDX-License-Identifier: MIT
#include "redis/error_meaning.hh"

#include <gtest/gtest.h>

#include <string>

#include "redis/reply.hh"

namespace mcpstate::redis {
namespace {

struct named_error {
  const char* text;
  errc code;
  const char* says;
};

// As servers write them.
constexpr named_error named_errors[] = {
    {"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", errc::server_error,
     "has lost its primary; it answers again"},
    {"NOREPLICAS Not enough good replicas to write.", errc::read_only, "fewer replicas"},
    {"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", errc::server_error,
     "busy with a script; it answers again"},
    {"ERR max number of clients reached", errc::server_error, "takes no more connections; it does again"},
    {"CLUSTERDOWN Hash slot not served", errc::server_error, "does not serve this slot; it does again"},
    {"CLUSTERDOWN The cluster is down", errc::server_error, "does not serve this slot"},
    {"LOADING Redis is loading the dataset in memory", errc::loading, "is loading its data"},
    {"READONLY You can't write against a read only replica.", errc::read_only, "is a replica"},
    {"DENIED Redis is running in protected mode because protected mode is enabled", errc::auth_failed, "protected mode"},
};

TEST(ErrorMeaning, NamesWhatServersSay) {
  for (const named_error& each : named_errors) {
    SCOPED_TRACE(each.text);
    reply said;
    said.kind = reply::type::error;
    said.text = each.text;
    const error meant = to_error(said, "list user:1");
    EXPECT_EQ(name_of(meant.code()), name_of(each.code));
    EXPECT_TRUE(meant.detail().starts_with("list user:1: the ")) << meant.detail();
    EXPECT_NE(meant.detail().find(each.says), std::string::npos) << meant.detail();
    EXPECT_EQ(meant.peer_text(), each.text);
    const bool refuses_login = each.code == errc::auth_failed;
    EXPECT_EQ(meant.condition(), refuses_login ? cond::unauthorized : cond::unavailable);
  }
}

TEST(ErrorMeaning, KnowsWholeWordsOnly) {
  for (const char* text :
       {"", "ERR", "ERR syntax error", "BUSYGROUP Consumer Group name", "MOVEDX 1 a:1", "LOADINGS", "oom x"}) {
    EXPECT_EQ(find_meaning(text), nullptr) << text;
  }
}

TEST(ErrorMeaning, KnowsThatHelloIsRefused) {
  EXPECT_TRUE(refuses_hello("ERR unknown command 'HELLO', with args beginning with: '3'"));
  EXPECT_TRUE(refuses_hello("ERR unsupported command 'hello'"));  // Envoy
  EXPECT_TRUE(refuses_hello("NOPROTO unsupported protocol version"));
  EXPECT_FALSE(refuses_hello("ERR max number of clients reached"));
  EXPECT_FALSE(refuses_hello("NOAUTH HELLO must be called with the client already authenticated"));
}

}  // namespace
}  // namespace mcpstate::redis
