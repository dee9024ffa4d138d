// SPDX-License-Identifier: MIT
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>

#include <mcpstate/core/record.hpp>

#include "support/seed.hh"
#include "unit/core/samples.hh"

namespace mcpstate {
namespace {

using test::at;

// The stored bytes. Do not change: records of running installations look like this.
TEST(RecordInfo, WritesTheGoldenBytesOfAFullRecord) {
  const std::string tail = encode_info_tail(status::connected, at(test::connected_at_text), test::full_details());
  EXPECT_EQ(tail,
            R"("status":"CONNECTED","connected_at":"2026-11-22T14:30:59.553780+00:00","managed":true,)"
            R"("last_connected_at":"2026-11-20T10:00:00.000000+00:00","checked_at":"2026-11-22T14:31:00.000000+00:00",)"
            R"("registered":"github","transport":"http","url":"https://mcp.example/mcp","protocol_version":"2025-11-25",)"
            R"("server_info":{"name":"GitHub \"MCP\"","version":"1.2.3"},"capabilities":{"tools":{"listChanged":true}},)"
            R"("tool_count":13,"tools_hash":"sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",)"
            R"("error":{"code":"deadline","message":"no answer in 30 s\nfrom …","at":"2026-11-22T14:32:00.000000+00:00",)"
            R"("attempt":2,"retry_at":"2026-11-22T14:33:00.000000+00:00"}})");
}

TEST(RecordInfo, WritesTheGoldenBytesOfTheFixedMembers) {
  EXPECT_EQ(encode_info(1790000000000000, at("2026-11-22T14:30:59.553780Z"), {},
                        encode_info_tail(status::disconnected, {}, details())),
            R"({"revision":1790000000000000,"expires_at":1795357859553,"expires_latest":0,"status":"DISCONNECTED"})");
  EXPECT_EQ(encode_info(7, at("2026-11-22T14:30:59.999999Z"), at("2026-12-22T00:00:00Z"),
                        encode_info_tail(status::auth_required, {}, details())),
            R"({"revision":7,"expires_at":1795357859999,"expires_latest":1797897600000,"status":"AUTH_REQUIRED"})");
  EXPECT_EQ(encode_info(1, timestamp(std::chrono::microseconds(-5)), {}, R"("status":"FAILED"})"),
            R"({"revision":1,"expires_at":0,"expires_latest":0,"status":"FAILED"})");
}

TEST(RecordInfo, ReadsWhatItWrites) {
  for (const status s :
       {status::disconnected, status::connecting, status::connected, status::auth_required, status::failed}) {
    const std::string bytes = encode_info(1795357859553780, at("2026-11-23T00:00:00.001Z"), at("2026-12-01T00:00:00Z"),
                                          encode_info_tail(s, at(test::connected_at_text), test::full_details()));
    const auto read = decode_info(bytes);
    ASSERT_TRUE(read) << bytes;
    EXPECT_EQ(read->revision, 1795357859553780U);
    EXPECT_EQ(read->expires_at, at("2026-11-23T00:00:00.001Z"));
    EXPECT_EQ(read->expires_latest, at("2026-12-01T00:00:00Z"));
    EXPECT_EQ(read->state, s);
    EXPECT_EQ(read->connected_at, test::connected_at_text);
    EXPECT_EQ(read->info, test::full_details());
  }
}

TEST(RecordInfo, ReadsAnEmptyRecord) {
  const auto read = decode_info(encode_info(5, timestamp{}, {}, encode_info_tail(status::failed, {}, details())));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->revision, 5U);
  EXPECT_FALSE(read->expires_at);
  EXPECT_FALSE(read->expires_latest);
  EXPECT_FALSE(read->connected_at);
  EXPECT_EQ(read->info, details());
}

