// SPDX-License-Identifier: MIT
// Backups: where the bytes are cut makes no difference to what is read, and what is read can be written down and read again.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "archive/backup_reader.hh"
#include "fuzz/expect.hh"

namespace {

using namespace mcpstate;

// What was read as a text to compare; '!' and the error where it failed.
std::string read_all(std::string_view bytes, std::size_t piece) {
  archive::backup_reader reader;
  std::string out;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    reader.feed(bytes.substr(0, piece));
    for (;;) {
      const auto some = reader.next();
      if (!some) return out + "!" + some.error().detail();
      if (!*some) break;
      for (const auto& one : (*some)->records) out += one.record.owner.text() + " " + one.record.member + "\n";
      for (const auto& one : (*some)->unusable) out += "? " + one.name + "\n";
    }
  }
  const auto whole = reader.finish();
  return whole ? out + "." : out + "!" + whole.error().detail();
}

// The body of a section, whose checksum a fuzzer could never guess.
void read_body(std::string_view body) {
  const auto got = archive::read_records(body);
  if (!got) return;
  for (const auto& one : got->records) {
    std::string again;
    archive::append_record(again, one.record, one.record.expires_at.value_or(timestamp{}));
    const auto twice = archive::read_records(again);
    MCPSTATE_FUZZ_EXPECT(twice && twice->records.size() == 1);
    const connection &was = one.record, &is = twice->records.front().record;
    MCPSTATE_FUZZ_EXPECT(is.owner == was.owner && is.member == was.member && is.state == was.state);
    MCPSTATE_FUZZ_EXPECT(is.revision == was.revision && is.connected_at == was.connected_at);
    MCPSTATE_FUZZ_EXPECT((is.tools != nullptr) == (was.tools != nullptr) && (!is.tools || *is.tools == *was.tools));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = read_all(bytes, size + 1);
  MCPSTATE_FUZZ_EXPECT(read_all(bytes, 1) == whole);
  MCPSTATE_FUZZ_EXPECT(read_all(bytes, 13) == whole);
  read_body(bytes);
  static_cast<void>(archive::decode_head(bytes));
  static_cast<void>(archive::decode_totals(bytes));
  return 0;
}
