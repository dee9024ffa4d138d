// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/core/connection.hpp>

#include "service/http/message.hh"
#include "service/routes/known_lists.hh"

// Builds the JSON of records for a response. It is what to_json writes, but tool lists are not copied into it. Pure.
namespace mcpstate::service {

class record_body {
 public:
  void append_text(std::string_view text) { text_ += text; }
  // The JSON object of a record. It has the record's tools if they are present and a list that may stand in it.
  void append_record(const connection& record, const list_facts& tools);

  // A digest of the text and of the lists in it. The bytes of the lists are not read: their digests are known.
  [[nodiscard]] std::string digest() const;
  // Moves the body into a response. Call it once.
  void move_to(http_response& out);

 private:
  std::string text_;
  std::vector<body_insert> lists_;
  std::vector<std::string> digests_;  // of the lists
};

}  // namespace mcpstate::service
