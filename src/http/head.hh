// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

// The head of an HTTP answer: what an MCP client looks at. All texts are the server's own words.
namespace mcpstate::mcp {

struct http_head {
  http_head() {}
  unsigned status = 0;
  std::string content_type, content_encoding, session_id, location;
  std::string retry_after;                    // seconds or a date, as it came
  std::vector<std::string> www_authenticate;  // each occurrence of the header; one may hold several challenges
};

// What is left of an answer that is read as a whole.
struct http_answer {
  http_answer() {}
  unsigned status = 0;
  std::string content_type;
  std::string location;
  std::string retry_after;                    // as it came
  std::vector<std::string> www_authenticate;  // each occurrence of the header
  std::string body;                           // its beginning
};
}  // namespace mcpstate::mcp