TEST(RecordInfo, RoundTripsTheLargestRevision) {
  constexpr auto largest = std::numeric_limits<std::uint64_t>::max();
  const auto read = decode_info(encode_info(largest, timestamp{}, {}, R"("status":"FAILED"})"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->revision, largest);
}

TEST(RecordInfo, RoundTripsAnyText) {
  details d;
  d.server_title = std::string("\0\x01\x1f\"\\\x7f é😀", 14);
  d.url = "https://mcp.example/\xff\xc3";
  d.error.emplace();
  d.error->code = "rpc_error";
  d.error->message = "caf\xe9 closed";
  const auto read = decode_info(encode_info(1, timestamp{}, {}, encode_info_tail(status::failed, {}, d)));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->info.server_title, d.server_title);
  EXPECT_EQ(read->info.url, "https://mcp.example/\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(read->info.error->message, "caf\xef\xbf\xbd closed");
}

TEST(RecordInfo, StaysReadableWithRandomBytes) {
  std::mt19937_64 random(test::seed());
  const auto bytes = [&random] {
    std::string out(random() % 24, '\0');
    for (char& c : out) c = static_cast<char>(random() % 256);
    return out;
  };
  for (int i = 0; i < 5'000; ++i) {
    details d;
    d.transport = bytes();
    d.url = bytes();
    d.protocol_version = bytes();
    d.server_title = bytes();
    d.server_version = bytes();
    d.capabilities = bytes();
    d.tools_hash = bytes();
    d.error.emplace();
    d.error->code = bytes();
    d.error->message = bytes();
    const std::string written = encode_info(9, timestamp{}, {}, encode_info_tail(status::failed, {}, d));
    const auto read = decode_info(written);
    ASSERT_TRUE(read) << written;
    // What was read is what will be written: nothing drifts when a record is read and written again.
    const std::string again = encode_info(9, timestamp{}, {}, encode_info_tail(status::failed, {}, read->info));
    ASSERT_EQ(decode_info(again)->info, read->info) << written;
  }
}

TEST(RecordInfo, OmitsWhatIsTooLargeToRead) {
  details d;
  d.url = std::string(4097, 'u');
  d.capabilities = R"({"x":")" + std::string(64u * 1024, 'c') + "\"}";
  d.error.emplace();
  d.error->message = std::string(4095, 'm') + "é and more";
  const auto read = decode_info(encode_info(1, timestamp{}, {}, encode_info_tail(status::failed, {}, d)));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->info.url, "");
  EXPECT_EQ(read->info.capabilities, "");
  EXPECT_EQ(read->info.error->message, std::string(4095, 'm'));
}

TEST(RecordInfo, OmitsCapabilitiesThatAreNoObject) {
  for (const char* capabilities : {"[]", "null", "1", "{", "{} {}", "{\"a\":1},\"revision\":9", "\"}\""}) {
    details d;
    d.capabilities = capabilities;
    EXPECT_EQ(encode_info_tail(status::failed, {}, d), R"("status":"FAILED"})") << capabilities;
  }
  details deep;
  deep.capabilities = R"({"a":)" + std::string(29, '[') + std::string(29, ']') + "}";
  const auto read = decode_info(encode_info(1, timestamp{}, {}, encode_info_tail(status::failed, {}, deep)));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->info.capabilities, deep.capabilities);
  deep.capabilities = R"({"a":)" + std::string(30, '[') + std::string(30, ']') + "}";
  EXPECT_EQ(encode_info_tail(status::failed, {}, deep), R"("status":"FAILED"})");
}

TEST(RecordInfo, IsAbsentForWhatIsNoRecord) {
  for (const char* bytes : {"",
                            " ",
                            "null",
                            "[]",
                            "7",
                            "\"x\"",
                            "{}",
                            "{",
                            "{\"revision\"}",
                            "{\"revision\":}",
                            "{\"revision\":-1}",
                            "{\"revision\":1.5}",
                            "{\"revision\":\"7\"}",
                            "{\"revision\":null}",
                            "{\"revision\":18446744073709551616}",
                            "{\"revision\":7} x",
                            "{\"revision\":7}{}",
                            "{\"revision\":7,}",
                            "{'revision':7}",
                            "{\"revision\":7,\"url\":\"\xff\"}",
                            "{\"Revision\":7}",
                            "revision=7"}) {
    EXPECT_FALSE(decode_info(bytes)) << bytes;
  }
}

