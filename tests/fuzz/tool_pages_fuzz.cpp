// SPDX-License-Identifier: MIT
// Pages of a tool list, one a line, in either era: collecting ends, keeps what was promised, and the list is JSON again. And
// the two ways to take a JSON text apart, by slices and by one walk, see the same.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/json/slice.hh"
#include "fuzz/expect.hh"
#include "mcp/protocol/tool_pages.hh"

namespace {

using namespace mcpstate::mcp;
using namespace std::chrono_literals;

std::string by_walk(json_walk& walk) {
  const json_kind kind = walk.kind();
  if (kind != json_kind::object && kind != json_kind::array) return std::string(walk.take());
  std::string out = "(";
  for (bool more = walk.enter(); more; more = walk.next()) {
    const std::size_t before = walk.position();
    if (kind == json_kind::object) out.append(walk.take_key()) += ':';
    out += by_walk(walk) + " ";
    MCPSTATE_FUZZ_EXPECT(walk.position() > before);
  }
  return out + ")";
}

std::string by_slices(std::string_view value) {
  const json_kind kind = kind_of(value);
  if (kind != json_kind::object && kind != json_kind::array) return std::string(value);
  std::string out = "(";
  for (const json_member& member : kind == json_kind::object ? members_of(value) : std::vector<json_member>()) {
    MCPSTATE_FUZZ_EXPECT(text_of(member.key).has_value() && find_member(value, *text_of(member.key)).has_value());
    out.append(member.key).append(":").append(by_slices(member.value)) += ' ';
  }
  for (const std::string_view element : kind == json_kind::array ? elements_of(value) : std::vector<std::string_view>())
    out += by_slices(element) + " ";
  return out + ")";
}

void check_text(std::string_view text) {
  json_walk walk(text);
  const std::string seen = by_walk(walk);
  MCPSTATE_FUZZ_EXPECT(walk.position() <= text.size());
  MCPSTATE_FUZZ_EXPECT(seen == by_slices(text.substr(std::min(text.find_first_of("[{"), text.size()))));
}

void collect(std::string_view text, bool modern) {
  tool_pages::limits bounds;
  bounds.max_bytes = 4096;
  bounds.max_pages = 20;
  bounds.max_tools = 50;
  bounds.modern = bounds.check_headers = modern;
  tool_pages pages(bounds);
  bool done = false;
  while (!text.empty() && !done) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (validate_json(line)) return;
    check_text(line);
    const auto added = pages.add(line);
    if (!added) return;
    done = *added == tool_pages::progress::done;
    MCPSTATE_FUZZ_EXPECT(pages.pages() <= bounds.max_pages);
    MCPSTATE_FUZZ_EXPECT(!validate_json(pages.next_params()));
    MCPSTATE_FUZZ_EXPECT(!pages.ttl() || (modern && *pages.ttl() >= 0ms && *pages.ttl() <= 24h));
    MCPSTATE_FUZZ_EXPECT(modern || (!pages.is_public() && pages.headers().empty()));
  }
  for (const std::string& each : pages.dropped())
    MCPSTATE_FUZZ_EXPECT(std::none_of(each.begin(), each.end(), [](char c) { return c >= 0 && c < ' '; }));
  for (const auto& [name, headers] : pages.headers()) MCPSTATE_FUZZ_EXPECT(!headers.empty());
  const auto list = std::move(pages).finish();
  MCPSTATE_FUZZ_EXPECT(list.has_value() && list->count() <= bounds.max_tools);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // They stay inside of anything, and come to an end; AddressSanitizer looks.
  static_cast<void>(members_of(text).size() + elements_of(text).size());
  static_cast<void>(find_member(text, "name").has_value() || text_of(text).has_value() || number_of(text).has_value());
  collect(text, false);
  collect(text, true);
  return 0;
}
