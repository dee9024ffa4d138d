// SPDX-License-Identifier: MIT
#include "mcp/transport/message_room.hh"

#include <utility>

namespace mcpstate::mcp {

message_room::message_room(std::shared_ptr<byte_budget> budget, std::string owner) : budget_(std::move(budget)) {
  if (budget_) room_ = budget_->open(std::move(owner));
}

result<void> message_room::resize(std::size_t bytes) {
  const std::size_t counted = bytes > small_message_bytes ? bytes : 0;
  if (!budget_ || room_.resize(counted)) return result<void>();
  return error(errc::busy, "too many large messages of servers are under way; try again");
}

}  // namespace mcpstate::mcp