TEST(RecordInfo, IsAbsentForDeepAndHugeValues) {
  const auto with = [](const std::string& value) { return R"({"revision":7,"x":)" + value + "}"; };
  EXPECT_TRUE(decode_info(with(std::string(31, '[') + std::string(31, ']'))));
  EXPECT_FALSE(decode_info(with(std::string(32, '[') + std::string(32, ']'))));
  EXPECT_FALSE(decode_info(with(std::string(500'000, '['))));
  EXPECT_TRUE(decode_info(with("\"" + std::string(1024u * 1024 - 21, 'x') + "\"")));
  EXPECT_FALSE(decode_info(with("\"" + std::string(1024u * 1024 - 20, 'x') + "\"")));
}

TEST(RecordInfo, TakesMistypedMembersForAbsent) {
  const auto read = decode_info(
      R"({"revision":7,"expires_at":"soon","expires_latest":-1,"status":3,"connected_at":1790000000,"managed":"yes",)"
      R"("transport":1,"url":[],"protocol_version":{},"server_info":"x","capabilities":[],"error":"broken",)"
      R"("last_connected_at":"yesterday","checked_at":5,"tool_count":-3,"tools_hash":false,"unknown":{"more":1}})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->revision, 7U);
  EXPECT_FALSE(read->expires_at);
  EXPECT_FALSE(read->expires_latest);
  EXPECT_FALSE(read->state);
  EXPECT_FALSE(read->connected_at);
  EXPECT_EQ(read->info, details());
  const auto odd = decode_info(
      R"({"revision":7,"status":"connected","expires_at":99999999999999999,"server_info":{"name":1},"error":{"attempt":4294967296}})");
  ASSERT_TRUE(odd);
  EXPECT_FALSE(odd->state);
  EXPECT_FALSE(odd->expires_at);
  EXPECT_EQ(odd->info.server_title, "");
  ASSERT_TRUE(odd->info.error);
  EXPECT_EQ(odd->info.error->attempt, 0U);
}

TEST(Revision, IsTheLargerOfTheNextAndTheClock) {
  const auto micros = [](std::int64_t n) { return timestamp(std::chrono::microseconds(n)); };
  EXPECT_EQ(next_revision(0, micros(1000)), 1000U);
  EXPECT_EQ(next_revision(999, micros(1000)), 1000U);
  EXPECT_EQ(next_revision(1000, micros(1000)), 1001U);
  EXPECT_EQ(next_revision(5000, micros(1000)), 5001U);
  EXPECT_EQ(next_revision(0, micros(-1)), 1U);
  EXPECT_EQ(next_revision(0, timestamp::min()), 1U);
  EXPECT_EQ(next_revision(max_revision - 1, micros(1000)), max_revision);
}

TEST(Revision, BeginsAnewFromTheClockWhereItCouldNotBeRead) {
  const auto micros = [](std::int64_t n) { return timestamp(std::chrono::microseconds(n)); };
  for (const auto stored : {max_revision, max_revision + 1, std::numeric_limits<std::uint64_t>::max()}) {
    EXPECT_EQ(next_revision(stored, micros(1000)), 1000U) << stored;
    EXPECT_EQ(next_revision(stored, timestamp::min()), 1U) << "0 says that there is no revision";
  }
}

details random_details(std::mt19937_64& random) {
  auto chance = [&] { return random() % 2 == 0; };
  auto text = [&](const char* sample) { return chance() ? std::string(sample) : std::string(); };
  details d;
  d.managed = chance();
  d.registered = text("git hub");
  d.transport = text("http");
  d.url = text("https://mcp.example/a b");
  d.protocol_version = text("2025-11-25");
  d.server_title = text("GitHub");
  d.server_version = text("1.2");
  d.capabilities = text(R"({"tools":{"listChanged":true},"x":"a}b"})");
  if (chance()) d.last_connected_at = test::at("2026-11-20T10:00:00Z");
  if (chance()) d.checked_at = test::at("2026-11-22T14:31:00Z");
  if (chance()) d.status_changed_at = test::at("2026-11-21T09:00:00Z");
  if (chance()) d.restarts = random() % 1000;
  if (chance()) d.tool_count = random() % 1000;
  d.tools_hash = text("sha256:00ff");
  if (chance()) d.tools_bytes = random() % 100'000;
  return d;
}

// The same JSON, written as nobody of ours writes it: a space behind the first brace.
std::string spaced(const std::string& bytes) { return "{ " + bytes.substr(1); }

TEST(InfoDecode, ReadsWhatWeWriteInAnySpelling) {
  std::mt19937_64 random(test::seed());
  for (int i = 0; i < 2000; ++i) {
    const details info = random_details(random);
    const bool connected = random() % 2 == 0;
    std::optional<timestamp> at;
    if (connected) at = test::at(test::connected_at_text);
    const auto tail = encode_info_tail(connected ? status::connected : status::connecting, at, info);
    const auto bytes = encode_info(1'790'000'000'000'000 + random() % 1000, test::at("2026-11-23T00:00:00Z"), at, tail);
    const auto read = decode_info(bytes);
    ASSERT_TRUE(read) << bytes;
    EXPECT_EQ(read->info, info) << bytes;
    EXPECT_TRUE(revision_of_info(bytes).has_value());
    ASSERT_FALSE(revision_of_info(spaced(bytes)));
    const auto other = decode_info(spaced(bytes));
    ASSERT_TRUE(other) << bytes;
    EXPECT_EQ(read->revision, other->revision);
    EXPECT_EQ(read->expires_at, other->expires_at);
    EXPECT_EQ(read->expires_latest, other->expires_latest);
    EXPECT_EQ(read->state, other->state);
    EXPECT_EQ(read->connected_at, other->connected_at);
    EXPECT_EQ(read->info, other->info) << bytes;
  }
}

// What Boost.JSON makes of the same bytes as a document.
TEST(InfoDecode, AgreesWithTheBoostJsonDocument) {
  const auto tail = encode_info_tail(status::failed, std::nullopt, test::full_details());  // escapes, an error
  const auto bytes = encode_info(7, test::at("2026-11-23T00:00:00Z"), std::nullopt, tail);
  const auto read = decode_info(bytes);
  ASSERT_TRUE(read);
  const auto document = boost::json::parse(bytes).as_object();
  EXPECT_EQ(read->revision, document.at("revision").to_number<std::uint64_t>());
  EXPECT_EQ(read->info.server_title, document.at("server_info").as_object().at("name").as_string().c_str());
  EXPECT_EQ(read->info.capabilities, boost::json::serialize(document.at("capabilities")));
  EXPECT_EQ(read->info.error->code, "deadline");
  EXPECT_EQ(read->info.error->message, document.at("error").as_object().at("message").as_string().c_str());
}

TEST(InfoDecode, RefusesEveryTruncationAndEveryTrailingByte) {
  details d = test::full_details();
  d.error.reset();
  d.server_title = "plain";
  const auto tail = encode_info_tail(status::connected, test::at(test::connected_at_text), d);
  const auto bytes = encode_info(7, test::at("2026-11-23T00:00:00Z"), std::nullopt, tail);
  ASSERT_TRUE(decode_info(bytes));
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_info(bytes.substr(0, n))) << n;
  EXPECT_FALSE(decode_info(bytes + "x"));
  EXPECT_FALSE(decode_info(bytes + "}"));
}

TEST(InfoDecode, RefusesInvalidJson) {
  EXPECT_FALSE(decode_info(R"({"revision":07,"expires_at":0,"expires_latest":0,"status":"FAILED"})"));
  EXPECT_FALSE(decode_info(R"({"revision":,"expires_at":0,"expires_latest":0,"status":"FAILED"})"));
  EXPECT_FALSE(decode_info("{\"revision\":7,\"expires_at\":0,\"expires_latest\":0,\"status\":\"A\tB\"}"));
  EXPECT_FALSE(decode_info(R"({"revision":7,"expires_at":0,"expires_latest":0,"status":"FAILED","capabilities":{"a"}})"));
  EXPECT_TRUE(decode_info(R"({"revision":7,"expires_at":0,"expires_latest":0,"status":"FAILED"})"));
}

// Members count where they belong and nowhere else, whatever a peer has put into its capabilities.
TEST(InfoDecode, IgnoresMembersInsideOtherValues) {
  const auto read =
      decode_info(R"({"revision":7,"x":{"revision":9,"url":"u","error":{"code":"c"},"server_info":{"name":"n"}},)"
                  R"("capabilities":{"status":"CONNECTED","name":"n","managed":true,"deep":{"capabilities":{}}},)"
                  R"("server_info":{"version":"1","x":{"name":"n"},"y":["name","n"]},"y":[{"url":"u"},"url","u",9],)"
                  R"("error":{"message":"m","x":{"code":"c","attempt":3}}})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->revision, 7U);
  EXPECT_FALSE(read->state);
  EXPECT_FALSE(read->info.managed);
  EXPECT_EQ(read->info.url, "");
  EXPECT_EQ(read->info.server_title, "");
  EXPECT_EQ(read->info.server_version, "1");
  EXPECT_EQ(read->info.capabilities, R"({"status":"CONNECTED","name":"n","managed":true,"deep":{"capabilities":{}}})");
  ASSERT_TRUE(read->info.error);
  EXPECT_EQ(read->info.error->code, "");
  EXPECT_EQ(read->info.error->message, "m");
  EXPECT_EQ(read->info.error->attempt, 0U);
}

TEST(InfoDecode, ReadsEscapedNames) {
  const auto read = decode_info(R"({"revisio\u006e":7,"\u0075rl":"a\"b","server\u005finfo":{"nam\u0065":"\ud83d\ude00"}})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->revision, 7U);
  EXPECT_EQ(read->info.url, "a\"b");
  EXPECT_EQ(read->info.server_title, "😀");
}

TEST(InfoHead, AcceptsOnlyWhatScriptsCanRead) {
  EXPECT_TRUE(revision_of_info(R"({"revision":9007199254740991,"expires_at":1,"expires_latest":0,"status":"FAILED"})"));
  for (const char* bytes : {"", "{}", R"({"revision":9007199254740992,"expires_at":1,"expires_latest":0,"status":"FAILED"})",
                            R"({"revision":07,"expires_at":1,"expires_latest":0,"status":"FAILED"})",
                            R"({"revision":-7,"expires_at":1,"expires_latest":0,"status":"FAILED"})",
                            R"({"revision":7.5,"expires_at":1,"expires_latest":0,"status":"FAILED"})",
                            R"({"revision":7,"expires_latest":0,"expires_at":1,"status":"FAILED"})",
                            R"({"revision":7,"expires_at":"1","expires_latest":0,"status":"FAILED"})",
                            R"({"revision":7,"expires_at":1000000000000000000,"expires_latest":0,"status":"FAILED"})",
                            R"({"revision":7,"expires_at":1,"expires_latest":0})"}) {
    EXPECT_FALSE(revision_of_info(bytes)) << bytes;
  }
}

}  // namespace
}  // namespace mcpstate
