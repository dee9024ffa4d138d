// SPDX-License-Identifier: MIT
#include "service/routes/record_body.hh"

#include <mcpstate/core/connection_json.hpp>

#include <utility>

#include "service/http/etag.hh"

namespace mcpstate::service {

void record_body::record(const connection& c) {
  append_connection_head(text_, c);
  if (c.tools) {
    const auto digest = digest_of(*c.tools);
    if (known_.is_list(*c.tools, digest)) {
      text_ += ",\"tools\":";
      lists_.push_back(body_part{text_.size(), c.tools});
      digests_.push_back(digest);
    }
  }
  text_ += '}';
}

std::uint64_t record_body::digest() const {
  const auto of_text = digest_of(text_);
  // Where each list stands can be told from the text.
  return digests_.empty() ? of_text : digest_of(of_text, digests_);
}

void record_body::move_to(http_response& out) {
  out.body = std::move(text_);
  out.lists = std::move(lists_);
}

}  // namespace mcpstate::service
