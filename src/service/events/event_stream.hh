// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <vector>

#include <mcpstate/store.hpp>

#include "service/events/event_frames.hh"

// What one subscriber is sent for the events of its watch. Pure.
//
// A snapshot is one text. A subscriber that has fallen behind begins anew with a resync; if it falls behind again before it
// has caught up, its stream ends. It is told of an outage once, until it has a snapshot again.
namespace mcpstate::service {

class event_stream {
 public:
  enum class lag { none, resynced, dropped };
  struct step {
    frame text = nullptr;  // null: nothing is sent for this event
    lag outcome = lag::none;
  };

  // frames: of the owner; the same each time.
  [[nodiscard]] step take(const result<event>& received, event_frames& frames);
  // The store cannot be watched.
  [[nodiscard]] step take_outage(const error& why, event_frames& frames);
  // There is nothing more to take now.
  void caught_up() noexcept { catching_up_ = false; }
  // Nothing will be sent any more.
  [[nodiscard]] bool ended() const noexcept { return ended_; }

 private:
  [[nodiscard]] step take_change(const event& change, event_frames& frames);
  void begin_snapshot(frame resync);

  using parts = std::vector<frame>;
  std::unique_ptr<parts> snapshot_ = std::make_unique<parts>();  // null: it has been sent
  bool outage_told_ = false;
  bool catching_up_ = false;  // it fell behind, got a new snapshot, and has not read everything since
  bool ended_ = false;
};

}  // namespace mcpstate::service
