// SPDX-License-Identifier: MIT
#include "service/routes/known_lists.hh"

#include "core/json/depth.hh"
#include "core/json/text.hh"

namespace mcpstate::service {

bool known_lists::is_list(std::string_view bytes, std::uint64_t digest) {
  if (valid_.contains(digest)) return true;
  if (!check_json(bytes, json_shape::array, json_depth_of_tools).ok) return false;
  if (valid_.size() >= max_size) valid_.clear();
  valid_.insert(digest);
  return true;
}

}  // namespace mcpstate::service
