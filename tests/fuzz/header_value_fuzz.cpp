// SPDX-License-Identifier: MIT
// Values of Mcp-Name and Mcp-Param-*: any bytes become a header that is safe to send, and come back; whatever a peer sends
// is refused, or is a value that means the same when it is encoded again.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/expect.hh"
#include "mcp/protocol/header_value.hh"

using namespace mcpstate::mcp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string value = encode_header_value(text);
  MCPSTATE_FUZZ_EXPECT(std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c <= 0x7E; }));
  MCPSTATE_FUZZ_EXPECT(!value.starts_with(' ') && !value.ends_with(' '));
  MCPSTATE_FUZZ_EXPECT(decode_header_value(value) == text);
  if (const auto read = decode_header_value(text)) {
    MCPSTATE_FUZZ_EXPECT(read->size() <= size);
    MCPSTATE_FUZZ_EXPECT(decode_header_value(encode_header_value(*read)) == *read);
    // Two values of one text are its plain form and its encoded form, and no others.
    if (!text.starts_with("=?base64?")) MCPSTATE_FUZZ_EXPECT(*read == text);
  }
  return 0;
}
