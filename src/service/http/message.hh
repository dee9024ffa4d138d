// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// One HTTP request and its answer, as handlers see them: no Beast, no sockets. Value types.
namespace mcpstate::service {

enum class http_method { get, head, post, put, del, options, other };
[[nodiscard]] std::string_view name_of(http_method m) noexcept;  // "GET"; "OTHER" for what we do not know
[[nodiscard]] http_method method_of(std::string_view text) noexcept;

// The head of a request. Fields that we do not use are not kept. Of the fields that may occur once a second one is a fault.
struct http_request {
  http_request() {}
  http_method method = http_method::other;
  std::string target;  // as it came
  unsigned version = 11;
  bool keep_alive = true;
  bool has_body = false;                        // a length over 0, or chunked
  std::optional<std::uint64_t> content_length;  // absent: chunked, or no body
  std::optional<std::string> host, authorization, content_type, origin, if_match, if_none_match, expect, request_id;
  std::optional<std::string> preflight_method;  // Access-Control-Request-Method
  std::string body;
};

class subscriber;

// Bytes in the midst of a body: sent from where they are, without a copy.
struct body_part {
  std::size_t at = 0;  // in front of which byte of the body
  std::shared_ptr<const std::string> bytes;
};

struct http_response {
  http_response() {}
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<body_part> lists;  // within body, by their places
  std::string_view static_body;  // instead of an empty body; lives as long as the program
  std::string etag;              // with its quotes; empty: none
  std::string cause;             // of a 5xx, for the log: what the client is told, without words of others
  std::vector<std::pair<std::string_view, std::string>> headers;
  std::shared_ptr<subscriber> events;  // what follows the head, until it ends; then the connection is closed

  [[nodiscard]] std::size_t size() const noexcept;
  // What is sent, in order; none is empty. They point into this.
  [[nodiscard]] std::vector<std::string_view> pieces() const;
};

[[nodiscard]] std::string_view reason_phrase(unsigned status) noexcept;

}  // namespace mcpstate::service
