// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mcpstate/core/error.hpp>

// What URLs, headers and HTTP answers mean to an MCP client. Pure.
namespace mcpstate::mcp {

struct http_url {
  http_url() {}
  bool tls = false;
  std::string host;       // to resolve and verify: no brackets
  std::string port;       // decimal
  std::string authority;  // for Host: exactly as the URL has it (servers compare it)
  std::string target;     // path and query as they are; "/" for an empty path
  std::string shown;      // without user-info, query and fragment
};
// bad_url for anything but an http or https URL with a host and without user-info. The text never holds a part of the URL
// that could be a secret.
[[nodiscard]] result<http_url> parse_http_url(std::string_view text);

// Whether a text may be a URL with a host, or a relative reference: visible ASCII, and // behind a scheme. Boost.URL (1.81)
// must not see anything else: some of it ends the program.
[[nodiscard]] bool may_be_url(std::string_view text) noexcept;

using header_list = std::vector<std::pair<std::string, std::string>>;
// bad_argument for a header that is malformed, or that the protocol itself sets.
[[nodiscard]] result<void> check_headers(const header_list& headers);

[[nodiscard]] bool has_header(const header_list& headers, std::string_view name);

// "mcpstate/1.0", out of whatever a caller calls itself.
[[nodiscard]] std::string user_agent(std::string_view name, std::string_view version);

// "text/html" of "Text/HTML; charset=utf-8".
[[nodiscard]] std::string media_type(std::string_view content_type);

// A session id as the protocol allows it: visible ASCII.
[[nodiscard]] bool is_session_id(std::string_view id) noexcept;

struct http_answer {
  http_answer() {}
  unsigned status = 0;
  std::string content_type;
  std::string location;
  std::string retry_after;                    // as it came
  std::vector<std::string> www_authenticate;  // each occurrence of the header
  std::string body;                           // its beginning
};
// The error that an answer stands for, when it carries no JSON-RPC answer: its status, or its content type.
[[nodiscard]] error explain_answer(const http_answer& answer);
// Whether the body of an answer that is no success is nonetheless a JSON-RPC error: the answer to the request.
[[nodiscard]] bool has_rpc_error(const http_answer& answer);
// Whether a server says that the session which the request named is over. 404 means that; real servers also answer 400 with
// words about the session. has_worked: some request of the session was answered before.
[[nodiscard]] bool is_session_over(const http_answer& answer, bool has_worked);

}  // namespace mcpstate::mcp
