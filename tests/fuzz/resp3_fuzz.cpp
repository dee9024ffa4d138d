// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/expect.hh"
#include "redis/parser.hh"
#include "unit/redis/show.hh"

// Any bytes from a server: however they are cut, the same replies come out, or the same complaint at the same place.
namespace {

using mcpstate::redis::parser;

struct outcome {
  std::vector<std::string> replies;
  std::string why;
  bool in_reply = false;
};

// `cut` decides where: pieces of 1 to 16 bytes, or everything at once for 0.
outcome read(std::string_view bytes, std::uint8_t cut) {
  parser::limits bounds;
  bounds.bytes = 4096;
  bounds.elements = 256;
  bounds.depth = 8;
  parser p(bounds);
  outcome out;
  std::uint32_t state = cut;
  while (!bytes.empty() && out.why.empty()) {
    state = state * 1664525 + 1013904223;
    const std::size_t n = cut == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 1 + (state >> 28));
    const std::string own(bytes.substr(0, n));  // so that a view kept too long is found
    std::string_view piece = own;
    bytes.remove_prefix(n);
    parser::status got = parser::status::ready;
    while ((got = p.feed(piece)) == parser::status::ready) out.replies.push_back(show(p.take()));
    MCPSTATE_FUZZ_EXPECT(got == parser::status::failed || piece.empty());
    if (got == parser::status::failed) out.why = p.why();
  }
  out.in_reply = p.in_reply();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const outcome whole = read(bytes, 0);
  const outcome cut = read(bytes, static_cast<std::uint8_t>(data[0] | 1));
  MCPSTATE_FUZZ_EXPECT(whole.replies == cut.replies);
  MCPSTATE_FUZZ_EXPECT(whole.why == cut.why);
  if (whole.why.empty()) MCPSTATE_FUZZ_EXPECT(whole.in_reply == cut.in_reply);
  return 0;
}
