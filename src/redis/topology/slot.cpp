// SPDX-License-Identifier: MIT
#include "redis/topology/slot.hh"

#include <array>
#include <cassert>
#include <cstddef>
#include <string>
#include <vector>

namespace mcpstate::redis {
namespace {

constexpr unsigned polynomial = 0x1021;
constexpr std::size_t stride = 8;  // bytes that are looked up at once

using table = std::array<std::uint16_t, 256>;

// tables[k][b] is the checksum of the byte b with k zero bytes behind it. Eight look-ups that do not wait for each other take
// the place of eight that do.
constexpr std::array<table, stride> make_tables() {
  std::array<table, stride> out{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc & 0x8000u) != 0 ? polynomial : 0u);
    out[0][byte] = static_cast<std::uint16_t>(crc);
  }
  for (std::size_t k = 1; k < stride; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const unsigned before = out[k - 1][byte];
      out[k][byte] = static_cast<std::uint16_t>((before << 8) ^ out[0][before >> 8]);
    }
  }
  return out;
}

constexpr std::array<table, stride> tables = make_tables();

// Counts through the texts of one length after the other until every slot has one.
std::vector<std::string> make_tags() {
  constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::vector<std::string> out(slot_count);
  std::size_t left = slot_count;
  for (std::size_t length = 1; left != 0; ++length) {
    std::size_t last = 1;
    for (std::size_t i = 0; i < length; ++i) last *= digits.size();
    std::string text(length, '0');
    for (std::size_t number = 0; number < last && left != 0; ++number) {
      std::size_t rest = number;
      for (std::size_t i = length; i-- > 0; rest /= digits.size()) text[i] = digits[rest % digits.size()];
      std::string& tag = out[crc16(text) % slot_count];
      if (!tag.empty()) continue;
      tag = text;
      --left;
    }
  }
  return out;
}

}  // namespace

const std::string& tag_of_slot(std::uint16_t slot) {
  static const std::vector<std::string> tags = make_tags();
  return tags.at(slot);
}

std::uint16_t crc16(std::string_view bytes) noexcept {
  unsigned crc = 0;
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t left = bytes.size();
  for (; left >= stride; left -= stride, at += stride) {
    crc =
        static_cast<unsigned>(tables[7][at[0] ^ (crc >> 8)] ^ tables[6][at[1] ^ (crc & 0xffu)] ^ tables[5][at[2]] ^
                              tables[4][at[3]] ^ tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^ tables[0][at[7]]);
  }
  for (; left != 0; --left, ++at) crc = ((crc << 8) & 0xffffu) ^ tables[0][(crc >> 8) ^ *at];
  return static_cast<std::uint16_t>(crc);
}

std::string_view hash_tag(std::string_view key) noexcept {
  const std::size_t open = key.find('{');
  if (open == std::string_view::npos) return key;
  const std::size_t close = key.find('}', open + 1);
  if (close == std::string_view::npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

std::uint16_t slot_of(std::string_view key) noexcept { return crc16(hash_tag(key)) % slot_count; }

result<std::uint16_t> common_slot(std::span<const std::string_view> keys) {
  assert(!keys.empty());
  const std::uint16_t first = slot_of(keys.front());
  for (const std::string_view key : keys.subspan(1)) {
    const std::uint16_t other = slot_of(key);
    if (other == first) continue;
    return error(errc::bug, "the keys of one request lie in the slots " + std::to_string(first) + " and " +
                                std::to_string(other) + ", and a cluster runs nothing that needs two");
  }
  return first;
}

}  // namespace mcpstate::redis
