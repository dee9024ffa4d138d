// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "http/headers.hh"

// The head of an HTTP answer, as far as anybody looks at it. All texts are the server's own words. Pure.
namespace mcpstate::http {

struct head {
  head() {}
  unsigned status = 0;
  std::string content_type, content_encoding, location;
  std::string retry_after;                    // seconds or a date, as it came
  std::string date;                           // when the answer was made, as it came
  std::vector<std::string> www_authenticate;  // each occurrence of the header; one may hold several challenges
  header_list others;                         // what else the client asked for (connection_options), names in lower case

  // The first value in `others` that is not empty, or an empty text. The name is in lower case.
  [[nodiscard]] std::string_view other(std::string_view name) const noexcept;
};

// An answer that was read as a whole.
struct answer {
  answer() {}
  unsigned status = 0;
  std::string content_type, location;
  std::string retry_after, date;              // as they came
  std::vector<std::string> www_authenticate;  // each occurrence of the header
  std::string body;                           // its beginning
};

[[nodiscard]] bool is_success(const head& answered) noexcept;
// The answer of this head; body: its beginning.
[[nodiscard]] answer to_answer(head answered, std::string body);

}  // namespace mcpstate::http
