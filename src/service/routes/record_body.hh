// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <mcpstate/core/connection.hpp>

#include "service/http/message.hh"
#include "service/routes/known_lists.hh"

// The JSON of records on its way into an answer: as to_json writes it, but tool lists stay where they are. Pure.
namespace mcpstate::service {

class record_body {
 public:
  // known outlives it.
  explicit record_body(known_lists& known) : known_(known) {}

  void text(std::string_view more) { text_ += more; }
  // The record's object; its tools are among it if it has them and they are a list.
  void record(const connection& c);

  // Of everything in it, each byte read once.
  [[nodiscard]] std::uint64_t digest() const;
  // Becomes the body of an answer. Once.
  void move_to(http_response& out);

 private:
  known_lists& known_;
  std::string text_;
  std::vector<body_part> lists_;
  std::vector<std::uint64_t> digests_;  // of the lists
};

}  // namespace mcpstate::service
