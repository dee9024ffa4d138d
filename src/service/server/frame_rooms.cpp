// SPDX-License-Identifier: MIT
#include "service/server/frame_rooms.hh"

namespace mcpstate::service {

frame_rooms::room frame_rooms::take(const std::string& account, const frame& text) {
  std::erase_if(rooms_, [](const auto& each) { return each.second.expired(); });
  if (const auto known = rooms_.find(text.get()); known != rooms_.end()) return known->second.lock();
  auto made = std::make_shared<byte_budget::reservation>(budget_.open(account));
  if (!made->resize(text->size())) return nullptr;
  rooms_.emplace(text.get(), made);
  return made;
}

}  // namespace mcpstate::service
