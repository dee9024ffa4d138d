// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <mcpstate/store.hpp>

// The encoded frames of one owner's events, shared by all who are sent them. Pure.
namespace mcpstate::service {

using frame = std::shared_ptr<const std::string>;

class event_frames {
 public:
  // The frame of an event that has a record. Each event is encoded once: its frame stays for as long as the record does,
  // which the watchers of the store share as well.
  [[nodiscard]] frame encode(const event& change);
  // The store cannot be reached.
  [[nodiscard]] frame unavailable(const error& why);
  // These frames in one text. It is shared while somebody has it; the readers that are about to send it own it.
  [[nodiscard]] frame join(std::vector<frame> parts);

  [[nodiscard]] static const frame& ready();
  [[nodiscard]] static const frame& resync();
  // The same with why it is one; a static text.
  [[nodiscard]] frame resync(std::string_view remark);

  // Frames of events that are held.
  [[nodiscard]] std::size_t size() const noexcept { return frames_.size(); }

 private:
  struct joined_text {
    std::vector<frame> parts;
    std::string text;
  };
  std::map<std::weak_ptr<const connection>, frame, std::owner_less<>> frames_;
  std::size_t limit_ = 0;                                 // with so many frames, those of records that are gone are dropped
  std::weak_ptr<const joined_text> snapshot_, resynced_;  // the last text without and with a resync in front
  frame unavailable_, remarked_resync_;
};

}  // namespace mcpstate::service
