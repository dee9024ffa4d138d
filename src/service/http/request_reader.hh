// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "service/http/message.hh"
#include "service/http/problem.hh"

// Parses the requests of one HTTP/1.x connection: bytes in, heads and bodies out. Pure and incremental: it makes no
// difference how the bytes are split. It stores the bytes that are not parsed yet, and nothing else.
//
// The reader stops after each head, so that the caller can decide about the body before it arrives. It refuses: bytes that
// are not HTTP; a repeated field that may occur once; a Content-Length beside a Transfer-Encoding, or one that is not a
// plain number; any transfer coding but chunked; heads and bodies over their limits. Nothing may be fed after a fault.
namespace mcpstate::service {

class request_reader {
 public:
  static constexpr std::size_t default_head_limit = 16 * 1024;
  static constexpr std::size_t max_fields = 100;

  explicit request_reader(std::size_t head_limit = default_head_limit);
  ~request_reader();
  request_reader(const request_reader&) = delete;
  request_reader& operator=(const request_reader&) = delete;

  enum class stage {
    idle,    // between requests; nothing of the next one has arrived
    head,    // in the middle of a head
    headed,  // the head is complete: call read_body(), or close the connection
    body,    // in the middle of a body
    done,    // the request is complete: call take()
    broken,  // fault() says why
  };
  [[nodiscard]] stage current_stage() const noexcept { return stage_; }

  // Appends received bytes and parses them up to the next headed, done or broken. Later bytes wait inside (pipelining).
  void feed(std::string_view bytes);
  // The head, from the stage headed on.
  [[nodiscard]] const http_request& request() const noexcept { return request_; }
  // Continues with the body. limit: its largest size in bytes.
  void read_body(std::size_t limit);
  // Hands out the request and continues with the bytes that follow it.
  [[nodiscard]] http_request take();
  // Whether bytes that follow the head have arrived already.
  [[nodiscard]] bool has_more() const noexcept { return used_ < pending_.size(); }
  [[nodiscard]] std::size_t received() const noexcept { return request_.body.size(); }
  [[nodiscard]] const problem& fault() const noexcept { return *fault_; }

 private:
  class message;
  void advance();
  bool put_once();
  void finish_head();
  void refuse(problem_kind kind, std::string detail);
  void refuse_code(int beast_code);
  [[nodiscard]] bool needs_another_byte() const noexcept;
  [[nodiscard]] std::string_view unread() const noexcept { return std::string_view(pending_).substr(used_); }

  std::size_t head_limit_, body_limit_ = 0;
  stage stage_ = stage::idle;
  std::unique_ptr<message> message_;
  http_request request_;
  std::string pending_;
  std::size_t used_ = 0;  // of pending_
  std::optional<problem> fault_;
};

}  // namespace mcpstate::service
