// SPDX-License-Identifier: MIT
// Event streams: where the bytes are cut makes no difference, no event outgrows the limit, and a parser that does it by the
// letter of the standard, line by line, sees the same.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fuzz/held.hh"
#include "http/sse_parser.hh"

namespace {

constexpr std::size_t limit = 256;

void append(std::string& out, const mcpstate::http::sse_event& event, const std::string& id) {
  if (event.data.size() + event.name.size() > limit || id.size() > limit) std::abort();
  out += event.name + '\x01' + event.data + '\x02' + id + '\x03';
}

constexpr std::size_t own_bytes = 16 * 1024;  // two ids of 4 KB, and a line

// Reads, and lets go of each event at once.
void pass(std::string_view text) {
  mcpstate::http::sse_parser parser(text.size() + 1);
  const auto fed = parser.feed(text, [](const mcpstate::http::sse_event&) { return mcpstate::result<void>(); });
  static_cast<void>(fed.has_value());
  static_cast<void>(parser.finish().has_value());
}

std::string state_of(const mcpstate::http::sse_parser& parser) {
  const auto retry = parser.retry();
  if (retry && (retry->count() < 0 || *retry > std::chrono::hours(24))) std::abort();
  return parser.last_event_id() + '\x04' + (retry ? std::to_string(retry->count()) : "-");
}

// All events of a text that comes in two parts, each in pieces of this size; ends with '!' when the limit was passed.
std::string parse(std::string_view text, std::size_t cut, std::size_t piece) {
  mcpstate::http::sse_parser parser(limit);
  std::string out;
  for (std::string_view part : {text.substr(0, cut), text.substr(cut)}) {
    for (; !part.empty(); part.remove_prefix(std::min(piece, part.size()))) {
      const auto fed = parser.feed(part.substr(0, piece), [&](mcpstate::http::sse_event event) {
        append(out, event, parser.last_event_id());
        return mcpstate::result<void>();
      });
      if (!fed) return out + "!";
    }
  }
  if (const auto last = parser.finish()) append(out, *last, parser.last_event_id());
  return out + state_of(parser);
}

struct plain_parser {
  std::string out, name, data, id, retry = "-";
  bool has_data = false;

  void dispatch() {
    mcpstate::http::sse_event event;
    event.name = name;
    event.data = data;
    if (has_data) append(out, event, id);
    name.clear();
    data.clear();
    has_data = false;
  }
  void take_line(const std::string& line) {
    if (line.empty()) return dispatch();
    const std::size_t colon = line.find(':');
    const std::string field = line.substr(0, colon);
    std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
    if (!value.empty() && value[0] == ' ') value.erase(0, 1);
    if (field == "event") name = value;
    if (field == "id" && value.find('\0') == std::string::npos) id = value;
    if (field == "data") data += (has_data ? "\n" : "") + value;
    has_data = has_data || field == "data";
    const bool digits = !value.empty() && value.find_first_not_of("0123456789") == std::string::npos;
    if (field != "retry" || !digits) return;
    const std::string number = value.substr(std::min(value.find_first_not_of('0'), value.size() - 1));
    const std::string greatest = "9223372036854775807", day = "86400000";
    const auto above = [&](const std::string& other) {
      return number.size() != other.size() ? number.size() > other.size() : number > other;
    };
    if (!above(greatest)) retry = above(day) ? day : number;
  }
};

std::string parse_plainly(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  plain_parser parser;
  std::string line;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r' && text[i] != '\n') {
      line += text[i];
      continue;
    }
    parser.take_line(line);
    line.clear();
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
  }
  if (!line.empty()) parser.take_line(line);
  parser.dispatch();
  return parser.out + parser.id + '\x04' + parser.retry;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  MCPSTATE_FUZZ_EXPECT_HELD(size, own_bytes, pass(text));
  const std::string whole = parse(text, size, size + 1);
  const auto check = [&](const std::string& pieces) {
    if (pieces != whole) std::abort();
  };
  for (const std::size_t piece : {1U, 2U, 3U, 7U}) check(parse(text, size, piece));
  // Everywhere in a short text, in some places of a long one: a cut in the middle of any line, sooner or later.
  for (std::size_t cut = 0; cut <= size; cut += 1 + size / 64) check(parse(text, cut, size + 1));
  // Where the limit was passed, the events before that are the same.
  const bool over = whole.ends_with('!');
  if (!over) check(parse_plainly(text));
  return 0;
}
