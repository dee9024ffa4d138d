// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

// Content-Encoding: compressed bytes in, plain bytes out, a bounded piece at a time. Pure, incremental.
//
// A kilobyte can stand for a megabyte. Nothing is decoded before it is asked for, so a caller's own limits on a body hold
// for what it decodes to; about 40 KB are held while a body is read.
namespace mcpstate::mcp {

// What a client that decodes says in Accept-Encoding.
inline constexpr std::string_view accepted_encodings = "gzip";

enum class content_coding { identity, gzip, deflate, unknown };
// Of a Content-Encoding header; identity for an empty one, unknown for several one upon the other.
[[nodiscard]] content_coding content_coding_of(std::string_view header);

class body_decoder {
 public:
  // gzip or deflate (the zlib format, as RFC 9110 says).
  explicit body_decoder(content_coding coding);
  ~body_decoder();
  body_decoder(const body_decoder&) = delete;
  body_decoder& operator=(const body_decoder&) = delete;

  // The next plain bytes, at most so many; what was used of the input is removed from its front. Everything that the input
  // stands for comes out (event streams), one call after the other: empty when only more input helps. protocol for what is
  // not compressed as it should be, and from then on.
  [[nodiscard]] result<std::string> decode(std::string_view& input, std::size_t max_bytes);
  // At the end of the body, when nothing more comes out: protocol if it was cut off. A body without any byte is whole.
  [[nodiscard]] result<void> finish() const;

 private:
  struct inflater;
  std::unique_ptr<inflater> inflater_;
};

}  // namespace mcpstate::mcp
