// SPDX-License-Identifier: MIT
// HTTP answers: where the bytes are cut makes no difference to what is understood, and a body is never longer than its
// bytes.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/held.hh"
#include "http/answer_reader.hh"

namespace {

const std::vector<std::string> wanted = {"mcp-session-id", "x"};

struct outcome {
  std::string body, head;
  bool failed = false, has_head = false, done = false, keeps = false, ended = false;
};

std::string show(const mcpstate::http::head& head) {
  std::string out = std::to_string(head.status) + '\x01' + head.content_type + '\x01' + head.content_encoding + '\x01' +
                    head.location + '\x01' + head.retry_after;
  for (const auto& [name, value] : head.others) out += '\x03' + name + '\x01' + value;
  for (const std::string& one : head.www_authenticate) out += '\x02' + one;
  return out;
}

outcome read(std::string_view bytes, std::size_t piece) {
  outcome out;
  mcpstate::http::answer_reader reader("h", wanted);
  for (; !out.failed && !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
    out.failed = !reader.feed(bytes.substr(0, piece), out.body);
  out.has_head = reader.has_head();
  if (out.has_head) out.head = show(reader.head());
  if (out.failed) return out;
  out.done = reader.done();
  out.keeps = reader.keeps_connection();
  out.ended = reader.end().has_value();
  MCPSTATE_FUZZ_EXPECT(!out.done || out.ended);
  return out;
}

constexpr std::size_t own_bytes = 64 * 1024;  // Beast's parser, and a head

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  MCPSTATE_FUZZ_EXPECT_HELD(size, own_bytes, read(bytes, 64));
  const outcome whole = read(bytes, size + 1);
  MCPSTATE_FUZZ_EXPECT(whole.body.size() <= size);
  for (const std::size_t piece : {1U, 2U, 3U, 7U}) {
    const outcome pieces = read(bytes, piece);
    // What is wrong may be seen only when more has arrived, but is never taken for right.
    MCPSTATE_FUZZ_EXPECT(!whole.failed || !pieces.done);
    if (whole.failed) continue;
    MCPSTATE_FUZZ_EXPECT(pieces.failed == whole.failed && pieces.done == whole.done && pieces.keeps == whole.keeps);
    MCPSTATE_FUZZ_EXPECT(pieces.body == whole.body && pieces.has_head == whole.has_head && pieces.head == whole.head);
    MCPSTATE_FUZZ_EXPECT(pieces.ended == whole.ended);
  }
  return 0;
}
