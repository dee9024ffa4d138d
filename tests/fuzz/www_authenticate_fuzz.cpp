// SPDX-License-Identifier: MIT
// WWW-Authenticate, one value a line: whatever servers send is read within bounds; and what was read, written down as the
// grammar wants it, reads the same again.
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/text/ascii.hh"
#include "fuzz/expect.hh"
#include "http/token.hh"
#include "http/www_authenticate.hh"

namespace {

using namespace mcpstate;
using namespace mcpstate::http;

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    out.emplace_back(line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return out;
}

void check(const std::vector<auth_challenge>& read) {
  MCPSTATE_FUZZ_EXPECT(read.size() <= 16);
  for (const auth_challenge& each : read) {
    MCPSTATE_FUZZ_EXPECT(http::is_token(each.scheme) && each.scheme == mcpstate::ascii_lower(each.scheme));
    MCPSTATE_FUZZ_EXPECT(each.parameters.size() <= 32);
    std::set<std::string> names;
    for (const auto& [name, value] : each.parameters) {
      MCPSTATE_FUZZ_EXPECT(http::is_token(name) && name == mcpstate::ascii_lower(name) && names.insert(name).second);
      MCPSTATE_FUZZ_EXPECT(each.find(name) == value);
    }
  }
}

std::string written(const auth_challenge& challenge) {
  std::string out = challenge.scheme;
  if (!challenge.token68.empty()) out += " " + challenge.token68 + ",";
  for (const auto& [name, value] : challenge.parameters) {
    out += (out.back() == ',' || out.size() == challenge.scheme.size() ? " " : ", ") + name + "=\"";
    for (const char c : value) out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    out += '"';
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = http::parse_www_authenticate(lines_of(std::string_view(reinterpret_cast<const char*>(data), size)));
  check(read);
  if (const auto bearer = http::find_bearer(read)) MCPSTATE_FUZZ_EXPECT(!bearer->scope || bearer->scope->size() <= size);
  if (size > 4096) return 0;  // written down, it is longer
  std::vector<std::string> values;
  for (const auth_challenge& each : read) values.push_back(written(each));
  const auto again = http::parse_www_authenticate(values);
  MCPSTATE_FUZZ_EXPECT(again.size() == read.size());
  for (std::size_t i = 0; i < read.size(); ++i) {
    MCPSTATE_FUZZ_EXPECT(again[i].scheme == read[i].scheme && again[i].token68 == read[i].token68);
    MCPSTATE_FUZZ_EXPECT(again[i].parameters == read[i].parameters);
  }
  return 0;
}
