// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "redis/reply.hh"

// Reads replies (RESP3, and the RESP2 subset) from a stream that arrives in pieces. Pure.
//
//     redis::parser parser(redis::parser::limits{});
//     std::string_view in = chunk;                      // whatever the socket gave
//     while (parser.feed(in) == parser::status::ready) handle(parser.take());
//
// What it has seen it keeps inside and never looks at again, so a chunk can be thrown away after feed(), and reading a
// reply costs the same however it was cut. A peer cannot make it allocate more than it sends: counts and lengths are checked
// against the limits where they are announced, and memory is taken as the bytes arrive.
namespace mcpstate::redis {

class parser {
 public:
  struct limits {
    std::size_t depth = 32;                   // arrays in arrays; attributes count
    std::size_t bytes = 512u * 1024 * 1024;   // of one reply on the wire
    std::size_t elements = 4u * 1024 * 1024;  // of one reply, all levels together
  };
  enum class status {
    more,    // everything was taken; the reply is not complete
    ready,   // take() has a reply; what follows it is still in the input
    failed,  // this is not the protocol, or a limit was reached: why() says it, and the stream cannot be read any further
  };

  explicit parser(limits bounds) : limits_(bounds) {}

  // Of the next reply, while none has begun. Pushes have no limits.
  void limit_values(const value_limits& next) noexcept { value_limits_ = next; }
  // Takes bytes off the front of `in`. After `failed` it takes nothing any more.
  status feed(std::string_view& in);
  // The reply that was ready; once.
  [[nodiscard]] reply take() { return std::move(done_); }
  [[nodiscard]] const std::string& why() const noexcept { return why_; }
  // Whether a reply has begun and is not complete.
  [[nodiscard]] bool in_reply() const noexcept { return used_ != 0; }

 private:
  enum class phase { line, bulk, bulk_end };
  enum class step { again, more, ready, failed };
  struct frame {
    reply value;
    std::size_t left = 0;    // items to come
    bool attribute = false;  // dropped when complete
  };

  step read_line(std::string_view& in);
  step read_bulk(std::string_view& in);
  step read_bulk_end(std::string_view& in);
  step on_line(std::string_view line);
  step on_scalar(char type, std::string_view body);
  step on_integer(std::string_view body);
  step on_real(std::string_view body);
  step on_big_number(std::string_view body);
  step on_bulk_header(char type, std::string_view body);
  step on_aggregate(char type, std::string_view body);
  step on_value(reply value);
  step fail(std::string why);
  bool take_bytes(std::size_t n);
  [[nodiscard]] std::size_t value_limit() const noexcept;

  limits limits_;
  value_limits value_limits_;
  phase phase_ = phase::line;
  std::string line_;  // the beginning of a line that was cut
  char bulk_type_ = '$';
  std::size_t bulk_left_ = 0;  // bytes of the bulk to come, those that are not kept aside
  std::uint64_t bulk_dropped_ = 0;       // bytes behind these that are not kept
  std::uint64_t bulk_dropped_left_ = 0;  // of those, the ones to come
  std::string bulk_;
  char bulk_end_seen_ = 0;    // '\r' when the two end bytes were cut apart
  std::vector<frame> stack_;  // aggregates that are not complete, outermost first
  std::size_t used_ = 0;      // bytes of this reply so far
  std::size_t elements_ = 0;  // announced in this reply so far
  reply done_;
  bool failed_ = false;
  std::string why_;
};

}  // namespace mcpstate::redis
