// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
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
  // known outlives it.
  explicit record_body(known_lists& known) : known_(known) {}

  void append_text(std::string_view text) { text_ += text; }
  // The JSON object of a record. It has the record's tools if they are present and a valid list.
  void append_record(const connection& record);

  // A digest of the whole body. Each byte is read once.
  [[nodiscard]] std::uint64_t digest() const;
  // Moves the body into a response. Call it once.
  void move_to(http_response& out);

 private:
  known_lists& known_;
  std::string text_;
  std::vector<body_insert> lists_;
  std::vector<std::uint64_t> digests_;  // of the lists
};

}  // namespace mcpstate::service
