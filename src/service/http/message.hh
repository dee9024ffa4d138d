// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// An HTTP request and its response, as handlers see them: no Beast and no sockets. Value types.
namespace mcpstate::service {

enum class http_method { get, head, post, put, del, options, other };
[[nodiscard]] std::string_view name_of(http_method method) noexcept;  // "GET"; "OTHER" for an unknown method
[[nodiscard]] http_method method_of(std::string_view text) noexcept;

// The head of a request, then its body. Header fields that the service does not use are not stored.
struct http_request {
  http_request() {}
  http_method method = http_method::other;
  std::string target;  // as received
  unsigned version = 11;
  bool keep_alive = true;
  bool has_body = false;                        // a length over 0, or chunked
  bool has_range = false;                       // the body is a part of something (Content-Range)
  std::optional<std::uint64_t> content_length;  // absent: chunked, or no body
  std::optional<std::string> host, authorization, content_type, origin, if_match, if_none_match, expect, request_id;
  std::optional<std::string> preflight_method;  // Access-Control-Request-Method
  // Sec-Fetch-Site, -Mode and -Dest: what a browser says about the page that made the request.
  std::optional<std::string> fetch_site, fetch_mode, fetch_dest;
  std::string body;
};

class subscription;

// Shared bytes inside a body. They are sent from where they are, without a copy.
struct body_insert {
  std::size_t offset = 0;  // in http_response::body: the bytes stand in front of this one
  std::shared_ptr<const std::string> bytes;
};

struct http_response {
  http_response() {}
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<body_insert> inserts;  // by ascending offset
  std::string_view static_body;      // used when body is empty; lives as long as the program
  std::string etag;                  // with its quotes; empty: none
  std::string unless_room;           // what is told where there is no room for the body; empty: the body all the same
  std::string cause;                 // for the log, of a 5xx: what the client is told, without a peer's words
  std::vector<std::pair<std::string_view, std::string>> headers;
  std::shared_ptr<const void> held;  // what the body points into or takes of a budget, until it is sent
  // An event stream that follows the head. The connection is closed when the stream ends.
  std::shared_ptr<subscription> event_stream;

  [[nodiscard]] std::size_t size() const noexcept;  // of the whole body, in bytes
  // The body as pieces in the order in which they are sent. No piece is empty. The pieces point into this response.
  [[nodiscard]] std::vector<std::string_view> pieces() const;
};

[[nodiscard]] std::string_view reason_phrase(unsigned status) noexcept;

}  // namespace mcpstate::service
