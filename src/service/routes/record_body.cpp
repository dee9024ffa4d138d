// SPDX-License-Identifier: MIT
#include "service/routes/record_body.hh"

#include <mcpstate/core/connection_json.hpp>

#include <utility>

#include "service/http/etag.hh"

namespace mcpstate::service {

void record_body::append_record(const connection& record, const list_facts& tools) {
  append_connection_head(text_, record);
  if (record.tools && tools.kind == list_kind::list) {
    text_ += ",\"tools\":";
    lists_.push_back(body_insert{text_.size(), record.tools});
    digests_.push_back(tools.digest);
  }
  text_ += '}';
}

// The text alone says where each list stands, so the order of the digests is enough.
std::string record_body::digest() const { return digest_of(text_, digests_); }

void record_body::move_to(http_response& out) {
  out.body = std::move(text_);
  out.inserts = std::move(lists_);
}

}  // namespace mcpstate::service
