// SPDX-License-Identifier: MIT
#include "core/info_scan.hh"

#include <gtest/gtest.h>

#include <random>

#include "support/seed.hh"
#include "unit/core/samples.hh"

namespace mcpstate {
namespace {

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
  if (chance()) d.tool_count = random() % 1000;
  d.tools_hash = text("sha256:00ff");
  if (chance()) d.tools_bytes = random() % 100'000;
  return d;
}

// A space after the first brace is the same JSON, and not what the scanner takes.
std::string not_simple(const std::string& bytes) { return "{ " + bytes.substr(1); }

TEST(InfoScan, AgreesWithTheDocumentParserOnEverythingWeWrite) {
  std::mt19937_64 random(test::seed());
  for (int i = 0; i < 2000; ++i) {
    const details info = random_details(random);
    const bool connected = random() % 2 == 0;
    std::optional<timestamp> at;
    if (connected) at = test::at(test::connected_at_text);
    const auto tail = encode_info_tail(connected ? status::connected : status::connecting, at, info);
    const auto bytes = encode_info(1'790'000'000'000'000 + random() % 1000, test::at("2026-11-23T00:00:00Z"), at, tail);
    const auto scanned = scan_info(bytes);
    ASSERT_TRUE(scanned) << bytes;
    ASSERT_FALSE(scan_info(not_simple(bytes)));
    const auto parsed = decode_info(not_simple(bytes));
    ASSERT_TRUE(parsed) << bytes;
    EXPECT_EQ(scanned->revision, parsed->revision);
    EXPECT_EQ(scanned->expires_at, parsed->expires_at);
    EXPECT_EQ(scanned->expires_latest, parsed->expires_latest);
    EXPECT_EQ(scanned->state, parsed->state);
    EXPECT_EQ(scanned->connected_at, parsed->connected_at);
    EXPECT_EQ(scanned->info, parsed->info) << bytes;
  }
}

TEST(InfoScan, LeavesWhatIsNotSimpleToTheDocumentParser) {
  const auto tail = encode_info_tail(status::failed, std::nullopt, test::full_details());  // escapes, an error
  const auto bytes = encode_info(7, test::at("2026-11-23T00:00:00Z"), std::nullopt, tail);
  EXPECT_FALSE(scan_info(bytes));
  EXPECT_EQ(decode_info(bytes)->info.error->code, "deadline");
}

TEST(InfoScan, RefusesEveryTruncationAndEveryTrailingByte) {
  details d = test::full_details();
  d.error.reset();
  d.server_title = "plain";
  const auto tail = encode_info_tail(status::connected, test::at(test::connected_at_text), d);
  const auto bytes = encode_info(7, test::at("2026-11-23T00:00:00Z"), std::nullopt, tail);
  ASSERT_TRUE(scan_info(bytes));
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(scan_info(bytes.substr(0, n))) << n;
  EXPECT_FALSE(scan_info(bytes + " "));
  EXPECT_FALSE(scan_info(bytes + "}"));
}

TEST(InfoScan, RefusesWhatIsNoJson) {
  EXPECT_FALSE(scan_info(R"({"revision":07,"expires_at":0,"expires_latest":0,"status":"FAILED"})"));
  EXPECT_FALSE(scan_info(R"({"revision":,"expires_at":0,"expires_latest":0,"status":"FAILED"})"));
  EXPECT_FALSE(scan_info("{\"revision\":7,\"expires_at\":0,\"expires_latest\":0,\"status\":\"A\tB\"}"));
  EXPECT_FALSE(scan_info(R"({"revision":7,"expires_at":0,"expires_latest":0,"status":"FAILED","capabilities":{"a"}})"));
  EXPECT_TRUE(scan_info(R"({"revision":7,"expires_at":0,"expires_latest":0,"status":"FAILED"})"));
}

}  // namespace
}  // namespace mcpstate
