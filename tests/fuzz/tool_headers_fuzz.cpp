// SPDX-License-Identifier: MIT
// x-mcp-header: the input is a Tool object, and behind the first NUL the arguments of a call. Whatever they are, reading
// ends within bounds, and what is sent for a call are headers that are safe to send.
#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "core/json/slice.hh"
#include "core/text/ascii.hh"
#include "fuzz/expect.hh"
#include "http/token.hh"
#include "mcp/protocol/header_value.hh"
#include "mcp/protocol/tool_headers.hh"

namespace {

using namespace mcpstate::mcp;

void check_list(const tool_header_list& list) {
  MCPSTATE_FUZZ_EXPECT(list.size() <= 64);
  std::set<std::string> names;
  std::size_t bytes = 0;
  for (const tool_header& each : list) {
    MCPSTATE_FUZZ_EXPECT(each.pointer.starts_with('/'));
    MCPSTATE_FUZZ_EXPECT(each.name.starts_with("Mcp-Param-") && each.name.size() > 10 &&
                         mcpstate::http::is_token(each.name));
    MCPSTATE_FUZZ_EXPECT(names.insert(mcpstate::ascii_lower(each.name)).second);
    bytes += each.pointer.size() + each.name.size();
  }
  MCPSTATE_FUZZ_EXPECT(bytes <= 8192);
}

void check_call(const tool_header_list& list, std::string_view arguments) {
  const auto sent = headers_of_call(list, arguments);
  if (!sent) return;
  MCPSTATE_FUZZ_EXPECT(sent->size() <= list.size());
  for (const auto& [sent_name, value] : *sent) {
    const std::string& name = sent_name;
    MCPSTATE_FUZZ_EXPECT(std::any_of(list.begin(), list.end(), [&](const tool_header& each) { return each.name == name; }));
    MCPSTATE_FUZZ_EXPECT(std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c <= 0x7E; }));
    MCPSTATE_FUZZ_EXPECT(decode_header_value(value).has_value());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view tool = text.substr(0, text.find('\0'));
  const std::string_view arguments = text.substr(std::min(tool.size() + 1, text.size()));
  const auto list = read_tool_headers(tool);
  if (!list) {
    MCPSTATE_FUZZ_EXPECT(list.error().code() == mcpstate::errc::protocol);
    MCPSTATE_FUZZ_EXPECT(list.error().peer_text().size() < 300);
    return 0;
  }
  // Of text that is no JSON the answer means nothing; AddressSanitizer looks that nothing outside of it is read.
  if (!validate_json(tool)) check_list(*list);
  if (!validate_json(arguments)) {
    check_call(*list, arguments);
  } else {
    static_cast<void>(headers_of_call(*list, arguments).has_value());
  }
  return 0;
}
