// SPDX-License-Identifier: MIT
#include <cstdint>
#include <string>
#include <string_view>

#include <mcpstate/core/keys.hpp>

#include "fuzz/expect.hh"

// Any bytes as a name, and as a key: names survive their encoding, and what parses is rebuilt byte for byte.
namespace {

using namespace mcpstate;

void check_name(std::string_view raw) {
  MCPSTATE_FUZZ_EXPECT(decode_name(encode_name(raw)) == raw);
  if (const auto decoded = decode_name(raw)) MCPSTATE_FUZZ_EXPECT(encode_name(*decoded) == raw);
}

std::string rebuild(const key_space& keys, const key_space::parsed& parts) {
  switch (parts.field) {
    case key_field::connections:
      return keys.connections(parts.owner);
    case key_field::servers:
      return keys.servers(parts.owner);
    case key_field::staging:
      return keys.staging(parts.owner, parts.member, parts.nonce);
    default:
      return keys.server_key(parts.owner, parts.member, parts.field);
  }
}

void check_key(const key_space& keys, std::string_view key) {
  const auto parts = keys.parse(key);
  if (parts) MCPSTATE_FUZZ_EXPECT(rebuild(keys, *parts) == key);
  const auto any = keys.identify(key);
  MCPSTATE_FUZZ_EXPECT(!parts || any);
  if (any) MCPSTATE_FUZZ_EXPECT(keys.build(*any) == key);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const key_space plain = key_space::make().value();
  static const key_space tagged = key_space::make("mcp", key_layout::tagged).value();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_name(bytes);
  check_key(plain, bytes);
  check_key(tagged, bytes);
  check_key(plain, "mcp:user:" + std::string(bytes));
  check_key(plain, "mcp:user:42:server:" + std::string(bytes));
  check_key(tagged, "mcp:" + std::string(bytes));
  check_key(plain, "mcp:auth:user:42:server:" + std::string(bytes));
  const auto who = owner::user(bytes);
  if (who) check_key(tagged, tagged.servers(*who));
  if (who) MCPSTATE_FUZZ_EXPECT(plain.parse(plain.servers(*who))->owner == *who);
  return 0;
}
