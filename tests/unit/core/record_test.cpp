// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include <mcpstate/core/record.hpp>

#include "unit/core/samples.hh"

namespace mcpstate {
namespace {

using test::at;
using testing::ElementsAre;
using testing::IsEmpty;

using text = std::optional<std::string>;

owner somebody() { return *owner::user("42"); }

// A record of ours in this state: all keys as a store of ours writes them.
raw_record ours(status s) {
  const bool up = s == status::connected;
  std::optional<timestamp> since;
  if (up) since = at(test::connected_at_text);
  raw_record raw;
  raw.member = "github";
  raw.status = std::string(to_key_text(s));
  if (up) raw.connected_at = test::connected_at_text;
  raw.info = encode_info(7, at("2026-11-23T00:00:00Z"), {}, encode_info_tail(s, since, test::full_details()));
  return raw;
}

connection read(raw_record raw) {
  auto c = read_record(somebody(), std::move(raw));
  EXPECT_TRUE(c);
  return std::move(*c);
}

// What must be left of :info after a foreign change.
details remaining() {
  const details all = test::full_details();
  details d;
  d.managed = all.managed;
  d.registered = all.registered;
  d.transport = all.transport;
  d.url = all.url;
  d.protocol_version = all.protocol_version;
  d.server_title = all.server_title;
  d.server_version = all.server_version;
  d.last_connected_at = all.last_connected_at;
  return d;
}

TEST(Record, ReadsBackWhatWeWrote) {
  for (const status s :
       {status::disconnected, status::connecting, status::connected, status::auth_required, status::failed}) {
    const connection c = read(ours(s));
    EXPECT_EQ(c.owner, somebody());
    EXPECT_EQ(c.server, "github");
    EXPECT_EQ(c.member, "github");
    EXPECT_EQ(c.state, s);
    EXPECT_EQ(c.connected(), s == status::connected);
    EXPECT_EQ(c.revision, 7U);
    EXPECT_EQ(c.expires_at, at("2026-11-23T00:00:00Z"));
    EXPECT_EQ(c.connected_at.has_value(), s == status::connected);
    EXPECT_EQ(c.info, test::full_details());
    EXPECT_EQ(c.tools, nullptr);
    EXPECT_THAT(c.problems, IsEmpty()) << to_text(s);
  }
}

TEST(Record, IsAbsentWithoutKeys) {
  raw_record ghost;
  ghost.member = "github";
  EXPECT_FALSE(read_record(somebody(), ghost));
  ghost.connected_at = test::connected_at_text;
  ghost.tools = std::make_shared<const std::string>("[]");
  ghost.tools_asked = true;
  EXPECT_FALSE(read_record(somebody(), ghost)) << "remains without a status and an info are no record";
}

struct rule {
  const char* name;
  std::function<void(raw_record&)> change;  // made to a CONNECTED record of ours
  std::optional<status> state;
  bool info_belongs;
  std::vector<std::string> problems;
};

// Each line is one thing that another program (or an accident) does to a record of ours.
const rule rules[] = {
    {"untouched", [](raw_record&) {}, status::connected, true, {}},
    {"status set to DISCONNECTED", [](raw_record& r) { r.status = "DISCONNECTED"; }, status::disconnected, false, {}},
    {"status set to FAILED", [](raw_record& r) { r.status = "FAILED"; }, status::failed, false, {}},
    {"status deleted", [](raw_record& r) { r.status.reset(); }, status::disconnected, false, {}},
    {"all but info deleted",
     [](raw_record& r) {
       r.status.reset();
       r.connected_at.reset();
     },
     status::disconnected,
     false,
     {}},
    {"connected anew",
     [](raw_record& r) { r.connected_at = "2026-11-22T15:00:00.000000+00:00"; },
     status::connected,
     false,
     {}},
    {"connected anew, the same instant in another form",
     [](raw_record& r) { r.connected_at = "2026-11-22T14:30:59.553780Z"; },
     status::connected,
     false,
     {}},
    {"naive time",
     [](raw_record& r) { r.connected_at = "2026-11-22T15:00:00.5"; },
     status::connected,
     false,
     {"connected_at has no time zone; read as UTC"}},
    {"junk time",
     [](raw_record& r) { r.connected_at = "1795357859.55"; },
     status::connected,
     false,
     {"connected_at is '1795357859.55', not an ISO 8601 time"}},
    {"empty time",
     [](raw_record& r) { r.connected_at = ""; },
     status::connected,
     false,
     {"connected_at is '', not an ISO 8601 time"}},
    {"time deleted", [](raw_record& r) { r.connected_at.reset(); }, status::connected, false, {"connected_at is missing"}},
    {"junk status",
     [](raw_record& r) { r.status = "up"; },
     std::nullopt,
     false,
     {"status is 'up', not one of CONNECTED, DISCONNECTED, FAILED"}},
    {"lower-case status",
     [](raw_record& r) { r.status = "connected"; },
     std::nullopt,
     false,
     {"status is 'connected', not one of CONNECTED, DISCONNECTED, FAILED"}},
    {"finer status in the key",
     [](raw_record& r) { r.status = "CONNECTING"; },
     std::nullopt,
     false,
     {"status is 'CONNECTING', not one of CONNECTED, DISCONNECTED, FAILED"}},
    {"finer failed status in the key",
     [](raw_record& r) { r.status = "AUTH_REQUIRED"; },
     std::nullopt,
     false,
     {"status is 'AUTH_REQUIRED', not one of CONNECTED, DISCONNECTED, FAILED"}},
    {"quoted status",
     [](raw_record& r) { r.status = "\"CONNECTED\"\n"; },
     std::nullopt,
     false,
     {R"(status is '"CONNECTED"\x0a', not one of CONNECTED, DISCONNECTED, FAILED)"}},
    {"empty status",
     [](raw_record& r) { r.status = ""; },
     std::nullopt,
     false,
     {"status is '', not one of CONNECTED, DISCONNECTED, FAILED"}},
};

TEST(Record, ReadsDeviationsByRule) {
  for (const rule& r : rules) {
    SCOPED_TRACE(r.name);
    raw_record raw = ours(status::connected);
    r.change(raw);
    const text status_bytes = raw.status;
    const text connected_at_bytes = raw.connected_at;
    const connection c = read(std::move(raw));
    EXPECT_EQ(c.state, r.state);
    EXPECT_EQ(c.problems, r.problems);
    EXPECT_EQ(c.revision, 7U) << "the revision survives everything that leaves info readable";
    details info = r.info_belongs ? test::full_details() : remaining();
    if (!r.state) {
      info.error.emplace();
      info.error->code = "junk_record";
      info.error->message = r.problems.front();
    }
    EXPECT_EQ(c.info, info);
    EXPECT_EQ(c.expires_at.has_value(), r.info_belongs);
    EXPECT_EQ(c.seen.revision, 7U);
    EXPECT_EQ(c.seen.status_bytes, status_bytes) << "a basis holds the raw bytes";
    EXPECT_EQ(c.seen.connected_at_bytes, connected_at_bytes);
    EXPECT_TRUE(c.connected() || !c.connected_at) << "connected_at only while CONNECTED";
  }
}

struct finer_rule {
  status info_state;
  const char* key;
  text connected_at;
  status shown;
};

TEST(Record, TrustsAFinerStateOnlyUnderItsOwnKey) {
  const finer_rule finer[] = {
      {status::connecting, "DISCONNECTED", {}, status::connecting},
      {status::connecting, "FAILED", {}, status::failed},
      {status::connecting, "CONNECTED", test::connected_at_text, status::connected},
      {status::connecting, "DISCONNECTED", test::connected_at_text, status::disconnected},
      {status::auth_required, "FAILED", {}, status::auth_required},
      {status::auth_required, "DISCONNECTED", {}, status::disconnected},
      {status::auth_required, "FAILED", test::connected_at_text, status::failed},
      {status::failed, "FAILED", {}, status::failed},
      {status::disconnected, "DISCONNECTED", {}, status::disconnected},
  };
  for (const finer_rule& f : finer) {
    raw_record raw = ours(f.info_state);
    raw.status = f.key;
    raw.connected_at = f.connected_at;
    const connection c = read(std::move(raw));
    EXPECT_EQ(to_text(c.state), to_text(f.shown)) << to_text(f.info_state) << " under " << f.key;
    EXPECT_EQ(c.info.error.has_value(), f.shown == f.info_state);
  }
}

TEST(Record, ReadsTheFourKeysOfAnotherProgram) {
  raw_record raw;
  raw.member = "github";
  raw.status = "CONNECTED";
  raw.connected_at = test::connected_at_text;
  raw.tools = std::make_shared<const std::string>(R"([{"name":"a"},{"name":"b"}])");
  raw.tools_asked = true;
  const connection c = read(raw);
  EXPECT_EQ(c.state, status::connected);
  EXPECT_EQ(c.connected_at, at(test::connected_at_text));
  EXPECT_EQ(c.revision, 0U);
  EXPECT_FALSE(c.expires_at);
  EXPECT_EQ(c.info.tool_count, 2U);
  EXPECT_EQ(c.info.tools_hash, sha256_tag(*raw.tools));
  EXPECT_EQ(c.tools, raw.tools) << "the bytes are shared, not copied";
  EXPECT_THAT(c.problems, IsEmpty());
  EXPECT_EQ(c.seen.revision, 0U);
}

TEST(Record, RecountsAForeignList) {
  details info;
  info.tool_count = 1;
  info.tools_hash = sha256_tag(R"([{"name":"a"}])");
  info.tools_bytes = 14;
  raw_record raw;
  raw.member = "github";
  raw.status = "CONNECTED";
  raw.connected_at = test::connected_at_text;
  const auto tail = encode_info_tail(status::connected, at(test::connected_at_text), info);
  raw.info = encode_info(7, at("2026-11-23T00:00:00Z"), std::nullopt, tail);
  raw.tools = std::make_shared<const std::string>(R"([{"name":"b"},{"name":"c"}])");
  raw.tools_asked = true;
  const connection c = read(raw);
  EXPECT_EQ(c.info.tool_count, 2U);
  EXPECT_EQ(c.info.tools_hash, sha256_tag(*raw.tools));
  EXPECT_EQ(c.revision, 7U);
}

TEST(Record, ReportsAnUnreadableInfoAndTrustsTheKeys) {
  for (const char* info : {"", "null", "{}", "[1]", "{\"revision\":\"7\"}", "\xff", "{\"revision\": 5, \"expires_at\": 1}",
                           "{\"revision\":9007199254740993,\"expires_at\":1,\"expires_latest\":0,\"status\":\"FAILED\"}"}) {
    raw_record raw = ours(status::connected);
    raw.info = info;
    const connection c = read(std::move(raw));
    EXPECT_EQ(c.state, status::connected);
    EXPECT_EQ(c.connected_at, at(test::connected_at_text));
    EXPECT_EQ(c.revision, 0U);
    EXPECT_EQ(c.info, details());
    EXPECT_THAT(c.problems, ElementsAre("info cannot be read")) << info;
  }
  raw_record alone;
  alone.member = "github";
  alone.info = "junk";
  EXPECT_EQ(read(alone).state, status::disconnected);
}

TEST(Record, ShowsForeignNamesRawAndReportsThem) {
  raw_record raw = ours(status::connected);
  raw.member = "a:b";
  const connection foreign = read(raw);
  EXPECT_EQ(foreign.server, "a:b");
  EXPECT_EQ(foreign.member, "a:b");
  EXPECT_THAT(foreign.problems, ElementsAre("the server name 'a:b' is not written as mcpstate writes names"));
  raw.member = "a%3Ab";
  const connection mine = read(raw);
  EXPECT_EQ(mine.server, "a:b");
  EXPECT_EQ(mine.member, "a%3Ab");
  EXPECT_THAT(mine.problems, IsEmpty());
}

TEST(Record, CollectsAllProblems) {
  raw_record raw = ours(status::connected);
  raw.member = "a\nb";
  raw.connected_at = "today";
  raw.info = "{";
  raw.tools = std::make_shared<const std::string>("{}");
  raw.tools_asked = true;
  EXPECT_THAT(read(raw).problems, ElementsAre(R"(the server name 'a\x0ab' is not written as mcpstate writes names)",
                                              "info cannot be read", "connected_at is 'today', not an ISO 8601 time",
                                              "tools are not a JSON array: not an array at byte 0"));
}

struct tools_rule {
  const char* name;
  bool belongs;
  const char* bytes;  // null: no tools key
  std::optional<std::uint64_t> count;
  bool reported;
};

TEST(Record, ChecksToolsThatTheInfoDoesNotVouchFor) {
  const tools_rule lists[] = {
      {"ours, not looked into", true, "[1,2]", 13, false},
      {"ours, replaced by an object", true, "{}", {}, true},
      {"ours, replaced by text", true, "hello", {}, true},
      {"ours, cut off", true, "[1,2", {}, true},
      {"ours, emptied", true, "", {}, true},
      {"ours, deleted", true, nullptr, {}, true},
      {"foreign", false, "[1,2]", 2, false},
      {"foreign and empty", false, "[]", 0, false},
      {"foreign with space around", false, "\n [1] \n", 1, false},
      {"foreign object", false, "{}", {}, true},
      {"foreign null", false, "null", {}, true},
      {"foreign, junk inside brackets", false, "[junk]", {}, true},
      {"foreign, absent", false, nullptr, {}, false},
  };
  for (const tools_rule& t : lists) {
    SCOPED_TRACE(t.name);
    raw_record raw = ours(status::connected);
    if (!t.belongs) raw.connected_at = "2026-11-22T15:00:00.000000+00:00";
    if (t.bytes != nullptr) raw.tools = std::make_shared<const std::string>(t.bytes);
    raw.tools_asked = true;
    const connection c = read(raw);
    EXPECT_EQ(c.tools, raw.tools);
    EXPECT_EQ(c.info.tool_count, t.count);
    EXPECT_EQ(c.info.tools_hash.empty(), !t.count.has_value());
    EXPECT_EQ(c.problems.size(), t.reported ? 1U : 0U);
  }
}

TEST(Record, OmitsToolsThatWereNotRequested) {
  raw_record raw = ours(status::connected);
  const connection c = read(raw);
  EXPECT_EQ(c.tools, nullptr);
  EXPECT_EQ(c.info.tool_count, 13U) << "what info says of them is known all the same";
}

}  // namespace
}  // namespace mcpstate
