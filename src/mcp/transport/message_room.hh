// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <memory>
#include <string>

#include <mcpstate/core/byte_budget.hpp>
#include <mcpstate/core/error.hpp>

// What one message takes of the budget that clients share, while it arrives.
namespace mcpstate::mcp {

inline constexpr std::size_t small_message_bytes = 64UL * 1024;

class message_room {
 public:
  // budget: null where there is none. owner: whose share of it is taken.
  message_room(std::shared_ptr<byte_budget> budget, std::string owner);

  // So many bytes of the message are there now. Up to small_message_bytes take nothing. Failure: busy, where
  // there is no room for more.
  [[nodiscard]] result<void> resize(std::size_t bytes);

 private:
  std::shared_ptr<byte_budget> budget_;  // outlives room_
  byte_budget::reservation room_;
};

}  // namespace mcpstate::mcp
