// SPDX-License-Identifier: MIT
#include "service/routes/record_body.hh"

#include <mcpstate/core/connection_json.hpp>

#include <utility>

#include "service/http/etag.hh"

namespace mcpstate::service {

void record_body::append_record(const connection& record) {
  append_connection_head(text_, record);
  if (record.tools) {
    const auto digest = digest_of(*record.tools);
    if (known_.is_list(*record.tools, digest)) {
      text_ += ",\"tools\":";
      lists_.push_back(body_insert{text_.size(), record.tools});
      digests_.push_back(digest);
    }
  }
  text_ += '}';
}

std::uint64_t record_body::digest() const {
  const auto text_digest = digest_of(text_);
  // The text alone says where each list stands, so the order of the digests is enough.
  return digests_.empty() ? text_digest : digest_of(text_digest, digests_);
}

void record_body::move_to(http_response& out) {
  out.body = std::move(text_);
  out.inserts = std::move(lists_);
}

}  // namespace mcpstate::service
