// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

// Decodes a body by its Content-Encoding: compressed bytes in, plain bytes out, a bounded piece at a time. Pure,
// incremental.
//
// A kilobyte can decode to a megabyte. Nothing is decoded before a caller asks for it, so the caller's limit on a body holds
// for the decoded bytes. A body that is more than 200 times as large as what was sent for it is refused, beyond its first
// megabyte. A decoder takes about 40 KB.
namespace mcpstate::http {

// The value of Accept-Encoding for a client that decodes.
inline constexpr std::string_view accepted_encodings = "gzip";

enum class content_coding { identity, gzip, deflate, unknown };
// The coding that a Content-Encoding header names: identity for an empty one, unknown for several at once.
[[nodiscard]] content_coding content_coding_of(std::string_view header);

class body_decoder {
 public:
  // gzip or deflate (the zlib format, as RFC 9110 says).
  explicit body_decoder(content_coding coding);
  ~body_decoder();
  body_decoder(const body_decoder&) = delete;
  body_decoder& operator=(const body_decoder&) = delete;

  // Answers the next plain bytes, at most max_bytes, and removes the input that it used from the front. Call it until it
  // answers nothing: then all that the input stands for has come out, as readers of event streams need it. Failure: protocol
  // for input that is not compressed as it should be, too_large for one that is compressed too well, and from then on.
  [[nodiscard]] result<std::string> decode(std::string_view& input, std::size_t max_bytes);
  // Call it at the end of the body, when nothing more comes out. Failure: protocol if the body was cut off. An empty body is
  // whole.
  [[nodiscard]] result<void> finish() const;

 private:
  struct inflater;
  std::unique_ptr<inflater> inflater_;
  std::uint64_t taken_ = 0, made_ = 0;  // bytes
};

}  // namespace mcpstate::http
