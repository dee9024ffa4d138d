// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

#include "http/head.hh"

// Reads one answer of HTTP/1.x: bytes in, a head and the bytes of the body out. Pure and incremental: it makes no difference
// where the bytes are cut. It holds only bytes that it has not understood yet.
//
// Failure: protocol for bytes that are not HTTP, a Content-Length beside a Transfer-Encoding, several Content-Lengths that
// differ, a transfer coding other than chunked, and status 101; too_large beyond the limits below.
namespace mcpstate::http {

class answer_reader {
 public:
  static constexpr std::size_t max_head_bytes = 64 * 1024;  // also of a line between two chunks, and of the trailers
  static constexpr std::size_t max_fields = 256;            // header fields, trailers included
  static constexpr unsigned max_interim = 16;               // answers with 1xx before the real one

  // server: how errors name it. wanted: names in lower case of the headers to keep in head::others; they outlive the reader.
  explicit answer_reader(std::string server, std::span<const std::string> wanted = {});
  ~answer_reader();
  answer_reader(const answer_reader&) = delete;
  answer_reader& operator=(const answer_reader&) = delete;

  // Appends the part of the body that is in these bytes to `body`, without its framing. Feed nothing after an error.
  result<void> feed(std::string_view bytes, std::string& body);
  // The peer has closed the connection. That is the end of a body whose length nothing else says; otherwise connection_lost.
  result<void> end();

  [[nodiscard]] bool started() const noexcept;   // a byte has arrived
  [[nodiscard]] bool has_head() const noexcept;  // of the final answer; heads with 1xx are skipped
  [[nodiscard]] bool done() const noexcept;
  // Whether another request may follow on the connection, once this answer is done. Not after surplus bytes.
  [[nodiscard]] bool keeps_connection() const noexcept;
  // Only after has_head().
  [[nodiscard]] const http::head& head() const noexcept;

 private:
  class message;
  std::string server_, pending_;
  std::span<const std::string> wanted_;
  std::unique_ptr<message> message_;
  unsigned interim_ = 0;
  bool started_ = false, surplus_ = false;

  result<void> check_beginning(std::string_view bytes) const;
  result<void> pass_interim();
  error refused(int beast_code) const;
  error cut_off() const;
};

}  // namespace mcpstate::http
