// SPDX-License-Identifier: MIT
#pragma once
#include <map>
#include <memory>
#include <string>

#include <mcpstate/core/byte_budget.hpp>

#include "service/events/event_frames.hh"

// What frames of event streams take of the budget for answers while they are sent: each once, however many streams send it.
//
// Executor: one thread at a time. Lifetime: the budget outlives it and every room.
namespace mcpstate::service {

class frame_rooms {
 public:
  using room = std::shared_ptr<const byte_budget::reservation>;
  explicit frame_rooms(byte_budget& budget) : budget_(budget) {}

  // The room of a frame of this account; the last who has it gives it back. Whoever has it has the frame as well. Null: there is
  // none.
  [[nodiscard]] room take(const std::string& account, const frame& text);

 private:
  byte_budget& budget_;
  std::map<const std::string*, std::weak_ptr<const byte_budget::reservation>> rooms_;  // of frames that are being sent
};

}  // namespace mcpstate::service
