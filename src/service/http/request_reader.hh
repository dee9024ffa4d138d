// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "service/http/message.hh"
#include "service/http/problem.hh"

// Reads the requests of one connection of HTTP/1.x: bytes in, heads and bodies out. Pure, incremental: where the bytes are
// cut makes no difference. Holds what it has not understood yet, and nothing else.
//
// It stops behind each head, so that whoever reads can decide about the body before it comes. What it refuses: what is no
// HTTP; a field twice that may occur once; a Content-Length beside a Transfer-Encoding, or one that is no plain number; any
// transfer coding but chunked; heads and bodies over their limits. After a fault nothing more is to be fed.
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
    idle,    // between requests; nothing of the next has come
    head,    // in the middle of a head
    headed,  // the head is there: decide, then read_body(), or leave it and close
    body,    // in the middle of a body
    done,    // the request is there: take()
    broken,
  };
  [[nodiscard]] stage at() const noexcept { return stage_; }

  // Appends what came. Works only until the next decision: bytes behind it wait inside (pipelining).
  void feed(std::string_view bytes);
  // Of the head, from headed on.
  [[nodiscard]] const http_request& request() const noexcept { return request_; }
  // Goes on with the body, at most this many bytes of it.
  void read_body(std::size_t limit);
  // The request; then goes on with what has come behind it.
  [[nodiscard]] http_request take();
  // Whether bytes behind the head have come already.
  [[nodiscard]] bool has_more() const noexcept { return used_ < pending_.size(); }
  [[nodiscard]] std::size_t received() const noexcept { return request_.body.size(); }
  [[nodiscard]] const problem& fault() const noexcept { return *fault_; }

 private:
  class message;
  void advance();
  bool put_once();
  void head_is_there();
  void refuse(problem_kind kind, std::string detail);
  void refuse_code(int beast_code);
  [[nodiscard]] bool must_wait() const noexcept;
  [[nodiscard]] std::string_view rest() const noexcept { return std::string_view(pending_).substr(used_); }

  std::size_t head_limit_, body_limit_ = 0;
  stage stage_ = stage::idle;
  std::unique_ptr<message> message_;
  http_request request_;
  std::string pending_;
  std::size_t used_ = 0;  // of pending_
  std::optional<problem> fault_;
};

}  // namespace mcpstate::service
