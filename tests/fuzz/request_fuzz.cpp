// SPDX-License-Identifier: MIT
// HTTP requests: where the bytes are cut makes no difference to what is understood, a body is never longer than its bytes,
// and nothing is read behind what was refused.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/expect.hh"
#include "service/http/request_reader.hh"
#include "service/http/url_path.hh"

namespace {

using mcpstate::service::request_reader;
using stage = request_reader::stage;

struct outcome {
  std::vector<std::string> requests;
  bool broken = false;
  std::size_t body_bytes = 0;
};

std::string show(const mcpstate::service::http_request& of) {
  std::string out = std::string(name_of(of.method)) + '\x01' + of.target + '\x01' + (of.keep_alive ? 'k' : 'c') + of.body;
  for (const auto* field : {&of.host, &of.authorization, &of.content_type, &of.origin, &of.if_match, &of.if_none_match})
    out += '\x02' + field->value_or("\x03");
  return out;
}

outcome read(std::string_view bytes, std::size_t piece) {
  outcome out;
  request_reader reader(512);
  for (; reader.current_stage() != stage::broken && !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    reader.feed(bytes.substr(0, piece));
    while (reader.current_stage() == stage::headed || reader.current_stage() == stage::done) {
      if (reader.current_stage() == stage::headed) reader.read_body(256);
      if (reader.current_stage() != stage::done) continue;
      const auto request = reader.take();
      out.body_bytes += request.body.size();
      out.requests.push_back(show(request));
      static_cast<void>(mcpstate::service::parse_target(request.target));
    }
  }
  out.broken = reader.current_stage() == stage::broken;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const outcome whole = read(bytes, size + 1);
  MCPSTATE_FUZZ_EXPECT(whole.body_bytes <= size);
  for (const std::size_t piece : {1U, 2U, 3U, 7U}) {
    const outcome pieces = read(bytes, piece);
    MCPSTATE_FUZZ_EXPECT(pieces.requests == whole.requests);
    // What is wrong may be seen only when more has arrived, but is never taken for right.
    MCPSTATE_FUZZ_EXPECT(whole.broken || !pieces.broken);
  }
  return 0;
}
