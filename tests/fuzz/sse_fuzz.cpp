// SPDX-License-Identifier: MIT
// Event streams: where the bytes are cut makes no difference, and no event outgrows the limit.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "mcp/sse_parser.hh"

namespace {

constexpr std::size_t limit = 256;

void append(std::string& out, const mcpstate::mcp::sse_event& event) {
  if (event.data.size() > limit || event.name.size() > limit || event.id.size() > limit) std::abort();
  out += event.name + '\x01' + event.data + '\x02' + event.id + '\x03';
}

// All events of a text that is fed in pieces of this size; ends with '!' when the limit was passed.
std::string parse(std::string_view text, std::size_t piece) {
  mcpstate::mcp::sse_parser parser(limit);
  std::string out;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    const auto events = parser.feed(text.substr(0, piece));
    if (!events) return out + "!";
    for (const auto& event : *events) append(out, event);
  }
  if (const auto last = parser.finish()) append(out, *last);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string whole = parse(text, size + 1);
  const bool over = whole.ends_with('!');
  for (const std::size_t piece : {1U, 2U, 3U, 7U}) {
    const std::string pieces = parse(text, piece);
    // Past the limit the events of the last piece are lost with it; how many there are depends on the pieces.
    if (over ? !pieces.ends_with('!') : pieces != whole) std::abort();
  }
  return 0;
}
