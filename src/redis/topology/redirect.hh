// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string_view>

#include "redis/error_meaning.hh"
#include "redis/reply.hh"
#include "redis/topology/endpoint.hh"

// What an error reply says about who should have been asked, or when. Pure.
namespace mcpstate::redis {

// A command that was refused has not run, but for `interrupted`.
struct refusal {
  refusal() {}
  refusal_kind kind = refusal_kind::none;
  // Of moved and ask. One whose words cannot be understood has an unknown target.
  std::uint16_t slot = 0;
  announced_endpoint target;
};

[[nodiscard]] refusal read_refusal(const reply& answer);

// For people, as the end of a sentence: "the slot is being moved". Not for none.
[[nodiscard]] std::string_view words_of(refusal_kind kind) noexcept;
// The code of an error when nothing but this was heard until the deadline. Not for none.
[[nodiscard]] errc code_of(refusal_kind kind) noexcept;

}  // namespace mcpstate::redis
