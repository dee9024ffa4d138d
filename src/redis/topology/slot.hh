// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <mcpstate/core/error.hpp>

// The hash slots of a Redis Cluster: which of the 16384 a key lies in. Pure.
namespace mcpstate::redis {

inline constexpr std::uint16_t slot_count = 16384;

// CRC-16/XMODEM, the checksum whose lowest 14 bits are the slot.
[[nodiscard]] std::uint16_t crc16(std::string_view bytes) noexcept;

// The part of a key that decides its slot: what stands between the first { and the first } behind it, unless that is
// nothing; else the whole key.
[[nodiscard]] std::string_view hash_tag(std::string_view key) noexcept;

[[nodiscard]] std::uint16_t slot_of(std::string_view key) noexcept;

// The shortest text of digits and lower-case letters that lies in this slot, the first of them in their order: "6", "1bz". At
// most four bytes. A key with this tag shares the slot. The first call takes some milliseconds.
[[nodiscard]] const std::string& tag_of_slot(std::uint16_t slot);

// The slot that all these keys lie in; there is at least one. Failure: bug, with the slots and without the keys, which may
// be secret: a cluster runs nothing that needs two slots.
[[nodiscard]] result<std::uint16_t> common_slot(std::span<const std::string_view> keys);

}  // namespace mcpstate::redis
