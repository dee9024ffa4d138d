// SPDX-License-Identifier: MIT
#include "service/routes/known_lists.hh"

#include "core/json/text.hh"

namespace mcpstate::service {

namespace {

constexpr std::size_t max_tools_depth = 64;

}  // namespace

bool known_lists::is_list(std::string_view bytes, std::uint64_t digest) {
  if (valid_.contains(digest)) return true;
  if (!check_json(bytes, json_shape::array, max_tools_depth).ok) return false;
  if (valid_.size() >= max_size) valid_.clear();
  valid_.insert(digest);
  return true;
}

}  // namespace mcpstate::service
