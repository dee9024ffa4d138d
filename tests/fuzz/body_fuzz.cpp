// SPDX-License-Identifier: MIT
// Compressed bodies: where the bytes are cut, and how much is asked for at a time, make no difference to what comes out.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/held.hh"
#include "http/body_decoder.hh"

namespace {

using mcpstate::http::body_decoder;
using mcpstate::http::content_coding;

constexpr std::size_t most = 1 << 20;  // a kilobyte may stand for a megabyte, and is decoded many times here

// All that comes out; '!' behind it for an error, '?' for a missing end.
std::string decode(content_coding coding, std::string_view bytes, std::size_t piece, std::size_t max) {
  body_decoder decoder(coding);
  std::string out;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    std::string_view input = bytes.substr(0, piece);
    for (;;) {
      const auto some = decoder.decode(input, max);
      if (!some) return out + "!";
      MCPSTATE_FUZZ_EXPECT(some->size() <= max);
      if (some->empty()) break;
      out += *some;
      if (out.size() > most) return out.substr(0, most);
    }
    MCPSTATE_FUZZ_EXPECT(input.empty());
  }
  return decoder.finish() ? out : out + "?";
}

constexpr std::size_t own_bytes = 128 * 1024;  // a window of zlib, and a piece

// What comes out is let go of at once; a decoder holds nothing of it.
void pass(content_coding coding, std::string_view input) {
  const std::size_t wire = input.size();
  body_decoder decoder(coding);
  std::size_t made = 0;
  for (;;) {
    const auto some = decoder.decode(input, 65536);
    if (!some || some->empty()) break;
    made += some->size();
  }
  MCPSTATE_FUZZ_EXPECT(made <= std::max<std::size_t>(1 << 20, 200 * wire) + 65536);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto coding : {content_coding::gzip, content_coding::deflate}) {
    MCPSTATE_FUZZ_EXPECT_HELD(size, own_bytes, pass(coding, bytes));
    const std::string whole = decode(coding, bytes, size + 1, 65536);
    MCPSTATE_FUZZ_EXPECT(decode(coding, bytes, 1, 1000) == whole);
    MCPSTATE_FUZZ_EXPECT(decode(coding, bytes, 7, 4096) == whole);
    if (whole.size() < 10000) MCPSTATE_FUZZ_EXPECT(decode(coding, bytes, size + 1, 1) == whole);
  }
  static_cast<void>(mcpstate::http::content_coding_of(bytes));
  return 0;
}
