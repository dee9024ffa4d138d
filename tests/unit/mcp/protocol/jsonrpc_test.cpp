// SPDX-License-Identifier: MIT
#include "mcp/protocol/jsonrpc.hh"

#include <gtest/gtest.h>

namespace mcpstate::mcp {
namespace {

using kind = message::kind;

message one(std::string_view text) {
  auto read = decode_message(std::string(text));
  EXPECT_TRUE(read.has_value()) << text << ": " << read.error().full_text();
  return read ? std::move(*read) : message();
}

TEST(JsonRpc, TellsTheKindsOfMessages) {
  const message request = one(R"({"jsonrpc":"2.0","id":"a\"b","method":"roots/list","params":{"x": 1.0}})");
  EXPECT_EQ(request.type, kind::request);
  EXPECT_EQ(request.id, R"("a\"b")");
  EXPECT_EQ(request.method, "roots/list");
  EXPECT_EQ(request.body, R"({"x": 1.0})");
  EXPECT_EQ(one(R"({"method":"m","jsonrpc":"2.0"})").type, kind::notification);
  EXPECT_EQ(one(R"({"method":"m","jsonrpc":"2.0","id":null})").type, kind::notification);
  const message result = one(R"({"id":7,"result":{"a":[1 , 2]},"jsonrpc":"2.0"})");
  EXPECT_EQ(result.type, kind::result);
  EXPECT_EQ(result.id, "7");
  EXPECT_EQ(result.body, R"({"a":[1 , 2]})");
  const message failure = one(R"({"id":7,"error":{"code":-32601,"message":"n\u006f"},"jsonrpc":"2.0"})");
  EXPECT_EQ(failure.type, kind::failure);
  EXPECT_EQ(failure.error_code, rpc::method_not_found);
  EXPECT_EQ(failure.error_message, "no");
  EXPECT_EQ(one(R"({"id":null,"error":{},"jsonrpc":"2.0"})").id, "");
  EXPECT_EQ(one(R"({"id":7,"error":null,"result":1,"jsonrpc":"2.0"})").type, kind::result);
}

TEST(JsonRpc, RefusesMalformedMessages) {
  for (const char* const text :
       {"", "x", "[]", "7", "{}", R"({"jsonrpc":"1.0","id":1,"result":{}})", R"({"jsonrpc":"2.0","id":1})",
        R"({"jsonrpc":"2.0","result":{}})", R"({"jsonrpc":"2.0","id":[],"result":{}})",
        R"({"jsonrpc":"2.0","id":1,"error":"x"})", R"({"jsonrpc":"2.0","method":1})",
        R"({"jsonrpc":"2.0","id":1,"result":{}})"
        "{}",
        R"([{"jsonrpc":"2.0","method":"a"}])"}) {
    const auto read = decode_message(text);
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().code(), errc::protocol);
  }
}

TEST(JsonRpc, ReadsBatchesWhereAllowed) {
  std::vector<message> read;
  const auto take = [&read](message part) { read.push_back(std::move(part)); };
  const char* const two = R"([{"jsonrpc":"2.0","method":"a"}, {"jsonrpc":"2.0","id":1,"result":[]}])";
  ASSERT_TRUE(decode_messages(two, take).has_value());
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].method, "a");
  EXPECT_EQ(read[1].body, "[]");
  EXPECT_TRUE(decode_messages("[]", take).has_value());
  EXPECT_FALSE(decode_messages(R"([{"jsonrpc":"2.0","method":"b"},1])", take).has_value());
  EXPECT_EQ(read.size(), 2U);  // nothing of a batch that is not sound
}

TEST(JsonRpc, RefusesABatchOfMoreThanAThousandMessages) {
  std::size_t read = 0;
  const auto take = [&read](const message&) { ++read; };
  const auto batch = [](int count) {
    std::string out = "[";
    for (int i = 0; i < count; ++i) out.append(i == 0 ? "" : ",").append(R"({"jsonrpc":"2.0","method":"b"})");
    return out + "]";
  };
  EXPECT_TRUE(decode_messages(batch(1000), take).has_value());
  EXPECT_EQ(read, 1000U);
  EXPECT_FALSE(decode_messages(batch(1001), take).has_value());
  EXPECT_EQ(read, 1000U);
}

TEST(JsonRpc, ReadsIdsSentAsNumberOrText) {
  EXPECT_EQ(number_of_id("7"), 7U);
  EXPECT_FALSE(number_of_id("\"7\"").has_value());  // that is another id
  for (const char* const other : {"", "\"\"", "-1", "7.0", "\"a\"", "99999999999999999999", "\"7", "7a"}) {
    EXPECT_FALSE(number_of_id(other).has_value()) << other;
  }
}

TEST(JsonRpc, EncodesEachKindOfMessage) {
  EXPECT_EQ(encode_request(3, "tools/list", "{}"), R"({"jsonrpc":"2.0","id":3,"method":"tools/list","params":{}})");
  EXPECT_EQ(encode_request(3, "ping", ""), R"({"jsonrpc":"2.0","id":3,"method":"ping"})");
  EXPECT_EQ(encode_notification("n", ""), R"({"jsonrpc":"2.0","method":"n"})");
  EXPECT_EQ(encode_result("\"a\"", "{}"), R"({"jsonrpc":"2.0","id":"a","result":{}})");
  EXPECT_EQ(encode_failure("1", -32601, "no \"such\""),
            R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no \"such\""}})");
}

}  // namespace
}  // namespace mcpstate::mcp
