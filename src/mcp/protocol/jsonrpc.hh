// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

// JSON-RPC 2.0 messages, to and from text. Pure.
namespace mcpstate::mcp {

namespace rpc {
inline constexpr std::int64_t invalid_request = -32600;
inline constexpr std::int64_t method_not_found = -32601;
inline constexpr std::int64_t invalid_params = -32602;
// By custom, of servers.
inline constexpr std::int64_t server_error = -32000;
inline constexpr std::int64_t session_not_found = -32001;
// Of MCP 2026-07-28.
inline constexpr std::int64_t header_mismatch = -32020;
inline constexpr std::int64_t missing_capability = -32021;
inline constexpr std::int64_t unsupported_version = -32022;
// Of MCP 2025-11-25: a person has to visit a page first.
inline constexpr std::int64_t url_elicitation = -32042;
// By custom: the person has refused.
inline constexpr std::int64_t rejected = -1;
}  // namespace rpc

struct message {
  message() {}
  enum class kind { request, notification, result, failure } type = kind::notification;
  std::string id;               // raw JSON: 7, "abc"; empty when absent or null
  std::string method;           // of requests and notifications
  std::string body;             // raw JSON of params or result; empty when absent
  std::int64_t error_code = 0;  // of failures
  std::string error_message;
  std::string error_data;  // raw JSON; empty when absent
};

// One message. It takes the text over, so that a large body takes no room twice. errc::protocol for anything that is no
// JSON-RPC, and for a batch.
[[nodiscard]] result<message> decode_message(std::string text);
// The same where the protocol version has batches: hands over one message after the other, if all of them are sound and
// they are at most 1,000. A small message takes more room than its bytes.
[[nodiscard]] result<void> decode_messages(std::string text, const std::function<void(message)>& take);

// What is in a batch of one message, which some servers make of every answer; any other text as it is.
[[nodiscard]] std::string without_batch(std::string text);

// The number of a request of ours, as it was sent: 7, and not "7".
[[nodiscard]] std::optional<std::uint64_t> number_of_id(std::string_view raw_id);
// The same of a progress token, which some servers turn into a string. It decides nothing but how long to wait.
[[nodiscard]] std::optional<std::uint64_t> number_of_token(std::string_view raw_token);

// The text of a message to send. params and result are raw JSON; empty params are left out. raw_id is as received.
[[nodiscard]] std::string encode_request(std::uint64_t id, std::string_view method, std::string_view params);
[[nodiscard]] std::string encode_notification(std::string_view method, std::string_view params);
[[nodiscard]] std::string encode_result(std::string_view raw_id, std::string_view result);
[[nodiscard]] std::string encode_failure(std::string_view raw_id, std::int64_t code, std::string_view text);

}  // namespace mcpstate::mcp
