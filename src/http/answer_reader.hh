// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

#include "http/head.hh"

// Reads one answer of HTTP/1.x: bytes in, a head and the bytes of the body out. Pure, incremental: where the bytes are cut
// makes no difference. Holds what it has not understood yet, and nothing else.
//
// What it refuses (protocol): what is no HTTP; a Content-Length beside a Transfer-Encoding, or several that differ; a
// transfer coding other than chunked; 101. What is over its limits is too_large.
namespace mcpstate::mcp {

class answer_reader {
 public:
  static constexpr std::size_t max_head_bytes = 64 * 1024;  // also of a line between two chunks, and of the trailers
  static constexpr std::size_t max_fields = 256;            // header fields, trailers included
  static constexpr unsigned max_interim = 16;               // answers with 1xx before the real one

  // who: how errors name the server.
  explicit answer_reader(std::string who);
  ~answer_reader();
  answer_reader(const answer_reader&) = delete;
  answer_reader& operator=(const answer_reader&) = delete;

  // Appends what of the body is in these bytes, without its framing. After an error nothing more is to be fed.
  result<void> feed(std::string_view bytes, std::string& body);
  // The peer has closed: the end of the body if nothing else says where that is, else connection_lost.
  result<void> end();

  [[nodiscard]] bool started() const noexcept;   // a byte has arrived
  [[nodiscard]] bool has_head() const noexcept;  // of the answer itself: 1xx are passed over
  [[nodiscard]] bool done() const noexcept;
  // Once done: whether another request may follow on the connection. Not after bytes that nobody asked for.
  [[nodiscard]] bool keeps_connection() const noexcept;
  // Once it has arrived.
  [[nodiscard]] const http_head& head() const noexcept;

 private:
  class message;
  std::string who_, pending_;
  std::unique_ptr<message> message_;
  unsigned interim_ = 0;
  bool started_ = false, surplus_ = false;

  result<void> check_beginning(std::string_view bytes) const;
  result<void> pass_interim();
  error refused(int beast_code) const;
  error cut_off() const;
};

}  // namespace mcpstate::mcp
